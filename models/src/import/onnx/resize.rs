//! Resize and Upsample: ONNX has many ways to choose positions in the input, TensorFlow Lite three.

use super::{build::Builder, context::arity, node::Node, pool};
use crate::graph::{Op, Refusal, Resize, ensure};

/// Inputs: x, (roi, scales?, sizes?) or, in older sets, scales.
pub(super) fn resize(b: &mut Builder, n: &Node) -> Result<(), Refusal> {
    arity(n, 1..=4, 1)?;
    let x = pool::windowed(b, n)?;
    ensure!(!x.shape.contains(&0), "the image is empty: {:?}", x.shape);
    let lengths = lengths(b, n, &x.shape)?;
    ensure!(lengths.len() == x.rank(), "{} scales or sizes for {} axes", lengths.len(), x.rank());
    let shape: Vec<usize> = lengths.iter().map(|length| length.output).collect();
    ensure!(shape[..2] == x.shape[..2], "{:?} cannot become {shape:?}", x.shape);
    if n.flag("antialias")? || n.has("axes") || !matches!(n.text("keep_aspect_ratio_policy")?, "" | "stretch") {
        return Err(Refusal::unsupported("antialias, axes and keep_aspect_ratio_policy are not supported"));
    }
    let sampling = Sampling::of(n, b.opset)?;
    let same = |kind: &Resize| lengths[2..].iter().all(|length| length.agrees(&sampling, *kind));
    let unsupported =
        || Refusal::unsupported(format!("no resizing of TensorFlow Lite takes the same pixels: {sampling:?}"));
    let kind = sampling.candidates().into_iter().find(same).ok_or_else(unsupported)?;
    let x = b.image(&x)?;
    pool::define(b, n, Op::Resize(kind), x, shape)
}

/// An axis of `input` elements that gets `output`; `scale` is the factor that positions are computed with.
struct Length {
    input: usize,
    output: usize,
    scale: f32,
}

fn lengths(b: &mut Builder, n: &Node, shape: &[usize]) -> Result<Vec<Length>, Refusal> {
    let bounded = |output: f64| (1.0..=65535.0).contains(&output).then_some(output as usize);
    if n.input(3).is_some() {
        let sizes = b.integers(n, 3, "sizes")?.unwrap_or_default();
        let resized = |(&input, &size): (&usize, &i64)| {
            let output = bounded(size as f64)?;
            Some(Length { input, output, scale: output as f32 / input as f32 })
        };
        let lengths: Option<Vec<Length>> = shape.iter().zip(&sizes).map(resized).collect();
        return lengths.ok_or_else(|| Refusal::invalid(format!("sizes {sizes:?} are out of range")));
    }
    let scales = match n.floats("scales") {
        Some(scales) => scales.to_vec(),
        None => {
            let value = b.input_of(n, if n.inputs.len() == 2 { 1 } else { 2 })?;
            b.floats(&value).ok_or_else(|| Refusal::unsupported("scales must be constant"))?
        }
    };
    let scaled = |(&input, &scale): (&usize, &f32)| {
        let output = bounded((f64::from(scale) * input as f64).floor())?;
        Some(Length { input, output, scale })
    };
    let lengths: Option<Vec<Length>> = shape.iter().zip(&scales).map(scaled).collect();
    lengths.ok_or_else(|| Refusal::invalid(format!("scales {scales:?} are out of range")))
}

/// How a node chooses.
#[derive(Debug)]
struct Sampling<'f> {
    coordinates: &'f str,
    /// How a position becomes an index; `None` for linear interpolation.
    nearest: Option<&'f str>,
}

impl<'f> Sampling<'f> {
    fn of(n: &'f Node, opset: i64) -> Result<Self, Refusal> {
        let is_old = n.op == "Upsample" || opset < 11;
        let coordinates = match n.text("coordinate_transformation_mode")? {
            "" if is_old => "asymmetric",
            "" => "half_pixel",
            other => other,
        };
        let nearest = match (n.text("mode")?, n.text("nearest_mode")?) {
            ("linear" | "bilinear", _) => None,
            ("" | "nearest", "") => Some(if is_old { "floor" } else { "round_prefer_floor" }),
            ("" | "nearest", mode) => Some(mode),
            (mode, _) => return Err(Refusal::unsupported(format!("mode {mode:?} is not supported"))),
        };
        Ok(Self { coordinates, nearest })
    }

    fn candidates(&self) -> [Resize; 3] {
        [(false, true), (false, false), (true, false)].map(|(align_corners, half_pixel_centers)| match self.nearest {
            Some(_) => Resize::Nearest { align_corners, half_pixel_centers },
            None => Resize::Bilinear { align_corners, half_pixel_centers },
        })
    }
}

impl Length {
    /// Whether each output element comes from the same place.
    fn agrees(&self, sampling: &Sampling, kind: Resize) -> bool {
        (0..self.output).all(|i| match (self.onnx(sampling, i), self.tensorflow(kind, i)) {
            (Some(a), b) => (a - b).abs() < 1e-4,
            (None, _) => false,
        })
    }

    fn last(&self) -> f32 {
        (self.input - 1) as f32
    }

    /// The position, or the index, of output element `i`.
    fn onnx(&self, sampling: &Sampling, i: usize) -> Option<f32> {
        let i = i as f32;
        let position = match sampling.coordinates {
            "half_pixel" => (i + 0.5) / self.scale - 0.5,
            "pytorch_half_pixel" if self.output == 1 => 0.0,
            "pytorch_half_pixel" => (i + 0.5) / self.scale - 0.5,
            "align_corners" if self.output == 1 => 0.0,
            "align_corners" => i * self.last() / (self.output - 1) as f32,
            "asymmetric" => i / self.scale,
            _ => return None,
        };
        let chosen = match sampling.nearest {
            None => position,
            Some("round_prefer_floor") => (position - 0.5).ceil(),
            Some("round_prefer_ceil") => (position + 0.5).floor(),
            Some("floor") => position.floor(),
            Some("ceil") => position.ceil(),
            Some(_) => return None,
        };
        Some(chosen.clamp(0.0, self.last()))
    }

    fn tensorflow(&self, kind: Resize, i: usize) -> f32 {
        let (Resize::Bilinear { align_corners, half_pixel_centers }
        | Resize::Nearest { align_corners, half_pixel_centers }) = kind;
        let step = match align_corners && self.output > 1 {
            true => self.last() / (self.output - 1) as f32,
            false => self.input as f32 / self.output as f32,
        };
        let centre = if half_pixel_centers { 0.5 } else { 0.0 };
        let position = (i as f32 + centre) * step;
        let chosen = match kind {
            Resize::Bilinear { .. } => position - centre,
            Resize::Nearest { .. } if align_corners => position.round(),
            Resize::Nearest { .. } => position.floor(),
        };
        chosen.clamp(0.0, self.last())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(coordinates: &str, nearest: Option<&str>, input: usize, output: usize) -> Option<Resize> {
        let length = Length { input, output, scale: output as f32 / input as f32 };
        let sampling = Sampling { coordinates, nearest };
        sampling.candidates().into_iter().find(|kind| length.agrees(&sampling, *kind))
    }

    #[test]
    fn the_same_pixels_are_taken_or_none() {
        let nearest = |align_corners, half_pixel_centers| Some(Resize::Nearest { align_corners, half_pixel_centers });
        assert_eq!(found("half_pixel", Some("round_prefer_floor"), 4, 8), nearest(false, true));
        // Centres fall on borders here; TensorFlow's half pixels would take the other neighbour.
        assert_eq!(found("half_pixel", Some("round_prefer_floor"), 8, 4), nearest(false, false));
        assert_eq!(found("asymmetric", Some("floor"), 5, 15), nearest(false, true));
        assert_eq!(found("asymmetric", Some("ceil"), 5, 15), None);
        let bilinear = Resize::Bilinear { align_corners: true, half_pixel_centers: false };
        assert_eq!(found("align_corners", None, 4, 7), Some(bilinear));
    }
}
