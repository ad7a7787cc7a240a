//! What fuzzing found stays found: each file is refused, or compiled and run, in every way.

use std::sync::mpsc;
use std::time::Duration;
use tinderbox::compile::{Options, compile};
use tinderbox::graph::{Padding, Stride};
use tinderbox_tests::hostile::{WAYS, compile_and_run};
use tinderbox_tests::layers::Builder;
use tinderbox_tests::{list, root};

/// What takes longer never ends.
const HANG: Duration = Duration::from_secs(300);

#[test]
fn findings_of_the_fuzzers_are_refused_or_run() {
    for file in list(&root().join("fuzz/findings")) {
        let bytes = std::fs::read(&file).expect("a file");
        let (done, wait) = mpsc::channel();
        std::thread::spawn(move || {
            WAYS.iter().for_each(|options| compile_and_run(&bytes, options));
            done.send(())
        });
        // A panic of the thread has closed the channel, and is shown above.
        wait.recv_timeout(HANG).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}

#[test]
fn too_many_steps_are_refused() {
    let mut b = Builder::new(0);
    let mut x = b.input(&[1, 60_000, 1, 1]);
    for _ in 0..5 {
        x = b.conv(x, 1, (1, 1), Stride { h: 1, w: 1 }, Padding::Valid).expect("fits");
    }
    b.output(x);
    let Err(error) = compile(&b.graph, &Options::default()) else { panic!("it is compiled") };
    assert!(error.to_string().contains("CONV_2D") && error.to_string().contains("steps"), "{error}");
}
