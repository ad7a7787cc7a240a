//! The operators and their attributes, named and defined as in TensorFlow Lite.

/// Activation fused into the operator before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Activation {
    /// The whole range of the output type.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// Clamp to \[-1, 1\].
    ReluN1To1,
    /// Clamp to \[0, 6\].
    Relu6,
}

/// How the border of an image is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Output is `ceil(in / stride)`; zero points are added, the odd one at the bottom or right.
    Same,
    /// Only windows that lie inside.
    Valid,
}

/// Stride and dilation over height and width, each at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stride {
    /// Rows, or columns, from one window to the next.
    pub h: usize,
    /// See `h`.
    pub w: usize,
}

/// What a node computes. Inputs are listed in the model's order; shapes are NHWC.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Inputs: image, weights \[out, kh, kw, in / groups\], bias?.
    Conv2d { stride: Stride, dilation: Stride, padding: Padding, activation: Activation },
    /// Inputs: image, weights \[1, kh, kw, in * multiplier\], bias?.
    DepthwiseConv2d { stride: Stride, dilation: Stride, padding: Padding, activation: Activation, multiplier: usize },
    /// Inputs: x \[.., k\], weights \[out, k\], bias?.
    FullyConnected { activation: Activation },
    /// Inputs: image. The divisor counts only positions inside the image.
    AveragePool2d { kernel: Stride, stride: Stride, padding: Padding, activation: Activation },
    /// Inputs: image.
    MaxPool2d { kernel: Stride, stride: Stride, padding: Padding, activation: Activation },
    /// Inputs: two tensors, broadcast.
    Add { activation: Activation },
    /// Inputs: x, \[rank, 2\] constant, value? (PADV2).
    Pad,
    /// Inputs: x, shape?; the output tensor's shape is what counts.
    Reshape,
    /// Over the last axis.
    Softmax { beta: f32 },
    /// Float or integer to integer.
    Quantize,
    /// Integer to float.
    Dequantize,
}

impl Op {
    /// placeholder until the importer lands
    pub fn name(&self) -> &'static str {
        match self {
            Op::Conv2d { .. } => "CONV_2D",
            Op::DepthwiseConv2d { .. } => "DEPTHWISE_CONV_2D",
            Op::FullyConnected { .. } => "FULLY_CONNECTED",
            Op::AveragePool2d { .. } => "AVERAGE_POOL_2D",
            Op::MaxPool2d { .. } => "MAX_POOL_2D",
            Op::Add { .. } => "ADD",
            Op::Pad => "PAD",
            Op::Reshape => "RESHAPE",
            Op::Softmax { .. } => "SOFTMAX",
            Op::Quantize => "QUANTIZE",
            Op::Dequantize => "DEQUANTIZE",
        }
    }
}
