//! `compile` and `run` on every malformed file of the corpus: status 2, a message, and no file.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance")
}

/// The files that must be refused.
fn rejected() -> Vec<PathBuf> {
    let folder = corpus().join("malformed");
    let text = std::fs::read(folder.join("expectations.json")).expect("the expectations");
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&text).expect("a list");
    let files = rows.iter().filter(|row| row["expect"] == "reject").filter_map(|row| row["file"].as_str());
    files.map(|file| folder.join(file)).collect()
}

/// Runs the command with at most 1 GB of memory and 10 seconds of processor time.
fn limited(arguments: &[&Path]) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 1048576; ulimit -t 10; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_tinderbox")]);
    command.args(arguments).output().expect("the command starts")
}

fn assert_refused(file: &Path, output: &Output, folder: &Path) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{}: {message}", file.display());
    assert!(message.contains(&*file.file_name().unwrap().to_string_lossy()), "{}: {message}", file.display());
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
    assert!(left.is_empty(), "{}: {left:?}", file.display());
}

#[test]
fn compile_refuses_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("out");
    for file in rejected() {
        let target = [Path::new("--target"), Path::new("cortex-m4"), Path::new("--output"), &into];
        let output = limited(&[&[Path::new("compile"), &file], &target[..]].concat());
        assert_refused(&file, &output, folder.path());
    }
}

#[test]
fn run_refuses_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (to, dump) = (folder.path().join("output.npy"), folder.path().join("layers.npz"));
    let input = corpus().join("cases/net_ds_cnn_01_40x12_w32/input.npy");
    for file in rejected() {
        let files = [Path::new("--input"), &input, Path::new("--output"), &to, Path::new("--dump"), &dump];
        let output = limited(&[&[Path::new("run"), &file], &files[..]].concat());
        assert_refused(&file, &output, folder.path());
    }
}
