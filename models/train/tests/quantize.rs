//! What `quantize` writes runs in TensorFlow Lite Micro and yields the bytes that it does here.

mod common;

use common::shared;
use std::path::Path;
use std::process::Command;
use tinderbox::compile::{Options, compile};
use tinderbox::export::export;
use tinderbox::graph::{DType, Graph, Node, Op};
use tinderbox::import::import;
use tinderbox::run::host;
use tinderbox::run::npy::{self, Array};
use tinderbox_train::data::{Inputs, Units};
use tinderbox_train::model::Model;
use tinderbox_train::quantize::range::Method;
use tinderbox_train::quantize::{self, quantize};

/// Float models, and by what their golden inputs are to be taken.
const MODELS: [&str; 3] = ["mlperf_tiny/ic_resnet8_f32", "mlperf_tiny/vww_96_f32", "gesture/magicwand5_f32"];

/// A Python with the package tflite-micro.
fn python() -> Option<String> {
    let python = std::env::var("TINDERBOX_TFLM_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_it =
        Command::new(&python).args(["-c", "import tflite_micro"]).output().is_ok_and(|out| out.status.success());
    has_it.then_some(python)
}

#[test]
fn quantized_models_run_in_tflm() {
    let Some(shared) = shared() else { return };
    let Some(python) = python() else {
        return eprintln!("SKIPPED: needs tflite-micro in TINDERBOX_TFLM_PYTHON");
    };
    let folder = tempfile::tempdir().expect("a folder for results");
    for model in MODELS {
        let graph = import(&shared.join("data/models").join(format!("{model}.tflite"))).expect(model);
        let golden = shared.join("data/golden").join(model.rsplit('/').next().expect("a name"));
        let examples = Inputs::read(&golden.join("input.npy"), Units { scale: 1.0, zero_point: 0.0 }).expect(model);
        let layers: Vec<String> =
            graph.nodes.iter().filter(|node| has_int16(node)).map(|node| node.name.clone()).collect();
        let some = [layers[..2].to_vec(), layers[layers.len() / 2..][..2].to_vec()].concat();
        let default = quantize::Options::default();
        let variants = [
            default.clone(),
            quantize::Options { method: Method::Mse, weight_bits: 4, equalize: true, ..default.clone() },
            quantize::Options { int4: some[2..].to_vec(), int16: some[..2].to_vec(), ..default.clone() },
            quantize::Options { int16: layers, ..default },
        ];
        for options in variants {
            let quantized = quantize(&graph, &examples, &options).expect(model).graph;
            let stored = store(&quantized, &examples);
            let here = here(&quantized, &stored);
            assert_eq!(in_tflm(&python, &shared, folder.path(), &quantized, &stored), here, "{model}, {options:?}");
        }
    }
}

/// The zoo's Fashion-MNIST network and noise to show it.
fn fashion() -> (Graph, Inputs) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../zoo/fashion/fashion_float.tflite");
    let graph = import(path.as_ref()).expect("the zoo's model");
    let mut random = fastrand::Rng::with_seed(5);
    let data = (0..32 * 28 * 28).map(|_| random.u8(..)).collect();
    let images = Array { shape: vec![32, 28, 28, 1], dtype: DType::U8, data };
    (graph, Inputs::new(images, Units { scale: 1.0 / 255.0, zero_point: 0.0 }))
}

#[test]
fn sixteen_bits_come_closer_than_eight() {
    let (graph, examples) = fashion();
    let outputs = |graph: Graph| Model::new(graph).expect("runs").outputs(&examples).expect("runs").concat();
    let wanted = outputs(graph.clone());
    let distance = |int16: Vec<String>| {
        let options = quantize::Options { int16, ..quantize::Options::default() };
        let got = outputs(quantize(&graph, &examples, &options).expect("has integer forms").graph);
        wanted.iter().zip(got).map(|(wanted, got)| (wanted - got).abs()).sum::<f32>()
    };
    let layers = graph.nodes.iter().filter(|node| has_int16(node)).map(|node| node.name.clone()).collect();
    assert!(distance(layers) < 0.7 * distance(vec![]));
}

#[test]
fn layers_that_can_do_with_four_bits_get_them() {
    let (graph, examples) = fashion();
    let bits = |int4_above: f64| -> Vec<u8> {
        let options = quantize::Options { int4_above: Some(int4_above), ..quantize::Options::default() };
        let layers = quantize(&graph, &examples, &options).expect("has integer forms").sensitivity;
        assert!(layers.iter().all(|layer| layer.weight_bits == 8 || layer.decibels >= int4_above));
        layers.iter().map(|layer| layer.weight_bits).collect()
    };
    let [none, some, all] = [f64::INFINITY, 20.0, f64::NEG_INFINITY].map(bits);
    assert!(none.iter().all(|bits| *bits == 8) && all[1..all.len() - 1].iter().all(|bits| *bits == 4));
    assert!(some.contains(&4) && some[1..some.len() - 1].contains(&8), "{some:?}");
}

/// Operators that TensorFlow Lite Micro has in int16.
fn has_int16(node: &Node) -> bool {
    matches!(
        node.op,
        Op::Conv2d { .. }
            | Op::DepthwiseConv2d { .. }
            | Op::FullyConnected { .. }
            | Op::Add { .. }
            | Op::AveragePool2d { .. }
            | Op::MaxPool2d { .. }
            | Op::Softmax { .. }
    )
}

/// The examples as the model's input stores them.
fn store(graph: &Graph, examples: &Inputs) -> Array {
    let input = &graph.tensors[graph.inputs[0]];
    let data = tinderbox_train::model::store(input, &examples.take(0..examples.len()));
    Array { shape: [&[examples.len()], &input.shape[1..]].concat(), dtype: input.dtype, data }
}

fn here(graph: &Graph, inputs: &Array) -> Vec<u8> {
    let image = compile(graph, &Options::default()).expect("quantized models compile");
    let bytes = inputs.data.len() / inputs.shape[0];
    let inferences: Vec<Vec<&[u8]>> = inputs.data.chunks(bytes).map(|input| vec![input]).collect();
    host::run(&image, &inferences, false).expect("runs").concat().concat()
}

fn in_tflm(python: &str, shared: &Path, folder: &Path, graph: &Graph, inputs: &Array) -> Vec<u8> {
    let [model, input, output] = ["model.tflite", "input.npy", "output.npy"].map(|name| folder.join(name));
    export(graph, &model).expect("writes");
    npy::write(std::fs::File::create(&input).expect("creates"), inputs).expect("writes");
    let script = shared.join("tools/oracle.py");
    let run =
        Command::new(python).arg(script).arg(&model).arg("--input").arg(&input).arg("--output").arg(&output).output();
    let run = run.expect("python starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    npy::read(&output).expect("reads").data
}
