//! What a conversion sees of its operator, and the questions that most conversions ask.

use super::file::{Model, Operator, list, read};
use crate::graph::{Activation, Graph, Op, Padding, Refusal, Stride, Tensor, TensorId, ensure};
use std::sync::Arc;
use tinderbox_tflite::{ActivationFunctionType, Error, Padding as FilePadding, Vector};

pub(super) use crate::import::axis;

/// An operator with its tensors; the table has checked their number.
pub(super) struct Context<'m, 'a> {
    pub(super) model: &'m Model<'a>,
    pub(super) graph: &'m Graph,
    pub(super) operator: &'m Operator<'a>,
    pub(super) inputs: Vec<Option<TensorId>>,
    pub(super) outputs: Vec<TensorId>,
}

/// What becomes of an operator.
pub(super) enum Converted {
    /// A node with these inputs, and the operator's outputs.
    Node(Op, Vec<Option<TensorId>>),
    /// Its only output is this constant.
    Constant(Arc<[u8]>),
}

pub(super) type Conversion = Result<Converted, Refusal>;

impl Context<'_, '_> {
    /// A node that reads all of the operator's inputs.
    pub(super) fn node(&self, op: Op) -> Conversion {
        Ok(Converted::Node(op, self.inputs.clone()))
    }

    /// A node that reads the first input only: the others have become attributes.
    pub(super) fn of_first(&self, op: Op) -> Conversion {
        self.of(op, 0)
    }

    /// A node that reads input `i` only.
    pub(super) fn of(&self, op: Op, i: usize) -> Conversion {
        Ok(Converted::Node(op, vec![self.inputs[i]]))
    }

    /// Input `i`, which must be there.
    pub(super) fn input(&self, i: usize) -> Result<&Tensor, Refusal> {
        let id = self.inputs.get(i).copied().flatten();
        let id = id.ok_or_else(|| Refusal::invalid(format!("required input {i} is missing")))?;
        Ok(&self.graph.tensors[id])
    }

    /// Output `i`.
    pub(super) fn output(&self, i: usize) -> &Tensor {
        &self.graph.tensors[self.outputs[i]]
    }

    /// Number of dimensions of input `i`.
    pub(super) fn rank(&self, i: usize) -> Result<usize, Refusal> {
        Ok(self.input(i)?.shape.len())
    }

    /// The contents of input `i`, a constant of type INT32 or INT64 that is called `role`.
    pub(super) fn integers(&self, i: usize, role: &str) -> Result<Vec<i64>, Refusal> {
        let tensor = self.input(i)?;
        if tensor.data.is_none() {
            let help = "convert the model with fixed input shapes, so that nothing depends on data";
            return Err(Refusal::unsupported(format!("{role} must be constant")).on(tensor).help(help));
        }
        self.model.budget.spend(tensor.data.as_ref().map_or(0, |data| data.len()))?;
        let wrong = || Refusal::invalid(format!("{role} must be INT32 or INT64, not {}", tensor.dtype)).on(tensor);
        tensor.integers().ok_or_else(wrong)
    }

    /// The same, none negative.
    pub(super) fn lengths(&self, i: usize, role: &str) -> Result<Vec<usize>, Refusal> {
        let values = self.integers(i, role)?;
        let lengths = values.iter().map(|&n| usize::try_from(n)).collect::<Result<_, _>>();
        lengths.map_err(|_| Refusal::invalid(format!("negative {role} {values:?}")))
    }

    /// The same, in pairs for each axis, as padding is given.
    pub(super) fn pairs(&self, i: usize, role: &str) -> Result<Vec<(usize, usize)>, Refusal> {
        let lengths = self.lengths(i, role)?;
        ensure!(self.input(i)?.shape.last() == Some(&2), "{role} must be pairs, not {:?}", self.input(i)?.shape);
        Ok(lengths.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }

    /// The one number in input `i`.
    pub(super) fn integer(&self, i: usize, role: &str) -> Result<i64, Refusal> {
        let values = self.integers(i, role)?;
        ensure!(values.len() == 1, "{role} must be one number, not {}", values.len());
        Ok(values[0])
    }

    /// Sorted axes of input 0, from the constant input `i`.
    pub(super) fn axes(&self, i: usize) -> Result<Vec<usize>, Refusal> {
        let rank = self.rank(0)?;
        let axes: Result<Vec<_>, _> = self.integers(i, "axes")?.into_iter().map(|a| axis(a, rank)).collect();
        let mut axes = axes?;
        axes.sort_unstable();
        axes.dedup();
        Ok(axes)
    }

    /// A vector among the options.
    pub(super) fn list(&self, field: Result<Option<Vector<'_, i32>>, Error>) -> Result<Vec<i32>, Refusal> {
        list(read(field)?, &self.model.budget)
    }

    /// Demands that output 0 has this shape, where only the conversion knows it.
    pub(super) fn output_shape(&self, shape: &[usize]) -> Result<(), Refusal> {
        let tensor = self.output(0);
        if tensor.shape == shape {
            return Ok(());
        }
        let what = format!("the stored shape {:?} is not the shape that the operator gives, {shape:?}", tensor.shape);
        Err(Refusal::invalid(what).on(tensor))
    }

    /// Why options of another type, or none, will not do.
    pub(super) fn wrong_options(&self) -> Refusal {
        Refusal::invalid(match self.operator.options {
            Some(_) => "options of the wrong type",
            None => "options are missing",
        })
    }
}

/// `options!(context, AddOptions)` is the operator's options; returns a refusal where they are of another type.
macro_rules! options {
    ($context:expr, $kind:ident) => {
        match &$context.operator.options {
            Some(tinderbox_tflite::BuiltinOptionsRef::$kind(options)) => options,
            _ => return Err($context.wrong_options()),
        }
    };
}
pub(super) use options;

/// A length that must be positive.
pub(super) fn positive(value: Result<i32, Error>, what: &str) -> Result<usize, Refusal> {
    let value = read(value)?;
    ensure!(value > 0, "{what} must be positive, it is {value}");
    Ok(value as usize)
}

/// A pair of lengths that must be positive.
pub(super) fn step(h: Result<i32, Error>, w: Result<i32, Error>, what: &str) -> Result<Stride, Refusal> {
    Ok(Stride { h: positive(h, what)?, w: positive(w, what)? })
}

/// A padding scheme.
pub(super) fn padding(value: Result<FilePadding, Error>) -> Result<Padding, Refusal> {
    Ok(match read(value)? {
        FilePadding::Same => Padding::Same,
        FilePadding::Valid => Padding::Valid,
    })
}

/// A fused activation.
pub(super) fn activation(value: Result<ActivationFunctionType, Error>) -> Result<Activation, Refusal> {
    Ok(match read(value)? {
        ActivationFunctionType::None => Activation::None,
        ActivationFunctionType::Relu => Activation::Relu,
        ActivationFunctionType::ReluN1To1 => Activation::ReluN1To1,
        ActivationFunctionType::Relu6 => Activation::Relu6,
        other => return Err(Refusal::unsupported(format!("fused {} is not supported", other.name()))),
    })
}
