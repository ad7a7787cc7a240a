//! Tensor records to tensors.

use super::file::{Model, list, read};
use crate::{
    graph::{DType, MAX_RANK, Quantization, Refusal, Tensor, ensure, is_sane},
    import::Budget,
};
use half::f16;
use std::{collections::HashMap, sync::Arc};
use tinderbox_tflite::{QuantizationParametersRef, TensorRef, TensorType};

/// Constants' contents by buffer, so that tensors that share one in the file share it in memory.
#[derive(Default)]
pub(super) struct Contents(HashMap<u32, Arc<[u8]>>);

/// A tensor's name, for messages and for good.
pub(super) fn name(record: &TensorRef, index: usize, budget: &Budget) -> String {
    let name = record.name().ok().flatten().unwrap_or_default();
    let affordable = budget.spend(name.len()).is_ok();
    if name.is_empty() || !affordable { format!("tensor {index}") } else { name.to_owned() }
}

/// A tensor without its contents.
pub(super) fn shaped(record: &TensorRef, name: String, budget: &Budget) -> Result<Tensor, Refusal> {
    let kind = read(record.type_())?;
    let (dtype, bits) = types(kind)?;
    let shape = read(record.shape())?;
    let rank = shape.map_or(0, |shape| shape.len());
    if rank > MAX_RANK {
        return Err(Refusal::unsupported(format!("{rank} dimensions, at most {MAX_RANK} are supported")));
    }
    let dims = list(shape, budget)?;
    let shape: Result<Vec<usize>, _> = dims.iter().map(|&n| usize::try_from(n)).collect();
    let shape = shape.map_err(|_| {
        Refusal::unsupported(format!("dynamic dimension in shape {dims:?}"))
            .help("convert the model with a fixed input shape")
    })?;
    ensure!(is_sane(&shape, dtype), "too large: shape {shape:?}");
    let quant = match read(record.quantization())? {
        Some(quant) if dtype != DType::F32 => quantization(&quant, &shape, budget)?,
        _ => None,
    };
    if read(record.sparsity())?.is_some() {
        return Err(Refusal::unsupported("sparse tensors are not supported").help("convert without sparse encoding"));
    }
    Ok(Tensor { name, shape, dtype, quant, data: None, bits })
}

/// The contents of a tensor whose buffer has any. An empty tensor is constant without.
pub(super) fn contents(
    record: &TensorRef,
    tensor: &Tensor,
    model: &Model,
    cache: &mut Contents,
) -> Result<Option<Arc<[u8]>>, Refusal> {
    let buffer = read(record.buffer())?;
    let stored = model.buffer(buffer)?;
    let elements = tensor.elements();
    if stored.is_empty() {
        return Ok((elements == 0).then(|| Arc::from([])));
    }
    let wanted = tensor.stored_bytes();
    ensure!(
        stored.len() == wanted,
        "buffer size does not match the shape: {} bytes, but {:?} needs {wanted}",
        stored.len(),
        tensor.shape
    );
    if tensor.bits == 4 || tensor.bits == 16 && tensor.dtype == DType::F32 {
        model.budget.spend(elements * tensor.dtype.bytes())?;
        return Ok(Some(unpack(stored, tensor.bits, elements)));
    }
    if let Some(data) = cache.0.get(&buffer) {
        return Ok(Some(data.clone()));
    }
    model.budget.spend(stored.len())?;
    let data: Arc<[u8]> = Arc::from(stored);
    cache.0.insert(buffer, data.clone());
    Ok(Some(data))
}

/// The type in the graph and the bits of an element in the file.
fn types(kind: TensorType) -> Result<(DType, u8), Refusal> {
    Ok(match kind {
        TensorType::Float32 => (DType::F32, 32),
        TensorType::Float16 => (DType::F32, 16),
        TensorType::Int8 => (DType::I8, 8),
        TensorType::Int4 => (DType::I8, 4),
        TensorType::Uint8 => (DType::U8, 8),
        TensorType::Int16 => (DType::I16, 16),
        TensorType::Int32 => (DType::I32, 32),
        TensorType::Int64 => (DType::I64, 64),
        TensorType::Bool => (DType::Bool, 8),
        other => return Err(Refusal::unsupported(format!("type {} is not supported", other.name()))),
    })
}

/// Two int4 share a byte, the first in the low half; float16 become float32.
fn unpack(stored: &[u8], bits: u8, elements: usize) -> Arc<[u8]> {
    if bits == 4 {
        let halves = stored.iter().flat_map(|&byte| [byte << 4, byte]);
        return halves.take(elements).map(|byte| ((byte as i8) >> 4) as u8).collect();
    }
    let halves = stored.as_chunks().0.iter();
    halves.flat_map(|&half| f16::from_le_bytes(half).to_f32().to_le_bytes()).collect()
}

fn quantization(
    record: &QuantizationParametersRef,
    shape: &[usize],
    budget: &Budget,
) -> Result<Option<Quantization>, Refusal> {
    if read(record.details())?.is_some() {
        return Err(Refusal::unsupported("custom quantization is not supported"));
    }
    let scales = list(read(record.scale())?, budget)?;
    if scales.is_empty() {
        return Ok(None);
    }
    let zero_points = list(read(record.zero_point())?, budget)?;
    let zero_points: Result<Vec<i32>, _> = zero_points.iter().map(|&z| i32::try_from(z)).collect();
    let zero_points = zero_points.map_err(|_| Refusal::invalid("zero point out of range"))?;
    ensure!(zero_points.len() == scales.len(), "{} scales, but {} zero points", scales.len(), zero_points.len());
    // Old files give dimension 3 to tensors with a single scale.
    let dimension = read(record.quantized_dimension())?;
    let axis = usize::try_from(dimension).ok().filter(|&axis| axis < shape.len()).unwrap_or(usize::MAX);
    ensure!(scales.len() == 1 || axis != usize::MAX, "quantized dimension {dimension} is out of range");
    Ok(Some(Quantization { axis: if scales.len() == 1 { 0 } else { axis }, scales, zero_points }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn int4_is_unpacked_low_half_first() {
        assert_eq!(&unpack(&[0x8F, 0x07], 4, 3)[..], [0xFF, 0xF8, 0x07]);
    }

    #[test]
    fn float16_becomes_float32() {
        assert_eq!(&unpack(&[0x00, 0x3C], 16, 1)[..], 1.0f32.to_le_bytes());
    }
}
