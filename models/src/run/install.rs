//! The runtime for a target as other build systems expect it: headers, libraries, and how pkg-config and CMake find them.

use super::firmware::{Error, run};
use super::library::device_library;
use crate::target::{Target, home};
use std::path::Path;
use std::process::Command;

/// What a program that was linked with the shared library asks for at its start.
const SONAME: &str = "libtinderbox.so.0";

/// Installs below `prefix`: `include/tinderbox.h`, `lib/libtinderbox.a`, on Linux `lib/libtinderbox.so`, and the files for
/// pkg-config and CMake.
pub fn install(target: &Target, prefix: &Path) -> Result<(), Error> {
    let library = device_library(target)?;
    let runtime = home().join("runtime");
    let lib = prefix.join("lib");
    put(&runtime.join("include/tinderbox.h"), &prefix.join("include/tinderbox.h"))?;
    put(&library, &lib.join("libtinderbox.a"))?;
    put(&runtime.join("package/tinderbox.pc"), &lib.join("pkgconfig/tinderbox.pc"))?;
    put(&runtime.join("package/tinderbox-config.cmake"), &lib.join("cmake/tinderbox/tinderbox-config.cmake"))?;
    put(&runtime.join("package/CMakeLists.txt"), &prefix.join("CMakeLists.txt"))?;
    if target.triple.contains("-linux-") { shared_library(target, &lib) } else { Ok(()) }
}

/// Links the static library, whose code does not depend on its place, as a shared one. What is not exported is dropped,
/// the panic handler too: nothing can panic.
fn shared_library(target: &Target, lib: &Path) -> Result<(), Error> {
    let mut link = Command::new(target.cc);
    link.args(target.cflags)
        .args(["-shared", &format!("-Wl,-soname,{SONAME}"), "-Wl,-z,defs", "-Wl,--gc-sections"])
        .args(["-Xlinker", "--version-script", "-Xlinker"])
        .arg(home().join("runtime/package/tinderbox.map"))
        .arg("-Wl,--whole-archive")
        .arg(lib.join("libtinderbox.a"))
        .args(["-Wl,--no-whole-archive", "-o"])
        .arg(lib.join(SONAME));
    run(link, target.cc)?;
    let link = lib.join("libtinderbox.so");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(SONAME, &link).map_err(|source| Error::Io { path: link.display().to_string(), source })
}

/// Copies a file, the version filled in where it is text that asks for it.
fn put(from: &Path, to: &Path) -> Result<(), Error> {
    let io = |path: &Path| {
        let path = path.display().to_string();
        |source| Error::Io { path, source }
    };
    let bytes = std::fs::read(from).map_err(io(from))?;
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => text.replace("@VERSION@", env!("CARGO_PKG_VERSION")).into_bytes(),
        Err(binary) => binary.into_bytes(),
    };
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(io(folder))?;
    }
    std::fs::write(to, bytes).map_err(io(to))
}
