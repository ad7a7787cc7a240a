//! What programs are compiled for, and where the parts of firmware are found.

mod board;

pub use board::{Board, board, boards};

use crate::lower::Kernels;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// An instruction set and its C compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// As given on the command line.
    pub name: &'static str,
    /// Kernels that it runs.
    pub kernels: Kernels,
    /// Rust's name of it.
    pub triple: &'static str,
    /// Rust's code generation for this core.
    pub rust_cpu: &'static str,
    /// The C compiler.
    pub cc: &'static str,
    /// Its flags for this core.
    pub cflags: &'static [&'static str],
}

/// All targets.
pub const TARGETS: &[Target] = &[
    cortex_m("cortex-m0", Kernels::Portable, "thumbv6m-none-eabi", &["-mcpu=cortex-m0", "-mthumb"]),
    cortex_m("cortex-m3", Kernels::Portable, "thumbv7m-none-eabi", &["-mcpu=cortex-m3", "-mthumb"]),
    cortex_m("cortex-m4", Kernels::Armv7em, "thumbv7em-none-eabi", &["-mcpu=cortex-m4", "-mthumb"]),
    cortex_m("cortex-m7", Kernels::Armv7em, "thumbv7em-none-eabi", &["-mcpu=cortex-m7", "-mthumb"]),
    cortex_m("cortex-m33", Kernels::Armv7em, "thumbv8m.main-none-eabi", &["-mcpu=cortex-m33", "-mthumb"]),
    cortex_m("cortex-m55", Kernels::Armv7em, "thumbv8m.main-none-eabi", &["-mcpu=cortex-m55", "-mthumb"]),
    Target {
        name: "riscv32imac",
        kernels: Kernels::Portable,
        triple: "riscv32imac-unknown-none-elf",
        rust_cpu: "generic-rv32",
        cc: "riscv64-unknown-elf-gcc",
        cflags: &["-march=rv32imac_zicsr", "-mabi=ilp32", "-mcmodel=medany", "-msmall-data-limit=0"],
    },
    Target {
        name: "riscv64imac",
        kernels: Kernels::Portable,
        triple: "riscv64imac-unknown-none-elf",
        rust_cpu: "generic-rv64",
        cc: "riscv64-unknown-elf-gcc",
        cflags: &["-march=rv64imac_zicsr", "-mabi=lp64", "-mcmodel=medany", "-msmall-data-limit=0"],
    },
    Target {
        name: "aarch64",
        kernels: Kernels::Portable,
        triple: "aarch64-unknown-none",
        rust_cpu: "generic",
        cc: "aarch64-linux-gnu-gcc",
        cflags: &["-mcpu=generic", "-mstrict-align", "-mno-outline-atomics", "-static", "-fno-pie", "-no-pie"],
    },
    HOST,
    linux("aarch64-linux", "aarch64-unknown-linux-gnu", "generic", "aarch64-linux-gnu-gcc"),
    linux("armv7-linux", "armv7-unknown-linux-gnueabihf", "generic", "arm-linux-gnueabihf-gcc"),
    linux("riscv64-linux", "riscv64gc-unknown-linux-gnu", "generic-rv64", "riscv64-linux-gnu-gcc"),
];

/// The machine that the compiler runs on.
pub const HOST: Target = linux(
    "host",
    if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-gnu" } else { "x86_64-unknown-linux-gnu" },
    "generic",
    "gcc",
);

const fn linux(name: &'static str, triple: &'static str, rust_cpu: &'static str, cc: &'static str) -> Target {
    Target { name, kernels: Kernels::Portable, triple, rust_cpu, cc, cflags: &[] }
}

const fn cortex_m(
    name: &'static str,
    kernels: Kernels,
    triple: &'static str,
    cflags: &'static [&'static str],
) -> Target {
    Target { name, kernels, triple, rust_cpu: name, cc: "arm-none-eabi-gcc", cflags }
}

/// What is not there.
#[derive(Debug, Error)]
pub enum Error {
    /// No target of this name.
    #[error("unknown target `{0}`; there are: {known}", known = names(TARGETS.iter().map(|t| t.name)))]
    UnknownTarget(String),
    /// No board of this name.
    #[error("unknown board `{name}`; there are: host, {known}", known = names(known.iter().map(String::as_str)))]
    UnknownBoard {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A board's description is wrong.
    #[error("{path}: {what}")]
    Description {
        /// The file.
        path: String,
        /// Why it cannot be used.
        what: String,
    },
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// Finds a target.
pub fn target(name: &str) -> Result<&'static Target, Error> {
    TARGETS.iter().find(|t| t.name == name).ok_or_else(|| Error::UnknownTarget(name.into()))
}

/// The project's folder: firmware is built from its sources. `TINDERBOX_HOME` names it where the command was moved.
pub fn home() -> PathBuf {
    let built_in = || Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf();
    std::env::var_os("TINDERBOX_HOME").map_or_else(built_in, PathBuf::from)
}

/// The table of costs for a target, if there is one: its own or, as a set of kernels takes nearly the same instructions on
/// all cores that run it, the one of Cortex-M4.
pub(crate) fn known_costs(target: &Target) -> Option<PathBuf> {
    let others = if target.kernels == Kernels::Armv7em { "cortex-m4" } else { target.name };
    [target.name, others].map(costs).into_iter().find(|path| path.is_file())
}

/// Where a target's own table of costs is kept.
pub fn costs(target: &str) -> PathBuf {
    home().join("boards/costs").join(format!("{target}.toml"))
}
