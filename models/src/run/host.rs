//! Runs a program in this process, with the runtime's own executor and kernels.

use super::Results;
use crate::program::Image;
use std::cell::Cell;
use thiserror::Error;
use tinderbox_runtime::executor::Executor;
use tinderbox_runtime::schedule::Cursor;
use tinderbox_runtime::status::Status;

/// The program did not run to its end; a bug of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("internal error, please report it: the program stopped with status {0:?}")]
pub struct Stopped(pub Status);

/// Runs `image` once per element of `inferences`: the bytes of every input, in the model's order. Returns the bytes of
/// every output per inference. Variables are reset in between unless `keep_state`.
pub fn run(image: &Image, inferences: &[Vec<&[u8]>], keep_state: bool) -> Result<Results, Stopped> {
    let arena = vec![Cell::new(0u8); image.plan().arena_bytes];
    image.with_program(|program| {
        let executor = Executor::new(program, &arena).map_err(Stopped)?;
        executor.reset().map_err(Stopped)?;
        let mut results = vec![];
        for (i, inputs) in inferences.iter().enumerate() {
            if i > 0 && !keep_state {
                executor.reset().map_err(Stopped)?;
            }
            let status = if image.is_pushed() { push(&executor, inputs) } else { invoke(&executor, inputs) };
            match status {
                Some(Status::Ready) => {}
                status => return Err(Stopped(status.unwrap_or(Status::Corrupt))),
            }
            let output = |i: usize| Some(executor.output(i)?.iter().map(Cell::get).collect());
            let outputs: Option<Vec<Vec<u8>>> = (0..image.outputs().len()).map(output).collect();
            results.push(outputs.ok_or(Stopped(Status::Corrupt))?);
        }
        Ok(results)
    })
}

fn invoke(executor: &Executor<'_>, inputs: &[&[u8]]) -> Option<Status> {
    for (i, bytes) in inputs.iter().enumerate() {
        let cells = executor.input(i)?;
        cells.iter().zip(*bytes).for_each(|(cell, byte)| cell.set(*byte));
    }
    Some(executor.run_on(&mut Cursor::default()))
}

fn push(executor: &Executor<'_>, inputs: &[&[u8]]) -> Option<Status> {
    let mut cursor = Cursor::default();
    let mut taken = vec![0; inputs.len()];
    loop {
        match executor.run_on(&mut cursor) {
            Status::NeedRow => {}
            status => return Some(status),
        }
        let input = executor.wanted(&cursor)?;
        let (bytes, _) = executor.input_rows(input)?;
        let row = inputs.get(input)?.get(taken[input]..)?.get(..bytes)?;
        taken[input] += bytes;
        match executor.push(&mut cursor, row) {
            Status::Ok => {}
            status => return Some(status),
        }
    }
}
