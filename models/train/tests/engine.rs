//! The engine against TensorFlow Lite Micro's float kernels, on public models.

mod common;

use common::shared;
use tinderbox::import::import;
use tinderbox::run::npy;
use tinderbox_train::data::{Inputs, Units};
use tinderbox_train::engine::{Network, device, elements, value};

/// Float models of `data/models` with their outputs in `data/golden`.
const MODELS: [&str; 6] = [
    "mlperf_tiny/ad01_f32",
    "mlperf_tiny/ic_resnet8_f32",
    "mlperf_tiny/vww_96_f32",
    "mlperf_tiny/ic_resnet_large_f32",
    "gesture/magicwand5_f32",
    "mlonmcu/micro_kws_m_fp32",
];

#[test]
fn float_models_yield_what_tflm_does() {
    let Some(data) = shared().map(|shared| shared.join("data")) else { return };
    let identity = Units { scale: 1.0, zero_point: 0.0 };
    for model in MODELS {
        let graph = import(&data.join("models").join(format!("{model}.tflite"))).expect(model);
        let golden = data.join("golden").join(model.rsplit('/').next().expect("a name"));
        let inputs = Inputs::read(&golden.join("input.npy"), identity).expect(model);
        let wanted = npy::read(&golden.join("output.npy")).expect(model);
        let network = Network::new(graph, &device()).expect(model);
        let input = value(inputs.take(0..inputs.len()), inputs.len(), network.device());
        let outputs = elements(&network.run(vec![input], &mut ())[0]);
        let wanted = wanted.data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        assert_eq!(wanted.len(), outputs.len(), "{model}");
        for (i, (wanted, got)) in wanted.zip(outputs).enumerate() {
            assert!((wanted - got).abs() <= 1e-4 * (1.0 + wanted.abs()), "{model} element {i}: {got}, TFLM {wanted}");
        }
    }
}
