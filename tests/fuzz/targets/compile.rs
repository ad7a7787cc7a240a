//! Any bytes from import to emitted C and to outputs, in one of several ways, which the length of the bytes picks.
#![no_main]

use tinderbox_fuzz::hostile::{WAYS, compile_and_run};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| compile_and_run(bytes, &WAYS[bytes.len() % WAYS.len()]));
