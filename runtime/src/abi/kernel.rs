//! The kernels under their C names, which emitted programs refer to.

use crate::kernels;
use crate::kernels::arithmetic::{F32, Int4, Narrow, Wide};
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
    ($($(#[$attribute:meta])* $constant:ident = $symbol:ident : $run:path;)*) => { $(
        $(#[$attribute])*
        #[unsafe(no_mangle)]
        pub extern "C" fn $symbol(step: &Step<'_>) -> Status {
            match $run(step) {
                Some(()) => Status::Ok,
                None => Status::Corrupt,
            }
        }

        $(#[$attribute])*
        pub const $constant: Named = Named { symbol: stringify!($symbol), function: $symbol };
    )* };
}

kernels! {
    /// Convolution, int8.
    CONV_2D_S8 = tbx_conv_2d_s8: kernels::conv::conv_2d::<Narrow<i8>>;
    /// Convolution, int8 with int4 weights.
    CONV_2D_S8W4 = tbx_conv_2d_s8w4: kernels::conv::conv_2d::<Int4>;
    /// Convolution, int16 with int8 weights.
    CONV_2D_S16 = tbx_conv_2d_s16: kernels::conv::conv_2d::<Wide>;
    /// Convolution, int16 with int8 weights and int32 sums.
    CONV_2D_S16_NARROW = tbx_conv_2d_s16_narrow: kernels::conv::conv_2d::<Narrow<i16>>;
    /// Convolution, float.
    CONV_2D_F32 = tbx_conv_2d_f32: kernels::conv::conv_2d::<F32>;
    /// Convolution by blocks of weights that are not zero, int8.
    CONV_2D_SPARSE_S8 = tbx_conv_2d_sparse_s8: kernels::sparse::conv_2d_s8;
    /// Depthwise convolution, int8.
    DEPTHWISE_CONV_2D_S8 = tbx_depthwise_conv_2d_s8: kernels::conv::depthwise_conv_2d::<Narrow<i8>>;
    /// Depthwise convolution, int8 with int4 weights.
    DEPTHWISE_CONV_2D_S8W4 = tbx_depthwise_conv_2d_s8w4: kernels::conv::depthwise_conv_2d::<Int4>;
    /// Depthwise convolution, int16 with int8 weights.
    DEPTHWISE_CONV_2D_S16 = tbx_depthwise_conv_2d_s16: kernels::conv::depthwise_conv_2d::<Wide>;
    /// Depthwise convolution, float.
    DEPTHWISE_CONV_2D_F32 = tbx_depthwise_conv_2d_f32: kernels::conv::depthwise_conv_2d::<F32>;
    /// Transposed convolution, int8.
    TRANSPOSE_CONV_S8 = tbx_transpose_conv_s8: kernels::conv::transpose_conv::<Narrow<i8>>;
    /// Transposed convolution, int8 with int4 weights.
    TRANSPOSE_CONV_S8W4 = tbx_transpose_conv_s8w4: kernels::conv::transpose_conv::<Int4>;
    /// Transposed convolution, int16 with int8 weights.
    TRANSPOSE_CONV_S16 = tbx_transpose_conv_s16: kernels::conv::transpose_conv::<Wide>;
    /// Transposed convolution, float.
    TRANSPOSE_CONV_F32 = tbx_transpose_conv_f32: kernels::conv::transpose_conv::<F32>;
    /// Fully connected layer, int8.
    FULLY_CONNECTED_S8 = tbx_fully_connected_s8: kernels::fully_connected::fully_connected::<Narrow<i8>>;
    /// Fully connected layer, int8 with int4 weights.
    FULLY_CONNECTED_S8W4 = tbx_fully_connected_s8w4: kernels::fully_connected::fully_connected::<Int4>;
    /// Fully connected layer, int16 with int8 weights.
    FULLY_CONNECTED_S16 = tbx_fully_connected_s16: kernels::fully_connected::fully_connected::<Wide>;
    /// Fully connected layer, float.
    FULLY_CONNECTED_F32 = tbx_fully_connected_f32: kernels::fully_connected::fully_connected::<F32>;
    /// Product of two computed matrices, int8.
    BATCH_MATMUL_S8 = tbx_batch_matmul_s8: kernels::matmul::s8;
    /// Product of two computed matrices, int16.
    BATCH_MATMUL_S16 = tbx_batch_matmul_s16: kernels::matmul::s16;
    /// Product of two computed matrices, float.
    BATCH_MATMUL_F32 = tbx_batch_matmul_f32: kernels::matmul::f32;
    /// Average pooling, int8.
    AVERAGE_POOL_S8 = tbx_average_pool_s8: kernels::pool::average::<i8>;
    /// Average pooling, int16.
    AVERAGE_POOL_S16 = tbx_average_pool_s16: kernels::pool::average::<i16>;
    /// Average pooling, float.
    AVERAGE_POOL_F32 = tbx_average_pool_f32: kernels::pool::average::<f32>;
    /// Global average pooling a row at a time, int8.
    GLOBAL_AVERAGE_POOL_S8 = tbx_global_average_pool_s8: kernels::pool::global_average::<i8>;
    /// Global average pooling a row at a time, int16.
    GLOBAL_AVERAGE_POOL_S16 = tbx_global_average_pool_s16: kernels::pool::global_average::<i16>;
    /// Global average pooling a row at a time, float.
    GLOBAL_AVERAGE_POOL_F32 = tbx_global_average_pool_f32: kernels::pool::global_average::<f32>;
    /// Maximum pooling, int8.
    MAX_POOL_S8 = tbx_max_pool_s8: kernels::pool::max::<i8>;
    /// Maximum pooling, int16.
    MAX_POOL_S16 = tbx_max_pool_s16: kernels::pool::max::<i16>;
    /// Maximum pooling, float.
    MAX_POOL_F32 = tbx_max_pool_f32: kernels::pool::max::<f32>;
    /// A constant tensor, row by row.
    CONSTANT = tbx_constant: kernels::movement::constant;
    /// Elementwise addition on the DSP extension, int8.
    ARMV7EM_ADD_S8 = tbx_armv7em_add_s8: kernels::armv7em::add::add_s8;
    /// Convolution on the DSP extension, int8.
    ARMV7EM_CONV_2D_S8 = tbx_armv7em_conv_2d_s8: kernels::armv7em::conv::conv_2d_s8;
    /// Convolution on the DSP extension, int8 with int4 weights.
    ARMV7EM_CONV_2D_S8W4 = tbx_armv7em_conv_2d_s8w4: kernels::armv7em::conv::conv_2d_s8w4;
    /// 3x3 convolution by Winograd's method on the DSP extension, int8.
    ARMV7EM_CONV_3X3_S8 = tbx_armv7em_conv_3x3_s8: kernels::armv7em::conv3x3::conv_3x3_s8;
    /// 3x3 depthwise convolution on the DSP extension, int8.
    ARMV7EM_DEPTHWISE_3X3_S8 = tbx_armv7em_depthwise_3x3_s8: kernels::armv7em::depthwise::depthwise_3x3_s8;
    /// 3x3 depthwise convolution of stride 2 on the DSP extension, int8.
    ARMV7EM_DEPTHWISE_3X3_BY_2_S8 = tbx_armv7em_depthwise_3x3_by_2_s8:
        kernels::armv7em::depthwise::depthwise_3x3_by_2_s8;
    /// Convolution of few channels on the DSP extension, int8.
    ARMV7EM_CONV_NARROW_S8 = tbx_armv7em_conv_narrow_s8: kernels::armv7em::conv_narrow::conv_narrow_s8;
    /// Convolution by weights that are not zero on the DSP extension, int8.
    ARMV7EM_CONV_SPARSE_S8 = tbx_armv7em_conv_sparse_s8: kernels::armv7em::conv_sparse::conv_sparse_s8;
    /// Depthwise convolution on the DSP extension, int8.
    ARMV7EM_DEPTHWISE_S8 = tbx_armv7em_depthwise_s8: kernels::armv7em::depthwise::depthwise_s8;
    /// Depthwise convolution of a single column on the DSP extension, int8.
    ARMV7EM_DEPTHWISE_COLUMN_S8 = tbx_armv7em_depthwise_column_s8: kernels::armv7em::depthwise::depthwise_column_s8;
    /// Fully connected layer on the DSP extension, int8.
    ARMV7EM_FULLY_CONNECTED_S8 = tbx_armv7em_fully_connected_s8: kernels::armv7em::fully_connected::fully_connected_s8;
    /// Fully connected layer of large sums on the DSP extension, int8.
    ARMV7EM_FULLY_CONNECTED_WIDE_S8 = tbx_armv7em_fully_connected_wide_s8:
        kernels::armv7em::fully_connected::fully_connected_wide_s8;
    /// Fully connected layer by weights that are not zero on the DSP extension, int8.
    ARMV7EM_FULLY_CONNECTED_SPARSE_S8 = tbx_armv7em_fully_connected_sparse_s8:
        kernels::armv7em::fully_connected::fully_connected_sparse_s8;
    /// Small fully connected layer on the DSP extension, int8.
    ARMV7EM_FULLY_CONNECTED_SMALL_S8 = tbx_armv7em_fully_connected_small_s8:
        kernels::armv7em::fully_connected::fully_connected_small_s8;
    /// Global average pooling on the DSP extension, int8.
    ARMV7EM_GLOBAL_AVERAGE_POOL_S8 = tbx_armv7em_global_average_pool_s8: kernels::armv7em::pool::global_average_s8;
    /// Elementwise addition on the host, int8.
    #[cfg(feature = "std")]
    HOST_ADD_S8 = tbx_host_add_s8: kernels::host::add::add_s8;
    /// Convolution on the host, int8.
    #[cfg(feature = "std")]
    HOST_CONV_2D_S8 = tbx_host_conv_2d_s8: kernels::host::conv::conv_2d_s8;
    /// Depthwise convolution on the host, int8.
    #[cfg(feature = "std")]
    HOST_DEPTHWISE_S8 = tbx_host_depthwise_s8: kernels::host::depthwise::depthwise_s8;
    /// Fully connected layer on the host, int8.
    #[cfg(feature = "std")]
    HOST_FULLY_CONNECTED_S8 = tbx_host_fully_connected_s8: kernels::host::fully_connected::fully_connected_s8;
    /// A copy of every row.
    COPY = tbx_copy: kernels::movement::copy_rows;
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
    /// Softmax over the last axis, int8.
    SOFTMAX_S8 = tbx_softmax_s8: kernels::softmax::quantized::<i8>;
    /// Softmax over the last axis, int8 to int16.
    SOFTMAX_S8_S16 = tbx_softmax_s8_s16: kernels::softmax::quantized::<i16>;
    /// Softmax over the last axis, int16.
    SOFTMAX_S16 = tbx_softmax_s16: kernels::softmax::s16;
    /// Softmax over the last axis, float.
    SOFTMAX_F32 = tbx_softmax_f32: kernels::float::softmax;
    /// Logarithm of the softmax over the last axis, int8.
    LOG_SOFTMAX_S8 = tbx_log_softmax_s8: kernels::softmax::log_s8;
    /// Logarithm of the softmax over the last axis, float.
    LOG_SOFTMAX_F32 = tbx_log_softmax_f32: kernels::float::log_softmax;
    /// Division by the norm over the last axis, int8.
    L2_NORMALIZATION_S8 = tbx_l2_normalization_s8: kernels::l2_normalization::s8;
    /// Division by the norm over the last axis, float.
    L2_NORMALIZATION_F32 = tbx_l2_normalization_f32: kernels::float::l2_normalization;
    /// Addition, int8.
    ADD_S8 = tbx_add_s8: kernels::add::add::<i8>;
    /// Addition, int16.
    ADD_S16 = tbx_add_s16: kernels::add::add::<i16>;
    /// Addition, int32.
    ADD_S32 = tbx_add_s32: kernels::integer::add;
    /// Addition, float.
    ADD_F32 = tbx_add_f32: kernels::float::add;
    /// Subtraction, int8.
    SUB_S8 = tbx_sub_s8: kernels::add::sub::<i8>;
    /// Subtraction, int16.
    SUB_S16 = tbx_sub_s16: kernels::add::sub::<i16>;
    /// Subtraction, int32.
    SUB_S32 = tbx_sub_s32: kernels::integer::sub;
    /// Subtraction, float.
    SUB_F32 = tbx_sub_f32: kernels::float::sub;
    /// Squared difference, int8.
    SQUARED_DIFFERENCE_S8 = tbx_squared_difference_s8: kernels::add::square_difference::<i8>;
    /// Squared difference, int16.
    SQUARED_DIFFERENCE_S16 = tbx_squared_difference_s16: kernels::add::square_difference::<i16>;
    /// Squared difference, int32.
    SQUARED_DIFFERENCE_S32 = tbx_squared_difference_s32: kernels::integer::squared_difference;
    /// Squared difference, float.
    SQUARED_DIFFERENCE_F32 = tbx_squared_difference_f32: kernels::float::squared_difference;
    /// Multiplication, int8.
    MUL_S8 = tbx_mul_s8: kernels::mul::mul::<i8>;
    /// Multiplication, int16.
    MUL_S16 = tbx_mul_s16: kernels::mul::mul::<i16>;
    /// Multiplication, int32.
    MUL_S32 = tbx_mul_s32: kernels::integer::mul;
    /// Multiplication, float.
    MUL_F32 = tbx_mul_f32: kernels::float::mul;
    /// The larger of two, int8.
    MAXIMUM_S8 = tbx_maximum_s8: kernels::compare::maximum::<i8>;
    /// The larger of two, uint8.
    MAXIMUM_U8 = tbx_maximum_u8: kernels::compare::maximum::<u8>;
    /// The larger of two, int16.
    MAXIMUM_S16 = tbx_maximum_s16: kernels::compare::maximum::<i16>;
    /// The larger of two, int32.
    MAXIMUM_S32 = tbx_maximum_s32: kernels::compare::maximum::<i32>;
    /// The larger of two, float.
    MAXIMUM_F32 = tbx_maximum_f32: kernels::compare::maximum::<f32>;
    /// The smaller of two, int8.
    MINIMUM_S8 = tbx_minimum_s8: kernels::compare::minimum::<i8>;
    /// The smaller of two, uint8.
    MINIMUM_U8 = tbx_minimum_u8: kernels::compare::minimum::<u8>;
    /// The smaller of two, int16.
    MINIMUM_S16 = tbx_minimum_s16: kernels::compare::minimum::<i16>;
    /// The smaller of two, int32.
    MINIMUM_S32 = tbx_minimum_s32: kernels::compare::minimum::<i32>;
    /// The smaller of two, float.
    MINIMUM_F32 = tbx_minimum_f32: kernels::compare::minimum::<f32>;
    /// Comparison, int8.
    COMPARE_S8 = tbx_compare_s8: kernels::compare::quantized::<i8>;
    /// Comparison, uint8.
    COMPARE_U8 = tbx_compare_u8: kernels::compare::quantized::<u8>;
    /// Comparison, int16.
    COMPARE_S16 = tbx_compare_s16: kernels::compare::quantized::<i16>;
    /// Comparison, int32.
    COMPARE_S32 = tbx_compare_s32: kernels::compare::plain::<i32>;
    /// Comparison, float.
    COMPARE_F32 = tbx_compare_f32: kernels::compare::plain::<f32>;
    /// A choice between elements of 8 bits.
    SELECT_8 = tbx_select_8: kernels::compare::select::<i8>;
    /// A choice between elements of 16 bits.
    SELECT_16 = tbx_select_16: kernels::compare::select::<i16>;
    /// A choice between elements of 32 bits.
    SELECT_32 = tbx_select_32: kernels::compare::select::<i32>;
    /// A rectifier with a tensor of slopes, int8.
    PRELU_S8 = tbx_prelu_s8: kernels::mul::prelu::<i8>;
    /// A rectifier with a tensor of slopes, int16.
    PRELU_S16 = tbx_prelu_s16: kernels::mul::prelu::<i16>;
    /// A rectifier with a tensor of slopes, float.
    PRELU_F32 = tbx_prelu_f32: kernels::float::prelu;
    /// Any function of a byte, from a table.
    LOOKUP_8 = tbx_lookup_8: kernels::lookup::bytes;
    /// A rectifier with a slope, int16.
    LEAKY_RELU_S16 = tbx_leaky_relu_s16: kernels::mul::leaky_relu::<i16>;
    /// The logistic function, int16.
    LOGISTIC_S16 = tbx_logistic_s16: kernels::lookup::logistic_s16;
    /// The hyperbolic tangent, int16.
    TANH_S16 = tbx_tanh_s16: kernels::lookup::tanh_s16;
    /// A clamp, float.
    RELU_F32 = tbx_relu_f32: kernels::float::relu;
    /// A rectifier with a slope, float.
    LEAKY_RELU_F32 = tbx_leaky_relu_f32: kernels::float::leaky_relu;
    /// The size of a number, float.
    ABS_F32 = tbx_abs_f32: kernels::float::abs;
    /// The smallest whole number that is not smaller, float.
    CEIL_F32 = tbx_ceil_f32: kernels::float::ceil;
    /// The largest whole number that is not larger, float.
    FLOOR_F32 = tbx_floor_f32: kernels::float::floor;
    /// The nearest whole number, float.
    ROUND_F32 = tbx_round_f32: kernels::float::round;
    /// The negative, float.
    NEG_F32 = tbx_neg_f32: kernels::float::neg;
    /// The square root, float.
    SQRT_F32 = tbx_sqrt_f32: kernels::float::sqrt;
    /// The square, float.
    SQUARE_F32 = tbx_square_f32: kernels::float::square;
    /// The exponential linear unit, float.
    ELU_F32 = tbx_elu_f32: kernels::float::elu;
    /// The exponential, float.
    EXP_F32 = tbx_exp_f32: kernels::float::exp;
    /// The Gaussian error linear unit, float.
    GELU_F32 = tbx_gelu_f32: kernels::float::gelu;
    /// The Gaussian error linear unit by a hyperbolic tangent, float.
    GELU_APPROXIMATE_F32 = tbx_gelu_approximate_f32: kernels::float::gelu_approximate;
    /// The hard swish function, float.
    HARD_SWISH_F32 = tbx_hard_swish_f32: kernels::float::hard_swish;
    /// The natural logarithm, float.
    LOG_F32 = tbx_log_f32: kernels::float::log;
    /// The logistic function, float.
    LOGISTIC_F32 = tbx_logistic_f32: kernels::float::logistic;
    /// The inverse square root, float.
    RSQRT_F32 = tbx_rsqrt_f32: kernels::float::rsqrt;
    /// The hyperbolic tangent, float.
    TANH_F32 = tbx_tanh_f32: kernels::float::tanh;
    /// Int8 to float.
    DEQUANTIZE_S8 = tbx_dequantize_s8: kernels::quantize::dequantize::<i8>;
    /// Uint8 to float.
    DEQUANTIZE_U8 = tbx_dequantize_u8: kernels::quantize::dequantize::<u8>;
    /// Int16 to float.
    DEQUANTIZE_S16 = tbx_dequantize_s16: kernels::quantize::dequantize::<i16>;
    /// Int32 to float.
    DEQUANTIZE_S32 = tbx_dequantize_s32: kernels::quantize::dequantize::<i32>;
    /// Float to int8.
    QUANTIZE_F32_S8 = tbx_quantize_f32_s8: kernels::quantize::quantize::<i8>;
    /// Float to uint8.
    QUANTIZE_F32_U8 = tbx_quantize_f32_u8: kernels::quantize::quantize::<u8>;
    /// Float to int16.
    QUANTIZE_F32_S16 = tbx_quantize_f32_s16: kernels::quantize::quantize::<i16>;
    /// Int8 to int16 of another scale.
    REQUANTIZE_S8_S16 = tbx_requantize_s8_s16: kernels::quantize::requantize::<i8, i16>;
    /// Int8 to int32 of another scale.
    REQUANTIZE_S8_S32 = tbx_requantize_s8_s32: kernels::quantize::requantize::<i8, i32>;
    /// Int16 to int8 of another scale.
    REQUANTIZE_S16_S8 = tbx_requantize_s16_s8: kernels::quantize::requantize::<i16, i8>;
    /// Int16 to int16 of another scale.
    REQUANTIZE_S16_S16 = tbx_requantize_s16_s16: kernels::quantize::requantize::<i16, i16>;
    /// Int16 to int32 of another scale.
    REQUANTIZE_S16_S32 = tbx_requantize_s16_s32: kernels::quantize::requantize::<i16, i32>;
    /// Int32 to int8 of another scale.
    REQUANTIZE_S32_S8 = tbx_requantize_s32_s8: kernels::quantize::requantize::<i32, i8>;
    /// Int32 to int16 of another scale.
    REQUANTIZE_S32_S16 = tbx_requantize_s32_s16: kernels::quantize::requantize::<i32, i16>;
    /// Sum or mean over axes, int8.
    SUM_S8 = tbx_sum_s8: kernels::reduce::sum::<i8>;
    /// Sum or mean over axes, int16.
    SUM_S16 = tbx_sum_s16: kernels::reduce::sum::<i16>;
    /// Sum over axes, int32.
    SUM_S32 = tbx_sum_s32: kernels::integer::sum;
    /// Sum or mean over axes, float.
    SUM_F32 = tbx_sum_f32: kernels::float::mean;
    /// Product over axes, int8.
    PRODUCT_S8 = tbx_product_s8: kernels::reduce::product::<i8>;
    /// Product over axes, int16.
    PRODUCT_S16 = tbx_product_s16: kernels::reduce::product::<i16>;
    /// Product over axes, float.
    PRODUCT_F32 = tbx_product_f32: kernels::float::product;
    /// Largest element over axes, int8.
    REDUCE_MAX_S8 = tbx_reduce_max_s8: kernels::reduce::max::<i8>;
    /// Largest element over axes, uint8.
    REDUCE_MAX_U8 = tbx_reduce_max_u8: kernels::reduce::max::<u8>;
    /// Largest element over axes, int16.
    REDUCE_MAX_S16 = tbx_reduce_max_s16: kernels::reduce::max::<i16>;
    /// Largest element over axes, int32.
    REDUCE_MAX_S32 = tbx_reduce_max_s32: kernels::reduce::max::<i32>;
    /// Largest element over axes, float.
    REDUCE_MAX_F32 = tbx_reduce_max_f32: kernels::reduce::max::<f32>;
    /// Smallest element over axes, int8.
    REDUCE_MIN_S8 = tbx_reduce_min_s8: kernels::reduce::min::<i8>;
    /// Smallest element over axes, uint8.
    REDUCE_MIN_U8 = tbx_reduce_min_u8: kernels::reduce::min::<u8>;
    /// Smallest element over axes, int16.
    REDUCE_MIN_S16 = tbx_reduce_min_s16: kernels::reduce::min::<i16>;
    /// Smallest element over axes, int32.
    REDUCE_MIN_S32 = tbx_reduce_min_s32: kernels::reduce::min::<i32>;
    /// Smallest element over axes, float.
    REDUCE_MIN_F32 = tbx_reduce_min_f32: kernels::reduce::min::<f32>;
    /// Index of the largest element, int8.
    ARG_MAX_S8 = tbx_arg_max_s8: kernels::reduce::arg_max::<i8>;
    /// Index of the largest element, uint8.
    ARG_MAX_U8 = tbx_arg_max_u8: kernels::reduce::arg_max::<u8>;
    /// Index of the largest element, int16.
    ARG_MAX_S16 = tbx_arg_max_s16: kernels::reduce::arg_max::<i16>;
    /// Index of the largest element, int32.
    ARG_MAX_S32 = tbx_arg_max_s32: kernels::reduce::arg_max::<i32>;
    /// Index of the largest element, float.
    ARG_MAX_F32 = tbx_arg_max_f32: kernels::reduce::arg_max::<f32>;
    /// Index of the smallest element, int8.
    ARG_MIN_S8 = tbx_arg_min_s8: kernels::reduce::arg_min::<i8>;
    /// Index of the smallest element, uint8.
    ARG_MIN_U8 = tbx_arg_min_u8: kernels::reduce::arg_min::<u8>;
    /// Index of the smallest element, int16.
    ARG_MIN_S16 = tbx_arg_min_s16: kernels::reduce::arg_min::<i16>;
    /// Index of the smallest element, int32.
    ARG_MIN_S32 = tbx_arg_min_s32: kernels::reduce::arg_min::<i32>;
    /// Index of the smallest element, float.
    ARG_MIN_F32 = tbx_arg_min_f32: kernels::reduce::arg_min::<f32>;
    /// Integers as other integers.
    CAST = tbx_cast: kernels::cast::integers;
    /// Integers as floats.
    CAST_TO_F32 = tbx_cast_to_f32: kernels::cast::to_f32;
    /// Floats as integers.
    CAST_FROM_F32 = tbx_cast_from_f32: kernels::cast::from_f32;
    /// A filter by singular value decomposition, int8.
    SVDF_S8 = tbx_svdf_s8: kernels::svdf::svdf::<i8>;
    /// A filter by singular value decomposition, int8 with int16 state.
    SVDF_S8_S16 = tbx_svdf_s8_s16: kernels::svdf::svdf::<i16>;
    /// Long short-term memory, int8.
    LSTM_S8 = tbx_lstm_s8: kernels::lstm::s8;
    /// Long short-term memory, float.
    LSTM_F32 = tbx_lstm_f32: kernels::lstm::f32;
    /// The largest elements, int8.
    TOP_K_S8 = tbx_top_k_s8: kernels::top_k::top_k::<i8>;
    /// The largest elements, uint8.
    TOP_K_U8 = tbx_top_k_u8: kernels::top_k::top_k::<u8>;
    /// The largest elements, int16.
    TOP_K_S16 = tbx_top_k_s16: kernels::top_k::top_k::<i16>;
    /// The largest elements, int32.
    TOP_K_S32 = tbx_top_k_s32: kernels::top_k::top_k::<i32>;
    /// The largest elements, float.
    TOP_K_F32 = tbx_top_k_f32: kernels::top_k::top_k::<f32>;
}
