//! Streaming over time: what a stream yields is what the whole network yields for every window.

use fastrand::Rng;
use tinderbox::compile::{Options, compile};
use tinderbox::graph::{Graph, Padding, Stride, TensorId};
use tinderbox::import::import;
use tinderbox::lower::{InputMode, Kernels};
use tinderbox::plan::Plan;
use tinderbox::plan::check::check;
use tinderbox::program::Image;
use tinderbox::run::{Results, host, stream};
use tinderbox_tests::layers::Builder;
use tinderbox_tests::shared;

fn image(graph: &Graph, input_mode: InputMode, kernels: Kernels) -> Image {
    compile(graph, &Options { input_mode, kernels, ..Options::default() }).expect("compiles")
}

/// The outputs of `graph`, whole, for every window of `frames` that starts at a multiple of `hop`.
fn whole(graph: &Graph, frames: &[u8], hop: usize) -> Results {
    let tensor = &graph.tensors[graph.inputs[0]];
    let (window, row) = (tensor.bytes(), tensor.bytes() / tensor.shape[1]);
    let starts = (0..=frames.len() - window).step_by(hop * row);
    let windows: Vec<Vec<&[u8]>> = starts.map(|start| vec![&frames[start..start + window]]).collect();
    host::run(&image(graph, InputMode::Whole, Kernels::Portable), &windows, false).expect("runs")
}

/// Streams `frames` through `graph`, with the output's rows compared to those of every window.
fn expect_equal(graph: &Graph, frames: &[u8], kernels: Kernels) -> usize {
    let tensor = &graph.tensors[graph.inputs[0]];
    let row = tensor.bytes() / tensor.shape[1];
    let stream_image = image(graph, InputMode::Stream, kernels);
    let period = stream_image.plan().period.clone().expect("a period");
    let rows = stream::in_order(&stream_image, &[frames.chunks(row).collect()]);
    let found = stream::run(&stream_image, &rows).expect("runs");
    assert_eq!(found.len(), (frames.len() / row - period.window) / period.hop + 1, "number of outputs");
    let expected = whole(graph, frames, period.hop);
    for (start, outputs) in expected.iter().enumerate() {
        // A network that ends in several rows yields them one after the other.
        for (i, row) in outputs[0].chunks(found[0][0].len()).enumerate() {
            assert!(found[start + i][0] == row, "window {start}, row {i} differs");
        }
    }
    found.len()
}

/// A small network over time: VALID windows and residual sums, then an end of some kind.
fn network(seed: u64) -> Option<Graph> {
    let mut b = Builder::new(seed);
    let width = if b.rng.bool() { 1 } else { b.rng.usize(1..6) };
    let channels = if b.rng.bool() { 4 * b.rng.usize(1..5) } else { b.rng.usize(1..9) };
    let height = b.rng.usize(6..26);
    let mut x = b.input(&[1, height, width, channels]);
    for _ in 0..b.rng.usize(1..5) {
        x = layer(&mut b, x)?;
    }
    let shape = b.graph.tensors[x].shape.clone();
    let output = match b.rng.u8(0..5) {
        0 => b.conv(x, 5, (shape[1], shape[2]), Stride { h: 1, w: 1 }, Padding::Valid)?,
        1 => {
            let pooled = b.average_pool(x, Stride { h: shape[1], w: shape[2] });
            b.fully_connected(pooled, 3)
        }
        2 => b.fully_connected(x, 6),
        3 => {
            let flat = b.reshape(x, &[1, shape.iter().product()]);
            let logits = b.fully_connected(flat, 9);
            b.softmax(logits)
        }
        _ => x,
    };
    b.output(output);
    // A single row from the first layer on is not a window.
    (height > 1).then_some(b.graph)
}

fn layer(b: &mut Builder, x: TensorId) -> Option<TensorId> {
    let [_, height, width, channels] = *b.graph.tensors[x].shape.as_slice() else { return None };
    let kernel = (b.rng.usize(1..height.min(6) + 1), b.rng.usize(1..width.min(3) + 1));
    let stride = Stride { h: if b.rng.u8(0..4) == 0 { b.rng.usize(2..4) } else { 1 }, w: 1 };
    let out = if b.rng.bool() { channels } else { b.rng.usize(1..20) };
    match b.rng.u8(0..6) {
        0 | 1 => b.conv(x, out, kernel, stride, Padding::Valid),
        2 | 3 => b.depthwise(x, kernel, stride, Padding::Valid),
        4 => {
            let (left, right) =
                (b.depthwise(x, kernel, stride, Padding::Valid)?, b.conv(x, channels, kernel, stride, Padding::Valid)?);
            Some(b.add(left, right))
        }
        _ => b.conv(x, out, (1, 1), Stride { h: 1, w: 1 }, Padding::Valid),
    }
}

fn random(rng: &mut Rng, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|_| rng.u8(..)).collect()
}

/// So many frames that the period of a stream of `graph` begins anew, more than once if it is short.
fn frames(graph: &Graph, rng: &mut Rng) -> Vec<u8> {
    let plan = image(graph, InputMode::Stream, Kernels::Portable);
    let input = &graph.tensors[graph.inputs[0]];
    let rows = plan.plan().period.as_ref().expect("a period").rows[0].end + input.shape[1] + 60;
    random(rng, rows * input.bytes() / input.shape[1])
}

#[test]
fn random_networks_stream_as_they_run_whole() {
    let (mut outputs, mut networks) = (0, 0);
    for graph in (0..120).filter_map(network) {
        let frames = frames(&graph, &mut Rng::with_seed(7));
        for kernels in [Kernels::Portable, Kernels::Armv7em] {
            outputs += expect_equal(&graph, &frames, kernels);
        }
        networks += 1;
    }
    eprintln!("{outputs} outputs of {networks} networks");
    assert!(networks > 70, "{networks}");
}

#[test]
fn streaming_wake_word_yields_an_output_a_frame() {
    let Some(shared) = shared() else { return };
    let graph = import(&shared.join("data/models/mlperf_tiny/sww_ref_int8.tflite")).expect("imports");
    let frames = random(&mut Rng::with_seed(1), 40 * 700);
    for kernels in [Kernels::Portable, Kernels::Armv7em] {
        let outputs = expect_equal(&graph, &frames, kernels);
        assert_eq!(outputs, 700 - 29, "from the 30th frame on");
    }
}

/// The program says which input it wants: one is two frames ahead of the other.
#[test]
fn inputs_advance_together() {
    let mut b = Builder::new(3);
    let (x, y) = (b.input(&[1, 12, 1, 8]), b.input(&[1, 10, 1, 4]));
    let narrow = b.conv(x, 4, (3, 1), Stride { h: 1, w: 1 }, Padding::Valid).expect("fits");
    let sum = b.add(narrow, y);
    let output = b.fully_connected(sum, 5);
    b.output(output);
    let inputs = [random(&mut b.rng, 8 * 202), random(&mut b.rng, 4 * 200)];
    let image_of = |mode| image(&b.graph, mode, Kernels::Armv7em);
    let stream_image = image_of(InputMode::Stream);
    let rows = stream::in_order(&stream_image, &[inputs[0].chunks(8).collect(), inputs[1].chunks(4).collect()]);
    let found = stream::run(&stream_image, &rows).expect("runs");
    let window = |start: usize| vec![&inputs[0][8 * start..][..8 * 12], &inputs[1][4 * start..][..4 * 10]];
    let windows: Vec<Vec<&[u8]>> = (0..=190).map(window).collect();
    assert!(found == host::run(&image_of(InputMode::Whole), &windows, false).expect("runs"));
}

/// Padding in front stands before the first frame of a stream: it is one long input.
#[test]
fn causal_networks_remember_what_was_before_the_window() {
    let build = |height: usize| {
        let mut b = Builder::new(5);
        let mut x = b.input(&[1, height, 2, 4]);
        for kernel in [3, 5] {
            let padded = b.pad_rows(x, kernel - 1, 0);
            x = b.conv(padded, 8, (kernel, 1), Stride { h: 1, w: 1 }, Padding::Valid).expect("fits");
        }
        b.output(x);
        b.graph
    };
    let frames = random(&mut Rng::with_seed(2), 8 * 300);
    let expected = whole(&build(300), &frames, 1);
    for kernels in [Kernels::Portable, Kernels::Armv7em] {
        let image = image(&build(12), InputMode::Stream, kernels);
        let rows = stream::in_order(&image, &[frames.chunks(8).collect()]);
        let found = stream::run(&image, &rows).expect("runs");
        let found: Vec<u8> = found.into_iter().flatten().flatten().collect();
        assert!(found == expected[0][0]);
    }
}

#[test]
fn what_forbids_streaming_is_named() {
    let refusal = |build: &dyn Fn(&mut Builder) -> TensorId| {
        let mut b = Builder::new(1);
        let output = build(&mut b);
        b.output(output);
        let options = Options { input_mode: InputMode::Stream, ..Options::default() };
        compile(&b.graph, &options).map(|_| ()).expect_err("cannot be streamed").to_string()
    };
    let one = Stride { h: 1, w: 1 };
    let same = refusal(&|b| {
        let x = b.input(&[1, 10, 1, 4]);
        b.conv(x, 4, (3, 1), one, Padding::Same).expect("fits")
    });
    assert!(same.starts_with("CONV_2D `t3` forbids") && same.contains("SAME padding"), "{same}");
    let behind = refusal(&|b| {
        let x = b.input(&[1, 10, 1, 4]);
        b.pad_rows(x, 1, 1)
    });
    assert!(behind.starts_with("PAD `t2` forbids") && behind.contains("1 rows after"), "{behind}");
    let apart = refusal(&|b| {
        let x = b.input(&[1, 12, 1, 4]);
        b.reshape(x, &[1, 4, 3, 4])
    });
    assert!(apart.starts_with("RESHAPE `t1` forbids") && apart.contains("12 rows"), "{apart}");
    let rates = refusal(&|b| {
        let x = b.input(&[1, 9, 1, 4]);
        let slow = b.conv(x, 4, (2, 1), Stride { h: 2, w: 1 }, Padding::Valid).expect("fits");
        let fast = b.conv(x, 4, (6, 1), one, Padding::Valid).expect("fits");
        b.add(slow, fast)
    });
    assert!(rates.starts_with("ADD `t7` forbids") && rates.contains("do not advance together"), "{rates}");
    let frame = refusal(&|b| {
        let x = b.input(&[1, 40]);
        b.fully_connected(x, 4)
    });
    assert!(frame.starts_with("input `t0` forbids") && frame.contains("single frame"), "{frame}");
}

/// The checker replays several periods: it catches what goes wrong only when the numbers begin anew.
#[test]
fn damaged_periods_are_caught() {
    let graphs: Vec<Graph> = (0..30).filter_map(network).collect();
    for graph in &graphs {
        let good = image(graph, InputMode::Stream, Kernels::Armv7em);
        let (flow, plan) = (good.flow(), good.plan());
        let damaged = |damage: &dyn Fn(&mut Plan)| {
            let mut bad = plan.clone();
            damage(&mut bad);
            check(flow, &bad).is_err()
        };
        let input = 0;
        let moved = |bad: &mut Plan| bad.resume -= 1;
        assert!(damaged(&moved), "taken up again an entry too early");
        if plan.placements[input].capacity > 1 {
            let smaller = |bad: &mut Plan| bad.placements[input].capacity -= 1;
            assert!(damaged(&smaller), "a row less");
        }
        let push = flow.nodes.iter().position(|node| node.writes.iter().any(|w| w.buffer == input)).expect("a push");
        if plan.placements[input].capacity > 1 {
            let shifted = |bad: &mut Plan| {
                let period = bad.period.as_mut().expect("a period");
                period.steps[push].end -= 1;
            };
            assert!(damaged(&shifted), "a ring that is not where it was");
        }
    }
    assert!(graphs.len() > 15);
}
