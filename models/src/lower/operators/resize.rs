//! Images brought to another size.

use super::movement;
use crate::graph::{DType, Node, Resize};
use crate::lower::lowering::Lowering;
use crate::lower::window::int;
use crate::lower::{Error, View};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::resize::{Bilinear, FRACTION_BITS, NEIGHBOURS};

/// Both neighbours of an output index and the distance from the first, as the kernel reads it.
type Neighbours = [i32; NEIGHBOURS];

/// Lowers `RESIZE_BILINEAR` and `RESIZE_NEAREST_NEIGHBOR`.
pub(super) fn resize(lowering: &mut Lowering<'_>, node: &Node, resize: Resize) -> Result<(), Error> {
    match resize {
        Resize::Bilinear { align_corners, half_pixel_centers } => {
            bilinear(lowering, node, Sampling { align_corners, half_pixel_centers })
        }
        Resize::Nearest { .. } => movement::rearrange(lowering, node),
    }
}

/// Where output pixels lie in the input.
#[derive(Clone, Copy)]
struct Sampling {
    align_corners: bool,
    half_pixel_centers: bool,
}

fn bilinear(lowering: &mut Lowering<'_>, node: &Node, sampling: Sampling) -> Result<(), Error> {
    let (input, output) = (lowering.input(node, 0)?, node.outputs[0]);
    let (from, to) = (lowering.tensor(input), lowering.tensor(output));
    let ([images, in_height, in_width, channels], [_, out_height, out_width, _]) = (&from.shape[..], &to.shape[..])
    else {
        return Err(Error::unsupported(node, "images must have rank 4"));
    };
    let (kernel, neighbours) = match from.dtype {
        DType::I8 => (abi::RESIZE_BILINEAR_S8, Sampling::fixed as fn(&Sampling, usize, usize) -> Vec<Neighbours>),
        DType::F32 => (abi::RESIZE_BILINEAR_F32, Sampling::float as fn(&Sampling, usize, usize) -> Vec<Neighbours>),
        other => {
            return Err(Error::unsupported(node, format!("`{}` is {other}; only INT8 and FLOAT32 are", from.name)));
        }
    };
    let small = |n: &usize| int(*n).ok_or_else(|| Error::unsupported(node, "a dimension is too large"));
    let params = Bilinear {
        in_height: small(in_height)?,
        out_height: small(out_height)?,
        out_width: small(out_width)?,
        channels: small(channels)?,
    };
    let rows = neighbours(&sampling, *in_height, *out_height);
    let columns = neighbours(&sampling, *in_width, *out_width);
    let [from, to] = [(from, in_height), (to, out_height)].map(|(tensor, height)| {
        let rows = images * height;
        View { rows, row_bytes: tensor.bytes() / rows }
    });
    let under = |y: usize| {
        let ([above, below, _], image) = (rows[y % out_height], y / out_height * in_height);
        image + above as usize..image + below.max(above) as usize + 1
    };
    lowering
        .layer(node, kernel, to.rows)
        .reads(input, from, under)
        .writes(output, to, |y| y..y + 1)
        .params(params.words())
        .channels([rows.as_flattened(), columns.as_flattened()].concat())
        .finish();
    Ok(())
}

impl Sampling {
    /// In steps of 1/1024: TensorFlow Lite's `ComputeInterpolationValuesInteger`.
    fn fixed(&self, size: usize, wanted: usize) -> Vec<Neighbours> {
        let (size, wanted, one) = (size as i32, wanted as i32, 1 << FRACTION_BITS);
        let scale = match self.align_corners && wanted > 1 {
            true => (one * (size - 1) + (wanted - 1) / 2) / (wanted - 1),
            false => (one * size + wanted / 2) / wanted,
        };
        let offset = if self.half_pixel_centers { scale / 2 - one / 2 } else { 0 };
        let neighbours = |i: i32| {
            let place = i * scale + offset;
            let first = (place / one).clamp(0, size - 1);
            [first, ((place + one - 1) / one).min(size - 1), place - one * first]
        };
        (0..wanted).map(neighbours).collect()
    }

    /// In single precision: TensorFlow Lite's `ComputeInterpolationValues`.
    fn float(&self, size: usize, wanted: usize) -> Vec<Neighbours> {
        let scale = match self.align_corners && wanted > 1 {
            true => (size - 1) as f32 / (wanted - 1) as f32,
            false => size as f32 / wanted as f32,
        };
        let neighbours = |i: usize| {
            let place = if self.half_pixel_centers { (i as f32 + 0.5) * scale - 0.5 } else { i as f32 * scale };
            let first = (place.floor() as i32).max(0);
            [first, (place.ceil() as i32).min(size as i32 - 1), (place - first as f32).to_bits() as i32]
        };
        (0..wanted).map(neighbours).collect()
    }
}
