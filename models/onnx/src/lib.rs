//! The ONNX file format, as far as Tinderbox reads it.
//!
//! A file is a protocol buffer. `prost` decodes it into the messages below, which have the names and numbers of
//! `onnx.proto` and only the fields that we read; the rest is skipped, subgraphs of control flow included. It adds four
//! small crates and needs no `protoc`. (`onnx-ir` would bring Burn's tensor crates, 146 crates in all, and panics on
//! files that are wrong.)
//!
//! [`read`] bounds memory: a protocol buffer can hold an empty message in two bytes that takes a hundred times as many
//! once decoded, so the fields are counted before anything is. What a file *means* is not checked here.

mod messages;

pub use messages::*;
use prost::{
    DecodeError, Message,
    bytes::Buf,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};

/// Fields in a file, of all messages together. A large network has some ten thousand.
pub const MAX_FIELDS: usize = 1 << 20;

/// Why a file is not readable.
#[derive(Debug)]
pub enum Error {
    /// Not a protocol buffer of these messages; the reason is prost's.
    Malformed(DecodeError),
    /// More than [`MAX_FIELDS`].
    TooManyFields,
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl std::error::Error for Error {}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "{error}"),
            Self::TooManyFields => write!(f, "more than {MAX_FIELDS} fields"),
        }
    }
}

/// Whether bytes look like a model: the format has no identifier, but every writer puts the version of the format, a small
/// number, first.
pub fn is_onnx(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=0x7F, _, ..])
}

/// Decodes a file.
pub fn read(bytes: &[u8]) -> Result<ModelProto, Error> {
    let mut left = MAX_FIELDS;
    count(bytes, &MODEL, &mut left)?;
    Ok(ModelProto::decode(bytes)?)
}

/// The bytes of a file that holds `model`.
pub fn to_bytes(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// The fields of a message that are messages themselves. There are no cycles, so that no file is nested too deeply.
struct Kind(&'static [(u32, &'static Kind)]);

static LEAF: Kind = Kind(&[]);
static SHAPE: Kind = Kind(&[(1, &LEAF)]);
static TENSOR_TYPE: Kind = Kind(&[(2, &SHAPE)]);
static TYPE: Kind = Kind(&[(1, &TENSOR_TYPE)]);
static VALUE: Kind = Kind(&[(2, &TYPE)]);
static ATTRIBUTE: Kind = Kind(&[(5, &LEAF)]);
static NODE: Kind = Kind(&[(5, &ATTRIBUTE)]);
static GRAPH: Kind = Kind(&[(1, &NODE), (5, &LEAF), (11, &VALUE), (12, &VALUE)]);
static MODEL: Kind = Kind(&[(7, &GRAPH), (8, &LEAF)]);

/// Takes the number of fields in `bytes` off `left`.
fn count(mut bytes: &[u8], kind: &Kind, left: &mut usize) -> Result<(), Error> {
    while bytes.has_remaining() {
        *left = left.checked_sub(1).ok_or(Error::TooManyFields)?;
        let (tag, wire) = decode_key(&mut bytes)?;
        let inner = kind.0.iter().find(|(number, _)| *number == tag);
        let Some((_, inner)) = inner.filter(|_| wire == WireType::LengthDelimited) else {
            skip_field(wire, tag, &mut bytes, DecodeContext::default())?;
            continue;
        };
        let length = usize::try_from(decode_varint(&mut bytes)?).unwrap_or(usize::MAX);
        // A length beyond the end: decoding says so better.
        let Some((message, rest)) = bytes.split_at_checked(length) else { return Ok(()) };
        count(message, inner, left)?;
        bytes = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let node = NodeProto { op_type: "Relu".into(), input: vec!["x".into()], ..Default::default() };
        let graph = GraphProto { node: vec![node], ..Default::default() };
        let model = ModelProto { ir_version: 9, graph: Some(graph), ..Default::default() };
        let bytes = to_bytes(&model);
        assert!(is_onnx(&bytes));
        assert_eq!(read(&bytes).expect("a model"), model);
    }

    #[test]
    fn a_file_of_empty_messages_is_refused_before_it_is_decoded() {
        let nodes = [0x0A, 0].repeat(MAX_FIELDS + 1);
        let mut bytes = vec![0x08, 9, 0x3A];
        prost::encoding::encode_varint(nodes.len() as u64, &mut bytes);
        bytes.extend(nodes);
        assert!(matches!(read(&bytes), Err(Error::TooManyFields)));
    }

    #[test]
    fn lengths_beyond_the_end_are_refused() {
        assert!(matches!(read(&[0x08, 9, 0x3A, 0xFF, 0xFF, 0xFF, 0x7F]), Err(Error::Malformed(_))));
    }
}
