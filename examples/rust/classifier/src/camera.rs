//! The camera: ten pictures in flash, a line at each interrupt.

use crate::Line;
use core::cell::Cell;
use critical_section::Mutex;
use heapless::spsc::Producer;

/// How many pictures there are.
pub const PICTURES: usize = 10;

/// A file of NumPy: pixels behind a header.
const SAMPLES: &[u8] = include_bytes!("../../../../models/zoo/fashion/samples.npy");
const HEADER_BYTES: usize = 128;

/// The interrupt's own.
struct Camera {
    lines: Producer<'static, Line>,
    taken: usize,
}

static CAMERA: Mutex<Cell<Option<Camera>>> = Mutex::new(Cell::new(None));

/// Begins to fill the queue.
pub fn start(lines: Producer<'static, Line>) {
    critical_section::with(|cs| CAMERA.borrow(cs).set(Some(Camera { lines, taken: 0 })));
}

/// The interrupt: a line is there. A full queue holds this camera up; a real one would lose the line.
pub fn on_line() {
    critical_section::with(|cs| {
        let camera = CAMERA.borrow(cs);
        let Some(mut own) = camera.take() else { return };
        if let Some(line) = line(own.taken)
            && own.lines.enqueue(line).is_ok()
        {
            own.taken += 1;
        }
        camera.set(Some(own));
    });
}

/// Line number `taken` of all pictures; `None` behind the last.
fn line(taken: usize) -> Option<Line> {
    let pixels = SAMPLES.get(HEADER_BYTES + taken * size_of::<Line>()..)?;
    Some(pixels.first_chunk()?.map(u8::cast_signed))
}
