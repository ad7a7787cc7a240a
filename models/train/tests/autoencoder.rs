//! Autoencoders from training to int8, as users start it, on waves whose frequency makes an anomaly.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};
use tinderbox::graph::DType;
use tinderbox::run::npy::{self, Array};

/// Elements of an example: the input of the zoo's autoencoder.
const VALUES: usize = 192;

/// Writes autoencoder_PART_x.npy, waves of any phase, and autoencoder_PART_y.npy; some examples are too fast.
fn write_waves(folder: &Path, part: &str, normal: usize, anomalous: usize) {
    let mut random = fastrand::Rng::with_seed(normal as u64);
    let wave = |i: usize| {
        let (phase, speed) = (random.f32() * 6.0, if i < normal { 0.1 } else { 0.17 });
        (0..VALUES).flat_map(move |t| (phase + speed * t as f32).sin().to_le_bytes()).collect::<Vec<u8>>()
    };
    let data = (0..normal + anomalous).flat_map(wave).collect();
    let x = Array { shape: vec![normal + anomalous, VALUES], dtype: DType::F32, data };
    let data = [vec![0; normal], vec![1; anomalous]].concat();
    let y = Array { shape: vec![normal + anomalous], dtype: DType::U8, data };
    for (which, array) in [("x", x), ("y", y)] {
        let file = File::create(folder.join(format!("autoencoder_{part}_{which}.npy"))).expect("creates");
        npy::write(file, &array).expect("writes");
    }
}

fn run(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tinderbox-train"))
        .current_dir(folder)
        .args(arguments.split(' '))
        .output()
        .expect("starts")
}

fn run_well(folder: &Path, arguments: &str) -> serde_json::Value {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

fn read(path: &Path) -> serde_json::Value {
    serde_json::from_reader(File::open(path).expect("was written")).expect("is JSON")
}

#[test]
fn anomalies_are_told_in_float_and_int8() {
    let folder = tempfile::tempdir().expect("a folder");
    write_waves(folder.path(), "train", 256, 0);
    write_waves(folder.path(), "test", 40, 30);
    run_well(folder.path(), "train autoencoder --data . --epochs 40 -o made");
    let report = read(&folder.path().join("made/autoencoder.json"));
    for state in ["before", "after"] {
        let overall = &report[state]["reconstruction"]["overall"];
        let error = |kind: &str| overall[kind]["mean_squared_error"].as_f64().expect("a number");
        // A wave's mean square is one half.
        assert!(error("normal") < 0.1 && error("anomalous") > 0.3, "{state}: {overall}");
        assert!(overall["auc"].as_f64() > Some(0.95), "{state}: {overall}");
    }
    let test = "autoencoder_test_x.npy,autoencoder_test_y.npy";
    let told = run_well(folder.path(), &format!("eval made/autoencoder.tflite --data {test} --autoencoder"));
    assert_eq!(told, report["after"]["reconstruction"]);
}

#[test]
fn an_autoencoder_from_a_file_is_tuned_further() {
    let folder = tempfile::tempdir().expect("a folder");
    write_waves(folder.path(), "train", 256, 0);
    write_waves(folder.path(), "test", 40, 30);
    run_well(folder.path(), "train autoencoder --data . --epochs 4 -o made");
    let data =
        "--train autoencoder_train_x.npy,autoencoder_train_y.npy --test autoencoder_test_x.npy,autoencoder_test_y.npy";
    let options = "--autoencoder --finetune 20 --quantize int8 -o tuned.tflite --report tuned.json";
    run_well(folder.path(), &format!("compress made/autoencoder_float.tflite {data} {options}"));
    let report = read(&folder.path().join("tuned.json"));
    let error = |state: &str| {
        let error = &report[state]["reconstruction"]["overall"]["normal"]["mean_squared_error"];
        error.as_f64().expect("a number")
    };
    assert!(error("after") < 0.7 * error("before"), "{} became {}", error("before"), error("after"));
}

#[test]
fn a_classifier_is_no_autoencoder() {
    let folder = tempfile::tempdir().expect("a folder");
    let zoo = concat!(env!("CARGO_MANIFEST_DIR"), "/../zoo/fashion");
    let data = format!("{zoo}/samples.npy,{zoo}/samples_labels.npy");
    let output = run(folder.path(), &format!("eval {zoo}/fashion.tflite --data {data} --autoencoder"));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("784 elements in and 10 out"));
}
