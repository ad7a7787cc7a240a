//! Names pieces of clothing in pictures that arrive line by line: all of the firmware that is no hardware.
//!
//! An interrupt puts lines into a queue ([`camera`]), the main loop ([`run`]) takes them out and hands them to the network.
//! A picture is never in RAM whole.
#![no_std]
#![forbid(unsafe_code)]

pub mod camera;
mod console;

/// The network, as build.rs wrote it.
mod fashion {
    include!(concat!(env!("OUT_DIR"), "/fashion.rs"));
}

use heapless::spsc::{self, Consumer};
use tinderbox_runtime::kernels;
use tinderbox_runtime::network::{Network, Progress};
use tinderbox_runtime::status::Status;

/// All the RAM that inference needs beside the stack.
pub type Arena = tinderbox_runtime::arena::Arena<{ fashion::ARENA_BYTES }>;

/// A line of a picture: grey values - 128.
pub type Line = [i8; fashion::INPUT_0.row_elements()];

/// Lines on their way from the interrupt to the main loop: three at most.
pub type Lines = spsc::Queue<Line, 4>;

/// What the network's scores stand for, in their order: a line each.
const LABELS: &[u8] = include_bytes!("../../../../models/zoo/fashion/labels.txt");

/// Names every picture that the camera takes, then ends the emulator. `sleep` waits for an interrupt.
pub fn run(lines: Consumer<'_, Line>, arena: &mut Arena, sleep: fn()) -> ! {
    console::start();
    log::info!("{:?} kernels, {} bytes of arena", kernels::SET, fashion::ARENA_BYTES);
    match name_pictures(lines, arena, sleep) {
        Ok(()) => console::exit(0),
        Err(status) => fail(status),
    }
}

/// Ends the emulator where something cannot go on.
pub fn fail(why: impl core::fmt::Debug) -> ! {
    log::error!("{why:?}");
    console::exit(1)
}

fn name_pictures(mut lines: Consumer<'_, Line>, arena: &mut Arena, sleep: fn()) -> Result<(), Status> {
    let mut network = Network::new(&fashion::MODEL, arena)?;
    let mut pictures = 0;
    while pictures < camera::PICTURES {
        let Some(line) = lines.dequeue() else {
            sleep();
            continue;
        };
        // Each call does all the work that its line makes possible.
        if network.push_row(&fashion::INPUT_0, &line)? == Progress::Ready {
            let scores = network.output(&fashion::OUTPUT_0)?;
            let (class, score) = scores.enumerate().max_by_key(|(_, score)| *score).unwrap_or_default();
            log::debug!("picture {pictures}: class {class}, score {score}");
            console::print(LABELS.split(|byte| *byte == b'\n').nth(class).unwrap_or_default());
            pictures += 1;
        }
    }
    Ok(())
}
