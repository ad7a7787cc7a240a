//! Figures that the zoo's README tells of other people's models.

mod common;

use common::shared;
use tinderbox::graph::DType;
use tinderbox::import::import;
use tinderbox::run::npy::{self, Array};
use tinderbox_train::data::{Inputs, Units};
use tinderbox_train::model::Model;
use tinderbox_train::quantize::{self, quantize};

/// Photographs of 96x96 pixels: small ones with every pixel three times as wide and high.
fn enlarged(images: &[u8]) -> Inputs {
    let (side, channels, factor) = (32, 3, 3);
    let count = images.len() / (side * side * channels);
    let large = side * factor;
    let mut data = Vec::with_capacity(count * large * large * channels);
    for image in images.chunks_exact(side * side * channels) {
        for y in 0..large {
            for x in 0..large {
                data.extend_from_slice(&image[(y / factor * side + x / factor) * channels..][..channels]);
            }
        }
    }
    let shape = vec![count, large, large, channels];
    Inputs::new(Array { shape, dtype: DType::U8, data }, Units { scale: 1.0 / 255.0, zero_point: 0.0 })
}

#[test]
fn visual_wake_words_stays_closer_to_float_than_the_public_int8_model() {
    let Some(shared) = shared() else { return };
    let model = |name: &str| import(&shared.join("data/models/mlperf_tiny").join(name)).expect(name);
    let photographs = npy::read(&shared.join("data/cifar10/test_images_u8.npy")).expect("photographs").data;
    let (compared, calibration) = photographs[..260 * 32 * 32 * 3].split_at(60 * 32 * 32 * 3);
    let (compared, calibration) = (enlarged(compared), enlarged(calibration));
    let float = model("vww_96_f32.tflite");
    let ours = quantize(&float, &calibration, &quantize::Options::default()).expect("supported").graph;
    let [float, public, ours] = [float, model("vww_96_int8.tflite"), ours]
        .map(|graph| Model::new(graph).expect("supported").outputs(&compared).expect("runs").concat());
    let distance =
        |other: &[f32]| float.iter().zip(other).map(|(a, b)| (a - b).abs()).sum::<f32>() / float.len() as f32;
    let (public, ours) = (distance(&public), distance(&ours));
    eprintln!("mean difference of probabilities: public {public:.4}, ours {ours:.4}");
    assert!(ours <= public, "public {public:.4}, ours {ours:.4}");
}
