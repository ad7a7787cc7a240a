//! Emulated boards: the same bytes as the portable kernels on the host.

use tinderbox::compile::{Options, compile};
use tinderbox::lower::Kernels;
use tinderbox::run::firmware::RunnerOptions;
use tinderbox::run::{board, host};
use tinderbox::target;
use tinderbox_tests::layers::random_layer;

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
