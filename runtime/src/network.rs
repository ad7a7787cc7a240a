//! The door for Rust firmware: a program in use, without `unsafe`.
//!
//! ```ignore
//! let mut arena = Arena::<{ kws::ARENA_BYTES }>::new();
//! let mut network = Network::new(&kws::MODEL, &mut arena)?;
//! network.set_input(&kws::INPUT_0, &features)?;
//! network.invoke()?;
//! let best = network.output(&kws::OUTPUT_0)?.enumerate().max_by_key(|(_, score)| *score);
//! ```

use crate::abi::bytes;
use crate::arena::{Arena, Element, store};
use crate::executor::Executor;
use crate::program::Program;
use crate::schedule::Cursor;
use crate::status::Status;
use core::marker::PhantomData;

/// An input or output, as the compiler describes it in the program's source.
#[derive(Clone, Copy, Debug)]
pub struct Operand<T> {
    index: usize,
    shape: &'static [usize],
    rows: usize,
    row_elements: usize,
    quantization: Option<Quantization>,
    element: PhantomData<T>,
}

/// real value = (stored value - zero point) * scale
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantization {
    /// Real value of a step.
    pub scale: f32,
    /// The stored value that stands for 0.
    pub zero_point: i32,
}

impl<T> Operand<T> {
    /// Number `index` among the inputs or outputs.
    pub const fn new(index: usize, shape: &'static [usize], rows: usize, row_elements: usize) -> Self {
        Self { index, shape, rows, row_elements, quantization: None, element: PhantomData }
    }

    /// The same, quantized.
    pub const fn quantized(self, scale: f32, zero_point: i32) -> Self {
        Self { quantization: Some(Quantization { scale, zero_point }), ..self }
    }

    /// Number among the inputs or outputs.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Dimensions, outermost first; in a stream those of one row.
    pub const fn shape(&self) -> &'static [usize] {
        self.shape
    }

    /// Rows of an inference; 1 in a stream.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Elements of a row.
    pub const fn row_elements(&self) -> usize {
        self.row_elements
    }

    /// All elements.
    pub const fn elements(&self) -> usize {
        self.rows * self.row_elements
    }

    /// What the stored values mean; `None` where they are what they are.
    pub const fn quantization(&self) -> Option<Quantization> {
        self.quantization
    }
}

/// How far an inference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More is to do: [`Network::step`].
    Working,
    /// The next row of an input is wanted.
    NeedRow,
    /// The outputs may be read.
    Ready,
}

/// A program bound to its arena. The program stays in flash; all that inference needs beside the stack is in the arena.
pub struct Network<'a> {
    executor: Executor<'a>,
    cursor: Cursor,
}

impl<'a> Network<'a> {
    /// Binds `program` to `arena` and gives every variable its initial contents.
    pub fn new<const BYTES: usize>(program: &'a Program<'a>, arena: &'a mut Arena<BYTES>) -> Result<Self, Status> {
        let executor = Executor::new(program, arena.cells())?;
        executor.reset()?;
        Ok(Self { executor, cursor: Cursor::default() })
    }

    /// Forgets an inference under way, or all frames of a stream.
    pub fn reset(&mut self) -> Result<(), Status> {
        self.cursor = Cursor::default();
        self.executor.reset()
    }

    /// Fills an input, whole, for [`Self::invoke`], which consumes it. [`Status::RowSize`] if there are not as many
    /// values as elements, [`Status::InputMode`] if the program takes its input by rows.
    pub fn set_input<T: Element>(&mut self, input: &Operand<T>, values: &[T]) -> Result<(), Status> {
        if self.executor.program().pushed != 0 {
            return Err(Status::InputMode);
        }
        let cells = self.executor.input(input.index).ok_or(Status::InputMode)?;
        let bytes = bytes::of(values);
        if bytes.len() != cells.len() {
            return Err(Status::RowSize);
        }
        store(bytes, cells);
        Ok(())
    }

    /// Runs one inference on the inputs that were set. The outputs may then be read.
    pub fn invoke(&mut self) -> Result<(), Status> {
        progress(self.executor.invoke(&mut self.cursor)).map(|_| ())
    }

    /// Hands over the next row of the input that is wanted and does all the work that it makes possible. After
    /// [`Progress::Ready`] the next row begins a new inference, or goes on with the stream.
    pub fn push_row<T: Element>(&mut self, input: &Operand<T>, row: &[T]) -> Result<Progress, Status> {
        self.expect(input)?;
        progress(self.executor.push_row(&mut self.cursor, bytes::of(row)))
    }

    /// As [`Self::push_row`], but leaves the work to [`Self::step`]. Only when that says that a row is wanted.
    pub fn take_row<T: Element>(&mut self, input: &Operand<T>, row: &[T]) -> Result<(), Status> {
        self.expect(input)?;
        progress(self.executor.push(&mut self.cursor, bytes::of(row))).map(|_| ())
    }

    /// Does a small part of an inference: a step of one node, or a row moved to its place.
    pub fn step(&mut self) -> Result<Progress, Status> {
        progress(self.executor.step(&mut self.cursor))
    }

    /// Number of the input whose row is wanted next; `None` if this inference wants no more.
    pub fn wanted_input(&self) -> Option<usize> {
        self.executor.wanted(&self.cursor)
    }

    /// The values of an output, whole or, in a stream, its newest row. Meaningful from [`Progress::Ready`] until the next
    /// inference begins or the next row is pushed.
    pub fn output<T: Element>(&self, output: &Operand<T>) -> Result<impl Iterator<Item = T> + use<'_, T>, Status> {
        let cells = self.executor.output(output.index).ok_or(Status::Corrupt)?;
        Ok((0..output.elements()).map_while(move |i| T::get(cells, i)))
    }

    fn expect<T>(&self, input: &Operand<T>) -> Result<(), Status> {
        match self.wanted_input() {
            Some(wanted) if wanted != input.index => Err(Status::InputMode),
            _ => Ok(()),
        }
    }
}

fn progress(status: Status) -> Result<Progress, Status> {
    match status {
        Status::Ok => Ok(Progress::Working),
        Status::NeedRow => Ok(Progress::NeedRow),
        Status::Ready => Ok(Progress::Ready),
        error => Err(error),
    }
}
