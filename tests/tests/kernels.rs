//! Kernels for instruction sets against the portable ones, on random layers: the same bytes. Of the device's kernels
//! the twins in plain Rust run here; `boards.rs` runs the assembly.

use std::collections::BTreeMap;
use tinderbox::lower::Kernels;
use tinderbox::run::host;
use tinderbox_runtime::kernels::host::instruction_set;
use tinderbox_tests::layers::{narrow_weights, random_layers, random_sparse_layer};
use tinderbox_tests::variants::every_variant;

#[test]
fn armv7em_twins_equal_the_portable_kernels() {
    let times = compare(Kernels::Armv7em);
    for kernel in [
        "conv_2d",
        "conv_narrow",
        "conv_3x3",
        "depthwise_3x3",
        "depthwise_3x3_by_2",
        "depthwise",
        "depthwise_column",
        "fully_connected",
        "fully_connected_small",
        "fully_connected_wide",
    ] {
        assert!(times.get(&*format!("tbx_armv7em_{kernel}_s8")) >= Some(&10), "{kernel} has hardly been tried");
    }
}

#[test]
fn host_kernels_equal_the_portable_kernels() {
    eprintln!("vectors: {}", instruction_set());
    let times = compare(Kernels::Host);
    let special: usize = times.iter().filter(|(name, _)| name.starts_with("tbx_host")).map(|(_, times)| times).sum();
    assert!(special >= 200, "{special} layers had a kernel of their own");
}

/// Compares `kernels` with the portable ones; tells how often each was tried.
fn compare(kernels: Kernels) -> BTreeMap<&'static str, usize> {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..800 {
        let (graph, values) = random_layers(seed, 1);
        let inferences: Vec<Vec<&[u8]>> =
            values.iter().map(|inputs| inputs.iter().map(Vec::as_slice).collect()).collect();
        let expected = host::run(&every_variant(&graph, Kernels::Portable)[0], &inferences, false).expect("runs");
        for image in every_variant(&graph, kernels) {
            let kernel = image.nodes().next().expect("a layer").layer.kernel.symbol;
            *times.entry(kernel).or_default() += 1;
            let found = host::run(&image, &inferences, false).expect("runs");
            assert!(found == expected, "seed {seed}: {kernel} differs for {:?}", graph.nodes[0].op);
        }
    }
    eprintln!("{times:?}");
    times
}

/// Every way to compute a layer with int4 weights, packed and unpacked.
#[test]
fn int4_kernels_equal_the_portable_ones() {
    let mut packed = 0;
    for seed in 0..300 {
        let (mut graph, values) = random_layers(seed, 1);
        narrow_weights(&mut graph);
        let inferences: Vec<Vec<&[u8]>> =
            values.iter().map(|inputs| inputs.iter().map(Vec::as_slice).collect()).collect();
        let expected = host::run(&every_variant(&graph, Kernels::Portable)[0], &inferences, false).expect("runs");
        for image in every_variant(&graph, Kernels::Armv7em) {
            let kernel = image.nodes().next().expect("a layer").layer.kernel.symbol;
            let found = host::run(&image, &inferences, false).expect("runs");
            assert!(found == expected, "seed {seed}: {kernel} differs for {:?}", graph.nodes[0].op);
            packed += usize::from(kernel == "tbx_armv7em_conv_2d_s8w4");
        }
    }
    assert!(packed >= 20, "{packed} packed variants");
}

/// Every way to compute a layer with zeros, those that leave them out among them.
#[test]
fn sparse_kernels_equal_the_dense_ones() {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..300 {
        let (graph, values) = random_sparse_layer(seed);
        let inferences: Vec<Vec<&[u8]>> =
            values.iter().map(|inputs| inputs.iter().map(Vec::as_slice).collect()).collect();
        let expected = host::run(&every_variant(&graph, Kernels::Portable)[0], &inferences, false).expect("runs");
        for kernels in [Kernels::Portable, Kernels::Armv7em] {
            for image in every_variant(&graph, kernels) {
                let kernel = image.nodes().next().expect("a layer").layer.kernel.symbol;
                let found = host::run(&image, &inferences, false).expect("runs");
                assert!(found == expected, "seed {seed}: {kernel} of {kernels:?} differs");
                *times.entry(kernel).or_default() += usize::from(kernel.contains("sparse"));
            }
        }
    }
    eprintln!("{times:?}");
    for kernel in ["tbx_conv_2d_sparse_s8", "tbx_armv7em_conv_sparse_s8", "tbx_armv7em_fully_connected_sparse_s8"] {
        assert!(times.get(kernel) >= Some(&50), "{kernel} has hardly been tried");
    }
}
