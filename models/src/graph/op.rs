//! The operators and their attributes, named and defined as in TensorFlow Lite.

mod kind;
mod name;

pub use kind::{Activation, Arg, Binary, Compare, MirrorMode, Padding, Reduction, Resize, Stride, Unary};

/// What a node computes. Inputs are listed in the model's order, `?` marks those that may be absent; images are NHWC.
///
/// What only arranges data (axes, permutations, slices) is an attribute here even where TensorFlow Lite has a constant
/// input: resolved, in range, never negative. Several spellings of one thing are one operator: EXPAND_DIMS and SQUEEZE
/// are `Reshape`, SLICE is `StridedSlice`, SPLIT_V is `Split`, PADV2 is `Pad`, SELECT_V2 is `Select`.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    // Products: conv, dense.
    /// Inputs: image \[n, h, w, in\], weights \[out, kh, kw, in / groups\], bias? \[out\].
    Conv2d {
        /// Rows and columns from one window to the next.
        stride: Stride,
        /// Rows and columns from one weight to the next, 1 for a dense window.
        dilation: Stride,
        /// Treatment of the border.
        padding: Padding,
        /// Clamp of the result.
        activation: Activation,
    },
    /// Inputs: image \[n, h, w, in\], weights \[1, kh, kw, in * multiplier\], bias? \[in * multiplier\].
    DepthwiseConv2d {
        /// Rows and columns from one window to the next.
        stride: Stride,
        /// Rows and columns from one weight to the next, 1 for a dense window.
        dilation: Stride,
        /// Treatment of the border.
        padding: Padding,
        /// Clamp of the result.
        activation: Activation,
        /// Output channels per input channel: output channel `c` reads input channel `c / multiplier`.
        multiplier: usize,
    },
    /// Inputs: image \[n, h, w, in\], weights \[out, kh, kw, in\], bias? \[out\] (TensorFlow Lite puts the output's shape
    /// and the weights before the image). The gradient of a convolution: every input pixel adds a window to the output,
    /// whose shape decides among the sizes that the stride allows.
    TransposeConv {
        /// Rows and columns of the output from one input pixel to the next.
        stride: Stride,
        /// Treatment of the border, as of the convolution that this one inverts.
        padding: Padding,
        /// Clamp of the result.
        activation: Activation,
    },
    /// Inputs: x \[.., k\], weights \[out, k\], bias? \[out\]. x is read as rows of k, however many dimensions it has.
    FullyConnected {
        /// Clamp of the result.
        activation: Activation,
    },
    /// Inputs: a \[.., m, k\], b \[.., k, n\]; the leading dimensions are broadcast.
    BatchMatMul {
        /// a is given as \[.., k, m\].
        adj_x: bool,
        /// b is given as \[.., n, k\].
        adj_y: bool,
    },

    // Windows without weights: pool.
    /// Inputs: image. The divisor counts only positions inside the image.
    AveragePool2d {
        /// Rows and columns of the window.
        kernel: Stride,
        /// Rows and columns from one window to the next.
        stride: Stride,
        /// Treatment of the border.
        padding: Padding,
        /// Clamp of the result.
        activation: Activation,
    },
    /// Inputs: image.
    MaxPool2d {
        /// Rows and columns of the window.
        kernel: Stride,
        /// Rows and columns from one window to the next.
        stride: Stride,
        /// Treatment of the border.
        padding: Padding,
        /// Clamp of the result.
        activation: Activation,
    },
    /// Inputs: image. The output's shape gives the size.
    Resize(Resize),

    // Element by element: elementwise.
    /// Inputs: two tensors, broadcast.
    Add {
        /// Clamp of the result.
        activation: Activation,
    },
    /// Inputs: two tensors, broadcast.
    Sub {
        /// Clamp of the result.
        activation: Activation,
    },
    /// Inputs: two tensors, broadcast.
    Mul {
        /// Clamp of the result.
        activation: Activation,
    },
    /// Inputs: two tensors, broadcast.
    Binary(Binary),
    /// Inputs: two tensors, broadcast. The output is Bool.
    Compare(Compare),
    /// Inputs: condition (Bool), x, y, broadcast: x where the condition holds, y elsewhere.
    Select,
    /// Inputs: one tensor.
    Unary(Unary),
    /// Inputs: x, alpha (broadcast to x): x where positive, else alpha * x.
    Prelu,
    /// Over the last axis: `exp(beta * x) / sum(exp(beta * x))`.
    Softmax {
        /// Inverse temperature, positive.
        beta: f32,
    },
    /// Over the last axis: `x - ln(sum(exp(x)))`.
    LogSoftmax,
    /// Over the last axis: `x / sqrt(sum(x * x))`.
    L2Normalization,

    // Change of type: convert.
    /// Float or integer to integer, by the output's scale and zero point.
    Quantize,
    /// Integer to float.
    Dequantize,
    /// Value by value to the output's type, without regard to scales.
    Cast,

    // Over axes: reduce.
    /// Inputs: x.
    Reduce {
        /// What the axes are replaced by.
        kind: Reduction,
        /// In rising order.
        axes: Vec<usize>,
        /// The axes stay in the shape, with length 1.
        keep_dims: bool,
    },
    /// Inputs: x. The output is the index (I32 or I64), the first of several equal ones.
    Arg {
        /// Largest or smallest.
        kind: Arg,
        /// The axis that disappears.
        axis: usize,
    },
    /// Inputs: x. Outputs: the k largest of the last axis in falling order, and their indices (I32).
    TopK {
        /// How many.
        k: usize,
    },

    // Data moved, values unchanged: movement.
    /// Inputs: x, shape?; the output tensor's shape is what counts.
    Reshape,
    /// Inputs: x.
    Transpose {
        /// Output axis i is input axis `perm[i]`.
        perm: Vec<usize>,
    },
    /// Inputs: x. Element i along axis a of what is taken is element `begin[a] + i * stride[a]` of x; the output has the
    /// taken elements in its own shape (axes of length 1 may have gone or come).
    StridedSlice {
        /// First index, for each axis of x.
        begin: Vec<usize>,
        /// Number of indices, for each axis of x.
        size: Vec<usize>,
        /// Step, negative to walk backwards, for each axis of x.
        stride: Vec<isize>,
    },
    /// Inputs: x, \[rank, 2\] constant, value? (PADV2): so many elements before and after each axis; real zero unless
    /// there is a value.
    Pad,
    /// Inputs: x.
    MirrorPad {
        /// Whether the border's element is repeated.
        mode: MirrorMode,
        /// Elements before and after each axis.
        paddings: Vec<(usize, usize)>,
    },
    /// Inputs: any number of tensors that differ in the axis only.
    Concatenation {
        /// The axis along which they follow one another.
        axis: usize,
        /// Clamp of the result.
        activation: Activation,
    },
    /// Inputs: x. Outputs: x cut along the axis into the lengths that their shapes tell.
    Split {
        /// The axis that is cut.
        axis: usize,
    },
    /// Inputs: any number of tensors of one shape. The output has one axis more.
    Pack {
        /// The new axis of the output.
        axis: usize,
    },
    /// Inputs: x. Outputs: one per index of the axis, which they lack.
    Unpack {
        /// The axis of x that disappears.
        axis: usize,
    },
    /// Inputs: x. The whole repeated along each axis.
    Tile {
        /// How often, for each axis.
        multiples: Vec<usize>,
    },
    /// Inputs: x. Axes of length 1 repeated to fill the output's shape.
    BroadcastTo,
    /// Inputs: x, indices (I32 or I64) along the axis. The output's shape is x's with the axis replaced by the indices'
    /// shape less its first `batch_dims` dimensions.
    Gather {
        /// The axis that is indexed.
        axis: usize,
        /// Leading dimensions that x and the indices have in common.
        batch_dims: usize,
    },
    /// Inputs: x, indices \[.., k\] (I32 or I64): each row of k indexes the first k axes of x.
    GatherNd,
    /// Inputs: x.
    Reverse {
        /// The axes that are walked backwards, in rising order.
        axes: Vec<usize>,
    },
    /// Inputs: x \[n, spatial.., c\]. Pads, then moves blocks of space into the batch.
    SpaceToBatchNd {
        /// Block lengths, for each spatial axis.
        block: Vec<usize>,
        /// Elements added before and after each spatial axis.
        paddings: Vec<(usize, usize)>,
    },
    /// Inputs: x \[n, spatial.., c\]. The inverse of `SpaceToBatchNd`.
    BatchToSpaceNd {
        /// Block lengths, for each spatial axis.
        block: Vec<usize>,
        /// Elements dropped before and after each spatial axis.
        crops: Vec<(usize, usize)>,
    },
    /// Inputs: image. Each block of pixels becomes one pixel with `block * block` times the channels.
    SpaceToDepth {
        /// Rows and columns of a block.
        block: usize,
    },
    /// Inputs: image. The inverse of `SpaceToDepth`.
    DepthToSpace {
        /// Rows and columns of a block.
        block: usize,
    },

    // State: sequence, variable.
    /// Singular value decomposition filter. Inputs: x \[n, in\], feature weights \[units * rank, in\], time weights
    /// \[units * rank, memory\], bias? \[units\], state \[n, units * rank * memory\] (a variable, which shifts by one).
    Svdf {
        /// Filters summed into one output.
        rank: usize,
        /// Clamp of the result. Integer kernels clamp to the type only, whatever it says.
        activation: Activation,
    },
    /// Long short-term memory over a sequence. Inputs: x \[n, time, in\]; four input weights \[units, in\]; four recurrent
    /// weights \[units, units\]; four biases \[units\]; hidden state \[n, units\] and cell state \[n, units\] (variables). The
    /// fours are in the order input, forget, cell, output gate. Output: \[n, time, units\]. (TensorFlow Lite has 24 slots;
    /// those for peepholes, projection and layer normalization are refused.)
    UnidirectionalSequenceLstm {
        /// x and the output are \[time, n, ..\].
        time_major: bool,
        /// The cell is clamped to +- this; 0 is no clamp.
        cell_clip: f32,
    },
    /// Inputs: a variable's tensor. Output: its contents at this point of the order.
    ReadVariable,
    /// Inputs: a variable's tensor, x. No output: the contents become x at this point of the order.
    AssignVariable,
}
