//! Fully connected layers.

use super::conv::convolve;
use crate::graph::{Activation, Node};
use crate::lower::convolution::{Convolution, Kind};
use crate::lower::dense::Dense;
use crate::lower::lowering::Lowering;
use crate::lower::product::{Format, Product, in_double, in_single};
use crate::lower::window::Windows;
use crate::lower::{Algorithm, Error, InputMode, Kernels, Variant, View, armv7em, host, rows_of, sparse};
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::fully_connected::FullyConnected;

/// Lowers `FULLY_CONNECTED`.
pub(super) fn fully_connected(lowering: &mut Lowering<'_>, node: &Node, activation: Activation) -> Result<(), Error> {
    let weights = lowering.tensor(lowering.input(node, 1)?);
    let [outputs, inputs] = *weights.shape.as_slice() else {
        return Err(Error::unsupported(node, "weights must have rank 2"));
    };
    // TensorFlow Lite multiplies the scales in single precision where there is one for all weights.
    let joint = if weights.quant.as_ref().is_some_and(|q| q.scales.len() > 1) { in_double } else { in_single };
    let product = Product::new(lowering, node, lowering.input(node, 0)?, activation, outputs, joint)?;
    Dense::new(lowering, node, inputs, outputs, product)?.lower(lowering, node)
}

impl Dense {
    /// A matrix product whose second operand is constant, or `weights` in its place: \[outputs, inputs\].
    pub(super) fn constant_matrix(
        lowering: &Lowering<'_>,
        node: &Node,
        inputs: usize,
        outputs: usize,
        weights: Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        let input = lowering.input(node, 0)?;
        let product = Product::new(lowering, node, input, Activation::None, outputs, in_single)?;
        let product = match weights {
            Some(weights) => product.with_weights(weights),
            None => product,
        };
        Self::new(lowering, node, inputs, outputs, product)
    }

    pub(super) fn lower(self, lowering: &mut Lowering<'_>, node: &Node) -> Result<(), Error> {
        if let Some(windows) = self.windows(lowering) {
            if self.weight_zero_point() != 0 {
                return Err(Error::unsupported(node, "weights of windows over time must have zero point 0"));
            }
            let kind = Kind::Grouped(windows.window.in_channels as usize);
            convolve(lowering, node, self.input, windows, &self.product, kind);
            return Ok(());
        }
        let convolution = self.convolution(lowering);
        let variants = self.variants(lowering, convolution.as_ref());
        let first = variants[0];
        let variant = lowering.choose(variants).unwrap_or(first);
        match (variant.algorithm, convolution) {
            (Algorithm::Vectors | Algorithm::WideVectors | Algorithm::SparseVectors, _) => {
                armv7em::fully_connected::lower(lowering, node, &self, variant.algorithm);
            }
            (Algorithm::Product, _) => host::fully_connected(lowering, node, &self),
            (Algorithm::Sparse, Some(convolution)) => sparse::lower(lowering, node, &convolution, variant),
            _ => self.portable(lowering, node),
        }
        Ok(())
    }

    /// The ways to compute it, at least one; `convolution` is what it is besides.
    fn variants(&self, lowering: &Lowering<'_>, convolution: Option<&Convolution>) -> Vec<Variant> {
        let Some(convolution) = convolution else { return vec![Variant::PORTABLE] };
        let mut variants = match lowering.kernels {
            Kernels::Portable => vec![],
            Kernels::Armv7em => armv7em::fully_connected::variants(lowering, self),
            Kernels::Host => host::dense_variants(lowering, self),
        };
        variants.push(Variant::PORTABLE);
        if lowering.kernels != Kernels::Host {
            variants.extend(sparse::variants(lowering, convolution));
        }
        variants
    }

    /// The int8 layer as a convolution over vectors, or over all rows of the input where they are one vector.
    fn convolution(&self, lowering: &Lowering<'_>) -> Option<Convolution> {
        if self.product.format != Format::S8 || self.weight_zero_point() != 0 {
            return None;
        }
        let own = rows_of(lowering.tensor(self.input));
        let (input, height) = match self.vectors == 1 && own.rows > 1 {
            true => (own, own.rows),
            false => (View { rows: self.vectors, row_bytes: self.inputs }, 1),
        };
        let windows = Windows::over_rows(input, height, View { rows: self.vectors, row_bytes: self.outputs })?;
        let kind = Kind::Grouped(windows.window.in_channels as usize);
        Convolution::new(lowering, self.input, windows, &self.product, kind)
    }

    /// In a stream a vector may be a window over the newest rows: a convolution.
    fn windows(&self, lowering: &Lowering<'_>) -> Option<Windows> {
        let View { rows, row_bytes } = rows_of(lowering.tensor(self.input));
        let row = View { rows, row_bytes: row_bytes / self.product.element() };
        let height = self.inputs / row.row_bytes.max(1);
        let sliding = lowering.mode == InputMode::Stream && height > 1;
        let outputs = View { rows: self.vectors, row_bytes: self.outputs };
        sliding.then(|| Windows::over_rows(row, height, outputs)).flatten()
    }

    fn portable(&self, lowering: &mut Lowering<'_>, node: &Node) {
        let kernel = match self.product.format {
            Format::S8 => abi::FULLY_CONNECTED_S8,
            Format::S8W4 => abi::FULLY_CONNECTED_S8W4,
            Format::S16 | Format::S16Narrow => abi::FULLY_CONNECTED_S16,
            Format::F32 => abi::FULLY_CONNECTED_F32,
        };
        self.layer(lowering, node, kernel)
            .params(FullyConnected { inputs: self.inputs as i32, outputs: self.outputs as i32 }.words())
            .params(self.product.scalars.words())
            .channels(self.product.constants())
            .weights(self.product.stored())
            .finish();
    }
}
