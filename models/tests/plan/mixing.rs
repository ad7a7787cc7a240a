//! Dataflows that compute something: every byte of an output row depends on every byte that its step may read, so that
//! one lost row spoils the outputs. Once by the runtime's executor under a plan, once over whole tensors.

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;
use tinderbox::lower::{Layer, Lowered, Place, TensorView, Variable, View};
use tinderbox::plan::Plan;
use tinderbox::plan::dataflow::{BufferId, Dataflow, Node, Role, Worker};
use tinderbox::program::Image;
use tinderbox::run::{Results, host};
use tinderbox_runtime::abi::Named;
use tinderbox_runtime::status::Status;
use tinderbox_runtime::step::Step;

/// The second inference finds what the first one left in the arena.
const INFERENCES: usize = 2;

/// Outputs of both inferences under `plan`; `None` if it stops with an error.
pub(crate) fn run(flow: &Dataflow, plan: &Plan) -> Option<Results> {
    let view = |buffer: BufferId| {
        let record = &flow.buffers[buffer];
        TensorView { buffer, view: View { rows: record.rows, row_bytes: record.stride } }
    };
    let persistent = flow.nodes.iter().enumerate().filter(|(_, node)| node.persistent);
    let variable = |(id, node): (usize, &Node)| Variable {
        place: Place::State(id),
        offset: 0,
        bytes: node.state,
        initial: Arc::from([0]),
    };
    let lowered = Lowered {
        variables: persistent.map(variable).collect(),
        flow: flow.clone(),
        layers: flow.nodes.iter().enumerate().map(|(id, node)| layer(id, node)).collect(),
        tensors: (0..flow.buffers.len()).map(view).collect(),
        inputs: inputs(flow),
        outputs: outputs(flow),
        ..Lowered::default()
    };
    let values: Vec<Vec<Vec<u8>>> =
        (0..INFERENCES).map(|n| inputs(flow).into_iter().map(|id| input(flow, id, n)).collect()).collect();
    let values: Vec<Vec<&[u8]>> = values.iter().map(|inputs| inputs.iter().map(Vec::as_slice).collect()).collect();
    host::run(&Image::new(lowered, plan.clone()), &values, true).ok()
}

/// The same outputs, every tensor being whole and nothing shared.
pub(crate) fn whole_tensors(flow: &Dataflow) -> Results {
    let mut states = vec![0; flow.nodes.len()];
    (0..INFERENCES)
        .map(|inference| {
            let mut buffers: Vec<Vec<u8>> = flow.buffers.iter().map(|b| vec![0; b.bytes()]).collect();
            for id in inputs(flow) {
                buffers[id] = input(flow, id, inference);
            }
            for (id, node) in flow.nodes.iter().enumerate().filter(|(_, node)| node.worker == Worker::Kernel) {
                node_whole(flow, id, node, &mut states[id], &mut buffers);
            }
            outputs(flow).into_iter().map(|id| buffers[id].clone()).collect()
        })
        .collect()
}

fn node_whole(flow: &Dataflow, id: usize, node: &Node, state: &mut u8, buffers: &mut [Vec<u8>]) {
    let row = |buffer: BufferId, row: usize| row * flow.buffers[buffer].stride..(row + 1) * flow.buffers[buffer].stride;
    if !node.persistent {
        *state = 0;
    }
    for step in 0..node.steps {
        let mut sum = id as u32 + 1;
        for (i, access) in node.reads.iter().enumerate().filter(|(i, _)| !node.in_place.contains(i)) {
            let rows = access.rows[step].clone().flat_map(|r| buffers[access.buffer][row(access.buffer, r)].to_vec());
            sum = rows.fold(mix(sum, i as u8), mix);
        }
        *state = if node.state > 0 { mix((*state).into(), sum as u8) as u8 } else { 0 };
        for (o, access) in node.writes.iter().enumerate() {
            for (i, r) in access.rows[step].clone().enumerate() {
                for (k, at) in row(access.buffer, r).enumerate() {
                    let replaced = node.in_place.iter().map(|&input| {
                        let read = &node.reads[input];
                        buffers[read.buffer][row(read.buffer, read.rows[step].start + i)][k]
                    });
                    buffers[access.buffer][at] = element(sum, *state, (o, r, k), replaced);
                }
            }
        }
    }
}

fn inputs(flow: &Dataflow) -> Vec<BufferId> {
    let pushed = |id: &BufferId| {
        let pushes = |n: &Node| n.worker != Worker::Kernel && n.writes[0].buffer == *id;
        flow.nodes.iter().any(pushes) || flow.buffers[*id].role == Role::Input
    };
    (0..flow.buffers.len()).filter(pushed).collect()
}

fn outputs(flow: &Dataflow) -> Vec<BufferId> {
    (0..flow.buffers.len()).filter(|id| flow.buffers[*id].role == Role::Output).collect()
}

fn input(flow: &Dataflow, id: BufferId, inference: usize) -> Vec<u8> {
    let seed = (id * INFERENCES + inference) as u32;
    (0..flow.buffers[id].bytes()).map(|i| mix(mix(seed, i as u8), (i >> 8) as u8) as u8).collect()
}

/// One round of FNV-1a, with the high bits folded back so that the low byte depends on all of them.
fn mix(sum: u32, byte: u8) -> u32 {
    let sum = (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    sum ^ sum >> 15
}

/// Byte `k` of row `r` of output `o`. `sum` is of what the step reads, `replaced` the bytes that it may overwrite.
fn element(sum: u32, state: u8, (o, r, k): (usize, usize, usize), replaced: impl Iterator<Item = u8>) -> u8 {
    let place = [o as u8, r as u8, k as u8, state];
    place.into_iter().chain(replaced).fold(sum, mix) as u8
}

/// Scalars of the kernel: the node, whether it has state (1) that persists (2), which inputs are replaced, then per step the rows that each
/// operand has.
fn layer(id: usize, node: &Node) -> Option<Layer> {
    (node.worker == Worker::Kernel).then(|| {
        let operands: Vec<_> = node.reads.iter().chain(&node.writes).collect();
        let replaced = node.in_place.iter().map(|i| 1 << i).sum();
        let rows = (0..node.steps).flat_map(|step| operands.iter().map(move |access| &access.rows[step]));
        let rows = rows.flat_map(|rows| [rows.start as i32, rows.end as i32]);
        Layer {
            source: None,
            name: node.name.clone(),
            op: "MIX".into(),
            kernel: Named { symbol: "mix", function: kernel },
            params: [id as i32, i32::from(node.state > 0) + i32::from(node.persistent), replaced]
                .into_iter()
                .chain(rows)
                .collect(),
            channels: vec![],
            weights: Arc::from([]),
            tensors: operands.iter().map(|access| access.buffer).collect(),
            inputs: node.reads.len(),
            lag: 0,
            macs: 0,
            elements: 0,
            row_elements: 0,
        }
    })
}

extern "C" fn kernel(step: &Step<'_>) -> Status {
    mix_step(step).map_or(Status::Corrupt, |()| Status::Ok)
}

fn mix_step(step: &Step<'_>) -> Option<()> {
    let &[id, has_state, replaced, ref rows @ ..] = step.param_list() else { return None };
    let operands = step.inputs() + step.outputs();
    let range = |operand: usize| -> Option<Range<usize>> {
        let at = 2 * (step.index() * operands + operand);
        Some(*rows.get(at)? as usize..*rows.get(at + 1)? as usize)
    };
    // What is used only now is spoilt, as a real kernel would.
    step.scratch()?.iter().for_each(|cell| cell.set(0xA5));
    let mut sum = id as u32 + 1;
    for i in (0..step.inputs()).filter(|i| replaced >> i & 1 == 0) {
        sum = mix(sum, i as u8);
        for row in range(i)? {
            sum = step.input(i)?.get(row)?.iter().map(Cell::get).fold(sum, mix);
        }
    }
    let cells = step.state()?;
    let is_new = step.index() == 0 && has_state < 2;
    let before = if is_new { 0 } else { cells.first().map_or(0, Cell::get) };
    // A byte of state is kept, in every place.
    let state = if has_state > 0 { mix(before.into(), sum as u8) as u8 } else { 0 };
    if !is_new && cells.iter().any(|cell| cell.get() != before) {
        return None;
    }
    cells.iter().for_each(|cell| cell.set(state));
    for o in 0..step.outputs() {
        for (i, row) in range(step.inputs() + o)?.enumerate() {
            let to = step.output(o)?.get(row)?;
            for (k, cell) in to.iter().enumerate() {
                let mut bytes = vec![];
                for input in (0..step.inputs()).filter(|i| replaced >> i & 1 == 1) {
                    bytes.push(step.input(input)?.get(range(input)?.start + i)?.get(k)?.get());
                }
                cell.set(element(sum, state, (o, row, k), bytes.into_iter()));
            }
        }
    }
    Some(())
}
