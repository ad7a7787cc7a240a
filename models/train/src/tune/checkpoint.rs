//! The state of a run on disk.

use super::Options;
use super::parameter::Parameter;
use serde::{Deserialize, Serialize};
use std::io::{self, BufReader, BufWriter};
use std::path::Path;
use tinderbox::files;

/// Why a state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be written.
    #[error(transparent)]
    Write(#[from] files::Error),
    /// It cannot be read.
    #[error("{path}: {what}; remove the file to start anew")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        what: String,
    },
}

/// Parameters after so many steps.
#[derive(Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Steps done.
    pub step: usize,
    /// The choices of the run, as text: a run goes on only with the same.
    options: String,
    /// All that is trained.
    pub parameters: Vec<Saved>,
}

/// A parameter and its optimizer's state.
#[derive(Debug, Serialize, Deserialize)]
pub struct Saved {
    /// Which.
    pub parameter: Parameter,
    /// Its elements.
    pub value: Vec<f32>,
    /// Steps of the optimizer.
    pub time: usize,
    /// Its means of gradients and of their squares.
    pub moments: (Vec<f32>, Vec<f32>),
}

impl Checkpoint {
    /// The state of a run with these choices.
    pub fn new(step: usize, options: &Options, parameters: Vec<Saved>) -> Self {
        Self { step, options: describe(options), parameters }
    }

    /// Reads the state of a run with the same choices.
    pub fn read(path: &Path, options: &Options) -> Result<Self, Error> {
        let wrong = |what: String| Error::Read { path: path.display().to_string(), what };
        let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
        let saved: Self = serde_json::from_reader(BufReader::new(file)).map_err(|error| wrong(error.to_string()))?;
        match saved.options == describe(options) {
            true => Ok(saved),
            false => Err(wrong("it belongs to a run with other options".into())),
        }
    }

    /// Writes the state, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), files::Error> {
        files::replace(path, |file| serde_json::to_writer(BufWriter::new(file), self).map_err(io::Error::other))
    }
}

fn describe(options: &Options) -> String {
    format!("{options:?}")
}
