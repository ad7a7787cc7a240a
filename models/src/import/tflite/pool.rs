//! Windows without weights.

use super::{
    context::{Context, Conversion, activation, options, padding, step},
    file::read,
};
use crate::graph::{Op, Resize, ensure};

pub(super) fn average(c: &Context) -> Conversion {
    let o = options!(c, Pool2DOptions);
    c.node(Op::AveragePool2d {
        kernel: step(o.filter_height(), o.filter_width(), "filter")?,
        stride: step(o.stride_h(), o.stride_w(), "stride")?,
        padding: padding(o.padding())?,
        activation: activation(o.fused_activation_function())?,
    })
}

pub(super) fn max(c: &Context) -> Conversion {
    let o = options!(c, Pool2DOptions);
    c.node(Op::MaxPool2d {
        kernel: step(o.filter_height(), o.filter_width(), "filter")?,
        stride: step(o.stride_h(), o.stride_w(), "stride")?,
        padding: padding(o.padding())?,
        activation: activation(o.fused_activation_function())?,
    })
}

pub(super) fn resize_bilinear(c: &Context) -> Conversion {
    let o = options!(c, ResizeBilinearOptions);
    let (align_corners, half_pixel_centers) = (read(o.align_corners())?, read(o.half_pixel_centers())?);
    resize(c, Resize::Bilinear { align_corners, half_pixel_centers })
}

pub(super) fn resize_nearest(c: &Context) -> Conversion {
    let o = options!(c, ResizeNearestNeighborOptions);
    let (align_corners, half_pixel_centers) = (read(o.align_corners())?, read(o.half_pixel_centers())?);
    resize(c, Resize::Nearest { align_corners, half_pixel_centers })
}

fn resize(c: &Context, kind: Resize) -> Conversion {
    let (size, shape) = (c.lengths(1, "output size")?, &c.output(0).shape);
    ensure!(size.len() == 2 && size.iter().all(|&n| n > 0), "output size must be positive, it is {size:?}");
    ensure!(shape.get(1..3) == Some(&size[..]), "stored shape {shape:?} is not of size {size:?}");
    c.of_first(Op::Resize(kind))
}
