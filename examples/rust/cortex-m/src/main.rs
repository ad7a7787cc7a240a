//! The classifier on a Cortex-M4. SysTick stands for the camera's interrupt.
#![no_std]
#![no_main]

use classifier::{Arena, Lines, camera, fail};
use cortex_m::Peripherals;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::singleton;
use cortex_m_rt::{ExceptionFrame, entry, exception};

/// Clock ticks from one line to the next: a millisecond.
const LINE: u32 = 25_000;

#[entry]
fn main() -> ! {
    let (Some(lines), Some(arena), Some(mut core)) =
        (singleton!(: Lines = Lines::new()), singleton!(: Arena = Arena::new()), Peripherals::take())
    else {
        fail("main runs once")
    };
    let (producer, consumer) = lines.split();
    camera::start(producer);
    core.SYST.set_clock_source(SystClkSource::Core);
    core.SYST.set_reload(LINE - 1);
    core.SYST.clear_current();
    core.SYST.enable_interrupt();
    core.SYST.enable_counter();
    classifier::run(consumer, arena, cortex_m::asm::wfi)
}

#[exception]
fn SysTick() {
    camera::on_line();
}

/// A fault ends the run, and in debug builds says where it was.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    fail(frame)
}
