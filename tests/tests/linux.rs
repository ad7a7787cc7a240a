//! Linux: the installed runtime, linked statically and shared, and the command itself, for other processors, run under
//! qemu-user; the runtime on the host found by pkg-config and by CMake.

use std::path::{Path, PathBuf};
use std::process::Command;
use tinderbox::compile::{Options, compile};
use tinderbox::emit::c::emit;
use tinderbox::import::import;
use tinderbox::run::install::install;
use tinderbox::run::npy;
use tinderbox::target::{self, HOST, Target};

/// Targets, the emulators of their programs and the folders of their C libraries.
const LINUX: [(&str, &str, &str); 3] = [
    ("aarch64-linux", "qemu-aarch64", "/usr/aarch64-linux-gnu"),
    ("armv7-linux", "qemu-arm", "/usr/arm-linux-gnueabihf"),
    ("riscv64-linux", "qemu-riscv64", "/usr/riscv64-linux-gnu"),
];

/// Those whose compiler and emulator are there, with what runs their programs.
fn linux() -> Vec<(&'static Target, [&'static str; 3])> {
    let there = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
    let found = LINUX.into_iter().filter_map(|(name, emulator, system)| {
        let target = target::target(name).expect("a target");
        if there(target.cc) && there(emulator) {
            return Some((target, [emulator, "-L", system]));
        }
        eprintln!("skipped: {name} needs {} and {emulator}; .ci/setup installs them", target.cc);
        None
    });
    found.collect()
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("linux")
}

/// The demo model and one of its samples, as C in `folder`.
fn write_demo(folder: &Path) {
    let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/zoo/fashion");
    let graph = import(&zoo.join("fashion.tflite")).expect("the demo model");
    let files = emit("demo", &graph, &compile(&graph, &Options::default()).expect("compiles"));
    let [picture, expected] = [("samples.npy", "picture"), ("golden.npy", "expected")].map(|(file, name)| {
        let array = npy::read(&zoo.join(file)).expect("the demo model's data");
        let bytes: Vec<String> = array.data[..array.data.len() / array.shape[0]].iter().map(u8::to_string).collect();
        format!("static const unsigned char {name}[] = {{{}}};\n", bytes.join(", "))
    });
    for (name, text) in [("demo.c", files.source), ("demo.h", files.header), ("data.h", picture + &expected)] {
        std::fs::write(folder.join(name), text).expect("written");
    }
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Compiles the demo with `flags` behind its sources.
fn build(cc: &str, folder: &Path, to: &str, flags: &[String]) -> PathBuf {
    let program = folder.join(to);
    let strict = ["-std=c99", "-O1", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-I"];
    let mut command = Command::new(cc);
    succeed(
        command
            .args(strict)
            .arg(folder)
            .arg(sources().join("main.c"))
            .arg(folder.join("demo.c"))
            .args(flags)
            .arg("-o")
            .arg(&program),
    );
    program
}

#[test]
fn static_and_shared_under_qemu_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_demo(folder);
    for (target, runner) in linux() {
        let prefix = folder.join(target.name);
        install(target, &prefix).expect("installs");
        let path = |below: &str| prefix.join(below).display().to_string();
        let include = format!("-I{}", path("include"));
        let linked_static = [include.clone(), path("lib/libtinderbox.a"), "-static".into()];
        let linked_shared =
            [include, "-L".into(), path("lib"), "-ltinderbox".into(), format!("-Wl,-rpath,{}", path("lib"))];
        for (to, flags) in [("static", &linked_static[..]), ("shared", &linked_shared[..])] {
            let program = build(target.cc, folder, &format!("{}-{to}", target.name), flags);
            succeed(Command::new(runner[0]).args(&runner[1..]).arg(program));
        }
    }
}

/// The command compiles the demo model there and runs it there.
#[test]
fn the_command_under_qemu_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/zoo/fashion");
    let golden = npy::read(&zoo.join("golden.npy")).expect("the demo model's data");
    for (target, runner) in linux() {
        let output = folder.path().join(target.name).with_extension("npy");
        let variable = |what: &str| format!("CARGO_TARGET_{}_{what}", target.triple.to_uppercase().replace('-', "_"));
        succeed(
            Command::new(env!("CARGO"))
                .args(["run", "--quiet", "--locked", "--package", "tinderbox", "--bin", "tinderbox"])
                .args(["--config", "profile.dev.debug=false", "--target", target.triple, "--", "run"])
                .arg(zoo.join("fashion.tflite"))
                .arg("--input")
                .arg(zoo.join("samples.npy"))
                .arg("--output")
                .arg(&output)
                .env(variable("LINKER"), target.cc)
                .env(variable("RUNNER"), runner.join(" ")),
        );
        let found = npy::read(&output).expect("an output");
        assert!(found.shape == golden.shape && found.data == golden.data, "{}: outputs differ", target.name);
    }
}

#[test]
fn found_by_pkg_config_and_cmake() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_demo(folder);
    let prefix = folder.join("prefix");
    install(&HOST, &prefix).expect("installs");
    let lib = prefix.join("lib");
    let found = succeed(
        Command::new("pkg-config")
            .args(["--cflags", "--libs", "tinderbox"])
            .env("PKG_CONFIG_PATH", lib.join("pkgconfig")),
    );
    let flags: Vec<String> = found.split_whitespace().map(str::to_owned).collect();
    let program = build(HOST.cc, folder, "by-pkg-config", &flags);
    succeed(Command::new(program).env("LD_LIBRARY_PATH", &lib));

    std::fs::copy(sources().join("CMakeLists.txt"), folder.join("CMakeLists.txt")).expect("copied");
    for subdirectory in ["OFF", "ON"] {
        let build = folder.join(format!("cmake-{subdirectory}"));
        let define = |name: &str, value: &Path| format!("-D{name}={}", value.display());
        succeed(
            Command::new("cmake")
                .args([
                    define("PREFIX", &prefix),
                    define("SOURCES", &sources()),
                    format!("-DSUBDIRECTORY={subdirectory}"),
                ])
                .args([Path::new("-S"), folder, Path::new("-B"), &build]),
        );
        succeed(Command::new("cmake").arg("--build").arg(&build));
        for kind in ["tinderbox", "static"] {
            succeed(&mut Command::new(build.join(format!("demo_{kind}"))));
        }
    }
}

#[test]
fn emitted_sources_compile_without_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_demo(folder);
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/include");
    let strict = ["-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only", "-ffreestanding"];
    for compiler in ["gcc", "clang", "arm-none-eabi-gcc", "riscv64-unknown-elf-gcc"] {
        if Command::new(compiler).arg("--version").output().is_err() {
            eprintln!("skipped: {compiler} is missing; .ci/setup installs it");
            continue;
        }
        let widths: &[&[&str]] = if compiler == "clang" { &[&["-m32"], &["-m64"]] } else { &[&[]] };
        for (width, language) in widths.iter().flat_map(|w| [["c", "-std=c99"], ["c++", "-std=c++11"]].map(|l| (w, l)))
        {
            let mut command = Command::new(compiler);
            command.args(*width).arg("-x").args(language).args(strict).arg("-I").arg(&header);
            succeed(command.arg(folder.join("demo.c")));
        }
    }
}

/// The vectors of the host's kernels, on a processor that this machine may not be.
#[test]
fn neon_sums_as_all_others_do() {
    let (home, linux) = (target::home(), target::target("aarch64-linux").expect("a target"));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = succeed(
        Command::new(cargo)
            .current_dir(&home)
            .args(["test", "--locked", "--package", "tinderbox-runtime", "--features", "std", "--lib", "sums"])
            .args(["--target", linux.triple, "--target-dir"])
            .arg(home.join("target/neon"))
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", linux.cc)
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", "qemu-aarch64 -L /usr/aarch64-linux-gnu"),
    );
    assert!(told.contains("all_instruction_sets_sum_alike ... ok"), "{told}");
}
