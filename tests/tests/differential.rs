//! Random small networks against TensorFlow Lite Micro itself: the same bytes, whatever the kernels, the way of the input,
//! the segments and the passes. `GRAPHS` asks for more networks, `SEED` for others.

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use tinderbox::compile::{Options, compile};
use tinderbox::graph::Graph;
use tinderbox::lower::{InputMode, Kernels};
use tinderbox::passes::{Pass, Passes};
use tinderbox::plan::{self, Grouping};
use tinderbox::run::host;
use tinderbox::{export, import};
use tinderbox_tests::network::{Network, network, rng};
use tinderbox_tests::tflm::{Refused, Tflm};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Of the networks, those that TFLM cannot run.
const MOST_REFUSED: f64 = 0.02;

#[test]
fn random_networks_equal_tflm() {
    let Some(tflm) = Tflm::start() else { return };
    let tflm = RefCell::new(tflm);
    let (refused, operators) = (RefCell::new(BTreeMap::new()), RefCell::new(BTreeMap::new()));
    let graphs = number("GRAPHS", 300);
    let config = Config { cases: graphs as u32, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng(number("SEED", 0)));
    let result = runner.run(&network(), |network| {
        let (graph, values) = network.build();
        graph.validate().map_err(|error| TestCaseError::fail(format!("not a network: {error}")))?;
        let inferences: Vec<Vec<&[u8]>> = values.iter().map(|i| i.iter().map(Vec::as_slice).collect()).collect();
        let model = export::to_bytes(&graph);
        match tflm.borrow_mut().run(&model, &inferences, graph.outputs.len()) {
            Ok(wanted) => equals(&model, &inferences, &wanted).map_err(TestCaseError::fail)?,
            Err(Refused(why)) => *refused.borrow_mut().entry(why).or_insert(0) += 1,
        }
        graph.nodes.iter().for_each(|node| *operators.borrow_mut().entry(node.op.name()).or_insert(0) += 1);
        Ok(())
    });
    if let Err(TestError::Fail(why, network)) = result {
        panic!("{why}\n{} shows it: {network:?}", keep(&network));
    }
    let (refused, operators): (BTreeMap<String, u32>, BTreeMap<&str, u32>) = (refused.take(), operators.take());
    eprintln!("{graphs} networks; TFLM refused: {refused:?}; operators: {operators:?}");
    assert!(f64::from(refused.values().sum::<u32>()) <= MOST_REFUSED * graphs as f64, "TFLM refuses too many");
}

/// Compares what a model file computes, compiled in several ways.
fn equals(model: &[u8], inferences: &[Vec<&[u8]>], wanted: &[u8]) -> Result<(), String> {
    let graph = import::import_bytes("network", model).map_err(|error| error.to_string())?;
    for options in ways() {
        let image = compile(&graph, &options).map_err(|error| error.to_string())?;
        let found = host::run(&image, inferences, false).map_err(|error| error.to_string())?;
        if found.concat().concat() != wanted {
            let Options { kernels, input_mode, plan, .. } = options;
            return Err(format!("{kernels:?} kernels, {input_mode:?} input, {plan:?}: differs from TFLM"));
        }
    }
    Ok(())
}

fn ways() -> [Options; 3] {
    let by_layer = plan::Options { grouping: Grouping::Single, no_fresh_rows: true };
    [
        Options::default(),
        Options { kernels: Kernels::Armv7em, input_mode: InputMode::Rows, ..Options::default() },
        Options {
            input_mode: InputMode::Rows,
            plan: by_layer,
            passes: Passes::without(&Pass::ALL),
            ..Options::default()
        },
    ]
}

/// Stores a network's model, and tells where.
fn keep(network: &Network) -> String {
    let (graph, _): (Graph, _) = network.build();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differs.tflite");
    std::fs::write(&file, export::to_bytes(&graph)).expect("write the model");
    file.display().to_string()
}
