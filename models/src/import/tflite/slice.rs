//! Operators that cut, join and index.

use super::{
    context::{Context, Conversion, activation, axis, options},
    file::read,
};
use crate::graph::{Op, Refusal, ensure};

/// Inputs: x, begin, size; size -1 is all that follows.
pub(super) fn slice(c: &Context) -> Conversion {
    let (x, begin, sizes) = (&c.input(0)?.shape, c.lengths(1, "begin")?, c.integers(2, "size")?);
    ensure!(begin.len() == x.len() && sizes.len() == x.len(), "begin and size must have {} elements", x.len());
    let rest = |(&n, &begin): (&usize, &usize)| n.saturating_sub(begin);
    let resolve = |(&size, rest)| if size == -1 { Some(rest) } else { usize::try_from(size).ok() };
    let size: Option<Vec<usize>> = sizes.iter().zip(x.iter().zip(&begin).map(rest)).map(resolve).collect();
    let size = size.ok_or_else(|| Refusal::invalid(format!("negative size {sizes:?}")))?;
    c.output_shape(&size)?;
    c.of_first(Op::StridedSlice { begin, stride: vec![1; size.len()], size })
}

/// Inputs: x, begin, end, stride, with bit masks that change the meaning of single elements.
pub(super) fn strided_slice(c: &Context) -> Conversion {
    let o = options!(c, StridedSliceOptions);
    let spec = Spec {
        begin: c.integers(1, "begin")?,
        end: c.integers(2, "end")?,
        stride: c.integers(3, "stride")?,
        begin_mask: read(o.begin_mask())?,
        end_mask: read(o.end_mask())?,
        ellipsis_mask: read(o.ellipsis_mask())?,
        new_axis_mask: read(o.new_axis_mask())?,
        shrink_axis_mask: read(o.shrink_axis_mask())?,
        end_is_offset: read(o.offset())?,
    };
    let cut = spec.resolve(&c.input(0)?.shape)?;
    c.output_shape(&cut.shape)?;
    c.of_first(Op::StridedSlice { begin: cut.begin, size: cut.size, stride: cut.stride })
}

struct Spec {
    begin: Vec<i64>,
    end: Vec<i64>,
    stride: Vec<i64>,
    begin_mask: i32,
    end_mask: i32,
    ellipsis_mask: i32,
    new_axis_mask: i32,
    shrink_axis_mask: i32,
    end_is_offset: bool,
}

#[derive(Default)]
struct Cut {
    begin: Vec<usize>,
    size: Vec<usize>,
    stride: Vec<isize>,
    shape: Vec<usize>,
}

impl Spec {
    fn resolve(&self, x: &[usize]) -> Result<Cut, Refusal> {
        let n = self.begin.len();
        ensure!(self.end.len() == n && self.stride.len() == n, "begin, end and stride differ in length");
        ensure!(n <= 31, "{n} indices are too many");
        let bit = |mask: i32, i: usize| mask >> i & 1 == 1;
        let consumed = (0..n).filter(|&i| !bit(self.ellipsis_mask, i) && !bit(self.new_axis_mask, i)).count();
        ensure!(consumed <= x.len(), "{consumed} indices into {} axes", x.len());
        let mut cut = Cut::default();
        for i in 0..n {
            let axis = cut.begin.len();
            if bit(self.ellipsis_mask, i) {
                let after = (i + 1..n).filter(|&j| !bit(self.ellipsis_mask, j) && !bit(self.new_axis_mask, j)).count();
                let until = x.len() - after;
                x.get(axis..until).unwrap_or_default().iter().for_each(|&n| cut.whole(n));
            } else if bit(self.new_axis_mask, i) {
                cut.shape.push(1);
            } else {
                let n = *x.get(axis).ok_or_else(|| Refusal::invalid("too many indices"))?;
                self.axis(i, n, &mut cut)?;
            }
        }
        x[cut.begin.len()..].iter().for_each(|&n| cut.whole(n));
        Ok(cut)
    }

    /// Index `i` cuts an axis of `n` elements.
    fn axis(&self, i: usize, n: usize, cut: &mut Cut) -> Result<(), Refusal> {
        let bit = |mask: i32| mask >> i & 1 == 1;
        let (len, stride) = (n as i64, self.stride[i]);
        ensure!(stride != 0, "stride 0");
        let from_end = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
        if bit(self.shrink_axis_mask) {
            let index = from_end(self.begin[i]);
            ensure!((0..len).contains(&index), "index {} is out of range for {n} elements", self.begin[i]);
            cut.part(index, 1, 1);
            return Ok(());
        }
        let end = if self.end_is_offset { self.begin[i].saturating_add(self.end[i]) } else { self.end[i] };
        let (low, high) = if stride > 0 { (0, len) } else { (-1, len - 1) };
        let (first, last) = if stride > 0 { (low, high) } else { (high, low) };
        let begin = if bit(self.begin_mask) { first } else { from_end(self.begin[i]).clamp(low, high) };
        let end = if bit(self.end_mask) { last } else { from_end(end).clamp(low, high) };
        let distance = if stride > 0 { end - begin } else { begin - end };
        ensure!(distance > 0, "the slice is empty");
        let size = (distance as u64).div_ceil(stride.unsigned_abs()) as usize;
        cut.part(begin, size, stride);
        cut.shape.push(size);
        Ok(())
    }
}

impl Cut {
    fn whole(&mut self, n: usize) {
        self.part(0, n, 1);
        self.shape.push(n);
    }

    fn part(&mut self, begin: i64, size: usize, stride: i64) {
        self.begin.push(begin as usize);
        self.size.push(size);
        self.stride.push(stride as isize);
    }
}

pub(super) fn concatenation(c: &Context) -> Conversion {
    let o = options!(c, ConcatenationOptions);
    let axis = axis(read(o.axis())?.into(), c.rank(0)?)?;
    c.node(Op::Concatenation { axis, activation: activation(o.fused_activation_function())? })
}

/// Inputs: axis, x.
pub(super) fn split(c: &Context) -> Conversion {
    let parts = read(options!(c, SplitOptions).num_splits())?;
    let shape = &c.input(1)?.shape;
    let axis = axis(c.integer(0, "axis")?, shape.len())?;
    ensure!(usize::try_from(parts) == Ok(c.outputs.len()), "{parts} parts, but {} outputs", c.outputs.len());
    let n = shape[axis];
    ensure!(n.is_multiple_of(c.outputs.len()), "dimension {axis} of {shape:?} is not divisible by {parts}");
    let even = (0..c.outputs.len()).all(|i| c.output(i).shape.get(axis) == Some(&(n / c.outputs.len())));
    ensure!(even, "the stored shapes are not {parts} equal parts of {shape:?}");
    c.of(Op::Split { axis }, 1)
}

/// Inputs: x, sizes (one may be -1, for what is left), axis.
pub(super) fn split_v(c: &Context) -> Conversion {
    let (shape, sizes) = (&c.input(0)?.shape, c.integers(1, "sizes")?);
    let axis = axis(c.integer(2, "axis")?, shape.len())?;
    ensure!(sizes.len() == c.outputs.len(), "{} sizes, but {} outputs", sizes.len(), c.outputs.len());
    let fits = |(i, &size): (usize, &i64)| {
        let found = c.output(i).shape.get(axis).copied();
        size == -1 || found.is_some_and(|n| usize::try_from(size) == Ok(n))
    };
    let sum = sizes.iter().fold(0i64, |sum, &n| sum.saturating_add(n.max(0)));
    let open = sizes.iter().filter(|&&n| n == -1).count();
    let adds_up = if open == 0 { sum == shape[axis] as i64 } else { open == 1 && sum <= shape[axis] as i64 };
    ensure!(adds_up, "sizes {sizes:?} do not add up to {}", shape[axis]);
    ensure!(sizes.iter().enumerate().all(fits), "the stored shapes do not have the sizes {sizes:?}");
    c.of_first(Op::Split { axis })
}

pub(super) fn pack(c: &Context) -> Conversion {
    let o = options!(c, PackOptions);
    let (parts, found) = (read(o.values_count())?, c.inputs.len());
    ensure!(usize::try_from(parts) == Ok(found), "{parts} values, but {found} inputs");
    c.node(Op::Pack { axis: axis(read(o.axis())?.into(), c.rank(0)? + 1)? })
}

pub(super) fn unpack(c: &Context) -> Conversion {
    let o = options!(c, UnpackOptions);
    let (parts, found) = (read(o.num())?, c.outputs.len());
    ensure!(usize::try_from(parts) == Ok(found), "{parts} values, but {found} outputs");
    c.node(Op::Unpack { axis: axis(read(o.axis())?.into(), c.rank(0)?)? })
}

/// Inputs: x, indices.
pub(super) fn gather(c: &Context) -> Conversion {
    let o = options!(c, GatherOptions);
    let axis = axis(read(o.axis())?.into(), c.rank(0)?)?;
    let batch = i64::from(read(o.batch_dims())?);
    let batch = if batch < 0 { batch + c.rank(1)? as i64 } else { batch };
    let batch_dims =
        usize::try_from(batch).map_err(|_| Refusal::invalid(format!("batch_dims {batch} out of range")))?;
    c.node(Op::Gather { axis, batch_dims })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(begin: &[i64], end: &[i64], stride: &[i64]) -> Spec {
        Spec {
            begin: begin.to_vec(),
            end: end.to_vec(),
            stride: stride.to_vec(),
            begin_mask: 0,
            end_mask: 0,
            ellipsis_mask: 0,
            new_axis_mask: 0,
            shrink_axis_mask: 0,
            end_is_offset: false,
        }
    }

    #[test]
    fn negative_indices_and_strides_count_from_the_end() {
        let cut = spec(&[-1, 1], &[-4, 100], &[-2, 3]).resolve(&[5, 9]).ok().unwrap();
        assert_eq!((cut.begin, cut.size, cut.stride), (vec![4, 1], vec![2, 3], vec![-2, 3]));
        assert_eq!(cut.shape, [2, 3]);
    }

    #[test]
    fn masks_skip_add_and_drop_axes() {
        // x[.., newaxis, 1] of [2, 3, 4]
        let masks =
            Spec { ellipsis_mask: 1, new_axis_mask: 2, shrink_axis_mask: 4, ..spec(&[0, 0, 1], &[0, 0, 2], &[1; 3]) };
        let cut = masks.resolve(&[2, 3, 4]).ok().unwrap();
        assert_eq!((cut.begin, cut.size), (vec![0, 0, 1], vec![2, 3, 1]));
        assert_eq!(cut.shape, [2, 3, 1]);
    }

    #[test]
    fn a_mask_of_begin_and_end_takes_all_backwards_too() {
        let all = Spec { begin_mask: 1, end_mask: 1, ..spec(&[7], &[7], &[-1]) };
        let cut = all.resolve(&[3]).ok().unwrap();
        assert_eq!((cut.begin, cut.size, cut.stride), (vec![2], vec![3], vec![-1]));
    }
}
