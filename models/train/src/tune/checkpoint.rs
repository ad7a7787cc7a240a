//! The state of a run on disk.

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
    /// What the run is, as text: it goes on only if that is the same.
    pub run: String,
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
    /// Reads the state of this run.
    pub fn read(path: &Path, run: &str) -> Result<Self, Error> {
        let wrong = |what: String| Error::Read { path: path.display().to_string(), what };
        let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
        let saved: Self = serde_json::from_reader(BufReader::new(file)).map_err(|error| wrong(error.to_string()))?;
        match saved.run == run {
            true => Ok(saved),
            false => Err(wrong("it belongs to a run with other options".into())),
        }
    }

    /// Writes the state, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), files::Error> {
        files::replace(path, |file| serde_json::to_writer(BufWriter::new(file), self).map_err(io::Error::other))
    }
}
