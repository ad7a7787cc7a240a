//! Networks compiled in every way that their layers can be computed.

use tinderbox::graph::Graph;
use tinderbox::lower::{InputMode, Kernels, Lowered, Lowerer, Selection};
use tinderbox::plan;
use tinderbox::program::Image;

/// As many programs as the layer with the most variants has: the `n`th has every layer in its `n`th variant, or starts
/// again where a layer has fewer.
pub fn every_variant(graph: &Graph, kernels: Kernels) -> Vec<Image> {
    let lowerer = Lowerer::new(graph, InputMode::Whole, kernels);
    let lower = |selection: &Selection| lowerer.lower(selection).expect("lowers");
    let image = |lowered: Lowered| {
        let plan = plan::plan(&lowered.flow, &plan::Options::default()).expect("there is a plan");
        Image::new(lowered, plan)
    };
    let variants = lower(&Selection::default()).variants;
    let most = variants.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let selection = |n: usize| -> Selection {
        let layers = variants.iter().enumerate().filter(|(_, all)| !all.is_empty());
        layers.map(|(layer, all)| (layer, all[n % all.len()])).collect()
    };
    (0..most).map(|n| image(lower(&selection(n)))).collect()
}
