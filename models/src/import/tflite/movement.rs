//! Operators that move data or tell about shapes. Inputs: x, then constants that become attributes.

use super::{
    context::{Context, Conversion, Converted, axis, options, positive},
    file::read,
};
use crate::graph::{DType, MirrorMode, Op, Refusal, ensure};
use std::sync::Arc;
use tinderbox_tflite::{BuiltinOptionsRef, MirrorPadMode};

/// Shapes are static: the answer is known.
pub(super) fn shape(c: &Context) -> Conversion {
    let shape = &c.input(0)?.shape;
    c.output_shape(&[shape.len()])?;
    numbers(c, shape)
}

pub(super) fn rank(c: &Context) -> Conversion {
    let rank = c.rank(0)?;
    c.output_shape(&[])?;
    numbers(c, &[rank])
}

fn numbers(c: &Context, values: &[usize]) -> Conversion {
    let data: Arc<[u8]> = match c.output(0).dtype {
        DType::I32 => values.iter().flat_map(|&n| (n as i32).to_le_bytes()).collect(),
        DType::I64 => values.iter().flat_map(|&n| (n as i64).to_le_bytes()).collect(),
        other => return Err(Refusal::invalid(format!("output must be INT32 or INT64, not {other}"))),
    };
    Ok(Converted::Constant(data))
}

/// The shape is a constant input or, in old files, an option; one dimension may be -1, for what is left.
pub(super) fn reshape(c: &Context) -> Conversion {
    let wanted: Vec<i64> = match (c.inputs.get(1).copied().flatten(), &c.operator.options) {
        (Some(_), _) => c.integers(1, "shape")?,
        (None, Some(BuiltinOptionsRef::ReshapeOptions(o))) => {
            c.list(o.new_shape())?.into_iter().map(i64::from).collect()
        }
        (None, _) => return Err(c.wrong_options()),
    };
    let shape = &c.output(0).shape;
    ensure!(wanted.iter().filter(|&&n| n == -1).count() <= 1, "two unknown dimensions in {wanted:?}");
    let fits = |(&w, &n): (&i64, &usize)| w == -1 || usize::try_from(w) == Ok(n);
    ensure!(
        wanted.len() == shape.len() && wanted.iter().zip(shape).all(fits),
        "element count differs, or stored shape {shape:?} is not {wanted:?}"
    );
    c.of_first(Op::Reshape)
}

pub(super) fn expand_dims(c: &Context) -> Conversion {
    let mut shape = c.input(0)?.shape.clone();
    let axis = axis(c.integer(1, "axis")?, shape.len() + 1)?;
    shape.insert(axis, 1);
    c.output_shape(&shape)?;
    c.of_first(Op::Reshape)
}

pub(super) fn squeeze(c: &Context) -> Conversion {
    let dims = c.list(options!(c, SqueezeOptions).squeeze_dims())?;
    let shape = &c.input(0)?.shape;
    let mut gone: Vec<bool> = shape.iter().map(|&n| n == 1 && dims.is_empty()).collect();
    for dim in dims {
        let axis = axis(dim.into(), shape.len())?;
        ensure!(shape[axis] == 1, "axis {axis} of {shape:?} cannot be dropped: its length is not 1");
        gone[axis] = true;
    }
    let kept: Vec<usize> = shape.iter().zip(gone).filter(|(_, gone)| !gone).map(|(&n, _)| n).collect();
    c.output_shape(&kept)?;
    c.of_first(Op::Reshape)
}

pub(super) fn transpose(c: &Context) -> Conversion {
    let rank = c.rank(0)?;
    let perm = c.integers(1, "permutation")?.into_iter().map(|a| axis(a, rank)).collect::<Result<_, _>>()?;
    c.of_first(Op::Transpose { perm })
}

pub(super) fn reverse(c: &Context) -> Conversion {
    c.of_first(Op::Reverse { axes: c.axes(1)? })
}

pub(super) fn tile(c: &Context) -> Conversion {
    c.of_first(Op::Tile { multiples: c.lengths(1, "multiples")? })
}

pub(super) fn broadcast_to(c: &Context) -> Conversion {
    c.output_shape(&c.lengths(1, "shape")?)?;
    c.of_first(Op::BroadcastTo)
}

/// PAD and PADV2, whose third input is the value.
pub(super) fn pad(c: &Context) -> Conversion {
    c.pairs(1, "padding")?;
    c.node(Op::Pad)
}

pub(super) fn mirror_pad(c: &Context) -> Conversion {
    let mode = match read(options!(c, MirrorPadOptions).mode())? {
        MirrorPadMode::Reflect => MirrorMode::Reflect,
        MirrorPadMode::Symmetric => MirrorMode::Symmetric,
    };
    c.of_first(Op::MirrorPad { mode, paddings: c.pairs(1, "padding")? })
}

pub(super) fn space_to_batch(c: &Context) -> Conversion {
    c.of_first(Op::SpaceToBatchNd { block: c.lengths(1, "block length")?, paddings: c.pairs(2, "padding")? })
}

pub(super) fn batch_to_space(c: &Context) -> Conversion {
    c.of_first(Op::BatchToSpaceNd { block: c.lengths(1, "block length")?, crops: c.pairs(2, "crops")? })
}

pub(super) fn space_to_depth(c: &Context) -> Conversion {
    c.node(Op::SpaceToDepth { block: positive(options!(c, SpaceToDepthOptions).block_size(), "block size")? })
}

pub(super) fn depth_to_space(c: &Context) -> Conversion {
    c.node(Op::DepthToSpace { block: positive(options!(c, DepthToSpaceOptions).block_size(), "block size")? })
}
