//! Any bytes to the importer, from seeds that are .onnx files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = tinderbox_fuzz::import(bytes);
});
