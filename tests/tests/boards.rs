//! Emulated boards: the same bytes as the portable kernels on the host.

use tinderbox::compile::{Options, compile};
use tinderbox::import::import;
use tinderbox::lower::{InputMode, Kernels};
use tinderbox::run::firmware::RunnerOptions;
use tinderbox::run::{board, host, stream};
use tinderbox::stream::interface;
use tinderbox::target;
use tinderbox_tests::layers::random_layer;
use tinderbox_tests::shared;

#[test]
fn armv7em_kernels_equal_the_portable_ones() {
    let machine = target::board("mps2-an386").expect("the board is described");
    let seeds = std::env::var("SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(24);
    for seed in 0..seeds {
        let (graph, values) = random_layer(seed);
        let inferences: Vec<Vec<&[u8]>> =
            values.iter().map(|inputs| inputs.iter().map(Vec::as_slice).collect()).collect();
        let image = |kernels| compile(&graph, &Options { kernels, ..Options::default() }).expect("compiles");
        let expected = host::run(&image(Kernels::Portable), &inferences, false).expect("runs");
        let special = image(Kernels::Armv7em);
        let (found, measured) =
            board::run(&machine, &graph, &special, &inferences, RunnerOptions::default()).expect("runs");
        eprintln!(
            "{seed} {} {:?} {:?}",
            special.nodes().next().unwrap().layer.kernel.symbol,
            graph.nodes[0].op,
            measured
        );
        assert!(found == expected, "seed {seed}: {:?} differs", graph.nodes[0].op);
    }
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
