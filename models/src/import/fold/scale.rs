//! Constants quantized and dequantized.

use crate::graph::{DType, Quantization, Tensor};

pub(super) fn quantize(x: &Tensor, y: &Tensor) -> Option<Vec<u8>> {
    let (data, quant) = (x.data.as_ref()?, y.quant.as_ref()?);
    if x.dtype != DType::F32 {
        return None;
    }
    let (low, high) = match y.dtype {
        DType::I8 => (-128, 127),
        DType::U8 => (0, 255),
        DType::I16 => (-32768, 32767),
        _ => return None,
    };
    let mut out = Vec::with_capacity(y.bytes());
    for (i, &value) in data.as_chunks().0.iter().enumerate() {
        let (scale, zero_point) = at(quant, &y.shape, i)?;
        // Half away from zero, as TensorFlow Lite rounds; the cast saturates.
        let q = (f32::from_le_bytes(value) / scale).round() as i64 + i64::from(zero_point);
        let q = q.clamp(low, high).to_le_bytes();
        out.extend_from_slice(&q[..y.dtype.bytes()]);
    }
    Some(out)
}

pub(super) fn dequantize(x: &Tensor) -> Option<Vec<u8>> {
    let (data, quant) = (x.data.as_ref()?, x.quant.as_ref()?);
    let values: Vec<i32> = match x.dtype {
        DType::I8 => data.iter().map(|&b| (b as i8).into()).collect(),
        DType::U8 => data.iter().map(|&b| b.into()).collect(),
        DType::I16 => data.as_chunks().0.iter().map(|&b| i16::from_le_bytes(b).into()).collect(),
        _ => return None,
    };
    let mut out = Vec::with_capacity(4 * values.len());
    for (i, q) in values.into_iter().enumerate() {
        let (scale, zero_point) = at(quant, &x.shape, i)?;
        out.extend_from_slice(&(scale * (i64::from(q) - i64::from(zero_point)) as f32).to_le_bytes());
    }
    Some(out)
}

/// Scale and zero point of element `i`.
fn at(quant: &Quantization, shape: &[usize], i: usize) -> Option<(f32, i32)> {
    let channel = match quant.scales.len() {
        1 => 0,
        _ => i / shape.get(quant.axis + 1..)?.iter().product::<usize>() % shape[quant.axis],
    };
    Some((*quant.scales.get(channel)?, *quant.zero_points.get(channel)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_have_their_own_scales() {
        let quant = Quantization { scales: vec![0.5, 2.0], zero_points: vec![0, 1], axis: 0 };
        let data = Some([2u8, 0xFF, 2, 3].into());
        let x = Tensor { name: String::new(), shape: vec![2, 2], dtype: DType::I8, quant: Some(quant), data, bits: 8 };
        let floats = dequantize(&x).unwrap();
        let wanted: Vec<u8> = [1.0f32, -0.5, 2.0, 4.0].iter().flat_map(|f| f.to_le_bytes()).collect();
        assert_eq!(floats, wanted);
        let y = Tensor { data: None, ..x.clone() };
        let float = Tensor { dtype: DType::F32, quant: None, data: Some(floats.into()), ..x.clone() };
        assert_eq!(quantize(&float, &y).as_deref(), x.data.as_deref());
    }
}
