//! Layers with constant weights, in every number format: constants and weights as the portable kernels read them.

use crate::graph::{Activation, DType, Node, Tensor, TensorId};
use crate::lower::lowering::Lowering;
use crate::lower::requant::{Requantization, Short};
use crate::lower::{Error, scale};
use tinderbox_runtime::kernels::arithmetic::Quantized;

/// How activations, weights and sums are represented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Int8 activations and weights, int32 sums.
    S8,
    /// The same with int4 weights, which stay packed.
    S8W4,
    /// Int16 activations, int8 weights, int64 sums.
    S16,
    /// The same with int32 sums.
    S16Narrow,
    /// Float.
    F32,
}

/// One output channel of an integer layer.
#[derive(Clone, Copy, Debug)]
pub(in crate::lower) struct Channel {
    pub(in crate::lower) bias: i32,
    pub(in crate::lower) requantization: Requantization,
    /// The same in the short form, where it is known to be equal.
    pub(in crate::lower) short: Option<Short>,
}

/// How many of them are requantized in the short form.
pub(in crate::lower) fn short_channels(channels: &[Channel]) -> usize {
    channels.iter().filter(|channel| channel.short.is_some()).count()
}

/// Weights, and what becomes of the sums.
pub(super) struct Product {
    pub(super) format: Format,
    pub(super) scalars: Quantized,
    /// Integer biases, or the bits of float ones.
    biases: Vec<i64>,
    /// Per channel; none in a float layer.
    requantizations: Vec<Requantization>,
    /// Weights, unpacked.
    weights: Vec<u8>,
}

impl Product {
    /// The product of `input` (input 0 of `node`, or what it is made from) with the weights in input 1, which have
    /// `count` output channels. `joint` multiplies the scales of input and weights.
    pub(super) fn new(
        lowering: &Lowering<'_>,
        node: &Node,
        input: TensorId,
        activation: Activation,
        count: usize,
        joint: fn(f32, f32) -> f64,
    ) -> Result<Self, Error> {
        let (x, weights) = (lowering.tensor(input), lowering.tensor(lowering.input(node, 1)?));
        let format = Format::of(node, x, weights)?;
        let biases = biases(lowering, node, count)?;
        let mut product = Product {
            format,
            scalars: Quantized { input_zero_point: 0, weight_zero_point: 0, output_zero_point: 0, min: 0, max: 0 },
            biases,
            requantizations: vec![],
            weights: lowering.constant_input(node, 1)?.to_vec(),
        };
        if format == Format::F32 {
            let (min, max) = scale::activation_bounds(activation);
            (product.scalars.min, product.scalars.max) = (min.to_bits() as i32, max.to_bits() as i32);
            return Ok(product);
        }
        product.requantizations = requantizations(lowering, node, input, activation, count, joint)?;
        let Requantization { zero_point, min, max, .. } = product.requantizations[0];
        product.scalars = Quantized {
            input_zero_point: lowering.scale_of(node, input)?.1,
            weight_zero_point: weights.quant.as_ref().map_or(0, |q| q.zero_points[0]),
            output_zero_point: zero_point,
            min,
            max,
        };
        Ok(product)
    }

    /// A constant second operand of a matrix product, turned to \[columns, terms\].
    pub(super) fn with_weights(self, weights: Vec<u8>) -> Self {
        Self { weights, ..self }
    }

    /// Integer weights \[taps, columns\] turned to \[columns, taps\].
    pub(super) fn transposed(self, columns: usize) -> Self {
        let column = |column: usize| self.weights.iter().skip(column).step_by(columns).copied();
        let weights = (0..columns).flat_map(column).collect();
        self.with_weights(weights)
    }

    /// Bytes of an activation.
    pub(super) fn element(&self) -> usize {
        match self.format {
            Format::S8 | Format::S8W4 => 1,
            Format::S16 | Format::S16Narrow => 2,
            Format::F32 => 4,
        }
    }

    /// The channels of a layer with int8 activations.
    pub(super) fn channels(&self) -> Vec<Channel> {
        let channel = |(bias, requantization): (&i64, &Requantization)| Channel {
            bias: *bias as i32,
            requantization: *requantization,
            short: None,
        };
        self.biases.iter().zip(&self.requantizations).map(channel).collect()
    }

    /// The weights of a layer with integer weights, one by one.
    pub(super) fn int8_weights(&self) -> Vec<i8> {
        self.weights.iter().map(|byte| *byte as i8).collect()
    }

    /// The constants per channel, as the kernel reads them.
    pub(super) fn constants(&self) -> Vec<i32> {
        let scales = self.requantizations.iter().map(|r| [r.scale.multiplier, r.scale.shift]);
        match self.format {
            Format::F32 => self.biases.iter().map(|bias| *bias as i32).collect(),
            Format::S16 => self
                .biases
                .iter()
                .zip(scales)
                .flat_map(|(bias, [multiplier, shift])| [*bias as i32, (*bias >> 32) as i32, multiplier, shift])
                .collect(),
            _ => self.biases.iter().zip(scales).flat_map(|(bias, [m, shift])| [*bias as i32, m, shift]).collect(),
        }
    }

    /// The weights, as the kernel reads them.
    pub(super) fn stored(&self) -> Vec<u8> {
        match self.format {
            Format::S8W4 => {
                let nibble = |weight: Option<&u8>| weight.map_or(0, |weight| weight & 15);
                self.weights.chunks(2).map(|pair| nibble(pair.first()) | nibble(pair.get(1)) << 4).collect()
            }
            _ => self.weights.clone(),
        }
    }
}

impl Format {
    fn of(node: &Node, x: &Tensor, weights: &Tensor) -> Result<Self, Error> {
        match (x.dtype, weights.dtype, weights.bits) {
            (DType::F32, DType::F32, _) => Ok(Format::F32),
            (DType::I8, DType::I8, 4) => Ok(Format::S8W4),
            (DType::I8, DType::I8, _) => Ok(Format::S8),
            (DType::I16, DType::I8, _) => Ok(Format::S16),
            (x, weights, _) => Err(Error::unsupported(
                node,
                format!("{x} input with {weights} weights; quantize the model to INT8, or INT16 with INT8 weights"),
            )),
        }
    }
}

/// Scales multiplied in double precision.
pub(super) fn in_double(x: f32, weight: f32) -> f64 {
    f64::from(x) * f64::from(weight)
}

/// Scales multiplied in single precision.
pub(super) fn in_single(x: f32, weight: f32) -> f64 {
    f64::from(x * weight)
}

/// What becomes of the sums of every output channel.
fn requantizations(
    lowering: &Lowering<'_>,
    node: &Node,
    input: TensorId,
    activation: Activation,
    count: usize,
    joint: fn(f32, f32) -> f64,
) -> Result<Vec<Requantization>, Error> {
    let (input_scale, _) = lowering.scale_of(node, input)?;
    let (output_scale, zero_point) = lowering.scale_of(node, node.outputs[0])?;
    let output = lowering.tensor(node.outputs[0]);
    let (min, max) = scale::activation_range(activation, output_scale, zero_point, output.dtype);
    let weights = lowering.tensor(lowering.input(node, 1)?);
    let scales = weights.quant.as_ref().map_or(&[][..], |q| &q.scales);
    let requantization = |i: usize| {
        let scale = *scales.get(i).or(scales.first())?;
        let scale = scale::multiplier(joint(input_scale, scale) / f64::from(output_scale));
        Some(Requantization { scale, zero_point, min, max })
    };
    let all: Option<Vec<Requantization>> = (0..count).map(requantization).collect();
    all.ok_or_else(|| Error::unsupported(node, format!("`{}` has no scale", weights.name)))
}

/// The biases of `count` channels, zeros if there are none; the bits of float ones.
fn biases(lowering: &Lowering<'_>, node: &Node, count: usize) -> Result<Vec<i64>, Error> {
    let Some(Some(bias)) = node.inputs.get(2) else { return Ok(vec![0; count]) };
    let data = lowering.constant_input(node, 2)?;
    Ok(match lowering.tensor(*bias).dtype {
        DType::I64 => data.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect(),
        _ => data.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes).into()).collect(),
    })
}
