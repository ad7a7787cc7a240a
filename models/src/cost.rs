//! What a program will cost in executed instructions, before it runs.
//!
//! A kernel's cost is a sum of counts (steps, blocks of pixels, multiplications, ...) times what each costs on a target.
//! The counts are known from a layer's shape; `tinderbox calibrate` fits the costs to measurements.

pub mod calibrate;
mod features;

use features::features;

use crate::lower::Layer;
use crate::plan::Plan;
use crate::plan::dataflow::{Dataflow, Node};
use crate::program::{Image, ImageNode};
use crate::target::{Target, known_costs};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use thiserror::Error;
use tinderbox_runtime::schedule::{Action, Cursor};

/// Instructions per unit of each feature of each kernel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Of an inference, whatever it does.
    pub inference: f64,
    /// Of a row that is moved to its slot.
    pub commit: f64,
    /// Of each of its bytes.
    pub commit_byte: f64,
    /// By kernel symbol and feature. A kernel that is not here costs what `default` says.
    pub kernels: BTreeMap<String, BTreeMap<String, f64>>,
    /// Code of each kernel in bytes, as linked.
    pub code: BTreeMap<String, f64>,
}

/// Why there is no table.
#[derive(Debug, Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What happened.
        source: std::io::Error,
    },
    /// The file is no table.
    #[error("{path}: {what}")]
    Format {
        /// Which file.
        path: String,
        /// What is wrong.
        what: String,
    },
}

impl Table {
    /// Reads a table.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: name.clone(), source })?;
        toml::from_str(&text).map_err(|error| Error::Format { path: name, what: error.to_string() })
    }

    /// Reads what the kernels of `target` cost, if that is known.
    pub fn of(target: &Target) -> Result<Option<Self>, Error> {
        known_costs(target).map(|path| Self::read(&path)).transpose()
    }

    /// Instructions of an inference, or of a frame of a stream.
    pub fn instructions(&self, image: &Image) -> f64 {
        self.inference + self.layers(image).iter().sum::<f64>()
    }

    /// The same by kernel node, the moving of the rows that it wrote included.
    pub fn layers(&self, image: &Image) -> Vec<f64> {
        let commits = self.commits(image.flow(), image.plan());
        let ids = image.plan().kernels.iter();
        let layer = |(node, id): (ImageNode<'_>, &usize)| {
            image.share(*id, self.layer(node.layer, node.node)) + commits[*id] / image.frames() as f64
        };
        image.nodes().zip(ids).map(layer).collect()
    }

    /// Bytes of flash: code, constants and weights.
    pub fn flash(&self, image: &Image) -> f64 {
        let kernels: BTreeSet<&str> = image.nodes().map(|node| node.layer.kernel.symbol).collect();
        let code = kernels.iter().chain(&["executor"]).filter_map(|name| self.code.get(*name));
        let data = image.weight_bytes() + image.constant_bytes();
        code.sum::<f64>() + data as f64
    }

    /// Instructions of an inference's steps of one node.
    pub fn layer(&self, layer: &Layer, node: &Node) -> f64 {
        let costs = self.kernels.get(layer.kernel.symbol).or_else(|| self.kernels.get("default"));
        let cost = |name: &str| costs.and_then(|costs| costs.get(name)).copied().unwrap_or(0.0);
        features(layer, node).iter().map(|(name, count)| cost(name) * count).sum()
    }

    /// Instructions of moving rows to their slots in an inference, or in a stream's period, by the node before: the one
    /// whose step is over.
    pub fn commits(&self, flow: &Dataflow, plan: &Plan) -> Vec<f64> {
        let mut costs = vec![0.0; flow.nodes.len()];
        let mut before = 0;
        let mut cursor = Cursor::at(plan.resume as u32);
        while let Some(action) = cursor.action(&plan.schedule) {
            match action {
                Action::Run { node, .. } => before = plan.kernels[node],
                Action::Commit { tensor } => {
                    let rows = plan.placements[tensor].fresh_rows as f64;
                    costs[before] += rows * (self.commit + self.commit_byte * flow.buffers[tensor].stride as f64);
                }
                _ => {}
            }
            cursor.advance();
        }
        costs
    }
}
