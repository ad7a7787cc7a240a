//! The network as it was imported: operators over tensors, in topological order.
//!
//! A `Graph` is what every importer yields and every compression pass rewrites. It says what to compute, not how:
//! rows, rings and kernels begin in the lowering. An importer hands out only graphs that pass [`Graph::validate`];
//! nothing after it checks indices again.

mod macs;
mod op;
mod prune;
mod refusal;
mod rules;
mod validate;

pub use macs::macs;
pub use op::{Activation, Arg, Binary, Compare, MirrorMode, Op, Padding, Reduction, Resize, Stride, Unary};
pub use refusal::{Kind, Place, Refusal};
pub(crate) use refusal::{ensure, ensure_count};
pub(crate) use rules::check;
use std::{fmt, sync::Arc};
pub(crate) use validate::is_sane;
pub use validate::{MAX_ACTIVATION_BYTES, MAX_RANK};

/// Index into [`Graph::tensors`].
pub type TensorId = usize;

/// Element type of a tensor. Multi-byte elements are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit IEEE float.
    F32,
    /// 8-bit signed, the activation type of quantized models.
    I8,
    /// 8-bit unsigned.
    U8,
    /// 16-bit signed.
    I16,
    /// 32-bit signed: biases, indices, shapes.
    I32,
    /// 64-bit signed: biases of int16 layers, indices.
    I64,
    /// One byte, 0 or 1.
    Bool,
}

impl DType {
    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            DType::I8 | DType::U8 | DType::Bool => 1,
            DType::I16 => 2,
            DType::F32 | DType::I32 => 4,
            DType::I64 => 8,
        }
    }
}

/// The name in TensorFlow Lite.
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            DType::F32 => "FLOAT32",
            DType::I8 => "INT8",
            DType::U8 => "UINT8",
            DType::I16 => "INT16",
            DType::I32 => "INT32",
            DType::I64 => "INT64",
            DType::Bool => "BOOL",
        })
    }
}

/// Affine quantization: `real = scale * (q - zero_point)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantization {
    /// One scale, or one per index of `axis`.
    pub scales: Vec<f32>,
    /// As many as `scales`.
    pub zero_points: Vec<i32>,
    /// The dimension that several scales run along; 0 where there is one.
    pub axis: usize,
}

impl Quantization {
    /// One scale and zero point for the whole tensor.
    pub fn per_tensor(scale: f32, zero_point: i32) -> Self {
        Self { scales: vec![scale], zero_points: vec![zero_point], axis: 0 }
    }
}

/// A value of the network, constant or computed.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name in the model's file; for messages and reports only.
    pub name: String,
    /// Dimensions, outermost first (NHWC for images). Empty for a scalar. Never zero-sized unless constant.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: DType,
    /// Absent for float and index tensors.
    pub quant: Option<Quantization>,
    /// The contents where constant: row-major, little-endian, `elements() * dtype.bytes()` long. Int4 weights are
    /// unpacked to I8 and float16 to F32 on import (`bits` remembers).
    pub data: Option<Arc<[u8]>>,
    /// Bits per stored element where fewer than the type's (4 for int4 weights, 16 for float16), else
    /// `8 * dtype.bytes()`.
    pub bits: u8,
}

impl Tensor {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes of the dense tensor.
    pub fn bytes(&self) -> usize {
        self.elements() * self.dtype.bytes()
    }

    /// Bytes of a constant as it is stored: two int4 weights share one.
    pub fn stored_bytes(&self) -> usize {
        (self.elements() * usize::from(self.bits)).div_ceil(8)
    }

    /// The contents of a constant of type I32 or I64.
    pub fn integers(&self) -> Option<Vec<i64>> {
        let data = self.data.as_ref()?;
        match self.dtype {
            DType::I32 => Some(data.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b).into()).collect()),
            DType::I64 => Some(data.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b)).collect()),
            _ => None,
        }
    }
}

/// One operator: reads `inputs`, writes `outputs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique and readable: the name of the first output tensor where the file has one.
    pub name: String,
    /// What it computes, with its attributes.
    pub op: Op,
    /// Tensors read; `None` where an optional input is absent.
    pub inputs: Vec<Option<TensorId>>,
    /// Tensors written.
    pub outputs: Vec<TensorId>,
}

/// A persistent tensor (TFLite resource variable, or an operator's own state such as SVDF's).
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// The tensor that holds its contents from one inference to the next.
    pub tensor: TensorId,
    /// Contents after reset; `None` is real zero, that is the zero point.
    pub initial: Option<Arc<[u8]>>,
}

/// A network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// From the file, or its stem.
    pub name: String,
    /// All tensors; nodes refer to them by index.
    pub tensors: Vec<Tensor>,
    /// In an order in which every tensor is written before it is read.
    pub nodes: Vec<Node>,
    /// Fed by the caller, in the model's order.
    pub inputs: Vec<TensorId>,
    /// Handed to the caller, in the model's order.
    pub outputs: Vec<TensorId>,
    /// State that survives an inference.
    pub variables: Vec<Variable>,
}
