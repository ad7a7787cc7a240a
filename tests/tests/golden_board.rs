//! The MLPerf Tiny models on an emulated Cortex-M4: TensorFlow Lite Micro's bytes, and the figures that the README promises.

use tinderbox::compile::{Options, compile};
use tinderbox::graph::Graph;
use tinderbox::import::import;
use tinderbox::lower::{InputMode, Kernels};
use tinderbox::run::board::{self, Measured};
use tinderbox::run::firmware::RunnerOptions;
use tinderbox::run::npy;
use tinderbox::target;
use tinderbox_tests::shared;

const KB: usize = 1024;

/// A model, and the most bytes of arena that it may take with its input whole and with its input by rows.
const MODELS: [(&str, usize, usize); 5] = [
    ("kws_ref_int8", 6 * KB, 5 * KB + 512),
    ("ic_resnet8_int8", 16 * KB, 14 * KB),
    ("vww_96_int8", 28 * KB, 15 * KB),
    ("sww_ref_int8", 4 * KB + 512, 4 * KB),
    ("ad01_int8", 2100, 2100),
];

/// Most bytes of stack.
const STACK: [(Kernels, usize); 2] = [(Kernels::Armv7em, KB), (Kernels::Portable, KB)];

/// Most bytes of code for keyword spotting.
const CODE: [(Kernels, usize); 2] = [(Kernels::Armv7em, 12 * KB), (Kernels::Portable, 10 * KB)];

/// A model with what TensorFlow Lite Micro makes of its inputs: bytes, one inference after the other.
struct Golden {
    name: &'static str,
    graph: Graph,
    inputs: Vec<Vec<u8>>,
    outputs: Vec<Vec<u8>>,
}

fn golden(name: &'static str) -> Option<Golden> {
    let data = shared()?.join("data");
    let graph = import(&data.join(format!("models/mlperf_tiny/{name}.tflite"))).expect("the model");
    let [inputs, outputs] = ["input.npy", "output.npy"].map(|file| {
        let array = npy::read(&data.join("golden").join(name).join(file)).expect("golden data");
        array.data.chunks(array.data.len() / array.shape[0]).map(<[u8]>::to_vec).collect()
    });
    Some(Golden { name, graph, inputs, outputs })
}

/// Runs the first `count` inferences on the board, compares their outputs and returns the size of the arena and what was measured.
fn run(model: &Golden, input_mode: InputMode, kernels: Kernels, count: usize) -> (usize, Measured) {
    let machine = target::board("mps2-an386").expect("the board is described");
    let image = compile(&model.graph, &Options { input_mode, kernels, ..Options::default() }).expect("compiles");
    let inferences: Vec<Vec<&[u8]>> = model.inputs.iter().take(count).map(|input| vec![input.as_slice()]).collect();
    let (found, measured) =
        board::run(&machine, &model.graph, &image, &inferences, RunnerOptions::default()).expect("runs");
    let wanted: Vec<Vec<Vec<u8>>> = model.outputs.iter().take(count).map(|output| vec![output.clone()]).collect();
    assert!(found == wanted, "{} {input_mode:?} {kernels:?}: outputs differ", model.name);
    eprintln!("{} {input_mode:?} {kernels:?}: arena {}, {measured:?}", model.name, image.plan().arena_bytes);
    (image.plan().arena_bytes, measured)
}

/// What holds for every model: little stack, and next to nothing to be done before the first inference.
fn judge(model: &Golden, kernels: Kernels, measured: &Measured) {
    let most = STACK.iter().find(|(of, _)| *of == kernels).map_or(0, |(_, bytes)| *bytes as u64);
    assert!(measured.stack_bytes <= most, "{}: {} bytes of stack", model.name, measured.stack_bytes);
    let (init, inference) = (measured.init_instructions, measured.instructions);
    assert!(init > 0 && init * 100 <= inference, "{}: init takes {init} instructions of {inference}", model.name);
}

#[test]
fn fast_kernels_make_the_same_bytes() {
    for (name, ..) in MODELS {
        let Some(model) = golden(name) else { return };
        for input_mode in [InputMode::Whole, InputMode::Rows] {
            let (_, measured) = run(&model, input_mode, Kernels::Armv7em, usize::MAX);
            judge(&model, Kernels::Armv7em, &measured);
        }
    }
}

#[test]
fn portable_kernels_make_the_same_bytes_in_little_memory() {
    for (name, whole, rows) in MODELS {
        let Some(model) = golden(name) else { return };
        for (input_mode, most) in [(InputMode::Whole, whole), (InputMode::Rows, rows)] {
            let (arena, measured) = run(&model, input_mode, Kernels::Portable, 1);
            assert!(arena <= most, "{name} {input_mode:?}: {arena} bytes of arena, {most} are promised");
            judge(&model, Kernels::Portable, &measured);
        }
    }
}

#[test]
fn keyword_spotting_takes_little_code() {
    let Some(model) = golden("kws_ref_int8") else { return };
    for (kernels, most) in CODE {
        let (_, measured) = run(&model, InputMode::Whole, kernels, 1);
        assert!(measured.code_bytes <= most as u64, "{kernels:?}: {} bytes of code", measured.code_bytes);
    }
}
