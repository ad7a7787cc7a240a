//! Several ways to compute a layer: what the compiler chooses among.

use super::InputMode;
use super::lowering::Lowering;
use super::requant::Short;
use crate::passes::Pass;
use std::collections::HashMap;
use std::sync::Arc;
use tinderbox_runtime::kernels::armv7em::add::Add;

/// How a layer's products are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// The portable kernel.
    Portable,
    /// Windows widened to int16 and multiplied in blocks of pixels.
    Product,
    /// The same with int4 weights, which stay packed.
    PackedProduct,
    /// As a fully connected layer, over every pixel of a convolution.
    Vectors,
    /// As a fully connected layer, whatever its sums.
    WideVectors,
    /// As a fully connected layer, by the weights that are not zero.
    SparseVectors,
    /// By the blocks of weights that are not zero.
    Sparse,
    /// The same in blocks of pixels.
    SparseProduct,
    /// Winograd's method.
    Winograd,
    /// Depthwise, by vertical pairs of rows.
    Pairs,
    /// Depthwise, by windows or columns.
    Windows,
}

/// One way to compute a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variant {
    /// How.
    pub algorithm: Algorithm,
    /// Output rows of a step.
    pub rows: usize,
}

impl Variant {
    /// What every target can do.
    pub const PORTABLE: Self = Self { algorithm: Algorithm::Portable, rows: 1 };
}

/// Per node of the graph, the variant to take.
pub type Selection = HashMap<usize, Variant>;

impl Lowering<'_> {
    /// The selected one of `variants`, or the first, if it is possible; else the next.
    pub(super) fn choose(&mut self, mut variants: Vec<Variant>) -> Option<Variant> {
        let source = self.source?;
        if self.mode == InputMode::Stream {
            // Rows come one at a time.
            variants.iter_mut().for_each(|variant| variant.rows = 1);
            variants.sort_by_key(|variant| variant.algorithm != Algorithm::Vectors);
            variants.dedup();
        }
        if let Some(chosen) = self.selection.get(&source).and_then(|v| variants.iter().position(|other| other == v)) {
            variants[..=chosen].rotate_right(1);
        }
        self.variants[source].clone_from(&variants);
        variants.first().copied()
    }

    /// The short forms of the node at work; none where that pass does not run.
    pub(super) fn shorts(&self, find: impl FnOnce() -> Vec<Option<Short>>) -> Arc<[Option<Short>]> {
        if !self.runs(Pass::Requantization) {
            return Arc::from([]);
        }
        let Some(source) = self.source else { return find().into() };
        self.lowerer.shorts.borrow_mut().entry(source).or_insert_with(|| find().into()).clone()
    }

    /// The addition kernel's numbers for the node at work.
    pub(super) fn sum(&self, search: impl FnOnce() -> Option<Add>) -> Option<Add> {
        let Some(source) = self.source else { return search() };
        *self.lowerer.sums.borrow_mut().entry(source).or_insert_with(search)
    }

    /// The weights of the node at work as `algorithm` reads them; `make` yields `None` if they are out of its range.
    pub(super) fn stream(&self, algorithm: Algorithm, make: impl FnOnce() -> Option<Vec<u8>>) -> Option<Arc<[u8]>> {
        let Some(source) = self.source else { return make().map(Arc::from) };
        let mut streams = self.lowerer.streams.borrow_mut();
        streams.entry((source, algorithm)).or_insert_with(|| make().map(Arc::from)).clone()
    }
}

/// `algorithm` with steps of these heights, as far as an output of `rows` rows has them.
pub(super) fn heights(algorithm: Algorithm, heights: &[usize], rows: usize) -> Vec<Variant> {
    let mut all: Vec<usize> = heights.iter().map(|height| (*height).clamp(1, rows.max(1))).collect();
    all.dedup();
    all.into_iter().map(|rows| Variant { algorithm, rows }).collect()
}
