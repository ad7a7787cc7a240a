//! The program: kernels and plan put together, ready to be run here or to be written for a device.

use crate::lower::{self, Layer, Lowered, Place};
use crate::passes::Gains;
use crate::plan::Plan;
use crate::plan::dataflow::{BufferId, Dataflow, Node, NodeId, Role};
use std::collections::HashMap;
use std::sync::Arc;
use tinderbox_runtime::program as device;
use tinderbox_runtime::program::Slice;

/// A compiled network in the host's memory.
#[derive(Clone)]
pub struct Image {
    lowered: Lowered,
    plan: Plan,
    tensors: Vec<device::Tensor>,
    /// Per kernel node, the tensors that it reads and writes.
    operands: Vec<Vec<u16>>,
    inputs: Vec<u16>,
    outputs: Vec<u16>,
    variables: Vec<Variable>,
    pushed: bool,
}

/// Memory that survives from one inference to the next.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Byte offset in the arena.
    pub offset: usize,
    /// Size in bytes.
    pub bytes: usize,
    /// Contents after reset, repeated until `bytes` are filled.
    pub initial: Arc<[u8]>,
}

impl Variable {
    fn new(variable: &lower::Variable, plan: &Plan) -> Self {
        let start = match variable.place {
            Place::Buffer(buffer) => plan.placements[buffer].offset,
            Place::State(node) => plan.state[node],
        };
        Self { offset: start + variable.offset, bytes: variable.bytes, initial: variable.initial.clone() }
    }

    /// The runtime's record.
    fn record(&self) -> device::Variable<'_> {
        let initial = Slice::new(&self.initial);
        device::Variable { offset: self.offset as u32, bytes: self.bytes as u32, initial }
    }
}

impl Image {
    /// Puts `lowered` and its plan together. A checked plan's numbers fit the program's fields.
    pub fn new(lowered: Lowered, plan: Plan) -> Self {
        let indices = |buffers: &[BufferId]| buffers.iter().map(|b| *b as u16).collect();
        let operands = plan.kernels.iter().filter_map(|node| lowered.layers[*node].as_ref());
        Self {
            tensors: (0..lowered.tensors.len()).map(|i| tensor(&lowered, &plan, i)).collect(),
            operands: operands.map(|layer| layer.tensors.iter().map(|t| *t as u16).collect()).collect(),
            inputs: indices(&lowered.inputs),
            outputs: indices(&lowered.outputs),
            pushed: lowered.inputs.iter().any(|b| lowered.flow.buffers[*b].role != Role::Input),
            variables: lowered.variables.iter().map(|variable| Variable::new(variable, &plan)).collect(),
            lowered,
            plan,
        }
    }

    /// What the planner saw.
    pub fn flow(&self) -> &Dataflow {
        &self.lowered.flow
    }

    /// Where everything is, and when.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the exact passes did.
    pub fn gains(&self) -> Gains {
        self.lowered.gains
    }

    /// Per tensor of the graph that was compiled, the buffer that holds it; `None` for tensors that are not made.
    pub fn buffers(&self) -> &[Option<BufferId>] {
        &self.lowered.buffers
    }

    /// Every tensor in the arena.
    pub fn tensors(&self) -> &[device::Tensor] {
        &self.tensors
    }

    /// Tensor indices of the inputs.
    pub fn inputs(&self) -> &[u16] {
        &self.inputs
    }

    /// Tensor indices of the outputs.
    pub fn outputs(&self) -> &[u16] {
        &self.outputs
    }

    /// What survives an inference.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Whether inputs are pushed row by row.
    pub fn is_pushed(&self) -> bool {
        self.pushed
    }

    /// The nodes that kernels execute, in the program's order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = ImageNode<'_>> {
        self.plan.kernels.iter().zip(&self.operands).map(|(id, operands)| ImageNode {
            layer: self.lowered.layers[*id].as_ref().expect("kernels have layers"),
            node: &self.lowered.flow.nodes[*id],
            operands,
            steps: self.plan.steps[*id],
            macs: self.share(*id, self.lowered.layers[*id].as_ref().map_or(0.0, |layer| layer.macs as f64)).round()
                as u64,
            scratch: self.plan.scratch[*id],
            state: self.plan.state[*id],
        })
    }

    /// Per kernel node, the first one with the same weights: what is equal is stored once.
    pub fn weight_owners(&self) -> Vec<usize> {
        let mut first = HashMap::new();
        self.nodes().enumerate().map(|(i, node)| *first.entry(&node.layer.weights).or_insert(i)).collect()
    }

    /// Flash that the weights take.
    pub fn weight_bytes(&self) -> usize {
        let owned = self.nodes().zip(self.weight_owners()).enumerate().filter(|(i, (_, owner))| i == owner);
        owned.map(|(_, (node, _))| node.layer.weights.len()).sum()
    }

    /// Flash on a 32-bit target beside the weights.
    pub fn constant_bytes(&self) -> usize {
        const PROGRAM: usize = 64;
        // Without pointers: as large there as here.
        const TENSOR: usize = size_of::<device::Tensor>();
        const VARIABLE: usize = 16;
        let nodes: usize = self.nodes().map(|node| constant_bytes(node.layer)).sum();
        let variables: usize = self.variables.iter().map(|variable| VARIABLE + variable.initial.len()).sum();
        let indices = self.plan.schedule.len() + self.inputs.len() + self.outputs.len();
        PROGRAM + TENSOR * self.tensors.len() + nodes + variables + 2 * indices
    }

    /// Frames of a stream's period; 1 for a program of single inferences.
    pub fn frames(&self) -> usize {
        let input = self.lowered.inputs.first();
        self.plan.period.as_ref().zip(input).map_or(1, |(period, input)| period.rows[*input].len())
    }

    /// Of a number that belongs to all steps of a node, the part of an inference, or of a frame of a stream.
    pub fn share(&self, id: NodeId, of: f64) -> f64 {
        let Some(period) = &self.plan.period else { return of };
        of * period.steps[id].len() as f64 / (self.lowered.flow.nodes[id].steps * self.frames()) as f64
    }

    /// Calls `f` with the program as the runtime sees it.
    pub fn with_program<R>(&self, f: impl FnOnce(&device::Program<'_>) -> R) -> R {
        let variables: Vec<device::Variable<'_>> = self.variables.iter().map(Variable::record).collect();
        let nodes: Vec<device::Node<'_>> = self.nodes().map(|node| node.record()).collect();
        f(&device::Program {
            abi_version: device::ABI_VERSION,
            arena_bytes: self.plan.arena_bytes as u32,
            tensors: Slice::new(&self.tensors),
            nodes: Slice::new(&nodes),
            schedule: Slice::new(&self.plan.schedule),
            inputs: Slice::new(&self.inputs),
            outputs: Slice::new(&self.outputs),
            variables: Slice::new(&variables),
            pushed: u32::from(self.pushed),
            resume: self.plan.resume as u32,
        })
    }
}

/// Flash that a node takes on a 32-bit target beside its weights: its record and its arrays.
pub fn constant_bytes(layer: &Layer) -> usize {
    const RECORD: usize = 60;
    RECORD + 4 * (layer.params.len() + layer.channels.len()) + (2 * layer.tensors.len()).next_multiple_of(4)
}

/// A node of an image.
#[derive(Clone, Copy)]
pub struct ImageNode<'a> {
    /// Kernel and constants.
    pub layer: &'a Layer,
    /// What the planner knows of it.
    pub node: &'a Node,
    /// Tensors read, then written.
    pub operands: &'a [u16],
    /// Steps of an inference.
    pub steps: usize,
    /// Multiply-accumulates of an inference, or of a frame of a stream.
    pub macs: u64,
    /// Offset of its scratch.
    pub scratch: usize,
    /// Offset of its state.
    pub state: usize,
}

impl<'a> ImageNode<'a> {
    /// The runtime's record.
    pub fn record(self) -> device::Node<'a> {
        device::Node {
            kernel: self.layer.kernel.function,
            params: Slice::new(&self.layer.params),
            channels: Slice::new(&self.layer.channels),
            weights: Slice::new(&self.layer.weights),
            tensors: Slice::new(self.operands),
            inputs: self.layer.inputs as u16,
            steps: self.steps as u16,
            rows_per_step: self.node.rows_per_step as u16,
            lag: self.layer.lag as u16,
            scratch: self.scratch as u32,
            scratch_bytes: self.node.scratch as u32,
            state: self.state as u32,
            state_bytes: self.node.state as u32,
        }
    }
}

fn tensor(lowered: &Lowered, plan: &Plan, index: usize) -> device::Tensor {
    let seen = lowered.tensors[index];
    let (buffer, placement) = (&lowered.flow.buffers[seen.buffer], plan.placements[seen.buffer]);
    let own = index == seen.buffer;
    let rows = plan.period.as_ref().map_or(0..seen.view.rows, |period| period.rows[seen.buffer].clone());
    device::Tensor {
        offset: placement.offset as u32,
        fresh: placement.fresh as u32,
        stride: if own { buffer.stride } else { seen.view.row_bytes } as u32,
        row_bytes: seen.view.row_bytes as u32,
        rows: rows.end as u16,
        capacity: if own { placement.capacity } else { seen.view.rows } as u16,
        fresh_rows: placement.fresh_rows as u16,
        restart: rows.start as u16,
        phase: if own { placement.phase } else { 0 } as u16,
    }
}
