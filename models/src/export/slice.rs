//! STRIDED_SLICE as the file has it: indices, and bit masks that say what single ones mean.

/// One index for each axis that is cut, dropped or added.
#[derive(Default)]
pub(super) struct Slice {
    pub(super) begin: Vec<i32>,
    pub(super) end: Vec<i32>,
    pub(super) stride: Vec<i32>,
    pub(super) end_mask: i32,
    pub(super) new_axis_mask: i32,
    pub(super) shrink_axis_mask: i32,
}

impl Slice {
    /// The elements that `begin`, `size` and `stride` take, arranged in `shape`: that is `size` but for axes of length 1.
    pub(super) fn new(begin: &[usize], size: &[usize], stride: &[isize], shape: &[usize]) -> Self {
        let (mut slice, mut axis, mut out) = (Self::default(), 0, 0);
        while axis < size.len() || out < shape.len() {
            let (taken, kept) = (size.get(axis), shape.get(out));
            let bit = 1 << slice.begin.len();
            if taken.is_some() && (taken == kept || taken == Some(&1)) {
                slice.axis(begin[axis], size[axis], stride[axis], bit);
                slice.shrink_axis_mask |= if taken == kept { 0 } else { bit };
                axis += 1;
                out += usize::from(taken == kept);
            } else {
                slice.index(0, 1, 1);
                slice.new_axis_mask |= bit;
                out += 1;
            }
        }
        slice
    }

    /// The end is next to the last element; where that is before the first of the axis, only the mask can say so.
    fn axis(&mut self, begin: usize, size: usize, stride: isize, bit: i32) {
        let end = begin as isize + (size as isize - 1) * stride + stride.signum();
        self.index(begin as i32, end.max(0) as i32, stride.clamp(i32::MIN as isize, i32::MAX as isize) as i32);
        self.end_mask |= if end < 0 { bit } else { 0 };
    }

    fn index(&mut self, begin: i32, end: i32, stride: i32) {
        self.begin.push(begin);
        self.end.push(end);
        self.stride.push(stride);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backwards_to_the_first_element_needs_the_mask() {
        let slice = Slice::new(&[2, 4], &[3, 2], &[-1, -2], &[3, 2]);
        assert_eq!((slice.begin, slice.end, slice.stride), (vec![2, 4], vec![0, 1], vec![-1, -2]));
        assert_eq!(slice.end_mask, 0b01);
    }

    #[test]
    fn axes_of_length_one_go_and_come() {
        let slice = Slice::new(&[0, 1, 0], &[2, 1, 4], &[1; 3], &[2, 4, 1]);
        assert_eq!((slice.shrink_axis_mask, slice.new_axis_mask), (0b0010, 0b1000));
        assert_eq!((slice.begin, slice.end), (vec![0, 1, 0, 0], vec![2, 2, 4, 1]));
    }
}
