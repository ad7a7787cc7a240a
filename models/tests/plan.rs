//! The planner on random dataflows: every plan survives its checker, keeps to its bounds, and is caught when it is
//! damaged.

use proptest::prelude::*;
use std::ops::Range;
use tinderbox::plan::check::check;
use tinderbox::plan::dataflow::{Access, Buffer, BufferId, Dataflow, Node, Role, Worker};
use tinderbox::plan::{Grouping, Options, Plan, plan};
use tinderbox_runtime::schedule::{Action, Cursor};

/// A window over rows: rows read by step `i` are `i * stride - pad .. + size`.
#[derive(Clone, Copy, Debug)]
struct Window {
    size: usize,
    stride: usize,
    pad: usize,
}

/// A node to add to the chain: which earlier tensors it reads (counted back from the newest) and how.
#[derive(Clone, Debug)]
struct Recipe {
    window: Window,
    back: usize,
    second: Option<usize>,
    row_bytes: usize,
    scratch: usize,
    flat: bool,
    whole: bool,
    in_place: bool,
    rows_per_step: usize,
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let window = (1usize..6, 1usize..4, 0usize..3).prop_map(|(size, stride, pad)| Window {
        size,
        stride,
        pad: pad.min(size - 1),
    });
    let shape = (
        1usize..40,
        prop_oneof![3 => Just(0usize), 1 => 1usize..64],
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
    );
    let reads = (0usize..3, prop::option::weighted(0.3, 0usize..4));
    (window, reads, shape, any::<bool>(), 1usize..3).prop_map(
        |(window, (back, second), (row_bytes, scratch, flat, whole), in_place, rows_per_step)| Recipe {
            window,
            back,
            second,
            row_bytes,
            scratch,
            flat,
            whole,
            in_place,
            rows_per_step,
        },
    )
}

fn dataflow() -> impl Strategy<Value = Dataflow> {
    let recipes = prop::collection::vec(recipe(), 1..14);
    (1usize..40, 1usize..40, any::<bool>(), recipes)
        .prop_map(|(rows, row_bytes, pushed, recipes)| build(rows, row_bytes, pushed, &recipes))
}

fn build(rows: usize, row_bytes: usize, pushed: bool, recipes: &[Recipe]) -> Dataflow {
    let mut flow = Dataflow::default();
    let input = buffer(&mut flow, rows, row_bytes, if pushed { Role::Inner } else { Role::Input }, !pushed);
    if pushed {
        let write = Access { buffer: input, rows: (0..rows).map(|row| row..row + 1).collect() };
        flow.nodes.push(Node { worker: Worker::Caller { input: 0 }, ..node("push", rows, vec![], vec![write]) });
    }
    for (i, recipe) in recipes.iter().enumerate() {
        add(&mut flow, i, recipe);
    }
    let read: Vec<BufferId> = flow.nodes.iter().flat_map(|n| n.reads.iter().map(|a| a.buffer)).collect();
    for (id, buffer) in flow.buffers.iter_mut().enumerate() {
        if !read.contains(&id) && buffer.role == Role::Inner && id != input {
            (buffer.role, buffer.flat) = (Role::Output, true);
        }
    }
    flow
}

fn add(flow: &mut Dataflow, i: usize, recipe: &Recipe) {
    let newest = flow.buffers.len() - 1;
    let from = newest - recipe.back.min(newest);
    let in_rows = flow.buffers[from].rows;
    let Window { size, stride, pad } = recipe.window;
    let out_rows = if recipe.whole { 1 } else { (in_rows + 2 * pad).saturating_sub(size) / stride + 1 };
    let p = recipe.rows_per_step.min(out_rows);
    let steps = out_rows.div_ceil(p);
    let made = |step: usize| step * p..((step + 1) * p).min(out_rows);
    let needed = |step: usize| -> Range<usize> {
        if recipe.whole {
            return 0..in_rows;
        }
        let rows = made(step);
        let clamp = |row: usize| row.saturating_sub(pad).min(in_rows);
        clamp(rows.start * stride)..clamp((rows.end - 1) * stride + size)
    };
    let mut reads = vec![Access { buffer: from, rows: (0..steps).map(needed).collect() }];
    // A second input of the same height is read row by row.
    if let Some(second) = recipe.second.map(|back| newest - back.min(newest))
        && second != from
        && flow.buffers[second].rows == out_rows
    {
        reads.push(Access { buffer: second, rows: (0..steps).map(made).collect() });
    }
    let out = buffer(flow, out_rows, recipe.row_bytes, Role::Inner, recipe.flat);
    let last = reads.len() - 1;
    let one_to_one = reads[last].rows == (0..steps).map(made).collect::<Vec<_>>();
    let fits = flow.buffers[out].stride <= flow.buffers[reads[last].buffer].stride;
    let write = Access { buffer: out, rows: (0..steps).map(made).collect() };
    let mut node = node(&format!("node{i}"), steps, reads, vec![write]);
    node.rows_per_step = p;
    node.scratch = recipe.scratch;
    if recipe.in_place && one_to_one && fits {
        node.in_place = vec![last];
    }
    flow.nodes.push(node);
}

fn buffer(flow: &mut Dataflow, rows: usize, row_bytes: usize, role: Role, flat: bool) -> BufferId {
    let stride = if flat { row_bytes } else { row_bytes.next_multiple_of(4) };
    let name = format!("buffer{}", flow.buffers.len());
    flow.buffers.push(Buffer { name, rows, stride, flat, align: 4, role });
    flow.buffers.len() - 1
}

fn node(name: &str, steps: usize, reads: Vec<Access>, writes: Vec<Access>) -> Node {
    Node {
        name: name.into(),
        worker: Worker::Kernel,
        steps,
        rows_per_step: 1,
        reads,
        writes,
        scratch: 0,
        state: 0,
        in_place: vec![],
        after: vec![],
    }
}

fn assert_bounds(plan: &Plan) {
    assert!(plan.lower_bound_bytes <= plan.live_bytes, "{} > {}", plan.lower_bound_bytes, plan.live_bytes);
    assert!(plan.live_bytes <= plan.arena_bytes, "{} > {}", plan.live_bytes, plan.arena_bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn plans_hold(flow in dataflow()) {
        // `plan` refuses what its checker finds.
        assert_bounds(&plan(&flow, &Options::default()).unwrap());
    }

    #[test]
    fn any_segmentation_holds(flow in dataflow(), cuts in prop::collection::vec(any::<bool>(), 16), no_fresh_rows in any::<bool>()) {
        let mut segments = vec![];
        let mut start = 0;
        for (end, cut) in (1..=flow.nodes.len()).zip(cuts) {
            if end == flow.nodes.len() || cut {
                segments.push(start..end);
                start = end;
            }
        }
        let chosen = plan(&flow, &Options { grouping: Grouping::Given(segments), no_fresh_rows }).unwrap();
        assert_bounds(&chosen);
    }

    #[test]
    fn damage_is_caught(flow in dataflow(), which in any::<prop::sample::Index>(), by in 1usize..64) {
        let good = plan(&flow, &Options::default()).unwrap();
        let moved = which.index(good.placements.len());
        let mut bad = good.clone();
        bad.placements[moved].offset += bad.arena_bytes;
        // Out of the arena: caught, unless nobody uses it.
        if good.placements[moved].capacity > 0 {
            prop_assert!(check(&flow, &bad).is_err());
        }
        // A step less: an output is incomplete or a row is missing.
        let mut bad = good.clone();
        bad.schedule = without_a_step(&good.schedule, which);
        prop_assert!(check(&flow, &bad).is_err());
        // A smaller ring loses rows, if all of it was needed.
        let mut bad = good;
        let ring = &mut bad.placements[moved];
        if ring.capacity > by {
            ring.capacity -= by;
            prop_assert!(check(&flow, &bad).is_err());
        }
    }
}

/// The schedule, repetitions written out, with one step of some node left out.
fn without_a_step(schedule: &[u16], which: prop::sample::Index) -> Vec<u16> {
    let mut cursor = Cursor::default();
    let mut actions = vec![];
    while let Some(action) = cursor.action(schedule) {
        actions.push(action);
        cursor.advance();
    }
    let steps: Vec<usize> = (0..actions.len()).filter(|i| matches!(actions[*i], Action::Run { .. })).collect();
    actions.remove(steps[which.index(steps.len())]);
    actions.iter().map(|action| action.encode().unwrap()).collect()
}
