//! The small choices that operators are parametrised by.

use std::fmt;

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

impl Padding {
    /// Number of windows along an axis of `len` elements; `None` where none fits or the numbers overflow.
    pub fn windows(self, len: usize, kernel: usize, stride: usize, dilation: usize) -> Option<usize> {
        let span = kernel.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
        match self {
            Padding::Same => (stride > 0).then(|| len.div_ceil(stride)),
            Padding::Valid => (len.checked_sub(span)? / stride.max(1)).checked_add(1).filter(|_| stride > 0),
        }
    }

    /// Elements to add before and after an axis of `len` elements so that its windows lie inside.
    pub fn amounts(self, len: usize, kernel: usize, stride: usize, dilation: usize) -> (usize, usize) {
        if self == Padding::Valid {
            return (0, 0);
        }
        let span = (kernel - 1) * dilation + 1;
        let total = ((len.div_ceil(stride) - 1) * stride + span).saturating_sub(len);
        (total / 2, total - total / 2)
    }
}

/// A pair of lengths over height and width, each at least 1: a stride, a dilation, a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stride {
    /// Rows, or columns, from one window to the next.
    pub h: usize,
    /// See `h`.
    pub w: usize,
}

impl fmt::Display for Stride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.h, self.w)
    }
}

/// Functions of one element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unary {
    /// `|x|`.
    Abs,
    /// The smallest whole number that is not smaller.
    Ceil,
    /// x where positive, else `exp(x) - 1`.
    Elu,
    /// `exp(x)`.
    Exp,
    /// The largest whole number that is not larger.
    Floor,
    /// `x * Phi(x)`, with Phi the normal distribution function.
    Gelu {
        /// Phi by its tanh formula instead of erf.
        approximate: bool,
    },
    /// `x * clamp(x + 3, 0, 6) / 6`.
    HardSwish,
    /// x where positive, else `alpha * x`.
    LeakyRelu {
        /// Slope of the negative side.
        alpha: f32,
    },
    /// Natural logarithm.
    Log,
    /// `1 / (1 + exp(-x))`.
    Logistic,
    /// `-x`.
    Neg,
    /// `max(x, 0)`.
    Relu,
    /// Clamp to \[0, 1\].
    Relu0To1,
    /// Clamp to \[0, 6\].
    Relu6,
    /// Clamp to \[-1, 1\].
    ReluN1To1,
    /// The nearest whole number, the even one of two.
    Round,
    /// `1 / sqrt(x)`.
    Rsqrt,
    /// `sqrt(x)`.
    Sqrt,
    /// `x * x`.
    Square,
    /// Hyperbolic tangent.
    Tanh,
}

/// Functions of two elements without a fused activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// The larger.
    Maximum,
    /// The smaller.
    Minimum,
    /// `(x - y) * (x - y)`.
    SquaredDifference,
}

/// Comparisons of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `x == y`.
    Equal,
    /// `x != y`.
    NotEqual,
    /// `x > y`.
    Greater,
    /// `x >= y`.
    GreaterEqual,
    /// `x < y`.
    Less,
    /// `x <= y`.
    LessEqual,
}

/// What axes are reduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Arithmetic mean.
    Mean,
    /// Sum.
    Sum,
    /// Largest element.
    Max,
    /// Smallest element.
    Min,
    /// Product.
    Prod,
}

/// Which element an index is sought of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    /// The largest.
    Max,
    /// The smallest.
    Min,
}

/// What stands beyond a mirrored border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirrorMode {
    /// The border's element is the mirror: `c b | a b c`.
    Reflect,
    /// The mirror lies outside of it: `b a | a b c`.
    Symmetric,
}

/// How an image is brought to another height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resize {
    /// Weighted mean of the four neighbours.
    Bilinear {
        /// The corners' centres of input and output coincide.
        align_corners: bool,
        /// Coordinates are those of pixel centres.
        half_pixel_centers: bool,
    },
    /// The nearest neighbour.
    Nearest {
        /// The corners' centres of input and output coincide.
        align_corners: bool,
        /// Coordinates are those of pixel centres.
        half_pixel_centers: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_and_amounts_follow_tensorflow() {
        assert_eq!(Padding::Same.windows(49, 10, 2, 1), Some(25));
        assert_eq!(Padding::Same.amounts(49, 10, 2, 1), (4, 5));
        assert_eq!(Padding::Valid.windows(49, 10, 2, 1), Some(20));
        assert_eq!(Padding::Valid.windows(4, 3, 1, 2), None);
        assert_eq!(Padding::Same.amounts(4, 1, 4, 1), (0, 0));
        assert_eq!(Padding::Same.windows(4, 3, 1, usize::MAX), None);
    }
}
