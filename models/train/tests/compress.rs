//! Pruning of the zoo's Fashion-MNIST network, which has depthwise convolutions and residuals.

use tinderbox::graph::{DType, Graph};
use tinderbox::import::import;
use tinderbox::run::npy::Array;
use tinderbox_train::compress::{Compressed, Options, compress};
use tinderbox_train::data::{Examples, Inputs, Units};
use tinderbox_train::model::Model;
use tinderbox_train::prune::{Prune, compare, is_large, prune};
use tinderbox_train::{quantize, tune};

fn fashion() -> Graph {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../zoo/fashion/fashion_float.tflite");
    import(path.as_ref()).expect("the zoo's model")
}

/// Bright rectangles on black.
fn images() -> Inputs {
    let mut random = fastrand::Rng::with_seed(9);
    let mut data = vec![0; 200 * 28 * 28];
    for image in data.chunks_exact_mut(28 * 28) {
        for _ in 0..4 {
            let (x, y, light) = (random.usize(0..20), random.usize(0..20), random.u8(..));
            let (w, h) = (random.usize(2..8), random.usize(2..8));
            (y..y + h).for_each(|y| image[y * 28 + x..][..w].fill(light));
        }
    }
    Inputs::new(
        Array { shape: vec![200, 28, 28, 1], dtype: DType::U8, data },
        Units { scale: 1.0 / 255.0, zero_point: 0.0 },
    )
}

/// Mean distance of the outputs.
fn distance(a: &Graph, b: &Graph, images: &Inputs) -> f32 {
    let outputs = |graph: &Graph| Model::new(graph.clone()).expect("supported").outputs(images).expect("runs").concat();
    let (a, b) = (outputs(a), outputs(b));
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

#[test]
fn blocks_are_removed_where_it_pays() {
    let (dense, images) = (fashion(), images());
    let pruned = prune(&dense, &images, Prune::Blocks(0.5)).expect("supported");
    pruned.validate().expect("valid");
    for (index, layer) in compare(&dense, &pruned) {
        let wanted = if is_large(&dense, index) { 0.5 } else { 1.0 };
        assert!((layer.density - wanted).abs() < 0.01, "{layer:?}");
    }
    assert!(distance(&dense, &pruned, &images) < 0.05);
}

#[test]
fn channels_are_removed_through_depthwise_convolutions_and_residuals() {
    let (dense, images) = (fashion(), images());
    let pruned = prune(&dense, &images, Prune::Channels(0.4)).expect("supported");
    pruned.validate().expect("valid");
    assert!(pruned.macs() as f64 <= 0.6 * dense.macs() as f64, "{} of {}", pruned.macs(), dense.macs());
    assert!(distance(&dense, &pruned, &images) < 0.1);
}

#[test]
fn named_layers_train_with_4_bits() {
    let examples = Examples { labels: (0..200).map(|i| i % 10).collect(), inputs: images() };
    let compressed = |epochs: usize, how: quantize::Options| -> Compressed {
        let tune = tune::Options { epochs, batch: 50, rate: 1e-2, ..tune::Options::default() };
        let options = Options { quantize: Some(how), tune, ..Options::default() };
        compress(&fashion(), &examples, &examples, &[], &options).expect("supported")
    };
    let weights = |compressed: &Compressed| -> Vec<_> {
        compressed.graph.tensors.iter().filter_map(|tensor| tensor.data.clone()).collect()
    };
    let inner = compressed(1, quantize::Options { weight_bits: 4, ..quantize::Options::default() });
    let narrow = inner.report.layers.iter().filter(|layer| layer.weight_bits == Some(4));
    let int4: Vec<String> = narrow.map(|layer| layer.layer.clone()).collect();
    assert_eq!(int4.len(), inner.report.layers.len() - 2);
    let named = quantize::Options { int4, ..quantize::Options::default() };
    assert!(weights(&compressed(1, named.clone())) == weights(&inner), "named layers train otherwise");
    // Training knows of the bits: it ends elsewhere than without them.
    let int8 = compressed(1, quantize::Options::default());
    let bias = |compressed: &Compressed| weights(compressed).into_iter().find(|data| data.len() == 4 * 10);
    assert!(bias(&inner).is_some() && bias(&inner) != bias(&int8), "rounding changed nothing");
}

#[test]
fn training_knows_of_8_bits() {
    let examples = Examples { labels: (0..200).map(|i| i % 10).collect(), inputs: images() };
    let trained = |int8: bool| {
        let options = tune::Options { int8, epochs: 1, batch: 50, rate: 1e-3, ..tune::Options::default() };
        let task = tune::Task { graph: &fashion(), sparse: &[], teacher: None, train: &examples, held: None };
        tune::tune(&task, &options).expect("supported")
    };
    let apart = distance(&trained(false), &trained(true), &images());
    assert!(apart > 0.0, "rounding changed nothing");
    assert!(apart < 0.05, "rounding changed too much: {apart}");
}

#[test]
fn removing_nothing_changes_nothing() {
    let (dense, images) = (fashion(), images());
    let same = prune(&dense, &images, Prune::Channels(0.0)).expect("supported");
    assert_eq!(same.macs(), dense.macs());
    assert!(distance(&dense, &same, &images) < 0.01);
}
