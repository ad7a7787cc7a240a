//! `runtime/include/tinderbox.h` is what cbindgen makes of the runtime's sources.

use std::path::Path;

/// What firmware sees of the runtime; constants and types of the kernels are none of its business.
const SOURCES: [&str; 8] = ["abi", "abi/kernel", "abi/bytes", "abi/slice", "program", "schedule", "step", "status"];

/// The header as it should be. cbindgen gives enum constants the prefix of their type; C firmware reads better without
/// the second half of it.
fn generated() -> String {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime");
    let config = cbindgen::Config::from_file(runtime.join("cbindgen.toml")).expect("cbindgen.toml");
    let builder = cbindgen::Builder::new().with_config(config);
    let builder =
        SOURCES.iter().fold(builder, |b, name| b.with_src(runtime.join("src").join(name).with_extension("rs")));
    let bindings = builder.generate().expect("bindings");
    let mut header = vec![];
    bindings.write(&mut header);
    let header = String::from_utf8(header).expect("UTF-8");
    header.replace("TBX_STATUS_", "TBX_").replace(" # Safety\n", " Preconditions:\n")
}

#[test]
fn header_is_in_step_with_the_runtime() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/include/tinderbox.h");
    let generated = generated();
    if std::env::var_os("TINDERBOX_UPDATE").is_some() {
        std::fs::write(&path, &generated).expect("write the header");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == generated, "run the test with TINDERBOX_UPDATE=1 to make the header anew");
}
