//! What the tests share.

pub mod cases;
pub mod hostile;
pub mod layers;
pub mod network;
pub mod tflm;
pub mod variants;

use serde_json::Value;
use std::path::{Path, PathBuf};

/// The folder of the tests.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The conformance corpus, part of the repository.
pub fn conformance() -> PathBuf {
    root().join("conformance")
}

/// Data that is too large for the repository: `$TINDERBOX_SHARED`, or `shared` beside the repository. Says so on stderr
/// where it is absent.
pub fn shared() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let path = std::env::var_os("TINDERBOX_SHARED").map_or_else(beside, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: {} is absent; set TINDERBOX_SHARED", path.display());
    None
}

/// A JSON file, which must be there and well-formed.
pub fn json(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files or folders in a folder, sorted.
pub fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

/// All .tflite files below a folder, sorted.
pub fn models(folder: &Path) -> Vec<PathBuf> {
    let (folders, files): (Vec<_>, Vec<_>) = list(folder).into_iter().partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| models(folder));
    files.into_iter().filter(|path| path.extension().is_some_and(|e| e == "tflite")).chain(below).collect()
}
