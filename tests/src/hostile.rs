//! What any bytes may do to the compiler: they are refused with a message, or become a program that runs to its end. All
//! else is a panic here.

use std::sync::LazyLock;
use tinderbox::compile::{Options, compile};
use tinderbox::cost::Table;
use tinderbox::emit::c::emit;
use tinderbox::graph::Graph;
use tinderbox::import::import_bytes;
use tinderbox::lower::{InputMode, Kernels};
use tinderbox::program::Image;
use tinderbox::run::host;
use tinderbox::stream;
use tinderbox::target::costs;

/// The choice among variants plans a network many times: seconds where there are many operators.
const MOST_CHOICES: usize = 6;
/// Work beyond this is not run.
const MOST_ELEMENTS: usize = 1 << 20;
const MOST_MACS: u64 = 1 << 22;

/// Ways to compile a model.
pub static WAYS: LazyLock<[Options; 4]> = LazyLock::new(|| {
    let costs = Some(Table::read(&costs("cortex-m4")).expect("the table of costs"));
    let (kernels, rows, stream) = (Kernels::Armv7em, InputMode::Rows, InputMode::Stream);
    [
        Options::default(),
        Options { kernels, input_mode: rows, ..Options::default() },
        Options { input_mode: stream, ..Options::default() },
        Options { kernels, costs, ..Options::default() },
    ]
});

/// The graph, which is proved, or else there is a message that names the file.
pub fn import(bytes: &[u8]) -> Option<Graph> {
    match import_bytes("hostile", bytes) {
        Ok(graph) => {
            graph.validate().expect("an imported graph is valid");
            Some(graph)
        }
        Err(error) => {
            assert!(error.to_string().starts_with("hostile: "), "{error}");
            None
        }
    }
}

/// From import to C and, if it is small, to the outputs, in one of the [`WAYS`].
pub fn compile_and_run(bytes: &[u8], options: &Options) {
    let Some(graph) = import(bytes) else { return };
    if options.costs.is_some() && graph.nodes.len() > MOST_CHOICES {
        return;
    }
    match compile(&graph, options) {
        Ok(image) if options.input_mode == InputMode::Stream => {
            emit("model", &stream::interface(&graph).expect("what streams has an interface"), &image);
        }
        Ok(image) => {
            emit("model", &graph, &image);
            run(&graph, &image);
        }
        Err(error) => assert!(!error.to_string().starts_with("internal"), "{error}"),
    }
}

fn run(graph: &Graph, image: &Image) {
    let elements: usize = graph.tensors.iter().map(|tensor| tensor.elements()).sum();
    if elements <= MOST_ELEMENTS && graph.macs() <= MOST_MACS {
        let inputs: Vec<Vec<u8>> = graph.inputs.iter().map(|id| vec![0x55; graph.tensors[*id].bytes()]).collect();
        let inputs = inputs.iter().map(Vec::as_slice).collect();
        host::run(image, &[inputs], false).expect("what compiles runs to its end");
    }
}
