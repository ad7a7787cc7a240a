//! Variables, each in a buffer of its own. Reading one moves nothing: the value is that buffer, or what was assigned before.
//! The last assignment is carried out once nobody wants the old contents any more.

use super::movement::{copy, real_zero};
use crate::graph::{Node, Op, TensorId};
use crate::lower::lowering::Lowering;
use crate::lower::{Error, Place, Variable, rows_of};
use crate::plan::dataflow::{self, BufferId, NodeId, Role};
use std::sync::Arc;
use tinderbox_runtime::abi;

/// Lowers `READ_VARIABLE`.
pub(super) fn read(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let variable = lowering.input(node, 0)?;
    let buffer = match lowering.assigned.get(&variable) {
        Some(&value) => lowering.buffer_of(value),
        None => buffer_of(lowering, variable),
    };
    lowering.buffers[node.outputs[0]] = Some(buffer);
    Ok(())
}

/// Lowers `ASSIGN_VARIABLE`, for [`store`] to carry out.
pub(super) fn assign(lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
    let (variable, value) = (lowering.input(node, 0)?, lowering.input(node, 1)?);
    let buffer = lowering.buffer_of(value);
    if lowering.flow.buffers[buffer].role == Role::Persistent {
        // The contents of another variable, or of this one: they may change before they are stored.
        copy(lowering, value);
    }
    lowering.assigned.insert(variable, value);
    lowering.pending.retain(|pending| *pending != variable);
    lowering.pending.push(variable);
    Ok(())
}

/// Stores what is assigned to variables whose old contents none of the graph's nodes from `next` on wants, nor the caller.
pub(in crate::lower) fn store(lowering: &mut Lowering<'_>, next: usize) {
    for variable in std::mem::take(&mut lowering.pending) {
        let buffer = buffer_of(lowering, variable);
        if is_wanted(lowering, variable, buffer, next) {
            lowering.pending.push(variable);
        } else {
            store_now(lowering, variable, buffer);
        }
    }
}

fn is_wanted(lowering: &Lowering<'_>, variable: TensorId, buffer: BufferId, next: usize) -> bool {
    let holds = |id: TensorId| id != variable && lowering.buffers[id] == Some(buffer);
    let wants = |node: &Node| {
        let assigns = matches!(node.op, Op::AssignVariable) && node.inputs[0] == Some(variable);
        assigns || node.inputs.iter().flatten().any(|id| holds(*id))
    };
    let nodes = lowering.graph.nodes.get(next..).unwrap_or_default();
    // Outputs get their copies when all nodes are there.
    let outputs = if lowering.outputs.is_empty() { lowering.graph.outputs.as_slice() } else { &[] };
    nodes.iter().any(wants) || outputs.iter().any(|id| holds(*id))
}

fn store_now(lowering: &mut Lowering<'_>, variable: TensorId, buffer: BufferId) {
    let value = lowering.assigned[&variable];
    let record = lowering.tensor(variable);
    let reads = |node: &dataflow::Node| node.reads.iter().any(|access| access.buffer == buffer);
    let readers: Vec<NodeId> = (0..lowering.flow.nodes.len()).filter(|id| reads(&lowering.flow.nodes[*id])).collect();
    let view = rows_of(record);
    let source = lowering.source.take();
    lowering
        .added_layer(&record.name, "ASSIGN_VARIABLE", abi::COPY, view.rows)
        .reads(value, view, |y| y..y + 1)
        .writes_into(buffer, variable, view, |y| y..y + 1)
        .after(readers)
        .finish();
    lowering.source = source;
}

/// The buffer of a variable, which is made when the variable is first met.
fn buffer_of(lowering: &mut Lowering<'_>, variable: TensorId) -> BufferId {
    if let Some(buffer) = lowering.buffers[variable] {
        return buffer;
    }
    let record = lowering.tensor(variable);
    let buffer = lowering.new_buffer(variable, rows_of(record), Role::Persistent);
    let initial = initial(lowering, variable);
    lowering.variables.push(Variable { place: Place::Buffer(buffer), offset: 0, bytes: record.bytes(), initial });
    buffer
}

/// The contents of a variable after reset, as a pattern: one element where all are equal.
pub(super) fn initial(lowering: &Lowering<'_>, variable: TensorId) -> Arc<[u8]> {
    let record = lowering.tensor(variable);
    let given = lowering.graph.variables.iter().find(|v| v.tensor == variable).and_then(|v| v.initial.as_deref());
    let zero = real_zero(record);
    let contents = given.unwrap_or(&zero);
    let first = &contents[..zero.len()];
    if contents.chunks(zero.len()).all(|element| element == first) { Arc::from(first) } else { Arc::from(contents) }
}
