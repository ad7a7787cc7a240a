//! Any bytes from import to emitted C, in one of the ways that the length of the bytes picks; what compiles and is small
//! is run as well.
#![no_main]

use std::sync::LazyLock;
use tinderbox::compile::{Options, compile};
use tinderbox::cost::Table;
use tinderbox::emit::c::emit;
use tinderbox::graph::Graph;
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

static WAYS: LazyLock<[Options; 4]> = LazyLock::new(|| {
    let costs = Some(Table::read(&costs("cortex-m4")).expect("the table of costs"));
    let (kernels, rows, stream) = (Kernels::Armv7em, InputMode::Rows, InputMode::Stream);
    [
        Options::default(),
        Options { kernels, input_mode: rows, ..Options::default() },
        Options { input_mode: stream, ..Options::default() },
        Options { kernels, costs, ..Options::default() },
    ]
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(graph) = tinderbox_fuzz::import(bytes) else { return };
    let options = &WAYS[bytes.len() % WAYS.len()];
    if options.costs.is_some() && graph.nodes.len() > MOST_CHOICES {
        return;
    }
    match compile(&graph, options) {
        Ok(image) => finish(&graph, options, &image),
        Err(error) => assert!(!error.to_string().starts_with("internal"), "{error}"),
    }
});

fn finish(graph: &Graph, options: &Options, image: &Image) {
    if options.input_mode == InputMode::Stream {
        emit("model", &stream::interface(graph).expect("what streams has an interface"), image);
        return;
    }
    emit("model", graph, image);
    let elements: usize = graph.tensors.iter().map(|tensor| tensor.elements()).sum();
    if elements <= MOST_ELEMENTS && graph.macs() <= MOST_MACS {
        let inputs: Vec<Vec<u8>> = graph.inputs.iter().map(|id| vec![0x55; graph.tensors[*id].bytes()]).collect();
        let inputs = inputs.iter().map(Vec::as_slice).collect();
        host::run(image, &[inputs], false).expect("what compiles runs to its end");
    }
}
