//! Kernels for instruction sets against the portable ones, on random layers: the same bytes. Of the device's kernels
//! the twins in plain Rust run here; `boards.rs` runs the assembly.

use tinderbox::compile::{Options, compile};
use tinderbox::graph::Graph;
use tinderbox::lower::{Algorithm, InputMode, Kernels, Lowerer, Selection, Variant};
use tinderbox::plan;
use tinderbox::program::Image;
use tinderbox::run::host;
use tinderbox_runtime::kernels::host::instruction_set;
use tinderbox_tests::layers::{random_layer, random_sparse_layer};

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

/// Every way to compute a layer with zeros, those that leave them out among them.
#[test]
fn sparse_kernels_equal_the_dense_ones() {
    let mut sparse = 0;
    for seed in 0..300 {
        let (graph, values) = random_sparse_layer(seed);
        let inferences: Vec<Vec<&[u8]>> =
            values.iter().map(|inputs| inputs.iter().map(Vec::as_slice).collect()).collect();
        let portable =
            compile(&graph, &Options { kernels: Kernels::Portable, ..Options::default() }).expect("compiles");
        let expected = host::run(&portable, &inferences, false).expect("runs");
        for kernels in [Kernels::Portable, Kernels::Armv7em] {
            for (variant, image) in images(&graph, kernels) {
                let found = host::run(&image, &inferences, false).expect("runs");
                assert!(found == expected, "seed {seed}: {variant:?} of {kernels:?} differs");
                sparse += usize::from(variant.algorithm == Algorithm::Sparse);
            }
        }
    }
    assert!(sparse >= 500, "{sparse} sparse variants");
}

/// A network of one layer in all its variants.
fn images(graph: &Graph, kernels: Kernels) -> Vec<(Variant, Image)> {
    let lowerer = Lowerer::new(graph, InputMode::Whole, kernels);
    let variants = lowerer.lower(&Selection::default()).expect("lowers").variants[0].clone();
    let image = |variant: &Variant| {
        let lowered = lowerer.lower(&Selection::from([(0, *variant)])).expect("lowers");
        let plan = plan::plan(&lowered.flow, &plan::Options::default()).expect("plans");
        (*variant, Image::new(lowered, plan))
    };
    variants.iter().map(image).collect()
}
