//! Passes of exact algebra change no byte: every program yields the same without any of them, and without all.

use fastrand::Rng;
use tinderbox::compile::{Options, compile};
use tinderbox::graph::{Graph, Padding, Stride};
use tinderbox::import::import;
use tinderbox::lower::Kernels;
use tinderbox::passes::{Pass, Passes};
use tinderbox::run::{Results, host};
use tinderbox_tests::layers::{Builder, random_layers};
use tinderbox_tests::network::random_network;
use tinderbox_tests::{models, shared};

/// How often each pass did something.
type Counts = [usize; Pass::ALL.len()];

/// Runs `graph` with all passes, and without each and all of them.
fn compare(graph: &Graph, values: &[Vec<Vec<u8>>], counts: &mut Counts) {
    let inferences: Vec<Vec<&[u8]>> = values.iter().map(|inputs| inputs.iter().map(Vec::as_slice).collect()).collect();
    let mut run = |without: &[Pass]| -> Results {
        let passes = Passes::without(without);
        let options = Options { kernels: Kernels::Armv7em, passes, ..Options::default() };
        let image = compile(graph, &options).expect("compiles");
        for pass in without {
            assert_eq!(image.gains().count(*pass), 0, "{}: {pass:?} ran", graph.name);
        }
        for (count, pass) in counts.iter_mut().zip(Pass::ALL) {
            *count += image.gains().count(pass);
        }
        host::run(&image, &inferences, false).expect("runs")
    };
    let expected = run(&Pass::ALL);
    assert!(run(&[]) == expected, "{}: the passes change the outputs", graph.name);
    for pass in Pass::ALL {
        assert!(run(&[pass]) == expected, "{}: without {pass:?} the outputs are others", graph.name);
    }
}

#[test]
fn random_networks_yield_the_same_bytes_without_each_pass() {
    let mut counts = Counts::default();
    for seed in 0..60 {
        for (graph, values) in [random_layers(seed, 1), random_network(seed), silent_network(seed)] {
            compare(&graph, &values, &mut counts);
        }
    }
    assert!(counts.iter().all(|count| *count > 0), "a pass was never needed: {counts:?}");
}

#[test]
fn real_models_yield_the_same_bytes_without_each_pass() {
    let Some(shared) = shared() else { return };
    let mut counts = Counts::default();
    for file in models(&shared.join("data/models/mlperf_tiny")) {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        if !name.ends_with("_int8") {
            continue;
        }
        let graph = import(&file).expect("a public model");
        let values = Builder { graph: graph.clone(), rng: Rng::with_seed(1) }.values(3);
        compare(&graph, &values, &mut counts);
    }
    let of = |pass: Pass| counts[pass as usize];
    assert!(of(Pass::Channels) > 0 && of(Pass::Requantization) > 0 && of(Pass::Addition) > 0, "{counts:?}");
}

/// A padded convolution some of whose channels are constant, an operator that moves nothing, another convolution.
fn silent_network(seed: u64) -> (Graph, Vec<Vec<Vec<u8>>>) {
    let mut b = Builder::new(seed);
    let (one, kernel) = (Stride { h: 1, w: 1 }, (2, 3));
    let (height, width) = (b.rng.usize(1..9), b.rng.usize(3..9));
    let input = b.input(&[1, height, width, 4]);
    let padded = b.pad_rows(input, 1, 1);
    let found = b.conv(padded, 8, kernel, one, Padding::Valid).expect("fits");
    silence(&mut b.graph, 5);
    let found = b.slice_all(found);
    let output = b.conv(found, 6, kernel, one, Padding::Same).expect("fits");
    b.output(output);
    let values = b.values(4);
    (b.graph, values)
}

/// Gives the first `channels` channels of the last convolution weights of zero.
fn silence(graph: &mut Graph, channels: usize) {
    let weights = graph.nodes.last().and_then(|node| node.inputs[1]).expect("a convolution");
    let weights = &mut graph.tensors[weights];
    let mut data = weights.data.as_deref().expect("constant weights").to_vec();
    let filter = data.len() / weights.shape[0];
    data[..channels * filter].fill(0);
    weights.data = Some(data.into());
}
