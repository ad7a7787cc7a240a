//! How good a network is at what it is for.

use crate::accuracy::{Accuracy, class};
use crate::data::Examples;
use crate::reconstruction::{Reconstruction, squared_error};
use serde::Serialize;
use std::fmt;
use tinderbox::graph::Graph;

/// What a network is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Objective {
    /// The largest output names the class, which is the label.
    #[default]
    Classification,
    /// The output is to be the input: an autoencoder. Labels other than 0 mark anomalies.
    Reconstruction,
}

/// An autoencoder's output is not of its input's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no autoencoder: the network has {inputs} elements in and {outputs} out")]
pub struct NoAutoencoder {
    inputs: usize,
    outputs: usize,
}

impl Objective {
    /// Whether a network can serve this.
    pub fn check(self, graph: &Graph) -> Result<(), NoAutoencoder> {
        let [inputs, outputs] = [&graph.inputs, &graph.outputs].map(|ids| graph.tensors[ids[0]].elements());
        match self {
            Self::Reconstruction if inputs != outputs => Err(NoAutoencoder { inputs, outputs }),
            _ => Ok(()),
        }
    }
}

/// What came of a set of examples.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Of a classifier.
    Accuracy(Accuracy),
    /// Of an autoencoder.
    Reconstruction(Reconstruction),
}

impl Quality {
    /// Judges the outputs for some examples; a group per example, or none at all.
    pub fn new(objective: Objective, outputs: &[Vec<f32>], examples: &Examples, groups: &[usize]) -> Self {
        match objective {
            Objective::Classification => {
                let said: Vec<usize> = outputs.iter().map(|row| class(row)).collect();
                Self::Accuracy(Accuracy::new(&said, &examples.labels, groups))
            }
            Objective::Reconstruction => {
                let error = |(i, output): (usize, &Vec<f32>)| squared_error(&examples.inputs.take([i]), output);
                let errors: Vec<f64> = outputs.iter().enumerate().map(error).collect();
                Self::Reconstruction(Reconstruction::new(&errors, &examples.labels, groups))
            }
        }
    }

    /// The whole in percent: right answers, or the area under the curve where there are anomalies.
    pub fn percent(&self) -> Option<f64> {
        match self {
            Self::Accuracy(accuracy) => Some(accuracy.overall.percent),
            Self::Reconstruction(reconstruction) => Some(100.0 * reconstruction.overall.auc?),
        }
    }

    /// The class, or group, that lost most from `before` to here, in points.
    pub fn worst_loss(&self, before: &Self) -> Option<(String, f64)> {
        match (self, before) {
            (Self::Accuracy(after), Self::Accuracy(before)) => after.worst_loss(before),
            (Self::Reconstruction(after), Self::Reconstruction(before)) => after.worst_loss(before),
            _ => None,
        }
    }
}

/// In a few words.
impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accuracy(accuracy) => write!(f, "{:6.2} %", accuracy.overall.percent),
            Self::Reconstruction(Reconstruction { overall, .. }) => {
                write!(f, "mean squared error {:.3e}", overall.normal.mean_squared_error)?;
                overall.auc.map_or(Ok(()), |auc| write!(f, ", AUC {auc:.4}"))
            }
        }
    }
}
