//! Constants of the file to tensors.

use crate::graph::{DType, MAX_RANK, Refusal, Tensor, ensure, is_sane};
use half::{bf16, f16};
use std::sync::Arc;
use tinderbox_onnx::{DataType, TensorProto};

/// The largest constant of 64-bit integers, which in the file may take an eighth of the memory.
const MAX_INDICES: usize = 1 << 20;

/// The graph's type for one of the file's: float16 and double become float32, int4 int8.
pub(super) fn dtype(data_type: i32) -> Result<DType, Refusal> {
    use DataType::*;
    Ok(match DataType::try_from(data_type) {
        Ok(Float | Float16 | Bfloat16 | Double) => DType::F32,
        Ok(Int8 | Int4) => DType::I8,
        Ok(Uint8 | Uint4) => DType::U8,
        Ok(Int16) => DType::I16,
        Ok(Int32) => DType::I32,
        Ok(Int64) => DType::I64,
        Ok(Bool) => DType::Bool,
        Ok(other) => {
            let name = format!("{other:?}").to_uppercase();
            return Err(Refusal::unsupported(format!("type {name} is not supported")));
        }
        Err(_) => return Err(Refusal::invalid(format!("unknown type {data_type}"))),
    })
}

/// A shape of which nothing is believed.
pub(super) fn shape(dims: &[i64], dtype: DType) -> Result<Vec<usize>, Refusal> {
    if dims.len() > MAX_RANK {
        return Err(Refusal::unsupported(format!("{} dimensions, at most {MAX_RANK} are supported", dims.len())));
    }
    let shape: Result<Vec<usize>, _> = dims.iter().map(|&n| usize::try_from(n)).collect();
    let shape = shape.map_err(|_| Refusal::invalid(format!("negative dimension in shape {dims:?}")))?;
    ensure!(is_sane(&shape, dtype), "too large: shape {shape:?}");
    Ok(shape)
}

/// A constant with its contents; quantization comes from elsewhere.
pub(super) fn constant(record: &TensorProto) -> Result<Tensor, Refusal> {
    if record.data_location != 0 {
        return Err(Refusal::unsupported("the contents are in another file")
            .help("save the model with its weights inside: onnx.save(model, path, save_as_external_data=False)"));
    }
    let dtype = dtype(record.data_type)?;
    let shape = shape(&record.dims, dtype)?;
    if dtype == DType::I64 && shape.iter().product::<usize>() > MAX_INDICES {
        return Err(Refusal::unsupported(format!("more than {MAX_INDICES} indices, shape {shape:?}")));
    }
    let (elements, bits) = (shape.iter().product::<usize>(), bits(record.data_type, dtype));
    let data = match &record.raw_data {
        Some(raw) => raw_contents(raw, record.data_type, elements)?,
        None => typed_contents(record, elements)?,
    };
    let name = record.name.clone();
    Ok(Tensor { name, shape, dtype, quant: None, data: Some(data), bits })
}

fn bits(data_type: i32, dtype: DType) -> u8 {
    match DataType::try_from(data_type) {
        Ok(DataType::Int4 | DataType::Uint4) => 4,
        Ok(DataType::Float16 | DataType::Bfloat16) => 16,
        _ => 8 * dtype.bytes() as u8,
    }
}

fn raw_contents(raw: &[u8], data_type: i32, elements: usize) -> Result<Arc<[u8]>, Refusal> {
    use DataType::*;
    let kind = DataType::try_from(data_type).unwrap_or(Undefined);
    let wanted = match kind {
        Int4 | Uint4 => elements.div_ceil(2),
        Float16 | Bfloat16 => 2 * elements,
        Double => 8 * elements,
        _ => elements * dtype(data_type)?.bytes(),
    };
    ensure!(raw.len() == wanted, "{} bytes of contents, {wanted} expected", raw.len());
    let halves = || raw.as_chunks().0.iter().copied();
    Ok(match kind {
        Float16 => halves().flat_map(|half| f16::from_le_bytes(half).to_f32().to_le_bytes()).collect(),
        Bfloat16 => halves().flat_map(|half| bf16::from_le_bytes(half).to_f32().to_le_bytes()).collect(),
        Double => raw.as_chunks().0.iter().flat_map(|&x| (f64::from_le_bytes(x) as f32).to_le_bytes()).collect(),
        Int4 => nibbles(raw, elements).map(|nibble| ((nibble << 4) as i8 >> 4) as u8).collect(),
        Uint4 => nibbles(raw, elements).collect(),
        _ => Arc::from(raw),
    })
}

/// Two to a byte, the first in the low half.
fn nibbles(raw: &[u8], elements: usize) -> impl Iterator<Item = u8> {
    raw.iter().flat_map(|&byte| [byte & 15, byte >> 4]).take(elements)
}

/// Contents in the fields by type, a number each.
fn typed_contents(record: &TensorProto, elements: usize) -> Result<Arc<[u8]>, Refusal> {
    use DataType::*;
    let kind = DataType::try_from(record.data_type).unwrap_or(Undefined);
    let found = match kind {
        Float => record.float_data.len(),
        Double => record.double_data.len(),
        Int64 => record.int64_data.len(),
        Int8 | Uint8 | Int16 | Int32 | Bool | Float16 | Bfloat16 => record.int32_data.len(),
        _ => return Err(Refusal::unsupported(format!("contents of type {kind:?} must be raw"))),
    };
    ensure!(found == elements, "{found} elements of contents, {elements} expected");
    let integers = record.int32_data.iter();
    Ok(match kind {
        Float => record.float_data.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Double => record.double_data.iter().flat_map(|&x| (x as f32).to_le_bytes()).collect(),
        Int64 => record.int64_data.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Int32 => integers.flat_map(|x| x.to_le_bytes()).collect(),
        Int16 => integers.flat_map(|&x| (x as i16).to_le_bytes()).collect(),
        Float16 => integers.flat_map(|&x| f16::from_bits(x as u16).to_f32().to_le_bytes()).collect(),
        Bfloat16 => integers.flat_map(|&x| bf16::from_bits(x as u16).to_f32().to_le_bytes()).collect(),
        Bool => integers.map(|&x| u8::from(x != 0)).collect(),
        _ => integers.map(|&x| x as u8).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: DataType, dims: &[i64], raw: &[u8]) -> TensorProto {
        TensorProto {
            data_type: kind as i32,
            dims: dims.to_vec(),
            raw_data: Some(raw.to_vec()),
            ..TensorProto::default()
        }
    }

    #[test]
    fn four_bits_are_unpacked_low_half_first() {
        let tensor = constant(&record(DataType::Int4, &[3], &[0x8F, 0x07])).unwrap();
        assert_eq!((tensor.data.as_deref(), tensor.bits), (Some(&[0xFF, 0xF8, 0x07][..]), 4));
    }

    #[test]
    fn contents_and_shape_must_agree() {
        assert!(constant(&record(DataType::Float, &[2], &[0; 4])).is_err());
        assert!(constant(&record(DataType::Float, &[i64::MAX, i64::MAX], &[0; 4])).is_err());
        assert!(constant(&record(DataType::Float, &[-1], &[])).is_err());
    }
}
