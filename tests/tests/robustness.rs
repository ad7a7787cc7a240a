//! Bytes flipped, cut off and repeated at random never make the importer panic, hang or eat memory.

use tinderbox::import::import_bytes;
use tinderbox_tests::conformance;

const SEEDS: u64 = 300;
/// Small models that together have most kinds of tables.
const MODELS: [&str; 6] = [
    "net_tcn_01_40x3_w24_l3",
    "unidirectional_sequence_lstm_00_b1_T6_i4_u5",
    "strided_slice_04_1x12_newaxis",
    "int4_conv_2d_00_7x7x3_k3_o8_s1_relu6",
    "svdf_01_b1_i12_u3_r2_m8_relu_stateful",
    "split_v_00_1x4x4x6_1_5",
];

#[test]
fn corrupt_files_never_panic() {
    for model in MODELS {
        let good = std::fs::read(conformance().join("cases").join(model).join("model.tflite")).expect("a model");
        import_bytes(model, &good).expect("a good model");
        for seed in 0..SEEDS {
            let bad = corrupt(&good, &mut fastrand::Rng::with_seed(seed));
            let _ = import_bytes(model, &bad);
        }
    }
}

fn corrupt(good: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    match random.u8(..8) {
        0 => bytes.truncate(random.usize(..bytes.len())),
        1 => {
            let (from, to) = (random.usize(..bytes.len()), random.usize(..bytes.len()));
            let len = random.usize(..64).min(bytes.len() - from.max(to));
            bytes.copy_within(from..from + len, to);
        }
        _ => {
            for _ in 0..1 << random.u8(..6) {
                let at = random.usize(8..bytes.len());
                // Small numbers are likelier to be taken for counts and offsets than random ones.
                bytes[at] = if random.bool() { random.u8(..8) } else { bytes[at] ^ (1 << random.u8(..8)) };
            }
        }
    }
    bytes
}
