//! Kernels for instruction sets against the portable ones, on random layers: the same bytes. Of the device's kernels
//! the twins in plain Rust run here; `boards.rs` runs the assembly.

use tinderbox::compile::{Options, compile};
use tinderbox::lower::Kernels;
use tinderbox::run::host;
use tinderbox_runtime::kernels::host::instruction_set;
use tinderbox_tests::layers::random_layer;

#[test]
fn armv7em_twins_equal_the_portable_kernels() {
    compare(Kernels::Armv7em, "tbx_armv7em");
}

#[test]
fn host_kernels_equal_the_portable_kernels() {
    eprintln!("vectors: {}", instruction_set());
    compare(Kernels::Host, "tbx_host");
}

/// Compares `kernels`, whose names begin with `prefix`, with the portable ones.
fn compare(kernels: Kernels, prefix: &str) {
    let (mut special, mut total) = (0, 0);
    for seed in 0..600 {
        let (graph, values) = random_layer(seed);
        let inferences: Vec<Vec<&[u8]>> =
            values.iter().map(|inputs| inputs.iter().map(Vec::as_slice).collect()).collect();
        let run = |kernels| {
            let image = compile(&graph, &Options { kernels, ..Options::default() }).expect("compiles");
            let symbols: Vec<&str> = image.nodes().map(|node| node.layer.kernel.symbol).collect();
            (host::run(&image, &inferences, false).expect("runs"), symbols)
        };
        let (expected, _) = run(Kernels::Portable);
        let (found, symbols) = run(kernels);
        total += 1;
        special += usize::from(symbols[0].starts_with(prefix));
        assert!(found == expected, "seed {seed}: {:?} differs", graph.nodes[0].op);
    }
    // Layers that the kernels leave to the portable ones are the exception.
    assert!(special * 3 > total, "{special} of {total}");
    eprintln!("{special} of {total} layers had a kernel of their own");
}
