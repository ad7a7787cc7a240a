//! Convolutions with int8 activations, as every instruction set's kernels begin with them.

use super::Kernels;
use super::form::shorten;
use super::layer::LayerBuilder;
use super::lowering::Lowering;
use super::product::{Channel, Format, Product};
use super::window::Windows;
use crate::graph::{Node, TensorId};
use tinderbox_runtime::abi::Named;

/// An int8 convolution, depthwise or not, ready for any kernel.
pub(super) struct Convolution {
    pub(super) input: TensorId,
    pub(super) windows: Windows,
    pub(super) input_zero_point: i32,
    /// Per output channel.
    pub(super) channels: Vec<Channel>,
    /// As stored: \[out, height, width, in / groups\], or \[height, width, out\] if depthwise.
    pub(super) weights: Vec<i8>,
    pub(super) kind: Kind,
    /// Whether the weights are stored as int4.
    pub(super) packed: bool,
}

/// Which channels meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Every output channel sees this many input channels.
    Grouped(usize),
    /// Every input channel has this many outputs of its own.
    Depthwise(usize),
}

impl Convolution {
    /// `None` if activations are not int8.
    pub(super) fn new(
        lowering: &Lowering<'_>,
        input: TensorId,
        windows: Windows,
        product: &Product,
        kind: Kind,
    ) -> Option<Self> {
        if !matches!(product.format, Format::S8 | Format::S8W4) {
            return None;
        }
        let (input_zero_point, weights) = (product.scalars.input_zero_point, product.int8_weights());
        let (channels, packed) = (product.channels(), product.format == Format::S8W4);
        let mut convolution = Self { input, windows, input_zero_point, channels, weights, kind, packed };
        if lowering.kernels == Kernels::Armv7em {
            let mut channels = convolution.channels.clone();
            shorten(lowering, &mut channels, input_zero_point, |channel| convolution.weights_of(channel));
            convolution.channels = channels;
        }
        Some(convolution)
    }

    /// Starts the node, whose steps make `rows_per_step` rows.
    pub(super) fn layer<'l, 'a>(
        &self,
        lowering: &'l mut Lowering<'a>,
        node: &Node,
        kernel: Named,
        rows_per_step: usize,
    ) -> LayerBuilder<'l, 'a> {
        let view = self.windows.output(1);
        lowering
            .layer(node, kernel, view.rows)
            .rows_per_step(rows_per_step)
            .reads(self.input, self.windows.input(1), |y| self.windows.rows(y))
            .writes(node.outputs[0], view, |y| y..y + 1)
            .params(self.windows.window.words())
    }

    /// An output channel's weights, tap by tap.
    pub(super) fn weights_of(&self, channel: usize) -> Vec<i8> {
        let channels = self.channels.len();
        let taps = self.weights.len() / channels;
        match self.kind {
            Kind::Grouped(_) => self.weights[channel * taps..][..taps].to_vec(),
            Kind::Depthwise(_) => self.weights.iter().skip(channel).step_by(channels).copied().collect(),
        }
    }
}
