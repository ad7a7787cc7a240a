//! When rows are written and read, and how many slots that takes.

use super::block::{Part, merged};
use super::{Destination, Surroundings, Time};
use crate::plan::dataflow::{Dataflow, Role};
use crate::plan::order::Event;
use std::ops::Range;

/// When the rows of one buffer are written and read. Of a buffer that no event touches, nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    /// Per row, its moment of writing.
    pub(super) written: Vec<Option<Time>>,
    /// Per row, its last reading.
    pub(super) read: Vec<Option<Time>>,
    /// The events that write it, and what.
    pub(super) writes: Vec<(usize, Range<usize>)>,
}

impl Rows {
    pub(super) fn is_untouched(&self) -> bool {
        self.written.is_empty()
    }

    fn live_at(&self, row: usize, time: Time) -> bool {
        self.read[row].is_some_and(|read| read >= time)
    }

    /// The slot of row 0 in a ring of `capacity`, so that the rows of a whole step begin at its first slot: the first step
    /// may be a short one.
    pub(super) fn phase(&self, capacity: usize) -> usize {
        match self.writes.get(1) {
            Some((_, second)) if second.len() > 1 => (capacity - second.start % capacity) % capacity,
            _ => 0,
        }
    }

    pub(super) fn life(&self, row: usize) -> Option<Range<Time>> {
        let written = self.written[row]?;
        Some(written..self.read[row].unwrap_or(written).max(written) + 1)
    }
}

pub(super) fn rows_in_time(flow: &Dataflow, events: &[Event], around: &Surroundings<'_>, end: Time) -> Vec<Rows> {
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
pub(super) fn most_live_rows(rows: &Rows) -> usize {
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
pub(super) fn fresh_rows(rows: &Rows, capacity: usize, pauses: &[Time]) -> Option<Vec<Destination>> {
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
pub(super) fn bands(stride: usize, count: usize, rows: &Rows, most: usize) -> Vec<Part> {
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
