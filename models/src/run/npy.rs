//! NumPy's array files, as shape, element type and little-endian bytes.

use crate::graph::DType;
use npyz::{DType as NpyType, NpyFile, Order, TypeChar, TypeStr, WriterBuilder};
use std::io::{self, BufWriter};
use std::path::Path;
use thiserror::Error;

/// An array in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: DType,
    /// `product(shape) * dtype.bytes()` bytes, little-endian.
    pub data: Vec<u8>,
}

/// Why a file cannot be read.
#[derive(Debug, Error)]
pub enum Error {
    /// The file system, or the file's header.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What happened.
        source: io::Error,
    },
    /// An array of another kind than models have.
    #[error("{path}: {what}")]
    Unsupported {
        /// Which file.
        path: String,
        /// What is not supported.
        what: String,
    },
}

/// Reads an array.
pub fn read(path: &Path) -> Result<Array, Error> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| Error::Io { path: name.clone(), source })?;
    parse(&name, &bytes)
}

/// Reads an array from a file's contents. `name` stands in messages.
pub(super) fn parse(name: &str, bytes: &[u8]) -> Result<Array, Error> {
    let at = |source| Error::Io { path: name.into(), source };
    let unsupported = |what: String| Error::Unsupported { path: name.into(), what };
    let file = NpyFile::new(bytes).map_err(at)?;
    let shape: Vec<usize> = file.shape().iter().map(|d| *d as usize).collect();
    let elements = shape.iter().try_fold(1usize, |product, d| product.checked_mul(*d));
    if elements.is_none_or(|elements| elements > bytes.len()) {
        return Err(at(io::Error::new(io::ErrorKind::UnexpectedEof, format!("no data for shape {shape:?}"))));
    }
    let order = file.order();
    let NpyType::Plain(kind) = file.dtype() else {
        return Err(unsupported("structured arrays are not supported".into()));
    };
    let dtype = dtype(&kind).ok_or_else(|| unsupported(format!("element type {kind} is not supported")))?;
    macro_rules! bytes {
        ($type:ty) => {
            file.into_vec::<$type>().map_err(at)?.into_iter().flat_map(|x| x.to_le_bytes()).collect()
        };
    }
    let data: Vec<u8> = match dtype {
        DType::I8 => bytes!(i8),
        DType::U8 => bytes!(u8),
        DType::I16 => bytes!(i16),
        DType::I32 => bytes!(i32),
        DType::I64 => bytes!(i64),
        DType::F32 => bytes!(f32),
        DType::Bool => file.into_vec::<bool>().map_err(at)?.into_iter().map(u8::from).collect(),
    };
    let data = if order == Order::C { data } else { row_major(&shape, dtype.bytes(), &data) };
    Ok(Array { shape, dtype, data })
}

/// Writes an array.
pub fn write(to: impl io::Write, array: &Array) -> io::Result<()> {
    let shape: Vec<u64> = array.shape.iter().map(|d| *d as u64).collect();
    let file = BufWriter::new(to);
    macro_rules! write {
        ($type:ty) => {{
            let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(file).begin_nd()?;
            let (elements, _) = array.data.as_chunks();
            writer.extend(elements.iter().map(|bytes| <$type>::from_le_bytes(*bytes)))?;
            writer.finish()
        }};
    }
    match array.dtype {
        DType::I8 => write!(i8),
        DType::U8 => write!(u8),
        DType::I16 => write!(i16),
        DType::I32 => write!(i32),
        DType::I64 => write!(i64),
        DType::F32 => write!(f32),
        DType::Bool => {
            let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(file).begin_nd()?;
            writer.extend(array.data.iter().map(|byte| *byte != 0))?;
            writer.finish()
        }
    }
}

fn dtype(kind: &TypeStr) -> Option<DType> {
    Some(match (kind.type_char(), kind.size_field()) {
        (TypeChar::Int, 1) => DType::I8,
        (TypeChar::Uint, 1) => DType::U8,
        (TypeChar::Int, 2) => DType::I16,
        (TypeChar::Int, 4) => DType::I32,
        (TypeChar::Int, 8) => DType::I64,
        (TypeChar::Float, 4) => DType::F32,
        (TypeChar::Bool, 1) => DType::Bool,
        _ => return None,
    })
}

/// Elements of a column-major array in row-major order.
fn row_major(shape: &[usize], element: usize, data: &[u8]) -> Vec<u8> {
    let count: usize = shape.iter().product();
    let mut ordered = Vec::with_capacity(data.len());
    for i in 0..count {
        let (mut rest, mut inner) = (i, count);
        let (mut from, mut stride) = (0, 1);
        for size in shape {
            inner /= size;
            from += rest / inner * stride;
            rest %= inner;
            stride *= size;
        }
        ordered.extend_from_slice(&data[from * element..][..element]);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_major_is_turned() {
        assert_eq!(row_major(&[2, 3], 1, &[0, 3, 1, 4, 2, 5]), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_is_written_is_read() {
        let file = std::env::temp_dir().join(format!("tinderbox-npy-{}.npy", std::process::id()));
        let array = Array { shape: vec![2, 2], dtype: DType::I16, data: vec![1, 0, 2, 0, 3, 0, 255, 255] };
        write(std::fs::File::create(&file).unwrap(), &array).unwrap();
        assert_eq!(read(&file).unwrap(), array);
        std::fs::remove_file(&file).unwrap();
    }
}
