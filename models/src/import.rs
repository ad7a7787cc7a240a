//! Model files to [`Graph`].
//!
//! A file comes from anywhere: nothing in it is believed. Every count, index, shape and type is checked before it is
//! used, the work and the memory spent are bounded by the file's length, and what this compiler does not do is refused
//! with a message that says where and what to do about it. What comes out has passed [`Graph::validate`].

mod budget;
mod fold;
mod onnx;
mod tflite;

use crate::graph::{Graph, Refusal, ensure};
use budget::Budget;
use std::{fs::File, io::Read, path::Path};

/// The largest model file, far above any microcontroller's flash.
pub const MAX_FILE_BYTES: usize = 64 << 20;

/// Why a model file could not be imported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read.
    #[error("{file}: {source}")]
    Read {
        /// The path.
        file: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The model is wrong or beyond this compiler: [`Refusal::kind`] tells.
    #[error("{file}: {refusal}")]
    Refused {
        /// The path, or the name given with the bytes.
        file: String,
        /// Where and why.
        refusal: Refusal,
    },
}

impl Error {
    /// The refusal, if the file could be read at all.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Read { .. } => None,
            Error::Refused { refusal, .. } => Some(refusal),
        }
    }
}

/// Imports a .tflite or .onnx file. The graph is named after the file.
pub fn import(path: &Path) -> Result<Graph, Error> {
    let file = path.display().to_string();
    let mut bytes = Vec::new();
    let opened = File::open(path).and_then(|f| f.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes));
    if let Err(source) = opened {
        return Err(Error::Read { file, source });
    }
    let name = path.file_stem().map_or_else(|| file.clone(), |stem| stem.to_string_lossy().into_owned());
    let mut graph = import_bytes(&file, &bytes)?;
    graph.name = name;
    Ok(graph)
}

/// Imports the contents of a .tflite or .onnx file; they tell which. `name` becomes the graph's name and stands in messages.
pub fn import_bytes(name: &str, bytes: &[u8]) -> Result<Graph, Error> {
    let result = recognise(bytes).and_then(|format| match format {
        Format::TfLite => tflite::import(bytes),
        Format::Onnx => onnx::import(bytes),
    });
    let refused = |refusal| Error::Refused { file: name.to_owned(), refusal };
    let mut graph = result.map_err(refused)?;
    graph.name = name.to_owned();
    Ok(graph)
}

/// Kinds of model files.
enum Format {
    TfLite,
    Onnx,
}

/// Demands a file of a kind that is imported; tells what others look like.
fn recognise(bytes: &[u8]) -> Result<Format, Refusal> {
    const HELP: &str =
        "convert the model with tf.lite.TFLiteConverter or torch.onnx.export and give the .tflite or .onnx file";
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Refusal::unsupported(format!("the file is larger than {} MB", MAX_FILE_BYTES >> 20)));
    }
    if bytes.get(4..8) == Some(&tinderbox_tflite::FILE_IDENTIFIER) {
        return Ok(Format::TfLite);
    }
    if tinderbox_onnx::is_onnx(bytes) {
        return Ok(Format::Onnx);
    }
    let looks = match bytes {
        [] | [_] | [_, _] | [_, _, _] => "too short",
        [0x1F, 0x8B, ..] => "looks compressed by gzip",
        [b'P', b'K', 3, 4, ..] => "looks like a zip archive: a .keras, .pt or .pt2 file",
        [0x89, b'H', b'D', b'F', ..] => "looks like HDF5, a Keras .h5 file",
        _ if bytes.len() < 8 => "too short",
        [_, _, _, _, b'T', b'F', b'L', ..] => "wrong identifier: another version of TFLite's format",
        _ => "wrong identifier",
    };
    Err(Refusal::invalid(format!("neither a TFLite nor an ONNX file: {looks}")).help(HELP))
}

/// An axis that may count from the end.
fn axis(axis: i64, rank: usize) -> Result<usize, Refusal> {
    let resolved = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    ensure!((0..rank as i64).contains(&resolved), "axis {axis} is out of range: there are {rank} dimensions");
    Ok(resolved as usize)
}
