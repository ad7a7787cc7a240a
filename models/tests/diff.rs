//! `run --dump` and `diff` as commands.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tinderbox::run::npz;

fn case() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance/cases/net_ds_cnn_01_40x12_w32")
}

fn tinderbox(command: &str, arguments: &[&Path]) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_tinderbox"));
    process.arg(command).arg(case().join("model.tflite")).arg("--input").arg(case().join("input.npy"));
    process.args(arguments).output().expect("the command starts")
}

#[test]
fn a_changed_element_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("layers.npz");
    assert!(tinderbox("run", &[Path::new("--dump"), &dump]).status.success());
    assert!(tinderbox("diff", &[Path::new("--reference"), &dump]).status.success());
    let mut arrays = npz::read(&dump).unwrap();
    for array in arrays.values_mut().filter(|array| array.shape[1..] == [20, 6, 32]) {
        array.data[20 * 6 * 32 + 33] ^= 4;
    }
    npz::write(std::fs::File::create(&dump).unwrap(), &arrays).unwrap();
    let output = tinderbox("diff", &[Path::new("--reference"), &dump]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("operator 0 CONV_2D") && message.contains("inference 1"), "{message}");
    assert!(message.contains("1 of 3840 elements, by up to 4; the first is [0, 0, 1, 1]"), "{message}");
}

#[test]
fn without_a_reference_the_plain_program_is_it() {
    let output = tinderbox("diff", &[Path::new("--target"), Path::new("cortex-m4")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
