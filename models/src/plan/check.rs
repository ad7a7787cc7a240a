//! The proof of a plan: replays the encoded schedule on shadow memory, independently of how it was made.
//!
//! Every byte of the arena remembers which row it holds. A step may run only if all the bytes that it reads still hold
//! the rows that it expects; then its scratch and outputs overwrite whatever is there. Two inferences are replayed, the
//! second on what the first left behind. Of a stream, the period is repeated: its steps must find the rows that the
//! dataflow, which is longer than the schedule, says of them.

mod memory;
mod violation;

pub use violation::Violation;

use super::Plan;
use super::dataflow::{Access, BufferId, Dataflow, Node, NodeId, Role, Worker};
use super::stream::Period;
use memory::{Content, Rows};
use std::ops::Range;
use tinderbox_runtime::schedule::{Action, Cursor};

/// How often the period of a stream is repeated, as far as the dataflow goes.
const MORE_PERIODS: usize = 3;

/// Replays `plan`, which was made for `flow`.
pub fn check(flow: &Dataflow, plan: &Plan) -> Result<(), Violation> {
    let mut replay = Replay {
        flow,
        plan,
        memory: vec![Content::Nothing; plan.arena_bytes],
        done: vec![0; flow.nodes.len()],
        fresh: vec![None; flow.buffers.len()],
        inference: 0,
        writers: flow.writers(),
    };
    let wanted = executor_bytes(flow, plan.kernels.len());
    match replay.memory.get_mut(..plan.executor_bytes) {
        Some(executor) if executor.len() >= wanted => executor.fill(Content::Executor),
        _ => return Err(Violation::OutOfBounds { what: "the executor".into() }),
    }
    for inference in 0..2 {
        replay.inference = inference;
        replay.begin()?;
        let mut cursor = Cursor::default();
        replay.run_out(&mut cursor)?;
        let more = if plan.period.is_some() { MORE_PERIODS } else { 0 };
        for _ in 0..more {
            replay.run_out(&mut Cursor::at(plan.resume as u32))?;
        }
        replay.finish()?;
    }
    Ok(())
}

struct Replay<'a> {
    flow: &'a Dataflow,
    plan: &'a Plan,
    memory: Vec<Content>,
    /// Per node, the steps that it has taken.
    done: Vec<usize>,
    /// Per buffer, the rows that its last step set apart.
    fresh: Vec<Option<Rows>>,
    inference: usize,
    /// Per buffer, who writes it.
    writers: Vec<Option<NodeId>>,
}

impl Replay<'_> {
    /// The caller fills inputs; variables hold what the last inference left.
    fn begin(&mut self) -> Result<(), Violation> {
        self.done.fill(0);
        for (id, buffer) in self.flow.buffers.iter().enumerate() {
            if buffer.role == Role::Input || buffer.role == Role::Persistent && self.inference == 0 {
                self.fill_rows(id, Rows { numbers: 0..buffer.rows, rows: 0..buffer.rows }, self.inference)?;
            }
        }
        for (id, node) in self.flow.nodes.iter().enumerate().filter(|(_, node)| node.persistent) {
            if self.inference == 0 {
                let state = self.state(id, node)?;
                self.memory[state].fill(Content::State { node: id, inference: 0 });
            }
        }
        Ok(())
    }

    fn run_out(&mut self, cursor: &mut Cursor) -> Result<(), Violation> {
        let mut last = None;
        while let Some(action) = cursor.action(&self.plan.schedule) {
            if self.plan.period.is_some() && self.is_out_of_rows(action)? {
                return Ok(());
            }
            self.act(action)?;
            cursor.advance();
            last = Some(action);
        }
        if self.plan.period.is_none() && !matches!(last, Some(Action::Ready)) {
            return Err(Violation::Schedule("does not end"));
        }
        if cursor.at_end(&self.plan.schedule) { Ok(()) } else { Err(Violation::Schedule("damaged")) }
    }

    /// Whether a row is to be pushed that the dataflow does not have.
    fn is_out_of_rows(&self, action: Action) -> Result<bool, Violation> {
        let Action::Push { input, .. } = action else { return Ok(false) };
        let pusher = self.pusher(input)?;
        Ok(self.done[pusher] == self.flow.nodes[pusher].steps)
    }

    fn act(&mut self, action: Action) -> Result<(), Violation> {
        match action {
            Action::Run { node, fresh } => self.run(*self.plan.kernels.get(node).ok_or(UNKNOWN_NODE)?, fresh),
            Action::Push { input, fresh } => self.run(self.pusher(input)?, fresh),
            Action::Drop { input } => {
                let node = self.pusher(input)?;
                self.done[node] += 1;
                Ok(())
            }
            Action::Commit { tensor } => self.commit(tensor),
            Action::Repeat { .. } => Err(Violation::Schedule("nested repetitions")),
            // Outside a stream it is all that is to come: nothing may be unfinished.
            Action::Ready if self.plan.period.is_none() => self.finish(),
            Action::Ready => self.read_outputs(),
        }
    }

    fn run(&mut self, id: NodeId, fresh: bool) -> Result<(), Violation> {
        let node = &self.flow.nodes[id];
        let step = self.done[id];
        if step >= node.steps
            || step == 0 && node.after.iter().any(|before| self.done[*before] < self.plan.steps[*before])
        {
            return Err(Violation::OutOfStep { node: node.name.clone() });
        }
        for access in &node.reads {
            self.expect_rows(id, access)?;
        }
        for access in &node.writes {
            self.fresh[access.buffer] = fresh.then(|| self.rows(id, access));
        }
        self.expect_apart(id)?;
        self.touch_state(id, step)?;
        let scratch = self.bytes(self.plan.scratch[id], node.scratch, || format!("scratch of `{}`", node.name))?;
        self.memory[scratch].fill(Content::Nothing);
        for access in &node.writes {
            self.write_rows(access.buffer, self.rows(id, access))?;
        }
        self.done[id] += 1;
        Ok(())
    }

    /// The number that the runtime gives to a node's next step.
    fn number(&self, id: NodeId) -> usize {
        let step = self.done[id];
        match &self.plan.period {
            Some(Period { steps, .. }) if step >= steps[id].end => {
                let Range { start, end } = steps[id];
                start + (step - start) % (end - start).max(1)
            }
            _ => step,
        }
    }

    /// What a node's next step touches.
    fn rows(&self, id: NodeId, access: &Access) -> Rows {
        Rows { numbers: access.rows[self.number(id)].clone(), rows: access.rows[self.done[id]].clone() }
    }

    /// The caller reads the newest rows.
    fn read_outputs(&mut self) -> Result<(), Violation> {
        let is_reader = |node: &Node| node.worker == Worker::Reader;
        match self.flow.nodes.iter().position(is_reader) {
            Some(reader) => self.run(reader, false),
            None => Ok(()),
        }
    }

    /// What a step writes, its scratch, its state and what it reads do not overlap, except where the kernel allows it.
    fn expect_apart(&self, id: NodeId) -> Result<(), Violation> {
        let (node, step) = (&self.flow.nodes[id], self.number(id));
        let overlap = || Violation::Overlap { node: node.name.clone(), step };
        let mut work = vec![];
        for (start, bytes) in [(self.plan.scratch[id], node.scratch), (self.plan.state[id], node.state)] {
            work.push(start..start + bytes);
        }
        // A kernel that may work in place is done with a row before it starts the next.
        let mut reads: Vec<(Range<usize>, Option<usize>)> = vec![];
        for (input, access) in node.reads.iter().enumerate() {
            for (i, row) in access.rows[step].clone().enumerate() {
                reads.push((self.row_bytes(access.buffer, row)?, node.in_place.contains(&input).then_some(i)));
            }
        }
        for access in &node.writes {
            for (i, row) in access.rows[step].clone().enumerate() {
                let written = self.row_bytes(access.buffer, row)?;
                for (read, in_place) in &reads {
                    let done = in_place.is_some_and(|j| j < i || j == i && written.start <= read.start);
                    if meets(&written, read) && !done {
                        return Err(overlap());
                    }
                }
                if work.iter().any(|other| meets(&written, other)) {
                    return Err(overlap());
                }
                work.push(written);
            }
        }
        let among = work.iter().enumerate().any(|(i, a)| work[..i].iter().any(|b| meets(a, b)));
        let with_reads = reads.iter().any(|(read, _)| work[..2].iter().any(|a| meets(a, read)));
        if among || with_reads { Err(overlap()) } else { Ok(()) }
    }

    fn commit(&mut self, buffer: BufferId) -> Result<(), Violation> {
        let lost =
            || Violation::Commit { buffer: self.flow.buffers.get(buffer).map_or(String::new(), |b| b.name.clone()) };
        let rows = self.fresh.get(buffer).cloned().flatten().ok_or_else(lost)?;
        for (number, row) in rows.pairs() {
            if !self.holds(buffer, number, row)? {
                return Err(lost());
            }
        }
        self.fresh[buffer] = None;
        self.write_rows(buffer, rows)
    }

    /// Steps of an inference, after which the runtime's counter starts anew.
    fn steps(&self, node: NodeId) -> usize {
        match self.flow.nodes[node].worker {
            Worker::Kernel => self.plan.steps[node],
            // Rows that nobody reads are taken all the same.
            Worker::Caller { .. } | Worker::Reader => self.flow.nodes[node].steps,
        }
    }

    fn finish(&self) -> Result<(), Violation> {
        // A stream ends where it is left.
        let unfinished = |node: &usize| self.plan.period.is_none() && self.done[*node] != self.steps(*node);
        if let Some(node) = (0..self.done.len()).find(unfinished) {
            return Err(Violation::OutOfStep { node: self.flow.nodes[node].name.clone() });
        }
        for (id, buffer) in self.flow.buffers.iter().enumerate() {
            for row in (0..buffer.rows).filter(|_| buffer.role == Role::Output) {
                if !self.holds(id, row, row)? {
                    return Err(Violation::Output { buffer: buffer.name.clone() });
                }
            }
        }
        Ok(())
    }

    fn expect_rows(&self, id: NodeId, access: &Access) -> Result<(), Violation> {
        let rows = self.rows(id, access);
        if rows.numbers.len() != rows.rows.len() {
            return Err(Violation::Schedule("steps of a period are not alike"));
        }
        for (number, row) in rows.pairs() {
            if !self.holds(access.buffer, number, row)? {
                let (node, buffer) = (self.flow.nodes[id].name.clone(), self.flow.buffers[access.buffer].name.clone());
                return Err(Violation::Lost { node, step: self.done[id], buffer, row });
            }
        }
        Ok(())
    }

    fn pusher(&self, input: usize) -> Result<NodeId, Violation> {
        let pushes = |node: &Node| node.worker == Worker::Caller { input };
        self.flow.nodes.iter().position(pushes).ok_or(UNKNOWN_NODE)
    }
}

/// What the runtime keeps at the start of the arena.
fn executor_bytes(flow: &Dataflow, kernels: usize) -> usize {
    let pushed = flow.nodes.iter().filter(|node| matches!(node.worker, Worker::Caller { .. })).count();
    let inputs = pushed + flow.buffers.iter().filter(|buffer| buffer.role == Role::Input).count();
    tinderbox_runtime::program::executor_bytes(kernels, flow.buffers.len() + flow.views, inputs)
}

const UNKNOWN_NODE: Violation = Violation::Schedule("unknown node or input");

fn meets(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}
