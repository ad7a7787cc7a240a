//! What most conversions ask of their node, and how they answer.

use super::{
    build::Builder,
    node::Node,
    value::{Value, View},
};
use crate::{
    graph::{DType, Op, Quantization, Refusal, TensorId, ensure},
    import::axis,
};
use std::sync::Arc;

/// Element type and quantization of a tensor.
#[derive(Clone, Debug)]
pub(super) struct Type {
    pub(super) dtype: DType,
    pub(super) quant: Option<Quantization>,
}

impl Type {
    /// Without quantization.
    pub(super) fn of(dtype: DType) -> Self {
        Self { dtype, quant: None }
    }
}

impl<'f> Builder<'f> {
    /// Input `i`, which must be there.
    pub(super) fn input_of(&mut self, node: &Node, i: usize) -> Result<Value, Refusal> {
        self.optional(node, i)?.ok_or_else(|| Refusal::invalid(format!("required input {i} is missing")))
    }

    /// Input `i`, if it is there.
    pub(super) fn optional(&mut self, node: &Node, i: usize) -> Result<Option<Value>, Refusal> {
        node.input(i).map(|name| self.value(name)).transpose()
    }

    pub(super) fn dtype(&self, value: &Value) -> DType {
        self.graph.tensors[value.id].dtype
    }

    /// The type of a value's tensor.
    pub(super) fn kind(&self, value: &Value) -> Type {
        let tensor = &self.graph.tensors[value.id];
        Type { dtype: tensor.dtype, quant: tensor.quant.clone() }
    }

    pub(super) fn is_constant(&self, value: &Value) -> bool {
        self.graph.tensors[value.id].data.is_some()
    }

    /// The integers of a constant input, or of an attribute in older operator sets; `None` where there is neither.
    pub(super) fn integers(&mut self, node: &Node, i: usize, role: &str) -> Result<Option<Vec<i64>>, Refusal> {
        if let Some(values) = node.ints(role) {
            return Ok(Some(values.to_vec()));
        }
        let Some(value) = self.optional(node, i)? else { return Ok(None) };
        let tensor = &self.graph.tensors[value.id];
        if tensor.data.is_none() {
            return Err(Refusal::unsupported(format!("{role} must be constant"))
                .on(tensor)
                .help("export the model with fixed shapes, and simplify it, so that nothing depends on data"));
        }
        ensure!(tensor.elements() <= 1 << 16, "{role} has {} elements", tensor.elements());
        let wrong = || Refusal::invalid(format!("{role} must be INT32 or INT64, not {}", tensor.dtype)).on(tensor);
        tensor.integers().map(Some).ok_or_else(wrong)
    }

    /// The floats of a constant.
    pub(super) fn floats(&self, value: &Value) -> Option<Vec<f32>> {
        let tensor = &self.graph.tensors[value.id];
        let data = tensor.data.as_ref().filter(|_| tensor.dtype == DType::F32)?;
        Some(data.as_chunks().0.iter().map(|&x| f32::from_le_bytes(x)).collect())
    }

    /// A number that is a constant input of one element, or an attribute in older operator sets.
    pub(super) fn number(&mut self, node: &Node, i: usize, role: &str) -> Result<Option<f32>, Refusal> {
        if node.has(role) {
            return node.float(role);
        }
        let Some(value) = self.optional(node, i)? else { return Ok(None) };
        let value = self.as_float(&value)?;
        match self.floats(&value).as_deref() {
            Some([x]) => Ok(Some(*x)),
            _ => Err(Refusal::unsupported(format!("{role} must be one constant number"))),
        }
    }

    /// Axes of a value of this rank, from a constant input or an attribute, in rising order.
    pub(super) fn axes(&mut self, node: &Node, i: usize, rank: usize) -> Result<Option<Vec<usize>>, Refusal> {
        let Some(values) = self.integers(node, i, "axes")? else { return Ok(None) };
        let mut axes = values.into_iter().map(|a| axis(a, rank)).collect::<Result<Vec<_>, _>>()?;
        axes.sort_unstable();
        axes.dedup();
        Ok(Some(axes))
    }

    /// A new constant of floats.
    pub(super) fn float_constant(&mut self, shape: Vec<usize>, values: &[f32]) -> Result<Value, Refusal> {
        self.new_constant(shape, DType::F32, values.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    /// A new constant of 64-bit integers.
    pub(super) fn integer_constant(&mut self, shape: Vec<usize>, values: &[i64]) -> Result<Value, Refusal> {
        self.new_constant(shape, DType::I64, values.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    pub(super) fn new_constant(&mut self, shape: Vec<usize>, dtype: DType, data: Arc<[u8]>) -> Result<Value, Refusal> {
        let id = self.tensor(shape.clone(), &Type::of(dtype))?;
        self.budget.spend(data.len())?;
        self.graph.tensors[id].data = Some(data);
        Ok(Value::plain(id, shape))
    }

    /// Adds a node with one output.
    pub(super) fn emit(
        &mut self,
        op: Op,
        inputs: &[TensorId],
        shape: Vec<usize>,
        kind: &Type,
    ) -> Result<TensorId, Refusal> {
        let output = self.tensor(shape, kind)?;
        self.push(op, inputs.iter().copied().map(Some).collect(), vec![output])?;
        Ok(output)
    }

    /// Adds a node that changes elements but neither shape nor order.
    pub(super) fn map(&mut self, op: Op, x: &Value, kind: &Type) -> Result<Value, Refusal> {
        let id = self.emit(op, &[x.id], x.stored_shape(), kind)?;
        Ok(Value { view: View::Real, ..x.with(id) })
    }

    /// The value as floats.
    pub(super) fn as_float(&mut self, value: &Value) -> Result<Value, Refusal> {
        let tensor = &self.graph.tensors[value.id];
        if tensor.dtype == DType::F32 {
            return Ok(value.clone());
        }
        if tensor.quant.is_none() || value.view != View::Real {
            return Err(Refusal::unsupported(format!("{} is not supported here, floats are expected", tensor.dtype)));
        }
        self.map(Op::Dequantize, value, &Type::of(DType::F32))
    }
}

/// Demands these numbers of inputs and outputs.
pub(super) fn arity(node: &Node, inputs: std::ops::RangeInclusive<usize>, outputs: usize) -> Result<(), Refusal> {
    crate::graph::ensure_count("input", &inputs, node.inputs.len())?;
    crate::graph::ensure_count("output", &(1..=outputs), node.outputs.len())
}
