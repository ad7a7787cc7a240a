//! Every tensor of an inference. Rows are taken as they are written, before their ring forgets them.

use super::host::{Stopped, watch};
use crate::graph::{Graph, TensorId};
use crate::plan::dataflow::{Access, BufferId};
use crate::program::Image;
use std::cell::Cell;
use tinderbox_runtime::executor::Executor;

/// What a tensor held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// All of its bytes, one inference after the other; zeros where a row was not made.
    pub data: Vec<u8>,
    /// Bytes of each inference that were made: rows that nobody reads are not, and those are the last.
    pub made: usize,
}

/// Per tensor of `graph`, what it holds in each of `inferences` when `image`, compiled from it, runs as
/// [`run`](super::host::run) would; `None` for constants and for tensors that the program does not make.
pub fn contents(
    graph: &Graph,
    image: &Image,
    inferences: &[Vec<&[u8]>],
    keep_state: bool,
) -> Result<Vec<Option<Contents>>, Stopped> {
    let mut recorder = Recorder::new(image, inferences.len());
    watch(image, inferences, keep_state, &mut |inference, node, executor| recorder.step(inference, node, executor))?;
    recorder.inputs(inferences);
    let of = |tensor: TensorId| {
        let buffer = image.buffers()[tensor].filter(|_| graph.tensors[tensor].data.is_none())?;
        let made = recorder.made[buffer];
        let data = recorder.data[buffer].concat();
        (recorder.bytes(buffer) == graph.tensors[tensor].bytes()).then_some(Contents { data, made })
    };
    Ok((0..graph.tensors.len()).map(of).collect())
}

struct Recorder<'a> {
    image: &'a Image,
    /// Per buffer and inference, its contents.
    data: Vec<Vec<Vec<u8>>>,
    /// Per buffer, the bytes made of each.
    made: Vec<usize>,
    /// Per node of the program, the steps that it has taken in this inference.
    steps: Vec<usize>,
    inference: usize,
}

impl<'a> Recorder<'a> {
    fn new(image: &'a Image, inferences: usize) -> Self {
        let buffers = image.flow().buffers.len();
        let mut recorder =
            Self { image, data: vec![], made: vec![0; buffers], steps: vec![0; image.nodes().len()], inference: 0 };
        recorder.data = (0..buffers).map(|b| vec![vec![0; recorder.bytes(b)]; inferences]).collect();
        recorder
    }

    fn bytes(&self, buffer: BufferId) -> usize {
        self.row_bytes(buffer) * self.image.flow().buffers[buffer].rows
    }

    fn row_bytes(&self, buffer: BufferId) -> usize {
        self.image.tensors()[buffer].row_bytes as usize
    }

    /// Takes what a node's step has just written.
    fn step(&mut self, inference: usize, node: usize, executor: &Executor<'_>) {
        if inference != self.inference {
            self.steps.fill(0);
            self.inference = inference;
        }
        let id = self.image.plan().kernels[node];
        for access in &self.image.flow().nodes[id].writes {
            self.take(access, self.steps[node], executor);
        }
        self.steps[node] += 1;
    }

    fn take(&mut self, access: &Access, step: usize, executor: &Executor<'_>) {
        let (buffer, bytes) = (access.buffer, self.row_bytes(access.buffer));
        for row in access.rows[step].clone() {
            let Some(cells) = executor.row(buffer, row) else { continue };
            let place = &mut self.data[buffer][self.inference][row * bytes..][..bytes];
            place.iter_mut().zip(cells).for_each(|(byte, cell)| *byte = Cell::get(cell));
            self.made[buffer] = self.made[buffer].max((row + 1) * bytes);
        }
    }

    /// Inputs are what the caller gave.
    fn inputs(&mut self, inferences: &[Vec<&[u8]>]) {
        for (i, &buffer) in self.image.inputs().iter().enumerate() {
            let buffer = usize::from(buffer);
            self.made[buffer] = self.bytes(buffer);
            for (data, inputs) in self.data[buffer].iter_mut().zip(inferences) {
                data.copy_from_slice(inputs[i]);
            }
        }
    }
}
