//! `libtinderbox.a`: the runtime for a target, for any C toolchain of that target.

use super::firmware::{Error, run};
use crate::target::{Target, home};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Sections that only get in the way: they tie the object to a float ABI that no call has, to LLVM or to a stack policy, or
/// serve the unwinding of panics.
const SUPERFLUOUS: [&str; 7] =
    [".ARM.attributes", ".ARM.exidx*", ".rel.ARM.exidx*", ".llvmbc", ".llvmcmd", ".note.GNU-stack", ".comment"];

/// What other objects may see: the ABI, and the functions of memory that firmware without a C library lacks. The rest of
/// Rust's own runtime would collide with the C compiler's.
const VISIBLE: [&str; 2] = ["tbx_*", "mem*"];

/// Builds `libtinderbox.a` for `target` and returns its path.
pub fn device_library(target: &Target) -> Result<PathBuf, Error> {
    let home = home();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // A folder for each target: cores share triples.
    let folder = home.join("target/firmware").join(target.name);
    let mut command = Command::new(cargo);
    command
        .current_dir(&home)
        .args(["rustc", "--quiet", "--locked", "--package", "tinderbox-runtime", "--crate-type", "staticlib"])
        .args(["--features", "firmware", "--profile", "firmware", "--target", target.triple, "--target-dir"])
        .arg(&folder)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(target));
    run(command, "cargo")?;
    let folder = folder.join(target.triple).join("firmware");
    let library = folder.join("libtinderbox.a");
    reduce(target, &folder.join("libtinderbox_runtime.a"), &library)?;
    Ok(library)
}

/// How code is generated. Arm cores that can do unaligned accesses may be set to refuse them.
fn flags(target: &Target) -> String {
    let cpu = format!("-Ctarget-cpu={}", target.rust_cpu);
    if target.triple.starts_with("thumb") { cpu + "\x1f-Ctarget-feature=+strict-align" } else { cpu }
}

/// Reduces Rust's static library, mostly debug information of its own runtime, to one object that holds the functions of
/// `tinderbox.h`, the kernels and what they call, each in a section of its own.
fn reduce(target: &Target, from: &Path, to: &Path) -> Result<(), Error> {
    let io = |source| Error::Io { path: to.display().to_string(), source };
    let folder = tempfile::tempdir_in(to.parent().unwrap_or(Path::new("."))).map_err(io)?;
    let (object, library) = (folder.path().join("tinderbox.o"), folder.path().join("libtinderbox.a"));
    let tool = |name: &str| format!("{}{name}", target.cc.trim_end_matches("gcc"));
    let mut link = Command::new(target.cc);
    link.args(target.cflags).args(["-r", "-nostdlib", "-Wl,--undefined=tbx_init"]).arg(from).arg("-o").arg(&object);
    run(link, target.cc)?;
    let mut strip = Command::new(tool("objcopy"));
    strip
        .args(["--strip-unneeded", "--wildcard"])
        .args(VISIBLE.iter().flat_map(|symbols| ["--keep-global-symbol", symbols]))
        .args(SUPERFLUOUS.iter().flat_map(|section| ["--remove-section", section]))
        .arg(&object);
    run(strip, "objcopy")?;
    let mut archive = Command::new(tool("ar"));
    archive.arg("rcsD").arg(&library).arg(&object);
    run(archive, "ar")?;
    std::fs::rename(&library, to).map_err(io)
}
