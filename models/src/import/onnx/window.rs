//! Windows over images and sequences: strides, dilations, padding.

use super::{
    build::Builder,
    node::Node,
    value::{Value, image_axes},
};
use crate::graph::{DType, Op, Padding, Refusal, Stride, ensure};

/// A window along each spatial axis, rows first; a sequence has one column.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) dilation: [usize; 2],
    /// Elements before and after; negative where elements at the end are not used.
    pub(super) pads: [(usize, isize); 2],
    pub(super) output: [usize; 2],
}

/// Rows and columns.
pub(super) fn pair(lengths: [usize; 2]) -> Stride {
    Stride { h: lengths[0], w: lengths[1] }
}

impl Window {
    /// The window of `kernel` (rows, or rows and columns) that a node's attributes describe, over `x` in the file's shape.
    pub(super) fn of(node: &Node, x: &Value, kernel: &[usize]) -> Result<Self, Refusal> {
        let spatial = x.rank() - 2;
        ensure!(kernel.len() == spatial, "a window of {} axes for {spatial} spatial axes", kernel.len());
        if let Some(given) = node.ints("kernel_shape") {
            let same =
                given.len() == kernel.len() && given.iter().zip(kernel).all(|(a, b)| usize::try_from(*a) == Ok(*b));
            ensure!(same, "kernel_shape {given:?} is not that of the weights, {kernel:?}");
        }
        let (stride, dilation) = (node.lengths("strides", spatial)?, node.lengths("dilations", spatial)?);
        let pads = pads(node, spatial)?;
        let ceil = node.flag("ceil_mode")?;
        let mut window = Self { kernel: [1; 2], stride: [1; 2], dilation: [1; 2], pads: [(0, 0); 2], output: [1; 2] };
        for axis in 0..spatial {
            let (n, k, s, d) = (x.shape[2 + axis], kernel[axis], stride[axis], dilation[axis]);
            ensure!((1..=0xFFFF).contains(&k), "window length {k} is out of range");
            ensure!(n > 0, "the image is empty: {:?}", x.shape);
            let span = (k - 1) * d + 1;
            let (output, before) = match &pads {
                Pads::Same { lower } => {
                    let total = ((n.div_ceil(s) - 1) * s + span).saturating_sub(n);
                    (n.div_ceil(s), if *lower { total.div_ceil(2) } else { total / 2 })
                }
                Pads::Explicit(pads) => {
                    let (before, after) = (pads[axis], pads[spatial + axis]);
                    let free = (n + before + after).checked_sub(span);
                    let free = free.ok_or_else(|| {
                        Refusal::invalid(format!("the window {span} is larger than the image {:?}", x.shape))
                    })?;
                    let whole = if ceil { free.div_ceil(s) } else { free / s };
                    // No window starts in the padding behind the image.
                    let whole = if ceil && whole * s >= n + before { whole - 1 } else { whole };
                    (whole + 1, before)
                }
            };
            let after = ((output - 1) * s + span) as isize - (n + before) as isize;
            (window.kernel[axis], window.stride[axis], window.dilation[axis]) = (k, s, d);
            (window.pads[axis], window.output[axis]) = ((before, after), output);
        }
        Ok(window)
    }

    /// The padding by TensorFlow's rules that comes to the same, if one does.
    pub(super) fn padding(&self, x: &Value) -> Option<Padding> {
        let shape = [x.shape[2], *x.shape.get(3).unwrap_or(&1)];
        [Padding::Valid, Padding::Same].into_iter().find(|padding| {
            (0..2).all(|i| {
                let (n, k, s, d) = (shape[i], self.kernel[i], self.stride[i], self.dilation[i]);
                let (before, after) = padding.amounts(n, k, s, d);
                let (wanted_before, wanted_after) = self.pads[i];
                padding.windows(n, k, s, d) == Some(self.output[i])
                    && before == wanted_before
                    && after as isize == wanted_after.max(0)
            })
        })
    }

    /// The file's shape of the result.
    pub(super) fn shape(&self, x: &Value, channels: usize) -> Vec<usize> {
        [&[x.shape[0], channels], &self.output[..x.rank() - 2]].concat()
    }

    /// Whether any element is padding.
    pub(super) fn is_padded(&self) -> bool {
        self.pads.iter().any(|&(before, after)| before > 0 || after > 0)
    }
}

enum Pads {
    Same { lower: bool },
    Explicit(Vec<usize>),
}

fn pads(node: &Node, spatial: usize) -> Result<Pads, Refusal> {
    match node.text("auto_pad")? {
        "SAME_UPPER" => return Ok(Pads::Same { lower: false }),
        "SAME_LOWER" => return Ok(Pads::Same { lower: true }),
        "VALID" => return Ok(Pads::Explicit(vec![0; 2 * spatial])),
        "" | "NOTSET" => {}
        other => return Err(Refusal::invalid(format!("unknown auto_pad {other:?}"))),
    }
    let Some(values) = node.ints("pads") else { return Ok(Pads::Explicit(vec![0; 2 * spatial])) };
    ensure!(values.len() == 2 * spatial, "{} pads, {} expected", values.len(), 2 * spatial);
    let small = |&n: &i64| usize::try_from(n).ok().filter(|&n| n <= 0xFFFF);
    let pads: Option<Vec<usize>> = values.iter().map(small).collect();
    let pads = pads.ok_or_else(|| Refusal::invalid(format!("pads are out of range: {values:?}")))?;
    Ok(Pads::Explicit(pads))
}

/// What stands beyond the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Border {
    /// Real zero.
    Zero,
    /// The smallest number of the type.
    Lowest,
}

impl Builder<'_> {
    /// Image and padding for a window: what no padding scheme covers is added as data.
    pub(super) fn padded(&mut self, x: Value, window: &Window, border: Border) -> Result<(Value, Padding), Refusal> {
        let x = self.image(&x)?;
        match window.padding(&x) {
            Some(padding) => Ok((x, padding)),
            None => self.padded_as_data(x, window, border),
        }
    }

    /// The image with its padding around it.
    pub(super) fn padded_as_data(
        &mut self,
        x: Value,
        window: &Window,
        border: Border,
    ) -> Result<(Value, Padding), Refusal> {
        let x = self.image(&x)?;
        let pads = window.pads.map(|(before, after)| [before as i32, after.max(0) as i32]);
        let amounts = [[0, 0], pads[0], pads[1], [0, 0]];
        let data = amounts.iter().flatten().flat_map(|n| n.to_le_bytes()).collect();
        let amounts = self.new_constant(vec![4, 2], DType::I32, data)?;
        let mut shape = x.shape.clone();
        for (axis, (before, after)) in window.pads.iter().enumerate().take(x.rank() - 2) {
            shape[2 + axis] += before + after.max(&0).unsigned_abs();
        }
        let axes = image_axes(x.rank()).unwrap_or_default();
        let kind = self.kind(&x);
        let mut inputs = vec![x.id, amounts.id];
        if border == Border::Lowest {
            inputs.push(self.lowest(&x)?);
        }
        let padded = Value { shape, axes, ..x };
        let id = self.emit(Op::Pad, &inputs, padded.stored_shape(), &kind)?;
        Ok((padded.with(id), Padding::Valid))
    }

    /// The smallest number of a value's type, quantized like the value.
    fn lowest(&mut self, x: &Value) -> Result<usize, Refusal> {
        let kind = self.kind(x);
        let data: Vec<u8> = match kind.dtype {
            DType::F32 => f32::MIN.to_le_bytes().into(),
            DType::I8 => vec![0x80],
            other => return Err(Refusal::unsupported(format!("padding of {other} is not supported here"))),
        };
        let value = self.new_constant(vec![1], kind.dtype, data.into())?;
        self.graph.tensors[value.id].quant = kind.quant;
        Ok(value.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinderbox_onnx::{AttributeProto, NodeProto};

    fn window(n: usize, kernel: usize, stride: i64, pads: [i64; 2]) -> (Window, Value) {
        let ints =
            |name: &str, ints: &[i64]| AttributeProto { name: name.into(), ints: ints.into(), ..Default::default() };
        let attribute = vec![ints("strides", &[stride]), ints("pads", &pads)];
        let node = Node::new(0, NodeProto { attribute, ..Default::default() });
        let x = Value::plain(0, vec![1, 3, n]);
        (Window::of(&node, &x, &[kernel]).unwrap(), x)
    }

    #[test]
    fn explicit_pads_are_recognised_as_schemes() {
        let (odd, x) = window(113, 3, 2, [1, 1]);
        assert_eq!(odd.padding(&x), Some(Padding::Same));
        // The last element of the padding is never read; TensorFlow would add none in front.
        let (even, x) = window(112, 3, 2, [1, 1]);
        assert_eq!((even.padding(&x), even.pads[0]), (None, (1, 0)));
        let (valid, x) = window(10, 3, 2, [0, 0]);
        assert_eq!((valid.padding(&x), valid.output[0]), (Some(Padding::Valid), 4));
    }
}
