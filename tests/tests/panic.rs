//! The proof of the absence of panics: a library from which a panic can be reached does not link into firmware.

use std::path::{Path, PathBuf};
use std::process::Command;
use tinderbox::run::{board, firmware};
use tinderbox::target::{self, Target};

/// A function that may panic, and one that may not: the compiler cannot know `n`.
const PROBE: &str = "#![no_std]
extern crate tinderbox_runtime;
const TABLE: [i32; 4] = [0, 1, 2, 3];
#[unsafe(no_mangle)]
pub extern \"C\" fn may_panic(n: u32) -> i32 { TABLE[n as usize] }
#[unsafe(no_mangle)]
pub extern \"C\" fn cannot_panic(n: u32) -> i32 { TABLE.get(n as usize).copied().unwrap_or(-1) }
";

/// Builds a static library of the runtime and [`PROBE`], as firmware's library is built.
fn library(target: &Target, folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository");
    let manifest = format!(
        "[package]\nname = 'probe'\nversion = '0.0.0'\nedition = '2024'\n[workspace]\n[lib]\npath = 'probe.rs'\n\
         crate-type = ['staticlib']\n[dependencies.tinderbox-runtime]\npath = '{}'\nfeatures = ['firmware']\n\
         [profile.release]\nopt-level = 's'\nlto = 'fat'\ncodegen-units = 1\npanic = 'abort'\n",
        root.join("runtime").display()
    );
    std::fs::write(folder.join("Cargo.toml"), manifest).expect("written");
    std::fs::write(folder.join("probe.rs"), PROBE).expect("written");
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("copied");
    let output = Command::new(env!("CARGO"))
        .current_dir(folder)
        .args(["build", "--quiet", "--offline", "--release", "--target", target.triple, "--target-dir", "target"])
        .env("CARGO_ENCODED_RUSTFLAGS", format!("-Ctarget-cpu={}", target.rust_cpu))
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("target").join(target.triple).join("release/libprobe.a")
}

#[test]
fn firmware_with_a_reachable_panic_does_not_link() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let machine = target::board("mps2-an386").expect("the board is described");
    let target = target::target(&machine.target).expect("its target is known");
    let library = library(target, folder);
    let link = |function: &str| {
        let main = folder.join("main.c");
        let source = format!("int {function}(unsigned n);\nint main(void) {{ return {function}(2) - 2; }}\n");
        std::fs::write(&main, source).expect("written");
        firmware::link(&machine, target, folder, &[&main, &library], "probe.elf")
    };
    let firmware = link("cannot_panic").expect("links");
    board::emulate(&machine, &firmware, folder, 60).expect("runs");
    let error = link("may_panic").expect_err("must not link").to_string();
    assert!(error.contains("tinderbox: a panic is reachable"), "{error}");
}
