//! Streams: rows of the inputs in the order in which a program wants them.

use super::Results;
use super::host::Stopped;
use crate::program::Image;
use std::cell::Cell;
use tinderbox_runtime::executor::Executor;
use tinderbox_runtime::schedule::{Action, Cursor};
use tinderbox_runtime::status::Status;

/// Rows of `inputs` (of each, in the model's order, its rows over time) in the order in which a stream wants them, as far
/// as they go.
pub fn in_order<'a>(image: &Image, inputs: &[Vec<&'a [u8]>]) -> Vec<&'a [u8]> {
    let plan = image.plan();
    let mut waiting: Vec<_> = inputs.iter().map(|rows| rows.iter()).collect();
    let mut ordered = vec![];
    let mut cursor = Cursor::default();
    loop {
        match cursor.action(&plan.schedule) {
            Some(Action::Push { input, .. }) => match waiting[input].next() {
                Some(row) => ordered.push(*row),
                None => return ordered,
            },
            Some(_) => {}
            None => {
                cursor = Cursor::at(plan.resume as u32);
                continue;
            }
        }
        cursor.advance();
    }
}

/// Pushes `rows` in this order. Returns the bytes of every output each time that outputs are ready.
pub fn run(image: &Image, rows: &[&[u8]]) -> Result<Results, Stopped> {
    let arena = vec![Cell::new(0u8); image.plan().arena_bytes];
    image.with_program(|program| {
        let executor = Executor::new(program, &arena).map_err(Stopped)?;
        executor.reset().map_err(Stopped)?;
        let mut cursor = Cursor::default();
        let mut results = vec![];
        let mut status = executor.run_on(&mut cursor);
        for row in rows {
            if status == Status::NeedRow {
                status = executor.push(&mut cursor, row);
            }
            if status == Status::Ok {
                status = executor.run_on(&mut cursor);
            }
            if status == Status::Ready {
                let output = |i: usize| Some(executor.output(i)?.iter().map(Cell::get).collect());
                let outputs: Option<Vec<Vec<u8>>> = (0..image.outputs().len()).map(output).collect();
                results.push(outputs.ok_or(Stopped(Status::Corrupt))?);
                status = executor.run_on(&mut cursor);
            }
            if status != Status::NeedRow {
                return Err(Stopped(status));
            }
        }
        Ok(results)
    })
}
