//! Work bounded by a file's length.

use crate::graph::Refusal;
use std::cell::Cell;

/// Work allowed for a file, in bytes read or made. Parts of a file may be shared, so that a small one can ask for
/// enormous work; an honest one uses each of its bytes a few times.
pub(super) struct Budget(Cell<usize>);

impl Budget {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Cell::new(bytes.len().saturating_mul(8).saturating_add(1 << 20)))
    }

    /// Takes so many bytes off.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), Refusal> {
        let refuse = || Refusal::unsupported("the file reuses its own data beyond all reason");
        self.affords(bytes).then_some(()).ok_or_else(refuse)
    }

    /// Takes so many bytes off if they are left.
    pub(super) fn affords(&self, bytes: usize) -> bool {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.unwrap_or(self.0.get()));
        left.is_some()
    }
}
