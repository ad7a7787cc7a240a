//! Where a step may write its output over its input.

use super::rows::Rows;
use super::{Destination, Layout, Purpose, Ring, Time};
use crate::plan::dataflow::{BufferId, Dataflow};
use crate::plan::order::Event;
use std::ops::Range;

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

impl Layout {
    pub(super) fn find_in_place(&mut self, flow: &Dataflow, events: &[Event], rows: &[Rows]) {
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
}
