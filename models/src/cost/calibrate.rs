//! Measures kernels on an emulated board and fits their costs.

mod fit;
mod layers;

#[cfg(test)]
#[cfg(test)]
pub(crate) use layers::{chain, chains};

use super::Table;
use super::features::features;
use crate::graph::Graph;
use crate::lower::{InputMode, Kernels, Lowerer, Selection};
use crate::plan::{self, Options};
use crate::program::Image;
use crate::run::board;
use crate::run::firmware::RunnerOptions;
use crate::target::{self, Board};
use fit::Fit;
use layers::samples;
use std::collections::BTreeMap;
use thiserror::Error;

/// Why a calibration ended early.
#[derive(Debug, Error)]
pub enum Error {
    /// A measurement failed.
    #[error(transparent)]
    Board(#[from] board::Error),
    /// The board's target is not known.
    #[error(transparent)]
    Target(#[from] target::Error),
    /// A sample cannot be compiled; a bug.
    #[error("internal error, please report it: a sample cannot be compiled: {0}")]
    Sample(String),
}

/// How well a kernel's costs explain its measurements.
#[derive(Clone, Debug)]
pub struct Quality {
    /// The kernel.
    pub kernel: String,
    /// How many measurements there are.
    pub samples: usize,
    /// The largest relative difference between prediction and measurement.
    pub worst: f64,
}

/// Layers that are measured in one run.
const TOGETHER: usize = 16;

/// Measures all kernels of the board's target; `progress` hears how many layers of how many are done.
pub fn calibrate(board: &Board, progress: &mut dyn FnMut(usize, usize)) -> Result<(Table, Vec<Quality>), Error> {
    let kernels = target::target(&board.target)?.kernels;
    let mut table = Table::default();
    // A copy of four bytes: the steps of an inference, and next to nothing else.
    let copy = layers::copy();
    let empty = run(board, &copy, &compile(&copy, kernels, &Selection::default())?)?;
    table.inference = empty.instructions as f64;
    let mut fits: BTreeMap<String, Fit> = BTreeMap::new();
    let samples = samples(kernels);
    for (i, together) in samples.chunks(TOGETHER).enumerate() {
        let (graph, selection) = layers::side_by_side(together);
        let image = compile(&graph, kernels, &selection)?;
        let measured = run(board, &graph, &image)?;
        for (node, instructions) in image.nodes().zip(&measured.layers) {
            let fit = fits.entry(node.layer.kernel.symbol.into()).or_default();
            fit.add(features(node.layer, node.node), *instructions as f64);
        }
        progress((i + 1) * TOGETHER, samples.len());
    }
    let mut quality = vec![];
    for (kernel, fit) in fits {
        let (costs, worst) = fit.solve();
        quality.push(Quality { kernel: kernel.clone(), samples: fit.len(), worst });
        table.kernels.insert(kernel, costs);
    }
    commits(board, kernels, &mut table)?;
    code(board, kernels, &samples, empty.code_bytes, &mut table)?;
    Ok((table, quality))
}

/// What the first layer of each kernel adds to the code of a firmware that only copies.
fn code(
    board: &Board,
    kernels: Kernels,
    samples: &[layers::Sample],
    empty: u64,
    table: &mut Table,
) -> Result<(), Error> {
    table.code.insert("executor".into(), empty as f64);
    for sample in samples {
        let (graph, selection) = layers::side_by_side(std::slice::from_ref(sample));
        let image = compile(&graph, kernels, &selection)?;
        let Some(symbol) = image.nodes().next().map(|node| node.layer.kernel.symbol) else { continue };
        if !table.code.contains_key(symbol) {
            let bytes = run(board, &graph, &image)?.code_bytes;
            table.code.insert(symbol.into(), bytes.saturating_sub(empty) as f64);
        }
    }
    Ok(())
}

fn compile(graph: &Graph, kernels: Kernels, selection: &Selection) -> Result<Image, Error> {
    let lowered =
        Lowerer::new(graph, InputMode::Whole, kernels).lower(selection).map_err(|e| Error::Sample(e.to_string()))?;
    let plan = plan::plan(&lowered.flow, &Options::default()).map_err(|e| Error::Sample(e.to_string()))?;
    Ok(Image::new(lowered, plan))
}

fn run(board: &Board, graph: &Graph, image: &Image) -> Result<board::Measured, Error> {
    let mut random = fastrand::Rng::with_seed(1);
    let inputs: Vec<Vec<u8>> =
        graph.inputs.iter().map(|id| (0..graph.tensors[*id].bytes()).map(|_| random.u8(..)).collect()).collect();
    let inference = inputs.iter().map(Vec::as_slice).collect();
    Ok(board::run(board, graph, image, &[inference], RunnerOptions { profile: true, ..RunnerOptions::default() })?.1)
}

/// What chains of layers take more than the same layers apart is the moving of rows.
fn commits(board: &Board, kernels: Kernels, table: &mut Table) -> Result<(), Error> {
    let instructions = |graph: &Graph| -> Result<(Image, f64), Error> {
        let image = compile(graph, kernels, &Selection::default())?;
        let measured = run(board, graph, &image)?.instructions as f64;
        Ok((image, measured))
    };
    let mut fit = Fit::default();
    for graph in layers::chains() {
        let (image, together) = instructions(&graph)?;
        let (_, apart) = instructions(&layers::apart(&graph))?;
        let unit: f64 = Table { commit: 1.0, ..Table::default() }.commits(image.flow(), image.plan()).iter().sum();
        let bytes: f64 =
            Table { commit_byte: 1.0, ..Table::default() }.commits(image.flow(), image.plan()).iter().sum();
        fit.add(vec![("commit", unit), ("byte", bytes)], together - apart);
    }
    let (costs, _) = fit.solve();
    let cost = |name: &str| costs.get(name).copied().unwrap_or(0.0);
    (table.commit, table.commit_byte) = (cost("commit"), cost("byte"));
    Ok(())
}
