//! Emulated boards: the same bytes as the portable kernels on the host.

use std::collections::BTreeMap;
use tinderbox::compile::{Options, compile};
use tinderbox::graph::Graph;
use tinderbox::import::import;
use tinderbox::lower::{InputMode, Kernels};
use tinderbox::run::firmware::RunnerOptions;
use tinderbox::run::{board, host, stream};
use tinderbox::stream::interface;
use tinderbox::target;
use tinderbox_tests::layers::{narrow_weights, random_layers, random_sparse_layer};
use tinderbox_tests::shared;
use tinderbox_tests::variants::every_variant;

#[test]
fn armv7em_kernels_equal_the_portable_ones() {
    let (graph, values) = random_layers(1, 48);
    every_variant_equals_the_portable_one(&graph, &values);
}

#[test]
fn armv7em_kernels_of_int4_weights_equal_the_portable_ones() {
    let (mut graph, values) = random_layers(2, 48);
    narrow_weights(&mut graph);
    every_variant_equals_the_portable_one(&graph, &values);
}

fn every_variant_equals_the_portable_one(graph: &Graph, values: &[Vec<Vec<u8>>]) {
    let machine = target::board("mps2-an386").expect("the board is described");
    let inferences: Vec<Vec<&[u8]>> = values.iter().map(|inputs| inputs.iter().map(Vec::as_slice).collect()).collect();
    let expected = host::run(&every_variant(graph, Kernels::Portable)[0], &inferences, false).expect("runs");
    for image in every_variant(graph, Kernels::Armv7em) {
        let found = board::run(&machine, graph, &image, &inferences, RunnerOptions::default()).expect("runs").0;
        for (layer, node) in image.nodes().enumerate() {
            let same = found.iter().zip(&expected).all(|(found, expected)| found[layer] == expected[layer]);
            assert!(same, "layer {layer}: {} differs for {:?}", node.layer.kernel.symbol, graph.nodes[layer].op);
        }
    }
}

#[test]
fn sparse_kernels_equal_the_dense_ones() {
    let machine = target::board("mps2-an386").expect("the board is described");
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..40 {
        let (graph, values) = random_sparse_layer(seed);
        let inferences: Vec<Vec<&[u8]>> =
            values.iter().map(|inputs| inputs.iter().map(Vec::as_slice).collect()).collect();
        let expected = host::run(&every_variant(&graph, Kernels::Portable)[0], &inferences, false).expect("runs");
        for image in every_variant(&graph, Kernels::Armv7em) {
            let kernel = image.nodes().next().expect("a layer").layer.kernel.symbol;
            if kernel.starts_with("tbx_armv7em") && kernel.contains("sparse") {
                let options = RunnerOptions::default();
                let found = board::run(&machine, &graph, &image, &inferences, options).expect("runs").0;
                assert!(found == expected, "seed {seed}: {kernel} differs for {:?}", graph.nodes[0].op);
                *times.entry(kernel).or_default() += 1;
            }
        }
    }
    assert!(times.len() == 2 && times.values().all(|times| *times >= 8), "{times:?}");
}

/// A stream on a board: the outputs of the host, and in the steady state a frame costs a row of every layer.
#[test]
fn streams_cost_a_row_per_layer_and_frame() {
    let Some(shared) = shared() else { return };
    let machine = target::board("mps2-an386").expect("the board is described");
    let graph = import(&shared.join("data/models/mlperf_tiny/sww_ref_int8.tflite")).expect("imports");
    let options = |kernels| Options { input_mode: InputMode::Stream, kernels, ..Options::default() };
    let image = |kernels| compile(&graph, &options(kernels)).expect("compiles");
    let mut random = fastrand::Rng::with_seed(4);
    let frames: Vec<u8> = (0..40 * 600).map(|_| random.u8(..)).collect();
    let rows: Vec<&[u8]> = frames.chunks(40).collect();
    let expected = stream::run(&image(Kernels::Portable), &rows).expect("runs");
    let seen = interface(&graph).expect("streams");
    let (found, measured) =
        board::run_stream(&machine, &seen, &image(Kernels::Armv7em), &rows, RunnerOptions::default()).expect("runs");
    assert!(found == expected && found.len() == 600 - 29);
    eprintln!("{} instructions a frame", measured.instructions);
    assert!(measured.instructions <= 75_000, "{} instructions a frame", measured.instructions);
}
