//! What tests with other people's models and data share.

use std::path::PathBuf;

/// Where third-party models, data and tools are; nothing, with a word, where they are not.
pub(crate) fn shared() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let shared = PathBuf::from(std::env::var_os("TINDERBOX_SHARED").unwrap_or_else(|| beside.into()));
    if shared.join("data").exists() {
        return Some(shared);
    }
    eprintln!("SKIPPED: {} has no data; set TINDERBOX_SHARED", shared.display());
    None
}
