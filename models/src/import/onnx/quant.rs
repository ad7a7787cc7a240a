//! QuantizeLinear and DequantizeLinear.
//!
//! A quantized value is one tensor of the graph, whether the file's operators see its integers or what they mean: the two
//! operators change the view. UINT8 becomes INT8 by subtracting 128 from values and zero point.

use super::{
    build::Builder,
    context::{Type, arity},
    node::Node,
    tensor,
    value::{Value, View},
};
use crate::{
    graph::{DType, Op, Quantization, Refusal, Tensor, ensure},
    import::axis,
};

/// What a QuantizeLinear makes, or a DequantizeLinear expects.
#[derive(Clone, Debug)]
pub(super) struct Format {
    pub(super) kind: Type,
    pub(super) view: View,
}

impl Format {
    fn quant(&self) -> &Quantization {
        self.kind.quant.as_ref().expect("every format has scales")
    }
}

pub(super) fn quantize_linear(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 2..=3, 1)?;
    let x = b.input_of(n, 0)?;
    let format = b.format(n, &x)?;
    let same = b.kind(&x).quant.is_some_and(|quant| quant == *format.quant());
    let value = match b.floats(&x) {
        Some(floats) => b.quantized_constant(&x, &floats, &format)?,
        None if x.view != View::Real => return Err(Refusal::invalid("quantizes what is quantized already")),
        None if same => x,
        None => b.map(Op::Quantize, &x, &format.kind)?,
    };
    b.define(&n.outputs[0], Value { view: format.view, ..value })
}

pub(super) fn dequantize_linear(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 2..=3, 1)?;
    let x = b.input_of(n, 0)?;
    let format = b.format(n, &x)?;
    let known = b.kind(&x).quant;
    let value = match known {
        Some(quant) if x.view == format.view && quant == *format.quant() => x,
        Some(_) => {
            return Err(Refusal::unsupported("scale, zero point or type differ from those it was quantized with"));
        }
        None if b.is_constant(&x) => b.scaled_constant(&x, &format)?,
        None => b.scaled_input(&x, &format)?,
    };
    b.define(&n.outputs[0], Value { view: View::Real, ..value })
}

impl Builder<'_> {
    /// The scales and zero points of a node with the inputs x, scale, zero point?.
    pub(super) fn format(&mut self, n: &Node, x: &Value) -> Result<Format, Refusal> {
        if n.int("block_size")?.unwrap_or(0) != 0 {
            return Err(Refusal::unsupported("quantization in blocks is not supported"));
        }
        let scale = self.input_of(n, 1)?;
        let scales =
            self.floats(&scale).ok_or_else(|| Refusal::unsupported("the scale must be a constant of FLOAT"))?;
        let (dtype, zero_points) = match self.optional(n, 2)? {
            Some(zero_point) => stored_integers(&self.graph.tensors[zero_point.id])
                .ok_or_else(|| Refusal::unsupported("the zero point must be a constant"))?,
            None => (self.default_type(n, x)?, vec![0; scales.len()]),
        };
        let broken = scales.iter().find(|scale| !scale.is_normal() || **scale < 0.0);
        ensure!(broken.is_none(), "invalid scale {:?}", broken.unwrap_or(&0.0));
        ensure!(zero_points.len() == scales.len(), "{} scales, {} zero points", scales.len(), zero_points.len());
        let axis = match scales.len() {
            1 => 0,
            count => {
                let axis = axis(n.int("axis")?.unwrap_or(1), x.rank())?;
                ensure!(x.shape[axis] == count, "{count} scales for axis {axis} of {:?}", x.shape);
                x.stored(axis).ok_or_else(|| Refusal::invalid("scales along an axis of length 1"))?
            }
        };
        let view = if dtype == DType::U8 { View::Unsigned } else { View::Signed };
        let zero_points = zero_points.into_iter().map(|z| if dtype == DType::U8 { z - 128 } else { z }).collect();
        let dtype = if dtype == DType::U8 { DType::I8 } else { dtype };
        let quant = Some(Quantization { scales, zero_points, axis });
        Ok(Format { kind: Type { dtype, quant }, view })
    }

    /// The integers of a node without a zero point, which is 0 then.
    fn default_type(&self, n: &Node, x: &Value) -> Result<DType, Refusal> {
        match n.op.as_str() {
            "DequantizeLinear" if x.view == View::Unsigned => Ok(DType::U8),
            "DequantizeLinear" => Ok(self.dtype(x)),
            _ => n.int("output_dtype")?.map_or(Ok(DType::U8), |kind| tensor::dtype(kind.try_into().unwrap_or(-1))),
        }
    }

    /// Floats as ONNX quantizes them: half to even.
    fn quantized_constant(&mut self, x: &Value, floats: &[f32], format: &Format) -> Result<Value, Refusal> {
        let quant = format.quant();
        let (low, high) = match format.kind.dtype {
            DType::I8 => (-128.0, 127.0),
            DType::I16 => (-32768.0, 32767.0),
            other => return Err(Refusal::unsupported(format!("quantizing to {other} is not supported"))),
        };
        let inner = inner(x, quant);
        let width = format.kind.dtype.bytes();
        let quantize = |(i, &real): (usize, &f32)| {
            let c = i / inner % quant.scales.len();
            let q = (real / quant.scales[c]).round_ties_even() + quant.zero_points[c] as f32;
            (q.clamp(low, high) as i16).to_le_bytes().into_iter().take(width)
        };
        let data: Vec<u8> = floats.iter().enumerate().flat_map(quantize).collect();
        let value = self.new_constant(x.stored_shape(), format.kind.dtype, data.into())?;
        self.graph.tensors[value.id].quant = Some(quant.clone());
        Ok(x.with(value.id))
    }

    /// A constant of integers with its scales.
    fn scaled_constant(&mut self, x: &Value, format: &Format) -> Result<Value, Refusal> {
        let source = self.graph.tensors[x.id].clone();
        let data = source.data.clone().unwrap_or_default();
        let (dtype, data) = match source.dtype {
            DType::U8 => (DType::I8, data.iter().map(|byte| byte ^ 0x80).collect()),
            dtype => (dtype, data),
        };
        ensure!(dtype == format.kind.dtype, "the zero point's type is not that of the values, {}", source.dtype);
        let value = self.new_constant(x.stored_shape(), dtype, data)?;
        let tensor = &mut self.graph.tensors[value.id];
        (tensor.quant, tensor.bits, tensor.name) = (format.kind.quant.clone(), source.bits, source.name);
        Ok(x.with(value.id))
    }

    /// An input that the caller quantizes: its scale stands with its first use.
    fn scaled_input(&mut self, x: &Value, format: &Format) -> Result<Value, Refusal> {
        ensure!(format.quant().scales.len() == 1, "scales by channel on an input");
        let tensor = &mut self.graph.tensors[x.id];
        let mut quant = format.quant().clone();
        let is_unsigned = tensor.dtype == DType::U8;
        let dtype = if is_unsigned { DType::I8 } else { tensor.dtype };
        ensure!(dtype == format.kind.dtype, "the zero point's type is not that of the values, {}", tensor.dtype);
        if is_unsigned {
            quant.zero_points[0] += 128;
        }
        tensor.quant = Some(quant);
        if is_unsigned { self.map(Op::Quantize, x, &format.kind) } else { Ok(x.clone()) }
    }

    /// Whether a value is quantized and its reals are what is meant.
    pub(super) fn is_quantized(&self, value: &Value) -> bool {
        let tensor = &self.graph.tensors[value.id];
        value.view == View::Real && matches!(tensor.dtype, DType::I8 | DType::I16) && tensor.quant.is_some()
    }

    /// Weights with all zero points 0.
    pub(super) fn centred(&mut self, w: &Value) -> Result<Value, Refusal> {
        let tensor = &self.graph.tensors[w.id];
        let (Some(quant), Some(data)) = (&tensor.quant, &tensor.data) else { return Ok(w.clone()) };
        if quant.zero_points.iter().all(|&z| z == 0) || tensor.dtype != DType::I8 {
            return Ok(w.clone());
        }
        let inner = inner(w, quant);
        let centre = |(i, &byte): (usize, &u8)| {
            let centred = i32::from(byte as i8) - quant.zero_points[i / inner % quant.scales.len()];
            i8::try_from(centred).ok().map(|q| q as u8)
        };
        let data: Option<Vec<u8>> = data.iter().enumerate().map(centre).collect();
        let data = data.ok_or_else(|| {
            Refusal::unsupported("weights with a zero point do not fit INT8 without it")
                .on(tensor)
                .help("quantize weights symmetrically: weight_type=QuantType.QInt8")
        })?;
        let quant = Quantization { zero_points: vec![0; quant.scales.len()], ..quant.clone() };
        let value = self.new_constant(w.stored_shape(), DType::I8, data.into())?;
        self.graph.tensors[value.id].quant = Some(quant);
        Ok(w.with(value.id))
    }
}

/// Elements from one index to the next of the axis that scales run along.
fn inner(x: &Value, quant: &Quantization) -> usize {
    let shape = x.stored_shape();
    shape.get(quant.axis + 1..).map_or(1, |rest| rest.iter().product::<usize>()).max(1)
}

/// The type and the values of a constant of small integers.
fn stored_integers(tensor: &Tensor) -> Option<(DType, Vec<i32>)> {
    let data = tensor.data.as_ref()?;
    let values = match tensor.dtype {
        DType::I8 => data.iter().map(|&b| (b as i8).into()).collect(),
        DType::U8 => data.iter().map(|&b| b.into()).collect(),
        DType::I16 => data.as_chunks().0.iter().map(|&b| i16::from_le_bytes(b).into()).collect(),
        DType::I32 => data.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b)).collect(),
        _ => return None,
    };
    Some((tensor.dtype, values))
}
