//! A node seen with its tensors, and the questions that most rules ask.

use crate::graph::{
    DType, Graph, Node, Refusal, Tensor,
    refusal::{ensure, ensure_count},
};
use std::ops::RangeInclusive;

/// A node and its graph.
pub(super) struct View<'a> {
    pub(super) graph: &'a Graph,
    pub(super) node: &'a Node,
}

impl<'a> View<'a> {
    /// Demands these numbers of inputs (absent ones counted) and outputs.
    pub(super) fn arity(&self, inputs: RangeInclusive<usize>, outputs: RangeInclusive<usize>) -> Result<(), Refusal> {
        ensure_count("input", &inputs, self.node.inputs.len())?;
        ensure_count("output", &outputs, self.node.outputs.len())
    }

    /// Input `i`, which must be there; `role` names it in the message.
    pub(super) fn input(&self, i: usize, role: &str) -> Result<&'a Tensor, Refusal> {
        self.optional(i).ok_or_else(|| Refusal::invalid(format!("required input {i} ({role}) is missing")))
    }

    /// Input `i`, if it is there.
    pub(super) fn optional(&self, i: usize) -> Option<&'a Tensor> {
        self.node.inputs.get(i).copied().flatten().map(|id| &self.graph.tensors[id])
    }

    /// All inputs, each of which must be there.
    pub(super) fn inputs(&self) -> Result<Vec<&'a Tensor>, Refusal> {
        (0..self.node.inputs.len()).map(|i| self.input(i, "operand")).collect()
    }

    /// Output `i`; call `arity` first.
    pub(super) fn output(&self, i: usize) -> &'a Tensor {
        &self.graph.tensors[self.node.outputs[i]]
    }

    /// The outputs.
    pub(super) fn outputs(&self) -> impl Iterator<Item = &'a Tensor> {
        self.node.outputs.iter().map(|&id| &self.graph.tensors[id])
    }

    /// Demands that output `i` has this shape; `None` where its computation overflowed.
    pub(super) fn output_shape(&self, i: usize, shape: Option<Vec<usize>>) -> Result<(), Refusal> {
        let tensor = self.output(i);
        let shape = shape.ok_or_else(|| Refusal::invalid("the output is too large").on(tensor))?;
        if tensor.shape == shape {
            return Ok(());
        }
        let what = format!("the stored shape {:?} is not the shape that the operator gives, {shape:?}", tensor.shape);
        Err(Refusal::invalid(what).on(tensor).help("convert the model anew with a fixed input shape"))
    }

    /// Demands one of these types of the first input; gives it back.
    pub(super) fn type_among(&self, types: &[DType]) -> Result<DType, Refusal> {
        let x = self.input(0, "x")?;
        if types.contains(&x.dtype) {
            return Ok(x.dtype);
        }
        Err(Refusal::unsupported(format!("type {} is not supported here", x.dtype)).on(x))
    }
}

/// Demands that a tensor has this type.
pub(super) fn typed(tensor: &Tensor, role: &str, dtype: DType) -> Result<(), Refusal> {
    if tensor.dtype == dtype {
        return Ok(());
    }
    Err(Refusal::invalid(format!("{role} must be {dtype}, not {}", tensor.dtype)).on(tensor))
}

/// Demands so many dimensions.
pub(super) fn rank(tensor: &Tensor, role: &str, rank: usize) -> Result<(), Refusal> {
    if tensor.shape.len() == rank {
        return Ok(());
    }
    Err(Refusal::invalid(format!("{role} must have {rank} dimensions, its shape is {:?}", tensor.shape)).on(tensor))
}

/// Demands that the contents are known at compile time.
pub(super) fn constant(tensor: &Tensor, role: &str) -> Result<(), Refusal> {
    if tensor.data.is_some() {
        return Ok(());
    }
    Err(Refusal::unsupported(format!("{role} must be constant")).on(tensor))
}

/// Demands that an axis is one of `rank` axes.
pub(super) fn axis_of(axis: usize, rank: usize) -> Result<(), Refusal> {
    ensure!(axis < rank, "axis {axis} is out of range: the tensor has {rank} dimensions");
    Ok(())
}

/// The shape that tensors of these shapes are broadcast to, NumPy's way.
pub(super) fn broadcast<'s>(shapes: impl IntoIterator<Item = &'s [usize]>) -> Result<Vec<usize>, Refusal> {
    let mut all: Vec<usize> = Vec::new();
    for shape in shapes {
        if all.len() < shape.len() {
            all.splice(0..0, std::iter::repeat_n(1, shape.len() - all.len()));
        }
        let offset = all.len() - shape.len();
        for (a, &b) in all[offset..].iter_mut().zip(shape) {
            ensure!(*a == b || *a == 1 || b == 1, "shapes cannot be broadcast: {shape:?} does not fit the others");
            *a = if *a == 1 { b } else { *a };
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_aligns_at_the_right() {
        assert_eq!(broadcast([&[2, 3, 1][..], &[5]]).unwrap(), [2, 3, 5]);
        assert_eq!(broadcast([&[5][..], &[2, 1, 1], &[]]).unwrap(), [2, 1, 5]);
        assert!(broadcast([&[4, 2][..], &[3, 2]]).is_err());
    }
}
