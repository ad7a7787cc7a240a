//! Emitted Rust: its bytes on the host, its calls out of order, and the firmware of `examples/rust` on emulated boards.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tinderbox::compile::{Options, compile};
use tinderbox::emit::rust::emit;
use tinderbox::graph::Graph;
use tinderbox::import::import;
use tinderbox::lower::InputMode;
use tinderbox::run::npy;
use tinderbox_runtime::arena::Arena;
use tinderbox_runtime::network::{Network, Operand, Progress};
use tinderbox_runtime::status::Status;
use tinderbox_tests::{list, shared};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn demo(file: &str) -> PathBuf {
    repository().join("models/zoo/fashion").join(file)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    output
}

/// A program without `unsafe` and without warnings that runs every model on its inputs.
const MAIN: &str = "#![forbid(unsafe_code)]
#![deny(warnings)]
use tinderbox_runtime::{arena::Arena, network::Network};

macro_rules! run {
    ($name:ident) => {
        let input: Vec<i8> = read(stringify!($name));
        let mut output = vec![];
        let mut arena = Box::new(Arena::<{ $name::ARENA_BYTES }>::new());
        let mut network = Network::new(&$name::MODEL, &mut *arena).unwrap();
        for values in input.chunks($name::INPUT_0.elements()) {
            if $name::MODEL.pushed == 0 {
                network.set_input(&$name::INPUT_0, values).unwrap();
                network.invoke().unwrap();
            } else {
                for row in values.chunks($name::INPUT_0.row_elements()) {
                    network.push_row(&$name::INPUT_0, row).unwrap();
                }
            }
            output.extend(network.output(&$name::OUTPUT_0).unwrap().map(i8::cast_unsigned));
        }
        std::fs::write(concat!(stringify!($name), \".out\"), output).unwrap();
    };
}

fn read(name: &str) -> Vec<i8> {
    std::fs::read(format!(\"{name}.in\")).unwrap().into_iter().map(u8::cast_signed).collect()
}
";

/// Models of int8 with their inputs and what they make of them.
fn models() -> Vec<(String, Graph, PathBuf, PathBuf)> {
    let model = |name: &str, file: &Path, data: &Path, files: [&str; 2]| {
        (name.to_owned(), import(file).expect("imports"), data.join(files[0]), data.join(files[1]))
    };
    let mut models = vec![model("fashion", &demo("fashion.tflite"), &demo(""), ["samples.npy", "golden.npy"])];
    for file in shared().map(|shared| list(&shared.join("data/models/mlperf_tiny"))).unwrap_or_default() {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let golden = file.with_file_name("../../golden").join(&name);
        if name.ends_with("_int8") && golden.is_dir() {
            models.push(model(&name, &file, &golden, ["input.npy", "output.npy"]));
        }
    }
    models
}

/// The first two of an array's elements, as bytes.
fn two(file: &Path) -> Vec<u8> {
    let array = npy::read(file).expect("values");
    array.data[..2 * array.data.len() / array.shape[0]].to_vec()
}

#[test]
fn emitted_modules_compute_the_golden_outputs() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let write = |name: &str, contents: &[u8]| std::fs::write(folder.join(name), contents).expect("written");
    let (mut main, mut calls, mut expected) = (MAIN.to_owned(), String::new(), vec![]);
    for (model, graph, input, output) in models() {
        for (mode, input_mode) in [("whole", InputMode::Whole), ("rows", InputMode::Rows)] {
            let name = format!("{model}_{mode}");
            let image = compile(&graph, &Options { input_mode, ..Options::default() }).expect("compiles");
            write(&format!("{name}.rs"), emit(&graph, &image).as_bytes());
            write(&format!("{name}.in"), &two(&input));
            writeln!(main, "mod {name};").expect("a string");
            writeln!(calls, "    run!({name});").expect("a string");
            expected.push((name, two(&output)));
        }
    }
    write("main.rs", format!("{main}\nfn main() {{\n{calls}}}\n").as_bytes());
    succeed(Command::new("rustfmt").args(["--check", "--edition", "2024"]).arg(folder.join("fashion_rows.rs")));
    let manifest = format!(
        "[package]\nname = 'emitted'\nversion = '0.0.0'\nedition = '2024'\n[workspace]\n[[bin]]\nname = 'emitted'\n\
         path = 'main.rs'\n[dependencies.tinderbox-runtime]\npath = '{}'\n[profile.dev]\nopt-level = 1\n",
        repository().canonicalize().expect("the repository").join("runtime").display()
    );
    write("Cargo.toml", manifest.as_bytes());
    std::fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).expect("copied");
    let target = folder.join("target");
    succeed(
        Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--offline", "--target-dir"])
            .arg(target)
            .current_dir(folder),
    );
    for (name, golden) in expected {
        let found = std::fs::read(folder.join(format!("{name}.out"))).expect("an output");
        assert!(found == golden, "{name}: outputs differ");
    }
}

#[test]
fn wrong_calls_get_a_status() {
    let graph = import(&demo("fashion.tflite")).expect("the demo model");
    let image = |input_mode| compile(&graph, &Options { input_mode, ..Options::default() }).expect("compiles");
    let (input, output) = (Operand::<i8>::new(0, &[1, 28, 28, 1], 28, 28), Operand::<i8>::new(0, &[1, 10], 1, 10));
    image(InputMode::Whole).with_program(|program| {
        let mut small = Arena::<64>::new();
        assert_eq!(Network::new(program, &mut small).err(), Some(Status::ArenaTooSmall));
        let mut arena = Arena::<0x10000>::new();
        let mut network = Network::new(program, &mut arena).expect("fits");
        assert_eq!(network.push_row(&input, &[0; 28]), Err(Status::InputMode));
        assert_eq!(network.take_row(&input, &[0; 28]), Err(Status::InputMode));
        assert_eq!(network.set_input(&input, &[0; 783]), Err(Status::RowSize));
        assert_eq!(network.set_input(&Operand::<i8>::new(1, &[784], 1, 784), &[0; 784]), Err(Status::InputMode));
        assert_eq!(network.set_input(&input, &[0; 784]), Ok(()));
        assert_eq!(network.invoke(), Ok(()));
        assert_eq!(network.output(&output).expect("an output").count(), 10);
    });
    image(InputMode::Rows).with_program(|program| {
        let mut arena = Arena::<0x10000>::new();
        let mut network = Network::new(program, &mut arena).expect("fits");
        assert_eq!(network.invoke(), Err(Status::InputMode));
        assert_eq!(network.set_input(&input, &[0; 784]), Err(Status::InputMode));
        assert_eq!(network.push_row(&input, &[0; 27]), Err(Status::RowSize));
        assert_eq!(network.push_row(&Operand::<i8>::new(1, &[28], 1, 28), &[0; 28]), Err(Status::InputMode));
        assert_eq!(network.wanted_input(), Some(0));
        assert_eq!(network.push_row(&input, &[0; 28]), Ok(Progress::NeedRow));
        network.reset().expect("as new");
        let last = (0..28).map(|_| network.push_row(&input, &[0; 28])).last();
        assert_eq!(last, Some(Ok(Progress::Ready)));
    });
}

/// A line that only the log has.
const LOGGED: &str = "bytes of arena";

#[test]
fn firmware_names_the_samples() {
    let labels = std::fs::read_to_string(demo("labels.txt")).expect("labels.txt");
    let labels: Vec<&str> = labels.lines().collect();
    let tinderbox = format!("{} run --quiet --bin tinderbox --", env!("CARGO"));
    let target = repository().join("target/examples");
    for (example, triple, emulator, kernels) in [
        ("cortex-m", "thumbv7em-none-eabi", "qemu-system-arm", "armv7em"),
        ("riscv", "riscv32imac-unknown-none-elf", "qemu-system-riscv32", "portable"),
    ] {
        if Command::new(emulator).arg("--version").output().is_err() {
            eprintln!("skipped: examples/rust/{example} needs {emulator}; .ci/setup installs it");
            continue;
        }
        for (profile, flags) in [("debug", &[][..]), ("release", &["--release"])] {
            let output = succeed(
                Command::new(env!("CARGO"))
                    .args(["run", "--quiet", "--locked", "--target-dir"])
                    .arg(&target)
                    .args(flags)
                    .env("TINDERBOX", &tinderbox)
                    .current_dir(repository().join("examples/rust").join(example)),
            );
            let debug = profile == "debug";
            // Where the emulator prints, and the compiler warns.
            let said = text(&output.stderr);
            let is_log = |line: &&str| ["INFO ", "DEBUG"].iter().any(|level| line.starts_with(level));
            let (log, plain): (Vec<&str>, Vec<&str>) = said.lines().partition(is_log);
            assert_eq!(plain, labels, "{example} {profile}");
            assert_eq!(log.len(), if debug { 1 + labels.len() } else { 0 }, "{example} {profile}: {said}");
            assert!(!debug || log[0].contains(kernels), "{example}: {said}");
            let firmware = target.join(triple).join(profile).join(format!("{example}-example"));
            let image = std::fs::read(firmware).expect("the firmware");
            let holds = image.windows(LOGGED.len()).any(|bytes| bytes == LOGGED.as_bytes());
            assert_eq!(holds, debug, "{example} {profile}: what is logged");
        }
    }
}
