//! Products of matrices.

use super::movement;
use crate::graph::{DType, Node, Tensor};
use crate::lower::dense::Dense;
use crate::lower::lowering::Lowering;
use crate::lower::product::in_single;
use crate::lower::window::int;
use crate::lower::{Error, View, scale};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::matmul::{MatMul, Scales};

/// Lowers `BATCH_MATMUL`: as a fully connected layer where the second operand is one constant matrix.
pub(super) fn batch_matmul(lowering: &mut Lowering<'_>, node: &Node, adj_x: bool, adj_y: bool) -> Result<(), Error> {
    let (a, b, output) = (lowering.input(node, 0)?, lowering.input(node, 1)?, node.outputs[0]);
    let [a_shape, b_shape, shape] = [a, b, output].map(|id| &lowering.tensor(id).shape[..]);
    let (rows, columns) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    let (b_lead, b_matrix) = b_shape.split_at(b_shape.len() - 2);
    let terms = b_matrix[usize::from(adj_y)];
    let weights = lowering.tensor(b);
    let one_matrix = weights.data.is_some() && b_lead.iter().all(|n| *n == 1) && weights.dtype != DType::I16;
    if one_matrix && !adj_x {
        let weights = if adj_y { None } else { Some(transposed(weights, terms, columns)) };
        return Dense::constant_matrix(lowering, node, terms, columns, weights)?.lower(lowering, node);
    }
    if [rows, columns, terms].iter().any(|n| int(*n).is_none()) {
        return Err(Error::unsupported(node, "a dimension is too large"));
    }
    let matrices = shape[..shape.len() - 2].iter().product::<usize>();
    let a_lead = &a_shape[..a_shape.len() - 2];
    let places: Vec<(usize, usize)> =
        (0..matrices).map(|i| (broadcast(a_lead, shape, i), broadcast(b_lead, shape, i))).collect();
    let a = if adj_x { movement::turned(lowering, node, a) } else { a };
    let params = MatMul {
        rows: rows as i32,
        columns: columns as i32,
        b_term: if adj_y { 1 } else { columns as i32 },
        b_column: if adj_y { terms as i32 } else { 1 },
    };
    let dtype = lowering.tensor(b).dtype;
    let (kernel, scales) = match dtype {
        DType::F32 => (abi::BATCH_MATMUL_F32, vec![]),
        DType::I16 => (abi::BATCH_MATMUL_S16, scales(lowering, node)?.words().to_vec()),
        _ => (abi::BATCH_MATMUL_S8, scales(lowering, node)?.words().to_vec()),
    };
    let element = dtype.bytes();
    let a_rows = a_lead.iter().product::<usize>() * rows;
    let block = terms * columns;
    let all = matrices * rows;
    let channels = places.iter().flat_map(|(a, b)| [(a * rows) as i32, (b * block) as i32]).collect();
    let b_bytes = lowering.tensor(b).bytes();
    // Matrices that are broadcast are read again: all of them are kept.
    let repeated = a_rows != all;
    lowering
        .layer(node, kernel, all)
        .reads(a, View { rows: a_rows, row_bytes: terms * element }, |y| if repeated { 0..a_rows } else { y..y + 1 })
        .reads_whole(b, View { rows: 1, row_bytes: b_bytes }, |_| 0..1)
        .writes(output, View { rows: all, row_bytes: columns * element }, |y| y..y + 1)
        .params(params.words())
        .params(scales)
        .channels(channels)
        .finish();
    Ok(())
}

/// Index among an operand's matrices, which has the leading dimensions `lead`, of the one that makes output matrix `i`.
fn broadcast(lead: &[usize], output: &[usize], mut i: usize) -> usize {
    let (mut index, mut stride) = (0, 1);
    let leading = output.len() - 2;
    for axis in (0..leading).rev() {
        let at = i % output[axis];
        i /= output[axis];
        let Some(size) = (axis + lead.len()).checked_sub(leading).map(|axis| lead[axis]) else { continue };
        index += if size == 1 { 0 } else { at * stride };
        stride *= size;
    }
    index
}

/// \[terms, columns\] as \[columns, terms\].
fn transposed(weights: &Tensor, terms: usize, columns: usize) -> Vec<u8> {
    let (data, element) = (weights.data.as_deref().unwrap_or_default(), weights.dtype.bytes());
    let place = |column: usize, term: usize| (term * columns + column) * element;
    (0..columns)
        .flat_map(|column| (0..terms).flat_map(move |term| &data[place(column, term)..][..element]))
        .copied()
        .collect()
}

fn scales(lowering: &Lowering<'_>, node: &Node) -> Result<Scales, Error> {
    let (a_scale, a_zero_point) = lowering.scale_of(node, lowering.input(node, 0)?)?;
    let (b_scale, b_zero_point) = lowering.scale_of(node, lowering.input(node, 1)?)?;
    let (output_scale, output_zero_point) = lowering.scale_of(node, node.outputs[0])?;
    let factor = scale::multiplier(in_single(a_scale, b_scale) / f64::from(output_scale));
    let (multiplier, shift) = (factor.multiplier, factor.shift);
    Ok(Scales { a_zero_point, b_zero_point, output_zero_point, multiplier, shift })
}
