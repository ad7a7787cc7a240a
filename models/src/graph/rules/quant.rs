//! Rules of quantization that several operators share.

use crate::graph::{DType, Quantization, Refusal, Tensor, refusal::ensure};

const REQUANTIZE: &str = "convert the model anew; the converter inserts a QUANTIZE where scales differ";

/// The tensor's scale and zero point; for quantized tensors with one scale, as all activations are.
pub(super) fn scale(tensor: &Tensor) -> Result<(f64, i32), Refusal> {
    match &tensor.quant {
        Some(q) if q.scales.len() == 1 => Ok((q.scales[0].into(), q.zero_points[0])),
        Some(_) => Err(Refusal::unsupported("per-channel scales are not supported here").on(tensor)),
        None => Err(Refusal::invalid(format!("{} without scale", tensor.dtype)).on(tensor)),
    }
}

/// Whether scale and zero point are of use: not for floats, indices and conditions.
pub(super) fn is_quantized(dtype: DType) -> bool {
    matches!(dtype, DType::I8 | DType::U8 | DType::I16)
}

/// Demands that the operator, which copies bytes, copies values: equal types and quantization.
pub(super) fn same(a: &Tensor, b: &Tensor) -> Result<(), Refusal> {
    if a.dtype != b.dtype {
        return Err(Refusal::invalid(format!("type {} differs from {} of {:?}", b.dtype, a.dtype, a.name)).on(b));
    }
    if !is_quantized(a.dtype) || close(a.quant.as_ref(), b.quant.as_ref()) {
        return Ok(());
    }
    let what = format!("input and output quantisation must be equal, scale and zero point differ from {:?}", a.name);
    Err(Refusal::invalid(what).on(b).help(REQUANTIZE))
}

fn close(a: Option<&Quantization>, b: Option<&Quantization>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            a.zero_points == b.zero_points
                && a.scales.len() == b.scales.len()
                && a.scales.iter().zip(&b.scales).all(|(a, b)| (a - b).abs() <= 1e-6 * a)
        }
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// Demands the one scale and zero point that the operator's kernels are made for.
pub(super) fn fixed(tensor: &Tensor, wanted: f64, zero_point: i32) -> Result<(), Refusal> {
    let (found, z) = scale(tensor)?;
    if z != zero_point {
        return Err(Refusal::invalid(format!("the output's zero point must be {zero_point}, it is {z}")).on(tensor));
    }
    if (found - wanted).abs() > 1e-3 * wanted {
        let what = format!("the output's scale must be 1/{}, it is {found:?}", 1.0 / wanted);
        return Err(Refusal::invalid(what).on(tensor));
    }
    Ok(())
}

/// Demands zero points of 0 from 16-bit activations.
pub(super) fn symmetric_i16(tensor: &Tensor) -> Result<(), Refusal> {
    if tensor.dtype == DType::I16 && scale(tensor)?.1 != 0 {
        return Err(Refusal::invalid("the zero point of an INT16 activation must be 0").on(tensor));
    }
    Ok(())
}

/// Demands a factor that a fixed-point multiplier can hold: positive, below 2^30.
pub(super) fn factor(value: f64) -> Result<(), Refusal> {
    ensure!(value > 0.0 && value < f64::from(1 << 30), "scale ratio out of range: {value:?}");
    Ok(())
}

/// The tensors of a product: x * weights + bias.
pub(super) struct Product<'a> {
    pub(super) x: &'a Tensor,
    pub(super) weights: &'a Tensor,
    pub(super) bias: Option<&'a Tensor>,
    pub(super) output: &'a Tensor,
    /// The weights' dimension that holds the output channels.
    pub(super) axis: usize,
    pub(super) channels: usize,
    /// Whether weights with one scale may have a zero point other than 0.
    pub(super) weight_zero_point: bool,
}

impl Product<'_> {
    /// Demands types and scales of one of: float; int8 or uint8 with int32 bias; int16 x int8.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        self.types()?;
        if let Some(bias) = self.bias {
            ensure!(bias.data.is_some(), "the bias must be constant");
            if bias.elements() != self.channels {
                let what = format!("bias length {:?} does not match the {} channels", bias.shape, self.channels);
                return Err(Refusal::invalid(what).on(bias));
            }
        }
        if self.x.dtype == DType::F32 { Ok(()) } else { self.scales() }
    }

    fn types(&self) -> Result<(), Refusal> {
        let (weights, bias) = match self.x.dtype {
            DType::F32 => (DType::F32, DType::F32),
            DType::I8 => (DType::I8, DType::I32),
            DType::U8 => (DType::U8, DType::I32),
            DType::I16 => (DType::I8, DType::I64),
            other => return Err(Refusal::unsupported(format!("type {other} is not supported here")).on(self.x)),
        };
        if self.x.dtype == DType::F32 && super::quant::is_quantized(self.weights.dtype) {
            let what = format!("{} weights with FLOAT32 input (dynamic-range quantization)", self.weights.dtype);
            return Err(Refusal::unsupported(what)
                .on(self.weights)
                .help("quantize the activations too, with a representative data set"));
        }
        super::view::typed(self.weights, "weights", weights)?;
        super::view::typed(self.output, "output", self.x.dtype)?;
        match self.bias {
            Some(b) if self.x.dtype == DType::I16 && b.dtype == DType::I32 => Ok(()),
            Some(b) => super::view::typed(b, "bias", bias),
            None => Ok(()),
        }
    }

    fn scales(&self) -> Result<(), Refusal> {
        let (input, _) = scale(self.x)?;
        let (output, _) = scale(self.output)?;
        symmetric_i16(self.x)?;
        symmetric_i16(self.output)?;
        let weights = self.weight_scales()?;
        for &w in &weights.scales {
            factor(input * f64::from(w) / output)?;
        }
        let Some(bias) = self.bias else { return Ok(()) };
        match &bias.quant {
            Some(q) => self.bias_scales(bias, q, &weights.scales, input, output),
            None => Ok(()),
        }
    }

    fn weight_scales(&self) -> Result<&Quantization, Refusal> {
        let w = self.weights;
        let q = w.quant.as_ref().ok_or_else(|| Refusal::invalid(format!("{} without scale", w.dtype)).on(w))?;
        if q.scales.len() > 1 && (q.axis != self.axis || w.dtype == DType::U8) {
            let what = format!("weights must be quantised along dimension {}, not {}", self.axis, q.axis);
            return Err(Refusal::invalid(what).on(w));
        }
        let free = w.dtype == DType::U8 || (self.weight_zero_point && q.scales.len() == 1);
        if !free && q.zero_points.iter().any(|&z| z != 0) {
            return Err(Refusal::invalid("weights must have zero point 0").on(w));
        }
        Ok(q)
    }

    /// TensorFlow Lite tolerates 2 % of the output's scale.
    fn bias_scales(&self, t: &Tensor, bias: &Quantization, w: &[f32], x: f64, y: f64) -> Result<(), Refusal> {
        for c in 0..self.channels {
            let (w, b) = (w[c.min(w.len() - 1)], bias.scales[c.min(bias.scales.len() - 1)]);
            let difference = (x * f64::from(w) - f64::from(b)).abs();
            if difference > 0.02 * y || bias.zero_points[c.min(bias.zero_points.len() - 1)] != 0 {
                let what = format!("bias scale {b:?} is inconsistent with input scale * weight scale in channel {c}");
                return Err(Refusal::invalid(what).on(t));
            }
        }
        Ok(())
    }
}
