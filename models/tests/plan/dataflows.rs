//! Random dataflows, without regard to what their operators would compute.

use proptest::prelude::*;
use std::ops::Range;
use tinderbox::plan::dataflow::{Access, Buffer, BufferId, Dataflow, Node, Role, Worker};

/// A window over rows: rows read by step `i` are `i * stride - pad .. + size`.
#[derive(Clone, Copy, Debug)]
struct Window {
    size: usize,
    stride: usize,
    pad: usize,
}

/// What a node does with the rows of the tensors before it.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Reads a window of its input, and a row of a second one of the output's height or of one row.
    Window(Window),
    /// Reads all of its input in each step.
    Whole,
    /// Reads row after row and makes one row of them in the last step.
    Reduce,
    /// The rows of two inputs, one after the other.
    Join,
    /// Two outputs, row by row.
    Fork,
    /// Two outputs, the first rows in the one, the others in the other.
    Cut,
    /// Starts when another node is done, though it reads nothing of it.
    After,
}

/// A node to add to the network: which earlier tensors it reads (counted back from the newest) and how.
#[derive(Clone, Debug)]
struct Recipe {
    kind: Kind,
    back: usize,
    second: Option<usize>,
    row_bytes: usize,
    scratch: usize,
    state: usize,
    persistent: bool,
    flat: bool,
    in_place: bool,
    rows_per_step: usize,
}

fn kind() -> impl Strategy<Value = Kind> {
    let window = (1usize..6, 1usize..4, 0usize..3)
        .prop_map(|(size, stride, pad)| Kind::Window(Window { size, stride, pad: pad.min(size - 1) }));
    let plain = Just(Kind::Window(Window { size: 1, stride: 1, pad: 0 }));
    let rare = prop_oneof![Just(Kind::Whole), Just(Kind::Reduce), Just(Kind::Join), Just(Kind::Fork), Just(Kind::Cut)];
    prop_oneof![6 => window, 6 => plain, 4 => rare, 1 => Just(Kind::After)]
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let bytes = || prop_oneof![3 => Just(0usize), 1 => 1usize..64];
    let shape = (1usize..40, bytes(), bytes(), any::<bool>(), prop::bool::weighted(0.1));
    let reads = (0usize..8, prop::option::weighted(0.5, 0usize..8));
    (kind(), reads, shape, any::<bool>(), 1usize..4).prop_map(
        |(kind, (back, second), (row_bytes, scratch, state, persistent, flat), in_place, rows_per_step)| Recipe {
            kind,
            back,
            second,
            row_bytes,
            scratch,
            state,
            persistent,
            flat,
            in_place,
            rows_per_step,
        },
    )
}

/// Random networks of pushed or whole inputs, branches, joins and several outputs.
pub(crate) fn dataflow() -> impl Strategy<Value = Dataflow> {
    // Beyond 256 rows, the planner tracks bands of several.
    let rows = prop_oneof![19 => 1usize..40, 1 => 250usize..600];
    let inputs = prop::collection::vec((rows, 1usize..40), 1..3);
    let recipes = prop::collection::vec(recipe(), 1..24);
    let kept = prop::collection::vec(prop::bool::weighted(0.1), 64);
    (inputs, any::<bool>(), recipes, kept)
        .prop_map(|(inputs, pushed, recipes, kept)| build(&inputs, pushed, &recipes, &kept))
}

/// `kept` tells which tensors are outputs though others read them.
fn build(inputs: &[(usize, usize)], pushed: bool, recipes: &[Recipe], kept: &[bool]) -> Dataflow {
    let mut flow = Dataflow::default();
    for (input, &(rows, row_bytes)) in inputs.iter().enumerate() {
        let id = buffer(&mut flow, rows, row_bytes, if pushed { Role::Inner } else { Role::Input }, !pushed);
        if pushed {
            let write = Access { buffer: id, rows: (0..rows).map(|row| row..row + 1).collect() };
            flow.nodes.push(Node { worker: Worker::Caller { input }, ..node("push", rows, vec![], vec![write]) });
        }
    }
    for (i, recipe) in recipes.iter().enumerate() {
        add(&mut flow, i, recipe);
    }
    let read: Vec<BufferId> = flow.nodes.iter().flat_map(|n| n.reads.iter().map(|a| a.buffer)).collect();
    for (id, buffer) in flow.buffers.iter_mut().enumerate().skip(inputs.len()) {
        if !read.contains(&id) || kept[id % kept.len()] {
            (buffer.role, buffer.flat) = (Role::Output, true);
        }
    }
    flow
}

fn add(flow: &mut Dataflow, i: usize, recipe: &Recipe) {
    let newest = flow.buffers.len() - 1;
    let from = newest - recipe.back.min(newest);
    let second = recipe.second.map(|back| newest - back.min(newest));
    let rows = |flow: &Dataflow, buffer: BufferId| flow.buffers[buffer].rows;
    let in_rows = rows(flow, from);
    let one_by_one = |count: usize| (0..count).map(|row| row..row + 1).collect::<Vec<_>>();
    let out = |flow: &mut Dataflow, rows: usize| buffer(flow, rows, recipe.row_bytes, Role::Inner, recipe.flat);
    let mut made = match recipe.kind {
        Kind::Window(window) => windows(flow, recipe, window, from, second),
        Kind::Whole => {
            let write = Access { buffer: out(flow, 1), rows: one_by_one(1) };
            node("", 1, vec![Access { buffer: from, rows: std::iter::once(0..in_rows).collect() }], vec![write])
        }
        Kind::Reduce => {
            let reads = vec![Access { buffer: from, rows: one_by_one(in_rows) }];
            let made = |step: usize| if step + 1 == in_rows { 0..1 } else { 0..0 };
            let write = Access { buffer: out(flow, 1), rows: (0..in_rows).map(made).collect() };
            node("", in_rows, reads, vec![write])
        }
        Kind::Join => {
            let second = second.unwrap_or(from);
            let more = rows(flow, second);
            let first = (0..in_rows + more).map(|step| step.min(in_rows)..(step + 1).min(in_rows)).collect();
            let then = |step: usize| step.saturating_sub(in_rows)..(step + 1).saturating_sub(in_rows);
            let reads = vec![
                Access { buffer: from, rows: first },
                Access { buffer: second, rows: (0..in_rows + more).map(then).collect() },
            ];
            let write = Access { buffer: out(flow, in_rows + more), rows: one_by_one(in_rows + more) };
            node("", in_rows + more, reads, vec![write])
        }
        Kind::Fork => {
            let reads = vec![Access { buffer: from, rows: one_by_one(in_rows) }];
            let writes = [0, 1].map(|_| Access { buffer: out(flow, in_rows), rows: one_by_one(in_rows) });
            node("", in_rows, reads, writes.to_vec())
        }
        Kind::Cut if in_rows > 1 => {
            let at = in_rows / 2;
            let reads = vec![Access { buffer: from, rows: one_by_one(in_rows) }];
            let head = (0..in_rows).map(|step| step.min(at)..(step + 1).min(at)).collect();
            let tail = (0..in_rows).map(|step| step.saturating_sub(at)..(step + 1).saturating_sub(at)).collect();
            let (a, b) = (out(flow, at), out(flow, in_rows - at));
            node("", in_rows, reads, vec![Access { buffer: a, rows: head }, Access { buffer: b, rows: tail }])
        }
        Kind::After | Kind::Cut => {
            let window = windows(flow, recipe, Window { size: 1, stride: 1, pad: 0 }, from, second);
            let before = flow.nodes.len().checked_sub(1 + recipe.scratch % 4);
            Node { after: before.into_iter().collect(), ..window }
        }
    };
    made.name = format!("node{i}");
    (made.scratch, made.state) = (recipe.scratch, recipe.state);
    made.persistent = recipe.persistent && recipe.state > 0;
    flow.nodes.push(made);
}

fn windows(flow: &mut Dataflow, recipe: &Recipe, window: Window, from: BufferId, second: Option<BufferId>) -> Node {
    let Window { size, stride, pad } = window;
    let in_rows = flow.buffers[from].rows;
    let out_rows = (in_rows + 2 * pad).saturating_sub(size) / stride + 1;
    let p = recipe.rows_per_step.min(out_rows);
    let steps = out_rows.div_ceil(p);
    let made = |step: usize| step * p..((step + 1) * p).min(out_rows);
    let needed = |step: usize| -> Range<usize> {
        let rows = made(step);
        let clamp = |row: usize| row.saturating_sub(pad).min(in_rows);
        clamp(rows.start * stride)..clamp((rows.end - 1) * stride + size)
    };
    let mut reads = vec![Access { buffer: from, rows: (0..steps).map(needed).collect() }];
    match second.map(|second| (second, flow.buffers[second].rows)) {
        Some((buffer, rows)) if rows == out_rows => reads.push(Access { buffer, rows: (0..steps).map(made).collect() }),
        Some((buffer, 1)) => reads.push(Access { buffer, rows: vec![0..1; steps] }),
        _ => {}
    }
    let out = buffer(flow, out_rows, recipe.row_bytes, Role::Inner, recipe.flat);
    let rows: Vec<_> = (0..steps).map(made).collect();
    let write = Access { buffer: out, rows: rows.clone() };
    let may_replace =
        |access: &Access| access.rows == rows && flow.buffers[out].stride <= flow.buffers[access.buffer].stride;
    let in_place = (0..reads.len()).filter(|i| recipe.in_place && may_replace(&reads[*i])).collect();
    Node { rows_per_step: p, in_place, ..node("", steps, reads, vec![write]) }
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
        persistent: false,
        in_place: vec![],
        after: vec![],
    }
}
