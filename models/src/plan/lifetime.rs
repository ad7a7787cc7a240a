//! From an order of steps to memory: how many rows each ring holds, which rows stand apart for a while, and when every
//! byte range is in use.
//!
//! Time counts events: 0 is before the first, event `i` happens at `i + 1`, and outputs live beyond the last.

use super::dataflow::{BufferId, Dataflow, NodeId, Role};
use super::order::Event;
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

/// At `time`, the rows of `input` die as the rows of `output` are born, and these may take their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InPlace {
    /// When.
    pub time: Time,
    /// Where the rows are that die: a ring or fresh rows.
    pub input: Purpose,
    /// The first of them.
    pub input_row: usize,
    /// Where the rows are born.
    pub output: Purpose,
    /// The first of them.
    pub output_row: usize,
    /// How many.
    pub rows: usize,
    /// Bytes that need not be there twice.
    pub bytes: usize,
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

/// When the rows of one buffer are written and read. Of a buffer that no event touches, nothing.
#[derive(Clone, Debug, Default)]
struct Rows {
    /// Per row, its moment of writing.
    written: Vec<Option<Time>>,
    /// Per row, its last reading.
    read: Vec<Option<Time>>,
    /// The events that write it, and what.
    writes: Vec<(usize, Range<usize>)>,
}

impl Rows {
    fn is_untouched(&self) -> bool {
        self.written.is_empty()
    }

    fn live_at(&self, row: usize, time: Time) -> bool {
        self.read[row].is_some_and(|read| read >= time)
    }

    /// The slot of row 0 in a ring of `capacity`, so that the rows of a whole step begin at its first slot: the first step
    /// may be a short one.
    fn phase(&self, capacity: usize) -> usize {
        match self.writes.get(1) {
            Some((_, second)) if second.len() > 1 => (capacity - second.start % capacity) % capacity,
            _ => 0,
        }
    }

    fn life(&self, row: usize) -> Option<Range<Time>> {
        let written = self.written[row]?;
        Some(written..self.read[row].unwrap_or(written).max(written) + 1)
    }
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

    fn find_in_place(&mut self, flow: &Dataflow, events: &[Event], rows: &[Rows]) {
        for (i, event) in events.iter().enumerate() {
            let (node, time) = (&flow.nodes[event.node], i as Time + 1);
            let [output] = node.writes.as_slice() else { continue };
            let born = output.rows[event.step].clone();
            let replaced = node.in_place.iter().find_map(|input| {
                let read = &node.reads[*input];
                let dying = read.rows[event.step].clone();
                let dies = |row: usize| rows[read.buffer].read[row] == Some(time);
                let fits = !dying.is_empty() && dying.len() == born.len() && dying.clone().all(dies);
                fits.then(|| self.place_of(flow, events, &rows[read.buffer], read.buffer, dying.clone(), time))
                    .flatten()
                    .map(|place| (place, dying.start, flow.buffers[read.buffer].stride))
            });
            // Credited once: the output can save no more than its own bytes.
            if let Some((input, input_row, stride)) = replaced {
                let bytes = born.len() * stride.min(flow.buffers[output.buffer].stride);
                let output = match self.destinations[i][0] {
                    Destination::Slots => Purpose::Ring(output.buffer),
                    Destination::Fresh { .. } => Purpose::Fresh(output.buffer),
                };
                if !self.in_order(input, input_row, born.len()) || !self.in_order(output, born.start, born.len()) {
                    continue;
                }
                self.in_place.push(InPlace {
                    time,
                    input,
                    input_row,
                    output,
                    output_row: born.start,
                    rows: born.len(),
                    bytes,
                });
            }
        }
    }

    /// Whether rows from `first` on stand in ascending order, not round the end of their ring: in place, a kernel walks
    /// both its rows upwards.
    fn in_order(&self, place: Purpose, first: usize, rows: usize) -> bool {
        match place {
            Purpose::Ring(buffer) => {
                let Ring { capacity, phase, .. } = self.rings[buffer];
                (first + phase) % capacity.max(1) + rows <= capacity
            }
            _ => true,
        }
    }

    /// Where `range` of a buffer is at `time`; `None` if its rows are not all in one place.
    fn place_of(
        &self,
        flow: &Dataflow,
        events: &[Event],
        rows: &Rows,
        id: BufferId,
        range: Range<usize>,
        time: Time,
    ) -> Option<Purpose> {
        let place = |row: usize| {
            let write = rows.writes.partition_point(|(_, range)| range.end <= row);
            let Some((event, _)) = rows.writes.get(write) else { return Purpose::Ring(id) };
            let writes = &flow.nodes[events[*event].node].writes;
            let output = writes.iter().position(|access| access.buffer == id).unwrap_or(0);
            match self.destinations[*event][output] {
                Destination::Fresh { commit } if commit.is_none_or(|after| time <= after as Time + 1) => {
                    Purpose::Fresh(id)
                }
                _ => Purpose::Ring(id),
            }
        };
        let first = place(range.start);
        range.clone().all(|row| place(row) == first).then_some(first)
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

fn rows_in_time(flow: &Dataflow, events: &[Event], around: &Surroundings<'_>, end: Time) -> Vec<Rows> {
    let mut all = vec![Rows::default(); flow.buffers.len()];
    for event in events {
        let node = &flow.nodes[event.node];
        for access in node.reads.iter().chain(&node.writes) {
            all[access.buffer].written.resize(flow.buffers[access.buffer].rows, None);
            all[access.buffer].read.resize(flow.buffers[access.buffer].rows, None);
        }
    }
    for (id, rows) in all.iter_mut().enumerate() {
        if (around.present)(id) {
            rows.written.fill(Some(0));
        }
        if (around.wanted)(id) {
            rows.read.fill(Some(end - 1));
        }
    }
    for (i, event) in events.iter().enumerate() {
        let (node, time) = (&flow.nodes[event.node], i as Time + 1);
        for access in &node.reads {
            for row in access.rows[event.step].clone() {
                let read = &mut all[access.buffer].read[row];
                *read = (*read).max(Some(time));
            }
        }
        for access in &node.writes {
            let range = access.rows[event.step].clone();
            for row in range.clone() {
                all[access.buffer].written[row].get_or_insert(time);
            }
            if !range.is_empty() {
                all[access.buffer].writes.push((i, range));
            }
        }
    }
    // A buffer that is there, though nobody in this stretch or after it needs it. The caller fills inputs all the same.
    for (id, rows) in all.iter_mut().enumerate() {
        let filled = flow.buffers[id].role == Role::Input;
        if (around.present)(id) && !filled && rows.read.iter().all(Option::is_none) {
            rows.written.fill(None);
        }
    }
    all
}

/// The most rows that lie between the oldest one still wanted and the newest one.
fn most_live_rows(rows: &Rows) -> usize {
    let (mut oldest, mut most) = (0, 0);
    for (event, range) in &rows.writes {
        let time = *event as Time + 1;
        while oldest < range.start && !rows.live_at(oldest, time) {
            oldest += 1;
        }
        most = most.max(range.end - oldest);
    }
    most
}

/// Per write, whether it may go to the ring of `capacity` rows or must stand apart; `None` if such a ring does not do.
fn fresh_rows(rows: &Rows, capacity: usize, pauses: &[Time]) -> Option<Vec<Destination>> {
    let mut destinations = vec![];
    let mut free_from = 0;
    for (event, range) in &rows.writes {
        let time = *event as Time + 1;
        if time < free_from {
            return None;
        }
        // The row that stands in the way of `row`, and the moment it goes.
        let blockers = range.clone().filter_map(|row| row.checked_sub(capacity)).filter_map(|row| rows.read[row]);
        let last_read = range.clone().filter_map(|row| rows.read[row]).max().unwrap_or(0);
        destinations.push(match blockers.filter(|read| *read >= time).max() {
            None => Destination::Slots,
            Some(clear) if clear >= last_read => {
                free_from = last_read + 1;
                Destination::Fresh { commit: None }
            }
            Some(clear) => {
                free_from = clear + 1;
                Destination::Fresh { commit: Some(clear as usize - 1) }
            }
        });
        let pause = pauses.get(pauses.partition_point(|pause| *pause < time));
        if pause.is_some_and(|pause| *pause < free_from.saturating_sub(1)) {
            return None;
        }
    }
    Some(destinations)
}

/// A whole tensor, each row (or band of rows, `most` in all) with its own life.
fn bands(stride: usize, count: usize, rows: &Rows, most: usize) -> Vec<Part> {
    let height = count.div_ceil(most);
    let band = |first: usize| {
        let range = first..(first + height).min(count);
        let live = merged(range.clone().filter_map(|row| rows.life(row)).collect());
        // One interval: rows of a band are not freed one by one.
        let live = live.first().zip(live.last()).map(|(a, b)| a.start..b.end).into_iter().collect();
        Part { offset: first * stride, bytes: range.len() * stride, live, row: Some(first), rows: range.len() }
    };
    (0..count).step_by(height.max(1)).map(band).collect()
}

/// Ascending and disjoint.
fn merged(mut ranges: Vec<Range<Time>>) -> Vec<Range<Time>> {
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

#[cfg(test)]
mod tests;
