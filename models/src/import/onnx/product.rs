//! What convolutions and matrix products have in common: constant weights, a bias, and what is fused behind them.

use super::{
    build::Builder,
    fuse::{Affine, Channels, Tail},
    node::Node,
    value::Value,
};
use crate::graph::{DType, Quantization, Refusal, TensorId};

/// A product, ready for its operator.
pub(super) struct Product<'f> {
    pub(super) x: Value,
    /// In the file's order.
    pub(super) weights: Value,
    pub(super) bias: Option<TensorId>,
    pub(super) tail: Tail<'f>,
}

/// The operands of a product as the file has them.
pub(super) struct Operands {
    pub(super) x: Value,
    pub(super) weights: Value,
    pub(super) bias: Option<Value>,
    /// The axis of the weights that holds the output's channels.
    pub(super) axis: usize,
}

impl<'f> Builder<'f> {
    /// In integers where operands and result are quantized, otherwise in floats.
    pub(super) fn product(
        &mut self,
        node: &'f Node,
        operands: Operands,
        channels: Channels,
    ) -> Result<Product<'f>, Refusal> {
        let Operands { x, weights, bias, axis } = operands;
        let weights = self.file_order(&weights)?;
        if !self.is_constant(&weights) {
            return Err(Refusal::unsupported("weights must be constant").on(&self.graph.tensors[weights.id]));
        }
        let is_quantized = self.is_quantized(&x) && self.is_quantized(&weights) && self.dtype(&weights) == DType::I8;
        match if is_quantized { self.integer_tail(node, true)? } else { None } {
            Some(tail) => {
                let weights = self.centred(&weights)?;
                let bias = bias.map(|bias| self.integer_bias(&x, &weights, &bias)).transpose()?;
                Ok(Product { x, weights, bias, tail })
            }
            None => {
                let tail = self.float_tail(node, Some(channels))?;
                let (x, weights) = (self.as_float(&x)?, self.as_float(&weights)?);
                let bias = bias.map(|bias| self.as_float(&bias)).transpose()?;
                let (weights, bias) = self.fold_affine(&weights, bias, axis, channels.count, &tail)?;
                Ok(Product { x, weights, bias, tail })
            }
        }
    }

    /// Scales and shifts by channel go into weights and bias.
    fn fold_affine(
        &mut self,
        weights: &Value,
        bias: Option<Value>,
        axis: usize,
        count: usize,
        tail: &Tail,
    ) -> Result<(Value, Option<TensorId>), Refusal> {
        let given = bias.as_ref().map(|bias| bias.id);
        let as_it_is = bias.as_ref().is_none_or(|bias| bias.shape == [count] && self.is_constant(bias));
        if tail.affine.is_empty() && as_it_is {
            return Ok((weights.clone(), given));
        }
        let bias = bias.map(|bias| self.bias_floats(&bias, count)).transpose()?;
        let mut bias = bias.unwrap_or_else(|| vec![0.0; count]);
        let mut factor = vec![1.0; count];
        for Affine { scale, shift } in &tail.affine {
            for c in 0..count {
                factor[c] *= scale[c];
                bias[c] = bias[c] * scale[c] + shift[c];
            }
        }
        let inner = weights.shape[axis + 1..].iter().product::<usize>().max(1);
        let values = self.floats(weights).unwrap_or_default();
        let values: Vec<f32> = values.iter().enumerate().map(|(i, w)| w * factor[i / inner % count]).collect();
        let weights = self.float_constant(weights.shape.clone(), &values)?;
        Ok((weights, Some(self.float_constant(vec![count], &bias)?.id)))
    }

    /// A bias of one number for each channel, or one for all.
    fn bias_floats(&self, bias: &Value, count: usize) -> Result<Vec<f32>, Refusal> {
        let tensor = &self.graph.tensors[bias.id];
        let values = self.floats(bias).ok_or_else(|| Refusal::unsupported("the bias must be constant").on(tensor))?;
        match values.len() {
            1 => Ok(vec![values[0]; count]),
            n if n == count => Ok(values),
            n => Err(Refusal::invalid(format!("{n} biases for {count} channels")).on(tensor)),
        }
    }

    /// A bias as INT32 at the scale of the accumulator, which is that of x times that of the weights.
    fn integer_bias(&mut self, x: &Value, weights: &Value, bias: &Value) -> Result<TensorId, Refusal> {
        let (x, w) = (self.kind(x).quant, self.kind(weights).quant);
        let (Some(x), Some(w)) = (x, w) else { return Err(Refusal::invalid("operands without scales")) };
        let scales: Vec<f32> = w.scales.iter().map(|w| x.scales[0] * w).collect();
        let quant = Quantization { zero_points: vec![0; scales.len()], scales, axis: 0 };
        let tensor = self.graph.tensors[bias.id].clone();
        let (Some(data), DType::I32 | DType::F32) = (&tensor.data, tensor.dtype) else {
            return Err(Refusal::unsupported("the bias must be a constant of INT32 or FLOAT").on(&tensor));
        };
        let same = |given: &Quantization| {
            let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * b;
            given.scales.len() == quant.scales.len() && given.scales.iter().zip(&quant.scales).all(close)
        };
        let data = match &tensor.quant {
            // Raw, in the older form of quantized operators: at the accumulator's scale by definition.
            None if tensor.dtype == DType::I32 => data.clone(),
            Some(given) if same(given) => data.clone(),
            _ => {
                let reals = self.bias_reals(bias)?;
                let quantize =
                    |(i, real): (usize, f32)| (real / quant.scales[i % quant.scales.len()]).round_ties_even() as i32;
                reals.into_iter().enumerate().map(quantize).flat_map(i32::to_le_bytes).collect()
            }
        };
        let value = self.new_constant(vec![tensor.elements()], DType::I32, data)?;
        let target = &mut self.graph.tensors[value.id];
        (target.quant, target.name) = (Some(quant), tensor.name);
        Ok(value.id)
    }

    fn bias_reals(&mut self, bias: &Value) -> Result<Vec<f32>, Refusal> {
        if let Some(reals) = self.floats(bias) {
            return Ok(reals);
        }
        let tensor = &self.graph.tensors[bias.id];
        let (Some(integers), Some(quant)) = (tensor.integers(), &tensor.quant) else {
            return Err(Refusal::unsupported("the bias must be constant").on(tensor));
        };
        let real = |(i, q): (usize, i64)| {
            let c = i % quant.scales.len();
            (q - i64::from(quant.zero_points[c])) as f32 * quant.scales[c]
        };
        Ok(integers.into_iter().enumerate().map(real).collect())
    }
}
