//! The order of axes: brought about only where an operator asks for it.

use super::{
    build::Builder,
    node::Node,
    value::{Value, View, file_axes, image_axes},
};
use crate::graph::{DType, Op, Quantization, Refusal, Tensor, TensorId, ensure};
use std::{collections::HashSet, rc::Rc};

/// Operators that tell that their input is an image or a sequence.
const IMAGE_OPERATORS: [&str; 14] = [
    "AveragePool",
    "BatchNormalization",
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "DepthToSpace",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "InstanceNormalization",
    "LRN",
    "MaxPool",
    "Resize",
    "SpaceToDepth",
    "Upsample",
];

/// Operators that take their operands in any order of axes.
const PLAIN_OPERATORS: [&str; 18] = [
    "Add",
    "Cast",
    "Clip",
    "Concat",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "Mul",
    "Pad",
    "QuantizeLinear",
    "Relu",
    "Sigmoid",
    "Slice",
    "Sub",
    "Tanh",
];

/// The values that reach an operator on images before their axes matter otherwise.
pub(super) fn images(nodes: &[Node]) -> HashSet<&str> {
    let mut images = HashSet::new();
    for node in nodes.iter().rev() {
        let reaches = node.outputs.iter().any(|name| images.contains(&name[..]));
        if IMAGE_OPERATORS.contains(&&node.op[..]) || reaches && PLAIN_OPERATORS.contains(&&node.op[..]) {
            images.extend(node.inputs.iter().map(String::as_str));
        }
    }
    images
}

impl Builder<'_> {
    /// The value stored with these axes. Axes of the file that are not among them must have length 1.
    pub(super) fn arrange(&mut self, value: &Value, wanted: &[Option<usize>]) -> Result<Value, Refusal> {
        let value = self.unflattened(value)?;
        if value.axes == wanted {
            return Ok(value);
        }
        let arranged = Value { axes: wanted.to_vec(), ..value.clone() };
        let mut current = value.clone();
        if value.order() != arranged.order() {
            let kept = wanted.iter().flatten().filter_map(|&axis| value.stored(axis));
            let mut perm: Vec<usize> = kept.collect();
            perm.extend(
                (0..value.axes.len()).filter(|&i| value.axes[i].is_none_or(|axis| !wanted.contains(&Some(axis)))),
            );
            current.axes = perm.iter().map(|&i| value.axes[i]).collect();
            current.id = self.moved(Op::Transpose { perm }, &value, &current)?;
        }
        if current.axes != wanted {
            let id = self.moved(Op::Reshape, &current, &arranged)?;
            return Ok(arranged.with(id));
        }
        Ok(current)
    }

    /// A tensor with the contents of `from` in the shape and order of `to`.
    fn moved(&mut self, op: Op, from: &Value, to: &Value) -> Result<TensorId, Refusal> {
        let mut kind = self.kind(from);
        kind.quant = kind.quant.map(|quant| follow(quant, from, to));
        let id = self.emit(op, &[from.id], to.stored_shape(), &kind)?;
        self.resemble(id, from);
        Ok(id)
    }

    /// The value stored as the file has it.
    pub(super) fn file_order(&mut self, value: &Value) -> Result<Value, Refusal> {
        self.arrange(value, &file_axes(value.rank()))
    }

    /// The value stored as an image.
    pub(super) fn image(&mut self, value: &Value) -> Result<Value, Refusal> {
        match image_axes(value.rank()) {
            Some(axes) => self.arrange(value, &axes),
            None => {
                let what = format!("{} dimensions are not supported: an image has 4, a sequence 3", value.rank());
                Err(Refusal::unsupported(what))
            }
        }
    }

    /// The value with the columns in the file's order.
    pub(super) fn unflattened(&mut self, value: &Value) -> Result<Value, Refusal> {
        let Some(columns) = &value.columns else { return Ok(value.clone()) };
        let mut inverse = vec![0; columns.len()];
        columns.iter().enumerate().for_each(|(stored, &column)| inverse[column] = stored);
        self.gather_columns(&Value { columns: None, ..value.clone() }, &inverse)
    }

    /// Column `columns[i]` of a value at column i.
    pub(super) fn gather_columns(&mut self, value: &Value, columns: &[usize]) -> Result<Value, Refusal> {
        let last = value.axes.len() - 1;
        let data = columns.iter().flat_map(|&column| (column as i32).to_le_bytes()).collect();
        let indices = self.new_constant(vec![columns.len()], DType::I32, data)?;
        let kind = self.kind(value);
        let op = Op::Gather { axis: last, batch_dims: 0 };
        let id = self.emit(op, &[value.id, indices.id], value.stored_shape(), &kind)?;
        self.resemble(id, value);
        Ok(value.with(id))
    }

    /// A constant that has been moved keeps its name and its bits.
    fn resemble(&mut self, id: TensorId, from: &Value) {
        if self.is_constant(from) {
            let Tensor { name, bits, .. } = self.graph.tensors[from.id].clone();
            (self.graph.tensors[id].name, self.graph.tensors[id].bits) = (name, bits);
        }
    }

    /// The value in another shape with the same elements in the file's order.
    pub(super) fn reshaped(&mut self, value: &Value, shape: Vec<usize>) -> Result<Value, Refusal> {
        let (before, after): (usize, usize) = (value.shape.iter().product(), shape.iter().product());
        ensure!(before == after, "element count differs: {:?} cannot become {shape:?}", value.shape);
        let long = |shape: &[usize]| shape.iter().copied().filter(|&n| n != 1).collect::<Vec<_>>();
        if shape == value.shape {
            return Ok(value.clone());
        }
        if value.columns.is_none() && long(&shape) == long(&value.shape) {
            return Ok(relabelled(value, shape));
        }
        if let Some(flat) = self.flattened(value, &shape)? {
            return Ok(flat);
        }
        let value = self.file_order(value)?;
        let kind = self.kind(&value);
        let id = self.emit(Op::Reshape, &[value.id], shape.clone(), &kind)?;
        Ok(Value { view: value.view, ..Value::plain(id, shape) })
    }

    /// An image in another order than the file's, as one row of columns: left in its order.
    fn flattened(&mut self, value: &Value, shape: &[usize]) -> Result<Option<Value>, Refusal> {
        let is_row = matches!(shape, [1, n] if self.budget.affords(8 * n)) && value.columns.is_none();
        let stored = value.stored_shape();
        let mut strides = vec![1; value.rank()];
        for axis in (1..value.rank()).rev() {
            strides[axis - 1] = strides[axis] * value.shape[axis];
        }
        if !is_row || value.order().is_sorted() || self.is_constant(value) {
            return Ok(None);
        }
        let mut columns = vec![0];
        for (axis, &length) in value.axes.iter().zip(&stored) {
            let step = axis.map_or(0, |axis| strides[axis]);
            columns = columns.iter().flat_map(|&at| (0..length).map(move |i| at + i * step)).collect();
        }
        let kind = self.kind(value);
        let id = self.emit(Op::Reshape, &[value.id], shape.to_vec(), &kind)?;
        let columns = Some(Rc::from(columns));
        Ok(Some(Value { columns, view: value.view, ..Value::plain(id, shape.to_vec()) }))
    }

    /// A value as the caller gets it: images stay NHWC, everything else is in the file's order, of the file's type.
    pub(super) fn as_result(&mut self, value: &Value) -> Result<Value, Refusal> {
        let mut value = self.unflattened(value)?;
        let rank = value.rank();
        let order = value.order();
        let image = image_axes(rank).map(|axes| axes.into_iter().filter(Option::is_some).collect::<Vec<_>>());
        let is_image = |axes: &Vec<_>| Value { axes: axes.clone(), ..value.clone() }.order() == order;
        let wanted = image.filter(|axes| !self.images.is_empty() && !order.is_sorted() && is_image(axes));
        value = self.arrange(&value, &wanted.unwrap_or_else(|| file_axes(rank)))?;
        if self.is_quantized(&value) {
            return self.as_float(&value);
        }
        if value.view == View::Unsigned {
            let mut kind = self.kind(&value);
            kind.dtype = DType::U8;
            kind.quant.iter_mut().flat_map(|quant| &mut quant.zero_points).for_each(|z| *z += 128);
            value = self.map(Op::Quantize, &value, &kind)?;
        }
        Ok(value)
    }
}

/// The same tensor where only axes of length 1 come or go.
pub(super) fn relabelled(value: &Value, shape: Vec<usize>) -> Value {
    let mut names = vec![None; value.rank()];
    let mut long = (0..shape.len()).filter(|&axis| shape[axis] != 1);
    for (axis, name) in names.iter_mut().enumerate() {
        *name = if value.shape[axis] == 1 { None } else { long.next() };
    }
    let axes = value.axes.iter().map(|axis| names[(*axis)?]).collect();
    Value { shape, axes, ..value.clone() }
}

/// Scales along an axis, after the axes have moved.
fn follow(quant: Quantization, from: &Value, to: &Value) -> Quantization {
    if quant.scales.len() == 1 {
        return quant;
    }
    let axis = from.axes[quant.axis].and_then(|axis| to.stored(axis));
    Quantization { axis: axis.unwrap_or(0), ..quant }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_of_length_one_come_and_go_without_a_move() {
        let image = Value { axes: vec![Some(0), Some(2), Some(3), Some(1)], ..Value::plain(0, vec![1, 8, 1, 5]) };
        let row = relabelled(&image, vec![8, 5]);
        assert_eq!(row.axes, [None, None, Some(1), Some(0)]);
        assert_eq!(row.stored_shape(), image.stored_shape());
    }
}
