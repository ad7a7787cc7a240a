//! Operators that remove axes. Inputs: x, axes or a number.

use super::{
    context::{Context, Conversion, axis, options},
    file::read,
};
use crate::graph::{Arg, Op, Reduction, Refusal};

pub(super) fn reduce(c: &Context, kind: Reduction) -> Conversion {
    let keep_dims = read(options!(c, ReducerOptions).keep_dims())?;
    c.of_first(Op::Reduce { kind, axes: c.axes(1)?, keep_dims })
}

pub(super) fn arg(c: &Context, kind: Arg) -> Conversion {
    let axis = axis(c.integer(1, "axis")?, c.rank(0)?)?;
    c.of_first(Op::Arg { kind, axis })
}

pub(super) fn top_k(c: &Context) -> Conversion {
    let k = c.integer(1, "k")?;
    let k = usize::try_from(k).map_err(|_| Refusal::invalid(format!("negative k {k}")))?;
    c.of_first(Op::TopK { k })
}
