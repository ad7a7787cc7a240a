//! Rules of windows without weights: pooling and resizing.

use super::{
    conv::steps,
    quant,
    view::{View, rank},
};
use crate::graph::{DType, Padding, Refusal, Resize, Stride, Tensor, refusal::ensure};

pub(super) fn pool(v: &View, kernel: Stride, stride: Stride, padding: Padding) -> Result<(), Refusal> {
    let x = image(v)?;
    steps("filter", kernel)?;
    steps("stride", stride)?;
    let h = padding.windows(x.shape[1], kernel.h, stride.h, 1);
    let w = padding.windows(x.shape[2], kernel.w, stride.w, 1);
    let (Some(h), Some(w)) = (h, w) else {
        return Err(Refusal::invalid(format!("the window {kernel} is larger than the image {:?}", x.shape)));
    };
    v.output_shape(0, Some(vec![x.shape[0], h, w, x.shape[3]]))
}

pub(super) fn resize(v: &View, kind: Resize) -> Result<(), Refusal> {
    let x = image(v)?;
    let y = v.output(0);
    rank(y, "output", 4)?;
    v.output_shape(0, Some(vec![x.shape[0], y.shape[1], y.shape[2], x.shape[3]]))?;
    let (Resize::Bilinear { align_corners, half_pixel_centers }
    | Resize::Nearest { align_corners, half_pixel_centers }) = kind;
    ensure!(
        !(align_corners && half_pixel_centers && matches!(kind, Resize::Bilinear { .. })),
        "align_corners and half_pixel_centers exclude one another"
    );
    Ok(())
}

fn image<'a>(v: &View<'a>) -> Result<&'a Tensor, Refusal> {
    v.arity(1..=1, 1..=1)?;
    v.type_among(&[DType::F32, DType::I8, DType::U8, DType::I16])?;
    let x = v.input(0, "image")?;
    rank(x, "input", 4)?;
    quant::same(x, v.output(0))?;
    Ok(x)
}
