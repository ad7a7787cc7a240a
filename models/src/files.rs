//! Files that appear whole or not at all.

use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

/// A file could not be written; nothing is there, or what was there before.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub struct Error {
    /// Which file.
    pub path: String,
    /// What happened.
    pub source: io::Error,
}

/// Writes `bytes` beside `path` and moves them there.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, |file| file.write_all(bytes))
}

/// Writes `value` as readable JSON.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    replace(path, |file| {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        file.write_all(&text)
    })
}

/// Lets `fill` write a new file beside `path`, then moves it there.
pub fn replace(path: &Path, fill: impl FnOnce(&mut std::fs::File) -> io::Result<()>) -> Result<(), Error> {
    let failed = |source| Error { path: path.display().to_string(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().permissions(permissions()).tempfile_in(folder).map_err(failed)?;
    fill(file.as_file_mut()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// What a plain new file would have, less the user's umask.
fn permissions() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}
