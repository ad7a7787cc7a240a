//! The classifier on a 32-bit RISC-V core. The core's timer stands for the camera's interrupt.
#![no_std]
#![no_main]

use classifier::{Arena, Lines, camera, fail};
use riscv::interrupt::Interrupt;
use riscv::singleton;
use riscv_peripheral::clint_codegen;
use riscv_rt::{TrapFrame, core_interrupt, entry};

clint_codegen!(Clint, base 0x0200_0000, mtime_freq 10_000_000);

/// Timer ticks from one line to the next: a millisecond.
const LINE: u64 = 10_000;

#[entry]
fn main() -> ! {
    let (Some(lines), Some(arena)) = (singleton!(: Lines = Lines::new()), singleton!(: Arena = Arena::new())) else {
        fail("main runs once")
    };
    let (producer, consumer) = lines.split();
    camera::start(producer);
    next_line();
    // SAFETY: no critical section is under way.
    unsafe {
        Clint::new().mtimer().enable();
        riscv::interrupt::enable();
    }
    classifier::run(consumer, arena, riscv::asm::wfi)
}

/// Sets the timer.
fn next_line() {
    let timer = Clint::new().mtimer();
    timer.mtimecmp0().write(timer.mtime().read() + LINE);
}

#[core_interrupt(Interrupt::MachineTimer)]
fn machine_timer() {
    next_line();
    camera::on_line();
}

/// A fault ends the run, and in debug builds says where it was.
#[unsafe(no_mangle)]
extern "C" fn ExceptionHandler(_: &TrapFrame) -> ! {
    fail(riscv::register::mepc::read())
}
