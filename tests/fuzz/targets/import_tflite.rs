//! Any bytes to the importer, from seeds that are .tflite files.
#![no_main]

use tinderbox_fuzz::hostile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = hostile::import(bytes);
});
