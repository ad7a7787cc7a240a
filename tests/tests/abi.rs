//! The C ABI as firmware meets it: `abi/abi.c`, built as C and as C++, on the host and on an emulated board, against the
//! library and the sources that `tinderbox compile` delivers.

use std::path::{Path, PathBuf};
use std::process::Command;
use tinderbox::compile::{Options, compile};
use tinderbox::emit::c::emit;
use tinderbox::import::import;
use tinderbox::lower::{InputMode, Kernels};
use tinderbox::run::library::device_library;
use tinderbox::run::{board, firmware, npy};
use tinderbox::target::{self, HOST, Target};

const LANGUAGES: [[&str; 2]; 2] = [["c", "-std=c99"], ["c++", "-std=c++11"]];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The demo model in both input modes and one of its samples, as C in `folder`.
fn write_sources(folder: &Path, kernels: Kernels) {
    let zoo = repository().join("models/zoo/fashion");
    let graph = import(&zoo.join("fashion.tflite")).expect("the demo model");
    for (name, input_mode) in [("whole", InputMode::Whole), ("rows", InputMode::Rows)] {
        let image = compile(&graph, &Options { input_mode, kernels, ..Options::default() }).expect("compiles");
        let sources = emit(name, &graph, &image);
        std::fs::write(folder.join(format!("{name}.c")), sources.source).expect("written");
        std::fs::write(folder.join(format!("{name}.h")), sources.header).expect("written");
    }
    let [picture, expected] = [("samples.npy", "picture"), ("golden.npy", "expected")].map(|(file, name)| {
        let array = npy::read(&zoo.join(file)).expect("the demo model's data");
        let first = &array.data[..array.data.len() / array.shape[0]];
        let bytes: Vec<String> = first.iter().map(u8::to_string).collect();
        format!("static const uint8_t {name}[] = {{{}}};\n", bytes.join(", "))
    });
    std::fs::write(folder.join("data.h"), format!("#include <stdint.h>\n{picture}{expected}")).expect("written");
}

/// `source` compiled as `language`; returns the object.
fn object(target: &Target, folder: &Path, source: &str, [language, standard]: [&str; 2]) -> PathBuf {
    let (root, to) = (repository(), folder.join("abi.o"));
    let output = Command::new(target.cc)
        .args(target.cflags)
        .args(["-x", language, standard, "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic", "-c"])
        .args(if language == "c++" { &["-fno-exceptions", "-fno-rtti"][..] } else { &[] })
        .args(["-I".into(), folder.into(), "-I".into(), root.join("boards/shared")])
        .args(["-I".into(), root.join("runtime/include"), root.join("tests/abi").join(source)])
        .arg("-o")
        .arg(&to)
        .output()
        .expect("the C compiler starts");
    assert!(output.status.success(), "{source} as {language}: {}", String::from_utf8_lossy(&output.stderr));
    to
}

#[test]
fn c_and_cpp_on_the_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    write_sources(folder, HOST.kernels);
    let library = device_library(&HOST).expect("a library for the host");
    for language in LANGUAGES {
        let object = object(&HOST, folder, "abi.c", language);
        let program = folder.join("abi");
        let linked = Command::new(HOST.cc)
            .args(["-std=c99", "-Wl,--gc-sections", "-I"])
            .args([&repository().join("boards/shared"), Path::new("-I"), &repository().join("runtime/include")])
            .args([&object, &folder.join("whole.c"), &folder.join("rows.c"), &repository().join("tests/abi/host.c")])
            .args([&library, Path::new("-o"), &program])
            .output()
            .expect("the C compiler starts");
        assert!(linked.status.success(), "{}", String::from_utf8_lossy(&linked.stderr));
        let run = Command::new(&program).output().expect("runs");
        assert!(run.status.success(), "{language:?}: {}", String::from_utf8_lossy(&run.stderr));
    }
}

#[test]
fn c_and_cpp_on_a_board() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let machine = target::board("mps2-an386").expect("the board is described");
    let target = target::target(&machine.target).expect("its target is known");
    write_sources(folder, target.kernels);
    let library = device_library(target).expect("a library for the board");
    for language in LANGUAGES {
        let object = object(target, folder, "abi.c", language);
        let inputs = [object, folder.join("whole.c"), folder.join("rows.c"), library.clone()];
        let inputs = inputs.each_ref().map(PathBuf::as_path);
        let firmware = firmware::link(&machine, target, folder, &inputs, "abi.elf").expect("links");
        if let Err(error) = board::emulate(&machine, &firmware, folder, 120) {
            panic!("{language:?}: {error}");
        }
    }
}
