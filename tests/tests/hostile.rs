//! What fuzzing found stays found: each file is refused, or compiled and run, in every way.

use std::sync::mpsc;
use std::time::Duration;
use tinderbox::choose::Budget;
use tinderbox::compile::{Options, compile};
use tinderbox::graph::{Graph, Padding, Stride};
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

/// A network of windows of `size` over an image of one channel, one after the other.
fn windows(count: usize, rows: usize, columns: usize, size: (usize, usize)) -> Graph {
    let mut b = Builder::new(0);
    let mut x = b.input(&[1, rows, columns, 1]);
    for _ in 0..count {
        x = b.conv(x, 1, size, Stride { h: 1, w: 1 }, Padding::Same).expect("fits");
    }
    b.output(x);
    b.graph
}

fn refusal(graph: &Graph) -> String {
    let Err(error) = compile(graph, &Options::default()) else { panic!("it is compiled") };
    error.to_string()
}

#[test]
fn too_many_steps_are_refused() {
    let error = refusal(&windows(5, 60_000, 1, (1, 1)));
    assert!(error.contains("CONV_2D") && error.contains("steps"), "{error}");
}

/// Each step reads most of the input.
#[test]
fn too_many_rows_are_refused() {
    let error = refusal(&windows(1, 20_000, 1, (10_001, 1)));
    assert!(error.contains("16,777,216 rows"), "{error}");
}

/// Windows that are deep in each other: in one segment, all the rings are in use at the same time, and the order does not
/// repeat itself before all of them have taken a step. What is packed, and how often, does not grow with their square.
#[test]
fn deep_networks_are_planned() {
    let image = compile(&windows(2_500, 30, 1, (3, 1)), &Options::default()).expect("compiled");
    // Layer by layer: two tensors at a time, and the executor. Steps are written once, not all 75,000.
    assert!(image.plan().live_bytes < image.plan().executor_bytes + 4 * 30 * 4, "{}", image.plan().live_bytes);
    assert!(image.plan().schedule.len() < 5 * 2_500, "{}", image.plan().schedule.len());
}

/// A plan for each variant of each layer would take an hour: they are not compared, or the budget is refused.
#[test]
fn nothing_is_chosen_for_deep_networks() {
    let graph = windows(1_000, 30, 1, (3, 1));
    let costs = WAYS.iter().find(|way| way.costs.is_some()).expect("a way to choose");
    compile(&graph, costs).expect("compiled");
    let budget = Budget { ram: Some(1 << 20), flash: None };
    let Err(error) = compile(&graph, &Options { budget, ..costs.clone() }) else { panic!("it is compiled") };
    assert!(error.to_string().contains("2,097,152"), "{error}");
}
