//! The kernels under their C names, which emitted programs refer to.

use crate::kernels;
use crate::program::Kernel;
use crate::status::Status;
use crate::step::Step;

/// A kernel and the symbol that names it in a linked image.
#[derive(Clone, Copy)]
pub struct Named {
    /// C symbol.
    pub symbol: &'static str,
    /// The function of this build.
    pub function: Kernel,
}

macro_rules! kernels {
    ($($(#[$doc:meta])* $constant:ident = $symbol:ident : $run:path;)*) => { $(
        $(#[$doc])*
        #[unsafe(no_mangle)]
        pub extern "C" fn $symbol(step: &Step<'_>) -> Status {
            match $run(step) {
                Some(()) => Status::Ok,
                None => Status::Corrupt,
            }
        }

        $(#[$doc])*
        pub const $constant: Named = Named { symbol: stringify!($symbol), function: $symbol };
    )* };
}

kernels! {
    /// Elementwise addition, int8.
    ADD_S8 = tbx_add_s8: kernels::add::s8;
    /// Average pooling, int8.
    AVERAGE_POOL_S8 = tbx_average_pool_s8: kernels::pool::average_s8;
    /// Global average pooling a row at a time, int8.
    GLOBAL_AVERAGE_POOL_S8 = tbx_global_average_pool_s8: kernels::pool::global_average_s8;
    /// A constant tensor, row by row.
    CONSTANT = tbx_constant: kernels::movement::constant;
    /// Elementwise addition on the DSP extension, int8.
    ARMV7EM_ADD_S8 = tbx_armv7em_add_s8: kernels::armv7em::add::add_s8;
    /// Convolution on the DSP extension, int8.
    ARMV7EM_CONV_2D_S8 = tbx_armv7em_conv_2d_s8: kernels::armv7em::conv::conv_2d_s8;
    /// 3x3 convolution by Winograd's method on the DSP extension, int8.
    ARMV7EM_CONV_3X3_S8 = tbx_armv7em_conv_3x3_s8: kernels::armv7em::conv3x3::conv_3x3_s8;
    /// 3x3 depthwise convolution on the DSP extension, int8.
    ARMV7EM_DEPTHWISE_3X3_S8 = tbx_armv7em_depthwise_3x3_s8: kernels::armv7em::depthwise::depthwise_3x3_s8;
    /// Convolution of few channels on the DSP extension, int8.
    ARMV7EM_CONV_NARROW_S8 = tbx_armv7em_conv_narrow_s8: kernels::armv7em::conv_narrow::conv_narrow_s8;
    /// Depthwise convolution on the DSP extension, int8.
    ARMV7EM_DEPTHWISE_S8 = tbx_armv7em_depthwise_s8: kernels::armv7em::depthwise::depthwise_s8;
    /// Depthwise convolution of a single column on the DSP extension, int8.
    ARMV7EM_DEPTHWISE_COLUMN_S8 = tbx_armv7em_depthwise_column_s8: kernels::armv7em::depthwise::depthwise_column_s8;
    /// Fully connected layer on the DSP extension, int8.
    ARMV7EM_FULLY_CONNECTED_S8 = tbx_armv7em_fully_connected_s8: kernels::armv7em::fully_connected::fully_connected_s8;
    /// Global average pooling on the DSP extension, int8.
    ARMV7EM_GLOBAL_AVERAGE_POOL_S8 = tbx_armv7em_global_average_pool_s8: kernels::armv7em::pool::global_average_s8;
    /// Convolution, int8.
    CONV_2D_S8 = tbx_conv_2d_s8: kernels::conv::conv_2d_s8;
    /// A copy of every row.
    COPY = tbx_copy: kernels::movement::copy_rows;
    /// Depthwise convolution, int8.
    DEPTHWISE_CONV_2D_S8 = tbx_depthwise_conv_2d_s8: kernels::conv::depthwise_conv_2d_s8;
    /// Integers to floats.
    DEQUANTIZE_S8 = tbx_dequantize_s8: kernels::quantize::dequantize_s8;
    /// Fully connected layer, int8.
    FULLY_CONNECTED_S8 = tbx_fully_connected_s8: kernels::fully_connected::s8;
    /// Maximum pooling, int8.
    MAX_POOL_S8 = tbx_max_pool_s8: kernels::pool::max_s8;
    /// Inputs joined within rows.
    JOIN = tbx_join: kernels::movement::join;
    /// Elements in another order, some left out, some added.
    REARRANGE = tbx_rearrange: kernels::movement::rearrange;
    /// Bilinear interpolation, float32.
    RESIZE_BILINEAR_F32 = tbx_resize_bilinear_f32: kernels::resize::bilinear_f32;
    /// Bilinear interpolation, int8.
    RESIZE_BILINEAR_S8 = tbx_resize_bilinear_s8: kernels::resize::bilinear_s8;
    /// The rows of all inputs, one input after the other.
    STACK = tbx_stack: kernels::movement::stack;
    /// Floats to int8.
    QUANTIZE_F32_S8 = tbx_quantize_f32_s8: kernels::quantize::quantize_f32_s8;
    /// Int8 from one scale to another.
    REQUANTIZE_S8 = tbx_requantize_s8: kernels::quantize::requantize_s8;
    /// Softmax over the last axis, int8.
    SOFTMAX_S8 = tbx_softmax_s8: kernels::softmax::s8;
}
