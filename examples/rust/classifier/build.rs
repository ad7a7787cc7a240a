//! Compiles the network to Rust for the core that this build is for: `tinderbox compile --emit rust`.

use std::env;
use std::process::Command;

const REPOSITORY: &str = "../../..";

fn main() {
    let out = env::var("OUT_DIR").expect("set by cargo");
    let target = match env::var("TARGET").expect("set by cargo").as_str() {
        "thumbv7em-none-eabi" => "cortex-m4",
        "riscv32imac-unknown-none-elf" => "riscv32imac",
        other => panic!("no target of tinderbox is known for {other}"),
    };
    let tinderbox = env::var("TINDERBOX").unwrap_or_else(|_| "cargo run --quiet --release --bin tinderbox --".into());
    let mut words = tinderbox.split_whitespace();
    let status = Command::new(words.next().expect("a command"))
        .args(words)
        .args(["compile", "models/zoo/fashion/fashion.tflite", "--name", "fashion", "--emit", "rust"])
        .args(["--target", target, "--input-mode", "rows", "-o", &out])
        .current_dir(REPOSITORY)
        .env_remove("CARGO_ENCODED_RUSTFLAGS") // those of the firmware
        .status()
        .expect("tinderbox starts");
    assert!(status.success(), "tinderbox failed");
    println!("cargo::rerun-if-env-changed=TINDERBOX");
    for part in ["models/src", "models/zoo/fashion", "boards/costs", "runtime/src"] {
        println!("cargo::rerun-if-changed={REPOSITORY}/{part}");
    }
}
