//! Elementwise operators of two inputs, with broadcasting.

use crate::graph::{Activation, DType, Node, TensorId};
use crate::lower::lowering::Lowering;
use crate::lower::{Error, Kernels, View, armv7em, rows_of, scale};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::add::{Add, LEFT_SHIFT, element as add_element};

/// Lowers `ADD`.
pub(super) fn add(lowering: &mut Lowering<'_>, node: &Node, activation: Activation) -> Result<(), Error> {
    let (a, b, output) = (lowering.input(node, 0)?, lowering.input(node, 1)?, node.outputs[0]);
    for tensor in [a, b, output] {
        lowering.expect_type(node, tensor, DType::I8)?;
    }
    let (a_scale, a_zero_point) = lowering.scale_of(node, a)?;
    let (b_scale, b_zero_point) = lowering.scale_of(node, b)?;
    let (output_scale, output_zero_point) = lowering.scale_of(node, output)?;
    let twice_larger = 2.0 * f64::from(a_scale.max(b_scale));
    let a_factor = scale::multiplier(f64::from(a_scale) / twice_larger);
    let b_factor = scale::multiplier(f64::from(b_scale) / twice_larger);
    let factor = scale::multiplier(twice_larger / (f64::from(1 << LEFT_SHIFT) * f64::from(output_scale)));
    let (min, max) = scale::activation_range_s8(activation, output_scale, output_zero_point);
    let params = Add {
        a_zero_point,
        a_multiplier: a_factor.multiplier,
        a_shift: a_factor.shift,
        b_zero_point,
        b_multiplier: b_factor.multiplier,
        b_shift: b_factor.shift,
        output_multiplier: factor.multiplier,
        output_shift: factor.shift,
        output_zero_point,
        min,
        max,
    };
    let expected = |a: i8, b: i8| add_element(&params, a, b);
    let factors = [a_scale, b_scale].map(|scale| f64::from(scale) / f64::from(output_scale));
    let kernel = (lowering.kernels == Kernels::Armv7em && same_shape(lowering, [a, b, output]))
        .then(|| armv7em::add::search(factors, expected))
        .flatten();
    match kernel {
        Some(fast) => binary(lowering, node, abi::ARMV7EM_ADD_S8, &fast.words()),
        None => binary(lowering, node, abi::ADD_S8, &params.words()),
    }
    Ok(())
}

fn same_shape(lowering: &Lowering<'_>, tensors: [TensorId; 3]) -> bool {
    let [a, b, output] = tensors.map(|id| &lowering.tensor(id).shape);
    let view = rows_of(lowering.tensor(tensors[2]));
    a == b && b == output && (view.rows == 1 || view.row_bytes.is_multiple_of(4))
}

/// A node over two int8 inputs. `params` come first, then the broadcast.
fn binary(lowering: &mut Lowering<'_>, node: &Node, kernel: abi::Named, params: &[i32]) {
    let (Some(a), Some(b), output) = (node.inputs[0], node.inputs[1], node.outputs[0]) else { return };
    let broadcast = Broadcast::new(lowering, [a, b], output);
    let rows = broadcast.output.rows;
    let read = |view: View| move |y: usize| if view.rows == 1 { 0..1 } else { y..y + 1 };
    let mut layer = lowering
        .layer(node, kernel, rows)
        .reads(a, broadcast.inputs[0], read(broadcast.inputs[0]))
        .reads(b, broadcast.inputs[1], read(broadcast.inputs[1]))
        .writes(output, broadcast.output, |y| y..y + 1)
        .params(params.iter().copied())
        .params(broadcast.dimensions);
    for (i, view) in broadcast.inputs.iter().enumerate() {
        if *view == broadcast.output {
            layer = layer.in_place(i);
        }
    }
    layer.finish();
}

/// How two inputs meet in an output.
struct Broadcast {
    inputs: [View; 2],
    output: View,
    /// Of an output row: size and the inputs' strides, per dimension.
    dimensions: Vec<i32>,
}

impl Broadcast {
    fn new(lowering: &Lowering<'_>, inputs: [TensorId; 2], output: TensorId) -> Self {
        let tensor = lowering.tensor(output);
        let rank = tensor.shape.len();
        let padded = |id: TensorId| {
            let shape = &lowering.tensor(id).shape;
            [vec![1; rank.saturating_sub(shape.len())], shape.clone()].concat()
        };
        let shapes = inputs.map(padded);
        // The outermost dimension that is not 1 is the row, if each input has it or is one row for all of them.
        let outer = tensor.shape.iter().position(|d| *d != 1).unwrap_or(rank.saturating_sub(1));
        let row = if outer + 1 < rank { outer + 1 } else { outer };
        let out_view = rows_of(tensor);
        let input_view =
            |shape: &Vec<usize>| View { rows: shape[..row].iter().product(), row_bytes: shape[row..].iter().product() };
        let dimensions = dimensions(&tensor.shape[row..], shapes.each_ref().map(|shape| &shape[row..]));
        Self { inputs: shapes.each_ref().map(input_view), output: out_view, dimensions }
    }
}

/// Neighbouring dimensions that no input repeats differently become one.
fn dimensions(output: &[usize], inputs: [&[usize]; 2]) -> Vec<i32> {
    let mut strides = [1usize; 2];
    let mut all: Vec<[usize; 3]> = vec![];
    for d in (0..output.len()).rev() {
        let here = [0, 1].map(|i| if inputs[i][d] == 1 && output[d] != 1 { 0 } else { strides[i] });
        for (stride, input) in strides.iter_mut().zip(inputs) {
            *stride *= input[d];
        }
        match all.last_mut() {
            _ if output[d] == 1 => {}
            // Contiguous with, or repeated like, the dimension inside it.
            Some([size, a, b]) if here[0] == *a * *size && here[1] == *b * *size => *size *= output[d],
            _ => all.push([output[d], here[0], here[1]]),
        }
    }
    if all.is_empty() {
        all.push([1, 1, 1]);
    }
    all.iter().rev().flatten().map(|n| *n as i32).collect()
}
