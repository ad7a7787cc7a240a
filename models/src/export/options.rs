//! Attributes that are options in the file.

use super::inputs::{are_equal, parts};
use super::model::kind;
use super::slice::Slice;
use crate::graph::{self, Activation, Arg, Graph, MirrorMode, Node, Op, Resize, Tensor, TensorId, Unary};
use tinderbox_tflite::{ActivationFunctionType as Fused, Padding, WeightsFormat};
use tinderbox_tflite::{
    AddOptions, ArgMaxOptions, ArgMinOptions, BatchMatMulOptions, BuiltinOptions, CastOptions, ConcatenationOptions,
    Conv2DOptions, DepthToSpaceOptions, DepthwiseConv2DOptions, FullyConnectedOptions, GatherOptions, GeluOptions,
    L2NormOptions, LeakyReluOptions, MirrorPadMode, MirrorPadOptions, MulOptions, PackOptions, Pool2DOptions,
    ReducerOptions, ReshapeOptions, ResizeBilinearOptions, ResizeNearestNeighborOptions, SoftmaxOptions,
    SpaceToDepthOptions, SplitOptions, SplitVOptions, StridedSliceOptions, SubOptions, SvdfOptions,
    TransposeConvOptions, UnidirectionalSequenceLstmOptions, UnpackOptions,
};

/// `record!(AddOptions { .. })` is a node's options of that type.
macro_rules! record {
    ($kind:ident { $($body:tt)* }) => { Some(BuiltinOptions::$kind(Box::new($kind { $($body)* }))) };
}

/// The options of a node's operator, where it has any.
pub(super) fn options(graph: &Graph, node: &Node) -> Option<BuiltinOptions> {
    windows(&node.op).or_else(|| arithmetic(graph, node)).or_else(|| movement(graph, node))
}

/// Operators that slide a window over an image.
fn windows(op: &Op) -> Option<BuiltinOptions> {
    match *op {
        Op::Conv2d { stride, dilation, padding, activation } => record!(Conv2DOptions {
            padding: border(padding),
            stride_w: int(stride.w),
            stride_h: int(stride.h),
            fused_activation_function: fused(activation),
            dilation_w_factor: int(dilation.w),
            dilation_h_factor: int(dilation.h),
        }),
        Op::DepthwiseConv2d { stride, dilation, padding, activation, multiplier } => record!(DepthwiseConv2DOptions {
            padding: border(padding),
            stride_w: int(stride.w),
            stride_h: int(stride.h),
            depth_multiplier: int(multiplier),
            fused_activation_function: fused(activation),
            dilation_w_factor: int(dilation.w),
            dilation_h_factor: int(dilation.h),
        }),
        Op::TransposeConv { stride, padding, activation } => record!(TransposeConvOptions {
            padding: border(padding),
            stride_w: int(stride.w),
            stride_h: int(stride.h),
            fused_activation_function: fused(activation),
        }),
        Op::AveragePool2d { kernel, stride, padding, activation }
        | Op::MaxPool2d { kernel, stride, padding, activation } => record!(Pool2DOptions {
            padding: border(padding),
            stride_w: int(stride.w),
            stride_h: int(stride.h),
            filter_width: int(kernel.w),
            filter_height: int(kernel.h),
            fused_activation_function: fused(activation),
        }),
        Op::Resize(Resize::Bilinear { align_corners, half_pixel_centers }) => {
            record!(ResizeBilinearOptions { align_corners, half_pixel_centers })
        }
        Op::Resize(Resize::Nearest { align_corners, half_pixel_centers }) => {
            record!(ResizeNearestNeighborOptions { align_corners, half_pixel_centers })
        }
        _ => None,
    }
}

/// Operators that compute new values.
fn arithmetic(graph: &Graph, node: &Node) -> Option<BuiltinOptions> {
    match node.op {
        Op::FullyConnected { activation } => record!(FullyConnectedOptions {
            fused_activation_function: fused(activation),
            weights_format: WeightsFormat::Default,
            keep_num_dims: tensor(graph, node.outputs[0]).shape.len() != 2,
        }),
        Op::BatchMatMul { adj_x, adj_y } => record!(BatchMatMulOptions { adj_x, adj_y }),
        Op::Add { activation } => {
            record!(AddOptions { fused_activation_function: fused(activation), pot_scale_int16: true })
        }
        Op::Sub { activation } => {
            record!(SubOptions { fused_activation_function: fused(activation), pot_scale_int16: true })
        }
        Op::Mul { activation } => record!(MulOptions { fused_activation_function: fused(activation) }),
        Op::Unary(Unary::Gelu { approximate }) => record!(GeluOptions { approximate }),
        Op::Unary(Unary::LeakyRelu { alpha }) => record!(LeakyReluOptions { alpha }),
        Op::Softmax { beta } => record!(SoftmaxOptions { beta }),
        Op::L2Normalization => record!(L2NormOptions { fused_activation_function: Fused::None }),
        Op::Cast => record!(CastOptions {
            in_data_type: kind(tensor(graph, node.inputs[0]?)),
            out_data_type: kind(tensor(graph, node.outputs[0])),
        }),
        Op::Reduce { keep_dims, .. } => record!(ReducerOptions { keep_dims }),
        Op::Arg { kind: Arg::Max, .. } => {
            record!(ArgMaxOptions { output_type: kind(tensor(graph, node.outputs[0])) })
        }
        Op::Arg { kind: Arg::Min, .. } => {
            record!(ArgMinOptions { output_type: kind(tensor(graph, node.outputs[0])) })
        }
        Op::Svdf { rank, activation } => {
            record!(SvdfOptions { rank: int(rank), fused_activation_function: fused(activation) })
        }
        Op::UnidirectionalSequenceLstm { time_major, cell_clip } => record!(UnidirectionalSequenceLstmOptions {
            fused_activation_function: Fused::Tanh,
            cell_clip,
            time_major,
            ..Default::default()
        }),
        _ => None,
    }
}

/// Operators that arrange data.
fn movement(graph: &Graph, node: &Node) -> Option<BuiltinOptions> {
    match &node.op {
        Op::Reshape => {
            let shape = tensor(graph, node.outputs[0]).shape.iter();
            record!(ReshapeOptions { new_shape: Some(shape.map(|&n| int(n)).collect()) })
        }
        Op::StridedSlice { begin, size, stride } => {
            let slice = Slice::new(begin, size, stride, &tensor(graph, node.outputs[0]).shape);
            let Slice { end_mask, new_axis_mask, shrink_axis_mask, .. } = slice;
            record!(StridedSliceOptions { end_mask, new_axis_mask, shrink_axis_mask, ..Default::default() })
        }
        Op::MirrorPad { mode, .. } => {
            let mode = match mode {
                MirrorMode::Reflect => MirrorPadMode::Reflect,
                MirrorMode::Symmetric => MirrorPadMode::Symmetric,
            };
            record!(MirrorPadOptions { mode })
        }
        Op::Concatenation { axis, activation } => {
            record!(ConcatenationOptions { axis: int(*axis), fused_activation_function: fused(*activation) })
        }
        Op::Split { axis } => {
            let num_splits = int(node.outputs.len());
            match are_equal(&parts(graph, node, *axis)) {
                true => record!(SplitOptions { num_splits }),
                false => record!(SplitVOptions { num_splits }),
            }
        }
        Op::Pack { axis } => record!(PackOptions { values_count: int(node.inputs.len()), axis: int(*axis) }),
        Op::Unpack { axis } => record!(UnpackOptions { num: int(node.outputs.len()), axis: int(*axis) }),
        Op::Gather { axis, batch_dims } => {
            record!(GatherOptions { axis: int(*axis), batch_dims: int(*batch_dims) })
        }
        Op::SpaceToDepth { block } => record!(SpaceToDepthOptions { block_size: int(*block) }),
        Op::DepthToSpace { block } => record!(DepthToSpaceOptions { block_size: int(*block) }),
        _ => None,
    }
}

fn tensor(graph: &Graph, id: TensorId) -> &Tensor {
    &graph.tensors[id]
}

/// Attributes that came from a file fit the file's fields; others are no larger than shapes, which do.
fn int(n: usize) -> i32 {
    n as i32
}

fn border(padding: graph::Padding) -> Padding {
    match padding {
        graph::Padding::Same => Padding::Same,
        graph::Padding::Valid => Padding::Valid,
    }
}

fn fused(activation: Activation) -> Fused {
    match activation {
        Activation::None => Fused::None,
        Activation::Relu => Fused::Relu,
        Activation::ReluN1To1 => Fused::ReluN1To1,
        Activation::Relu6 => Fused::Relu6,
    }
}
