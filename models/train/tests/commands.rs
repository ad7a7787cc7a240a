//! `compress` as users start it, on the zoo's Fashion-MNIST network and pictures that it classifies itself.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};
use tinderbox::graph::DType;
use tinderbox::import::import;
use tinderbox::run::npy::{self, Array};
use tinderbox_train::accuracy::class;
use tinderbox_train::data::{Inputs, Units};
use tinderbox_train::model::Model;

const FASHION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../zoo/fashion/fashion_float.tflite");
const EXAMPLES: usize = 100;

/// Writes x.npy, bright rectangles on black, and y.npy, what the network takes them for.
fn write_examples(folder: &Path) {
    let mut random = fastrand::Rng::with_seed(3);
    let mut data = vec![0; EXAMPLES * 28 * 28];
    for image in data.chunks_exact_mut(28 * 28) {
        let (x, y, light) = (random.usize(0..20), random.usize(0..14), random.u8(100..));
        let (w, h) = (random.usize(2..9), random.usize(2..15));
        (y..y + h).for_each(|y| image[y * 28 + x..][..w].fill(light));
    }
    let images = Array { shape: vec![EXAMPLES, 28, 28, 1], dtype: DType::U8, data };
    let inputs = Inputs::new(images.clone(), Units { scale: 1.0 / 255.0, zero_point: 0.0 });
    let network = Model::new(import(FASHION.as_ref()).expect("the zoo's model")).expect("supported");
    let outputs = network.outputs(&inputs).expect("runs");
    let data = outputs.iter().map(|row| class(row) as u8).collect();
    let labels = Array { shape: vec![EXAMPLES], dtype: DType::U8, data };
    for (name, array) in [("x.npy", images), ("y.npy", labels)] {
        npy::write(File::create(folder.join(name)).expect("creates"), &array).expect("writes");
    }
}

/// Runs `compress` in a folder, where it is to write out.tflite and report.json.
fn compress(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tinderbox-train"))
        .current_dir(folder)
        .args(["compress", FASHION, "--train", "x.npy,y.npy", "--test", "x.npy,y.npy", "--scale", "0.003921569"])
        .args(["--quantize", "int8", "-o", "out.tflite", "--report", "report.json"])
        .args(arguments.split(' '))
        .output()
        .expect("starts")
}

#[test]
fn goals_are_met_without_pruning_more_than_they_ask() {
    let folder = tempfile::tempdir().expect("a folder");
    write_examples(folder.path());
    for (goal, most, unit, reached) in [
        ("macs", 700_000.0, "blocks", "nonzero_macs"),
        ("bytes", 20_000.0, "channels", "program_bytes"),
        ("instructions", 1_200_000.0, "channels", "instructions"),
    ] {
        let output =
            compress(folder.path(), &format!("--prune {unit}=0.6 --to {goal}={most} --target cortex-m4 --ram 30000"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report = File::open(folder.path().join("report.json")).expect("was written");
        let report: serde_json::Value = serde_json::from_reader(report).expect("is JSON");
        let [before, after] = ["before", "after"].map(|state| report[state][reached].as_f64().expect("a number"));
        assert!(before > most, "{goal}: {before} meet it already");
        assert!(after <= most && after > 0.9 * most, "{goal}: {after} of {most}");
        assert!(report["layers"].as_array().is_some_and(|layers| layers.iter().all(|l| l["decibels"].is_f64())));
        import(&folder.path().join("out.tflite")).expect("a model");
    }
}

#[test]
fn a_goal_out_of_reach_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    write_examples(folder.path());
    let output = compress(folder.path(), "--prune channels=0.1 --to macs=100000");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!folder.path().join("out.tflite").exists());
    let output = compress(folder.path(), "--prune channels=0.1 --to instructions=1");
    assert!(String::from_utf8_lossy(&output.stderr).contains("needs a --target"));
}

#[test]
fn a_loss_above_the_limit_is_refused_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    write_examples(folder.path());
    let output = compress(folder.path(), "--prune channels=0.9 --max-group-drop 2");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("points, more than 2"));
    assert!(folder.path().join("report.json").exists() && !folder.path().join("out.tflite").exists());
}

#[test]
fn a_run_is_the_same_again_and_leaves_the_test_set_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    write_examples(folder.path());
    let arguments = "--finetune 1 --batch 20 --distill 0.5 --holdout 0.2 --seed 7";
    let written = [0; 2].map(|_| {
        let output = compress(folder.path(), arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(folder.path().join("out.tflite")).expect("was written")
    });
    assert!(written[0] == written[1], "two runs differ");
    let report = File::open(folder.path().join("report.json")).expect("was written");
    let report: serde_json::Value = serde_json::from_reader(report).expect("is JSON");
    assert_eq!(report["after"]["accuracy"]["overall"]["examples"], 20);
}
