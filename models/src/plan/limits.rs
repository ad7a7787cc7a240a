//! Networks that are too large to be planned.

use super::Error;
use super::dataflow::Dataflow;
use tinderbox_runtime::schedule::Action;

/// Rows and bytes that an inference may touch, again and again those of overlapping windows: so much is replayed.
const MAX_ROWS: u64 = 1 << 24;
const MAX_BYTES: u64 = 1 << 32;

/// Refuses what the schedule cannot name, and what would take too long to be replayed.
pub(super) fn too_large(flow: &Dataflow) -> Result<(), Error> {
    if flow.nodes.len() > Action::MAX_INDEX || flow.buffers.len() > Action::MAX_INDEX {
        return Err(Error::TooLarge("more than 8,191 operators or tensors"));
    }
    if flow.nodes.iter().any(|node| node.steps >= usize::from(u16::MAX))
        || flow.buffers.iter().any(|b| b.rows >= usize::from(u16::MAX))
    {
        return Err(Error::TooLarge("a tensor of more than 65,534 rows"));
    }
    let (mut rows, mut bytes) = (0, 0);
    for access in flow.nodes.iter().flat_map(|node| node.reads.iter().chain(&node.writes)) {
        let touched: u64 = access.rows.iter().map(|rows| rows.len() as u64).sum();
        rows += touched;
        bytes += touched * flow.buffers[access.buffer].stride as u64;
    }
    if rows > MAX_ROWS || bytes > MAX_BYTES {
        return Err(Error::TooLarge("its steps touch more than 16,777,216 rows, or more than 4 GB"));
    }
    Ok(())
}
