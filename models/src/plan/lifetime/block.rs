//! Memory that is placed as a whole, in parts with lifetimes of their own.

use super::Time;
use crate::plan::dataflow::{BufferId, NodeId};
use std::ops::Range;

/// What a block of memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A buffer's ring.
    Ring(BufferId),
    /// A buffer's fresh rows.
    Fresh(BufferId),
    /// A node's scratch.
    Scratch(NodeId),
    /// A node's state.
    State(NodeId),
}

/// A part of a block with a lifetime of its own.
#[derive(Clone, Debug)]
pub struct Part {
    /// First byte, from the start of the block.
    pub offset: usize,
    /// Size.
    pub bytes: usize,
    /// When it is in use: disjoint, ascending, not empty.
    pub live: Vec<Range<Time>>,
    /// The first of its rows, where they are always the same.
    pub row: Option<usize>,
    /// How many rows it holds.
    pub rows: usize,
}

/// Memory that is placed as a whole.
#[derive(Clone, Debug)]
pub struct Block {
    /// What for.
    pub purpose: Purpose,
    /// Size.
    pub bytes: usize,
    /// Alignment of the first byte.
    pub align: usize,
    /// Its parts.
    pub parts: Vec<Part>,
}

impl Block {
    /// From when until when it is in use.
    pub fn life(&self) -> Range<Time> {
        let lives = || self.parts.iter().flat_map(|part| &part.live);
        lives().map(|live| live.start).min().unwrap_or(0)..lives().map(|live| live.end).max().unwrap_or(0)
    }
}

/// Ascending and disjoint.
pub(super) fn merged(mut ranges: Vec<Range<Time>>) -> Vec<Range<Time>> {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<Time>> = vec![];
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}
