//! Runs a program in this process, with the runtime's own executor and kernels.

use super::Results;
use crate::program::Image;
use std::cell::Cell;
use std::time::{Duration, Instant};
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
    watch(image, inferences, keep_state, &mut |_, _, _| {})
}

/// The same; after each step, `watcher` is told the inference, the step's node (its index in the program), and may look
/// at the arena.
pub(super) fn watch(
    image: &Image,
    inferences: &[Vec<&[u8]>],
    keep_state: bool,
    watcher: &mut dyn FnMut(usize, usize, &Executor<'_>),
) -> Result<Results, Stopped> {
    let arena = vec![Cell::new(0u8); image.plan().arena_bytes];
    image.with_program(|program| {
        let executor = Executor::new(program, &arena).map_err(Stopped)?;
        executor.reset().map_err(Stopped)?;
        let mut results = vec![];
        for (i, inputs) in inferences.iter().enumerate() {
            if i > 0 && !keep_state {
                executor.reset().map_err(Stopped)?;
            }
            infer(image, &executor, inputs, &mut |node| watcher(i, node, &executor))?;
            let output = |i: usize| Some(executor.output(i)?.iter().map(Cell::get).collect());
            let outputs: Option<Vec<Vec<u8>>> = (0..image.outputs().len()).map(output).collect();
            results.push(outputs.ok_or(Stopped(Status::Corrupt))?);
        }
        Ok(results)
    })
}

/// How long an inference takes: the median of as many as a fifth of a second has time for.
pub fn latency(image: &Image, inputs: &[&[u8]]) -> Result<Duration, Stopped> {
    let arena = vec![Cell::new(0u8); image.plan().arena_bytes];
    image.with_program(|program| {
        let executor = Executor::new(program, &arena).map_err(Stopped)?;
        let (start, mut times) = (Instant::now(), vec![]);
        while times.is_empty() || start.elapsed() < Duration::from_millis(200) {
            executor.reset().map_err(Stopped)?;
            let before = Instant::now();
            infer(image, &executor, inputs, &mut |_| {})?;
            times.push(before.elapsed());
        }
        times.sort();
        Ok(times[times.len() / 2])
    })
}

/// One inference.
fn infer(
    image: &Image,
    executor: &Executor<'_>,
    inputs: &[&[u8]],
    watch: &mut dyn FnMut(usize),
) -> Result<(), Stopped> {
    match if image.is_pushed() { push(executor, inputs, watch) } else { invoke(executor, inputs, watch) } {
        Some(Status::Ready) => Ok(()),
        status => Err(Stopped(status.unwrap_or(Status::Corrupt))),
    }
}

fn invoke(executor: &Executor<'_>, inputs: &[&[u8]], watch: &mut dyn FnMut(usize)) -> Option<Status> {
    for (i, bytes) in inputs.iter().enumerate() {
        let cells = executor.input(i)?;
        cells.iter().zip(*bytes).for_each(|(cell, byte)| cell.set(*byte));
    }
    Some(run_on(executor, &mut Cursor::default(), watch))
}

fn push(executor: &Executor<'_>, inputs: &[&[u8]], watch: &mut dyn FnMut(usize)) -> Option<Status> {
    let mut cursor = Cursor::default();
    let mut taken = vec![0; inputs.len()];
    loop {
        match run_on(executor, &mut cursor, watch) {
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

/// [`Executor::run_on`], step by step.
fn run_on(executor: &Executor<'_>, cursor: &mut Cursor, watch: &mut dyn FnMut(usize)) -> Status {
    loop {
        let node = executor.next_node(cursor);
        match executor.step(cursor) {
            Status::Ok => node.into_iter().for_each(&mut *watch),
            status => return status,
        }
    }
}
