//! Walks a program's schedule: counts steps, points at rows, calls kernels.

use crate::arena::{Cells, copy, store, view};
use crate::program::{ABI_VERSION, Node, Program, executor_bytes};
use crate::schedule::{Action, Cursor};
use crate::status::Status;
use crate::step::{Counters, Marks, Rows, Step, rows_of_step};

/// A program bound to its arena. Copies share the arena: all that an inference knows is there and in its [`Cursor`].
#[derive(Clone, Copy)]
pub struct Executor<'a> {
    program: &'a Program<'a>,
    arena: Cells<'a>,
}

impl<'a> Executor<'a> {
    /// Binds `program` to `arena`. The arena must start at a multiple of [`crate::program::ARENA_ALIGN`]; what it holds
    /// is undefined until [`Self::reset`].
    pub fn new(program: &'a Program<'a>, arena: Cells<'a>) -> Result<Self, Status> {
        if program.abi_version != ABI_VERSION {
            return Err(Status::AbiMismatch);
        }
        match view(arena, 0, program.arena_bytes as usize) {
            Some(arena) => Ok(Self { program, arena }),
            None => Err(Status::ArenaTooSmall),
        }
    }

    /// The program.
    pub fn program(&self) -> &'a Program<'a> {
        self.program
    }

    /// Forgets an inference under way and gives every variable its initial contents.
    pub fn reset(&self) -> Result<(), Status> {
        let bytes = executor_bytes(self.nodes(), self.tensors(), self.program.inputs.get().len());
        fill(view(self.arena, 0, bytes).ok_or(Status::Corrupt)?, &[0]);
        for variable in self.program.variables.get() {
            let cells = view(self.arena, variable.offset as usize, variable.bytes as usize).ok_or(Status::Corrupt)?;
            fill(cells, variable.initial.get());
        }
        Ok(())
    }

    /// Executes one action: a step of a node, or a row moved to its place. Returns [`Status::Ok`] if more is to do,
    /// [`Status::NeedRow`] if a row must be pushed first, and [`Status::Ready`] when the outputs are complete; the next
    /// call then begins the next inference or, in a stream, takes up the next row.
    pub fn step(&self, cursor: &mut Cursor) -> Status {
        let done = match self.action(cursor) {
            Some(Action::Push { .. } | Action::Drop { .. }) => return Status::NeedRow,
            Some(Action::Run { node, fresh }) => self.run(node, fresh),
            Some(Action::Commit { tensor }) => self.commit(tensor).map(|()| Status::Ok),
            Some(Action::Ready) => Some(Status::Ready),
            Some(Action::Repeat { .. }) | None => None,
        };
        cursor.advance();
        done.unwrap_or(Status::Corrupt)
    }

    /// Executes actions until a row is wanted, the outputs are complete, or a kernel fails.
    pub fn run_on(&self, cursor: &mut Cursor) -> Status {
        loop {
            match self.step(cursor) {
                Status::Ok => {}
                status => return status,
            }
        }
    }

    /// Runs one inference on the inputs in the arena.
    pub fn invoke(&self, cursor: &mut Cursor) -> Status {
        if self.program.pushed == 0 { self.run_on(cursor) } else { Status::InputMode }
    }

    /// Takes the next row and does all the work that it makes possible.
    pub fn push_row(&self, cursor: &mut Cursor, row: &[u8]) -> Status {
        if self.program.pushed == 0 {
            return Status::InputMode;
        }
        match self.run_on(cursor) {
            Status::NeedRow => {}
            Status::Ready => return Status::InputMode,
            status => return status,
        }
        match self.push(cursor, row) {
            Status::Ok => self.run_on(cursor),
            status => status,
        }
    }

    /// Takes the next row of the input that [`Self::wanted`] names; [`Status::InputMode`] if none is wanted now.
    pub fn push(&self, cursor: &mut Cursor, row: &[u8]) -> Status {
        match self.take(cursor, row) {
            Some(Status::Ok) => {
                cursor.advance();
                Status::Ok
            }
            Some(status) => status,
            None => Status::Corrupt,
        }
    }

    /// The input whose row is wanted next, now or after some more steps; `None` if this inference wants no more.
    pub fn wanted(&self, cursor: &Cursor) -> Option<usize> {
        let mut ahead = *cursor;
        loop {
            match self.action(&mut ahead)? {
                Action::Push { input, .. } | Action::Drop { input } => return Some(input),
                Action::Ready => return None,
                _ => ahead.advance(),
            }
        }
    }

    /// The node that [`Self::step`] would execute now, if it would execute one.
    pub fn next_node(&self, cursor: &Cursor) -> Option<usize> {
        let mut cursor = *cursor;
        match self.action(&mut cursor)? {
            Action::Run { node, .. } => Some(node),
            _ => None,
        }
    }

    /// The contents of input `i`, whole. Only before the first step of an inference, and only in a program whose
    /// inputs are not pushed.
    pub fn input(&self, i: usize) -> Option<Cells<'a>> {
        self.whole(self.program.inputs.get(), i)
    }

    /// Bytes of one row of input `i`, and the number of rows.
    pub fn input_rows(&self, i: usize) -> Option<(usize, usize)> {
        let rows = self.rows(usize::from(*self.program.inputs.get().get(i)?))?;
        Some((rows.row_bytes(), rows.count()))
    }

    /// The contents of output `i`, valid from [`Status::Ready`] until the next inference begins, or the next row comes.
    pub fn output(&self, i: usize) -> Option<Cells<'a>> {
        self.whole(self.program.outputs.get(), i)
    }

    /// Row `row` of tensor `tensor` where it is now, if it is in the arena at all: for tools that look on.
    pub fn row(&self, tensor: usize, row: usize) -> Option<Cells<'a>> {
        self.rows(tensor)?.get(row)
    }

    /// The action at the cursor, which goes on at [`Program::resume`] where the schedule ends.
    #[inline]
    fn action(&self, cursor: &mut Cursor) -> Option<Action> {
        let schedule = self.program.schedule.get();
        let action = cursor.action(schedule);
        if action.is_none() && cursor.at_end(schedule) {
            *cursor = Cursor::at(self.program.resume);
            return cursor.action(schedule);
        }
        action
    }

    fn run(&self, node: usize, fresh: bool) -> Option<Status> {
        let record = self.program.nodes.get().get(node)?;
        let counters = self.node_counters()?;
        let index = counters.get(node)?;
        let marks = self.marks()?;
        if fresh {
            let output = record.tensors.get().get(usize::from(record.inputs))?;
            marks.set(usize::from(*output), Some(rows_of_step(record, usize::from(index)).start))?;
        }
        let next = if index + 1 < record.steps { index + 1 } else { self.first_step_again(record) };
        counters.set(node, next)?;
        let tensors = self.program.tensors.get();
        let step = Step { node: record, tensors, arena: self.arena, marks, index: usize::from(index) };
        Some((record.kernel)(&step))
    }

    /// The step that follows the last one. In a stream a step makes a row.
    fn first_step_again(&self, node: &Node<'_>) -> u16 {
        let output = node.tensors.get().get(usize::from(node.inputs));
        let tensor = output.and_then(|output| self.program.tensors.get().get(usize::from(*output)));
        tensor.map_or(0, |tensor| tensor.restart)
    }

    fn commit(&self, tensor: usize) -> Option<()> {
        let rows = self.rows(tensor)?;
        for row in rows.fresh() {
            copy(rows.get(row)?, rows.slot(row)?);
        }
        self.marks()?.set(tensor, None)
    }

    fn take(&self, cursor: &mut Cursor, row: &[u8]) -> Option<Status> {
        let (input, fresh) = match self.action(cursor)? {
            Action::Push { input, fresh } => (input, Some(fresh)),
            Action::Drop { input } => (input, None),
            _ => return Some(Status::InputMode),
        };
        let tensor = usize::from(*self.program.inputs.get().get(input)?);
        let rows = self.rows(tensor)?;
        if row.len() != rows.row_bytes() {
            return Some(Status::RowSize);
        }
        let counters = self.input_counters()?;
        let number = counters.get(input)?;
        counters.set(input, if usize::from(number) + 1 < rows.count() { number + 1 } else { rows.restart() })?;
        if fresh == Some(true) {
            self.marks()?.set(tensor, Some(usize::from(number)))?;
        }
        if fresh.is_some() {
            store(row, self.rows(tensor)?.get(usize::from(number))?);
        }
        Some(Status::Ok)
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    fn rows(&self, tensor: usize) -> Option<Rows<'a>> {
        Some(Rows::new(self.program.tensors.get().get(tensor)?, self.arena, self.marks()?.get(tensor)?))
    }

    /// The `i`th of these tensors, whole.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn whole(&self, tensors: &[u16], i: usize) -> Option<Cells<'a>> {
        self.rows(usize::from(*tensors.get(i)?))?.whole()
    }

    #[inline]
    fn nodes(&self) -> usize {
        self.program.nodes.get().len()
    }

    #[inline]
    fn tensors(&self) -> usize {
        self.program.tensors.get().len()
    }

    #[inline]
    fn node_counters(&self) -> Option<Counters<'a>> {
        Some(Counters(self.arena))
    }

    #[inline]
    fn marks(&self) -> Option<Marks<'a>> {
        Some(Marks(Counters(self.arena.get(2 * self.nodes()..)?)))
    }

    #[inline]
    fn input_counters(&self) -> Option<Counters<'a>> {
        Some(Counters(self.arena.get(2 * (self.nodes() + self.tensors())..)?))
    }
}

/// Fills `cells` with `pattern`, over and over; with zeros if it is empty.
fn fill(cells: Cells<'_>, pattern: &[u8]) {
    let pattern = if pattern.is_empty() { &[0] } else { pattern };
    for (cell, byte) in cells.iter().zip(pattern.iter().cycle()) {
        cell.set(*byte);
    }
}
