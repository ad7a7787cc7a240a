//! The examples, built and run as a user would: compiled, linked and executed on the emulated board.

use std::path::Path;
use std::process::Command;

/// What `examples/run` prints for a sample.
fn run(example: &str, sample: usize, build: &Path) -> String {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manifest = home.join("Cargo.toml");
    let output = Command::new(home.join("examples/run"))
        .args([example, &sample.to_string()])
        .env("TINDERBOX", format!("{} run --quiet --manifest-path {} --", env!("CARGO"), manifest.display()))
        .env("TINDERBOX_BUILD", build)
        .output()
        .expect("examples/run starts");
    assert!(output.status.success(), "{example}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{example}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The names of the classes; sample `i` is of class `i`, and the model card says that all are classified rightly.
fn labels() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/zoo/fashion/labels.txt");
    std::fs::read_to_string(path).expect("labels.txt").lines().map(str::to_owned).collect()
}

#[test]
fn examples_name_the_sample() {
    let build = tempfile::tempdir().expect("a folder");
    for (i, label) in labels().iter().enumerate() {
        assert_eq!(run("terse.c", i, build.path()), format!("{label}\n"));
    }
    for example in ["rows.c", "terse.cpp"] {
        assert_eq!(run(example, 8, build.path()), "Bag\n", "{example}");
    }
    assert_eq!(run("explained.c", 8, build.path()), "Bag, certainly\n");
}
