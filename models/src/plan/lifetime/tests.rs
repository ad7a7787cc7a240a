use super::*;
use crate::plan::dataflow::{Access, Buffer, Node, Worker};

/// Where rows are replaced in place while three nodes hand on rows, a step each in turn, in rings of two rows.
fn replaced(rows: &[Range<usize>]) -> Vec<Range<usize>> {
    let count = rows.last().map_or(0, |last| last.end);
    let buffer =
        |name: &str| Buffer { name: name.into(), rows: count, stride: 4, flat: false, align: 4, role: Role::Inner };
    let access = |buffer| vec![Access { buffer, rows: rows.to_vec() }];
    let node = |name| Node::new(name, Worker::Kernel, rows.len());
    let nodes = vec![
        Node { writes: access(0), ..node("source") },
        Node { reads: access(0), writes: access(1), in_place: vec![0], ..node("middle") },
        Node { reads: access(1), ..node("sink") },
    ];
    let flow = Dataflow { buffers: vec![buffer("x"), buffer("y")], nodes, ..Dataflow::default() };
    let events: Vec<Event> = (0..rows.len()).flat_map(|step| (0..3).map(move |node| Event { node, step })).collect();
    let never = |_| false;
    let around = Surroundings {
        present: &never,
        wanted: &never,
        may_be_fresh: &never,
        ring_rows: &|_, least| least,
        pauses: &[],
    };
    let layout = Layout::new(&flow, &events, &around);
    assert!(layout.rings.iter().all(|ring| ring.capacity == 2), "{:?}", layout.rings);
    layout.in_place.iter().map(|pair| pair.input_row..pair.input_row + pair.rows).collect()
}

#[test]
fn rows_in_the_order_of_their_ring_are_replaced_in_place() {
    assert_eq!(replaced(&[0..2, 2..4, 4..6]), [0..2, 2..4, 4..6]);
    // A short first step: the ring begins in its middle.
    assert_eq!(replaced(&[0..1, 1..3, 3..5, 5..6]), [0..1, 1..3, 3..5, 5..6]);
}

/// Rows 3 and 4 of a ring of two are in slots 1 and 0. A kernel that walks upwards would have written over the second
/// before it reads it.
#[test]
fn rows_round_the_end_of_their_ring_are_not_replaced_in_place() {
    assert_eq!(replaced(&[0..2, 2..3, 3..5, 5..6]), [0..2, 2..3, 5..6]);
}
