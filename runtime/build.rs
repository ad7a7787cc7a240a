//! Decides which instruction set's kernels are built: stable Rust shows Arm's DSP extension neither to `cfg` nor here, so
//! that the target and its CPU must say it.

/// Cores of Armv8-M whose `target-cpu` stands for the DSP extension.
const DSP_CORES: [&str; 4] = ["cortex-m33", "cortex-m35p", "cortex-m55", "cortex-m85"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(tbx_dsp)");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let (target, flags) = (variable("TARGET"), variable("CARGO_ENCODED_RUSTFLAGS"));
    let core =
        |cpu: &str| flags.split('\x1f').any(|flag| flag.trim_start_matches("-C").trim() == format!("target-cpu={cpu}"));
    if target.starts_with("thumbv7em-") || target.starts_with("thumbv8m.main-") && DSP_CORES.into_iter().any(core) {
        println!("cargo::rustc-cfg=tbx_dsp");
    }
}
