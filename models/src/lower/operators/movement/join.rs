//! Several tensors put together into one.

use crate::graph::{Activation, Node, TensorId};
use crate::lower::lowering::Lowering;
use crate::lower::{Error, View, rows_of};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::movement::Join;

/// Lowers `CONCATENATION`.
pub(in super::super) fn concatenation(
    lowering: &mut Lowering<'_>,
    node: &Node,
    axis: usize,
    activation: Activation,
) -> Result<(), Error> {
    if activation != Activation::None {
        return Err(Error::unsupported(node, "a fused activation; put it into an operator of its own"));
    }
    let first = lowering.tensor(lowering.input(node, 0)?);
    let outer = first.shape[..axis].iter().product();
    join(lowering, node, outer);
    Ok(())
}

/// Lowers `PACK`.
pub(in super::super) fn pack(lowering: &mut Lowering<'_>, node: &Node, axis: usize) -> Result<(), Error> {
    let first = lowering.tensor(lowering.input(node, 0)?);
    let outer = first.shape[..axis].iter().product();
    join(lowering, node, outer);
    Ok(())
}

/// Inputs cut into `outer` parts each: the first parts of all, then the second ones, and so on.
fn join(lowering: &mut Lowering<'_>, node: &Node, outer: usize) {
    let view = rows_of(lowering.tensor(node.outputs[0]));
    let inputs: Vec<(TensorId, usize)> =
        node.inputs.iter().flatten().map(|id| (*id, lowering.tensor(*id).bytes())).collect();
    match outer.is_multiple_of(view.rows) {
        true => join_rows(lowering, node, &inputs, view, outer / view.rows),
        false => stack(lowering, node, &inputs, view),
    }
}

/// Every output row has `parts` parts of each input's row.
fn join_rows(lowering: &mut Lowering<'_>, node: &Node, inputs: &[(TensorId, usize)], view: View, parts: usize) {
    let mut layer = lowering.layer(node, abi::JOIN, view.rows);
    for &(input, bytes) in inputs {
        let own = View { rows: view.rows, row_bytes: bytes / view.rows };
        layer = layer.reads(input, own, |y| y..y + 1);
    }
    layer.writes(node.outputs[0], view, |y| y..y + 1).params(Join { parts: parts as i32 }.words()).finish();
}

/// Every output row is a row of one input: there is one part, and the output has more rows.
fn stack(lowering: &mut Lowering<'_>, node: &Node, inputs: &[(TensorId, usize)], view: View) {
    let mut layer = lowering.layer(node, abi::STACK, view.rows);
    let mut before = 0;
    for &(input, bytes) in inputs {
        let rows = bytes / view.row_bytes;
        let row = |y: usize| y.saturating_sub(before).min(rows);
        layer = layer.reads(input, View { rows, row_bytes: view.row_bytes }, |y| row(y)..row(y + 1));
        before += rows;
    }
    layer.writes(node.outputs[0], view, |y| y..y + 1).finish();
}
