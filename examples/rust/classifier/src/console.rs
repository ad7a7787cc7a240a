//! The emulator's console, by semihosting. The log is for debug builds; release builds have none of it.

use log::{LevelFilter, Log, Metadata, Record};
use semihosting::sys::arm_compat::sys_writec;

struct Console;

impl Log for Console {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        semihosting::eprintln!("{:5} {}", record.level(), record.args());
    }

    fn flush(&self) {}
}

/// Makes the log appear.
pub(crate) fn start() {
    if log::STATIC_MAX_LEVEL > LevelFilter::Off && log::set_logger(&Console).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}

/// A line of output, as it is: formatting would cost kilobytes, and might panic.
pub(crate) fn print(line: &[u8]) {
    line.iter().chain(b"\n").copied().for_each(sys_writec);
}

/// Ends the emulator.
pub(crate) fn exit(status: i32) -> ! {
    semihosting::process::exit(status)
}
