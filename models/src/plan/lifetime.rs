//! From an order of steps to memory: how many rows each ring holds, which rows stand apart for a while, and when every
//! byte range is in use.
//!
//! Time counts events: 0 is before the first, event `i` happens at `i + 1`, and outputs live beyond the last.

mod block;
mod in_place;
mod rows;

pub use block::{Block, Part, Purpose};
pub use in_place::InPlace;

use super::dataflow::{BufferId, Dataflow, Role};
use super::order::Event;
use block::merged;
use rows::{Rows, bands, fresh_rows, most_live_rows, rows_in_time};
use std::ops::Range;

/// A moment; see the module.
pub type Time = u32;

/// More rows than this are tracked in bands of several,
const MAX_BANDS: usize = 256;
/// and more than so many in all tensors: packing compares each with each.
const MAX_BANDS_IN_ALL: usize = 1 << 14;

/// How a buffer's rows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Rows in the ring.
    pub capacity: usize,
    /// The slot of row 0.
    pub phase: usize,
    /// Rows that stand apart while the ring is full; 0 for none.
    pub fresh: usize,
}

/// Where a written range of rows goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Its slots in the ring.
    Slots,
    /// The fresh rows; `commit` is the event after which they are copied to their slots, if they are needed beyond it.
    Fresh {
        /// Index of an event.
        commit: Option<usize>,
    },
}

/// The memory that an order of steps needs.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Per buffer.
    pub rings: Vec<Ring>,
    /// Per event, where each output of its node goes.
    pub destinations: Vec<Vec<Destination>>,
    /// What must be placed.
    pub blocks: Vec<Block>,
    /// Where outputs may overwrite inputs.
    pub in_place: Vec<InPlace>,
    /// Number of moments.
    pub end: Time,
}

/// What a stretch of events finds and leaves.
pub struct Surroundings<'a> {
    /// Buffers that are complete before the first event.
    pub present: &'a dyn Fn(BufferId) -> bool,
    /// Buffers that are read after the last event.
    pub wanted: &'a dyn Fn(BufferId) -> bool,
    /// Buffers that may keep rows apart.
    pub may_be_fresh: &'a dyn Fn(BufferId) -> bool,
    /// Rows of a ring that needs so many at least.
    pub ring_rows: &'a dyn Fn(BufferId, usize) -> usize,
    /// Moments, ascending, at which the numbering of rows may begin anew: no rows stand apart across them.
    pub pauses: &'a [Time],
}

impl Layout {
    /// The memory of `events`.
    pub fn new(flow: &Dataflow, events: &[Event], around: &Surroundings<'_>) -> Self {
        let end = events.len() as Time + 2;
        let rows = rows_in_time(flow, events, around, end);
        let mut layout = Layout {
            rings: vec![Ring { capacity: 0, phase: 0, fresh: 0 }; flow.buffers.len()],
            destinations: events.iter().map(|e| vec![Destination::Slots; flow.nodes[e.node].writes.len()]).collect(),
            blocks: vec![],
            in_place: vec![],
            end,
        };
        for (buffer, rows) in rows.iter().enumerate() {
            layout.place_buffer(flow, events, around, buffer, rows);
        }
        layout.place_working_memory(flow, events);
        layout.find_in_place(flow, events, &rows);
        layout
    }

    /// The most bytes in use at any moment, and when.
    pub fn peak(&self) -> (usize, Time) {
        let mut change = vec![0isize; self.end as usize + 1];
        for part in self.blocks.iter().flat_map(|block| &block.parts) {
            for live in &part.live {
                change[live.start as usize] += part.bytes as isize;
                change[live.end as usize] -= part.bytes as isize;
            }
        }
        for credit in &self.in_place {
            change[credit.time as usize] -= credit.bytes as isize;
            change[credit.time as usize + 1] += credit.bytes as isize;
        }
        let mut sum = 0;
        let sums = change.iter().map(|change| {
            sum += change;
            sum
        });
        let (time, bytes) =
            sums.enumerate().max_by_key(|(time, sum)| (*sum, std::cmp::Reverse(*time))).unwrap_or((0, 0));
        (bytes.max(0) as usize, time as Time)
    }

    fn place_buffer(
        &mut self,
        flow: &Dataflow,
        events: &[Event],
        around: &Surroundings<'_>,
        id: BufferId,
        rows: &Rows,
    ) {
        let buffer = &flow.buffers[id];
        let (present, wanted) = ((around.present)(id), (around.wanted)(id));
        if rows.is_untouched() {
            let live = match (present, wanted) {
                (true, true) => 0..self.end,
                (true, false) if buffer.role == Role::Input => 0..1,
                _ => return,
            };
            self.rings[id] = Ring { capacity: buffer.rows, phase: 0, fresh: 0 };
            self.push_whole(Purpose::Ring(id), buffer.rows, buffer.stride, buffer.align, vec![live]);
            return;
        }
        if rows.written.iter().all(Option::is_none) {
            return;
        }
        let most = most_live_rows(rows);
        let whole = buffer.flat || buffer.role != Role::Inner || wanted || present;
        if whole || most >= buffer.rows {
            self.rings[id] = Ring { capacity: buffer.rows, phase: 0, fresh: 0 };
            let most = (MAX_BANDS_IN_ALL / flow.buffers.len()).clamp(1, MAX_BANDS);
            let parts = bands(buffer.stride, buffer.rows, rows, most);
            self.push(Purpose::Ring(id), buffer.bytes(), buffer.align, parts);
            return;
        }
        let step = rows.writes.iter().map(|(_, range)| range.len()).max().unwrap_or(0);
        // The rows of a step need slots of their own.
        let shorter = most.checked_sub(step).filter(|rows| *rows >= step && (around.may_be_fresh)(id));
        let shorter = shorter.map(|rows| (around.ring_rows)(id, rows)).filter(|rows| *rows < most);
        let apart = shorter.and_then(|capacity| Some((capacity, fresh_rows(rows, capacity, around.pauses)?)));
        let (capacity, fresh, apart) = match apart {
            Some((capacity, destinations)) => (capacity, step, Some(destinations)),
            None => ((around.ring_rows)(id, most), 0, None),
        };
        self.rings[id] = Ring { capacity, phase: rows.phase(capacity), fresh };
        let (mut in_ring, mut in_fresh) = (vec![], vec![]);
        let destinations = apart.unwrap_or_else(|| vec![Destination::Slots; rows.writes.len()]);
        for ((event, range), destination) in rows.writes.iter().zip(destinations) {
            let lives = range.clone().filter_map(|row| rows.life(row));
            let (start, stop) = lives.fold((Time::MAX, 0), |(a, b), life| (a.min(life.start), b.max(life.end)));
            match destination {
                Destination::Slots => in_ring.push(start..stop),
                Destination::Fresh { commit: None } => in_fresh.push(start..stop),
                Destination::Fresh { commit: Some(event) } => {
                    let commit = event as Time + 1;
                    in_fresh.push(start..commit + 1);
                    in_ring.push(commit..stop);
                }
            }
            let writes = &flow.nodes[events[*event].node].writes;
            if let Some(output) = writes.iter().position(|access| access.buffer == id) {
                self.destinations[*event][output] = destination;
            }
        }
        self.push_whole(Purpose::Ring(id), capacity, buffer.stride, buffer.align, in_ring);
        self.push_whole(Purpose::Fresh(id), fresh, buffer.stride, buffer.align, in_fresh);
    }

    fn place_working_memory(&mut self, flow: &Dataflow, events: &[Event]) {
        let mut times: Vec<Vec<Time>> = vec![vec![]; flow.nodes.len()];
        for (i, event) in events.iter().enumerate() {
            times[event.node].push(i as Time + 1);
        }
        for (id, (node, times)) in flow.nodes.iter().zip(&times).enumerate() {
            if node.persistent {
                self.push_whole(Purpose::State(id), 1, node.state, 4, std::iter::once(0..self.end).collect());
            }
            let (Some(first), Some(last)) = (times.first(), times.last()) else { continue };
            self.push_whole(Purpose::Scratch(id), 1, node.scratch, 4, times.iter().map(|t| *t..t + 1).collect());
            if !node.persistent {
                self.push_whole(Purpose::State(id), 1, node.state, 4, std::iter::once(*first..last + 1).collect());
            }
        }
    }

    fn push_whole(&mut self, purpose: Purpose, rows: usize, stride: usize, align: usize, live: Vec<Range<Time>>) {
        let part = Part { offset: 0, bytes: rows * stride, live: merged(live), row: None, rows };
        self.push(purpose, rows * stride, align, vec![part]);
    }

    fn push(&mut self, purpose: Purpose, bytes: usize, align: usize, mut parts: Vec<Part>) {
        parts.retain(|part| part.bytes > 0 && !part.live.is_empty());
        if !parts.is_empty() {
            self.blocks.push(Block { purpose, bytes, align, parts });
        }
    }
}

#[cfg(test)]
mod tests;
