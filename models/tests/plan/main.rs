//! The planner on random dataflows: every plan passes its checker, keeps to its bounds, and computes what whole tensors
//! do, whatever the segments; and what the checker passes computes that, too, however the plan was damaged.

mod dataflows;
mod mixing;

use dataflows::dataflow;
use proptest::prelude::*;
use tinderbox::plan::check::check;
use tinderbox::plan::{Grouping, Options, Plan, plan};
use tinderbox_runtime::schedule::{Action, Cursor};

/// Networks per test; `CASES` asks for more.
fn cases() -> u32 {
    std::env::var("CASES").map_or(150, |n| n.parse().expect("a number"))
}

fn assert_bounds(plan: &Plan) {
    assert!(plan.lower_bound_bytes <= plan.live_bytes, "{} > {}", plan.lower_bound_bytes, plan.live_bytes);
    assert!(plan.live_bytes <= plan.arena_bytes, "{} > {}", plan.live_bytes, plan.arena_bytes);
}

/// A change to one number of a plan.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// A ring begins elsewhere.
    Offset,
    /// Fresh rows begin elsewhere.
    Fresh,
    /// A ring is smaller.
    Capacity,
    /// Scratch begins elsewhere.
    Scratch,
    /// State begins elsewhere.
    State,
    /// An action is missing.
    Missing,
    /// Two neighbouring actions change places.
    Swapped,
}

fn damage() -> impl Strategy<Value = Damage> {
    use Damage::*;
    prop::sample::select(vec![Offset, Fresh, Capacity, Scratch, State, Missing, Swapped])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn plans_hold(flow in dataflow()) {
        // `plan` refuses what its checker finds.
        let chosen = plan(&flow, &Options::default()).unwrap();
        assert_bounds(&chosen);
        prop_assert_eq!(mixing::run(&flow, &chosen), Some(mixing::whole_tensors(&flow)));
    }

    #[test]
    fn any_segmentation_holds(
        flow in dataflow(),
        cuts in prop::collection::vec(any::<bool>(), 32),
        no_fresh_rows in any::<bool>(),
    ) {
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
        prop_assert_eq!(mixing::run(&flow, &chosen), Some(mixing::whole_tensors(&flow)));
    }

    #[test]
    fn damage_is_caught(
        flow in dataflow(),
        damage in damage(),
        which in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
    ) {
        let mut bad = plan(&flow, &Options::default()).unwrap();
        let to = 4 * other.index(bad.arena_bytes.div_ceil(4));
        match damage {
            Damage::Offset => bad.placements[which.index(flow.buffers.len())].offset = to,
            Damage::Fresh => bad.placements[which.index(flow.buffers.len())].fresh = to,
            Damage::Scratch => bad.scratch[which.index(flow.nodes.len())] = to,
            Damage::State => bad.state[which.index(flow.nodes.len())] = to,
            Damage::Capacity => {
                let ring = &mut bad.placements[which.index(flow.buffers.len())];
                ring.capacity = other.index(ring.capacity + 1);
            }
            Damage::Missing => bad.schedule = changed(&bad.schedule, |actions| {
                actions.remove(which.index(actions.len()));
            }),
            Damage::Swapped => bad.schedule = changed(&bad.schedule, |actions| {
                let (at, count) = (which.index(actions.len()), actions.len());
                actions.swap(at, (at + 1) % count);
            }),
        }
        if check(&flow, &bad).is_ok() {
            prop_assert_eq!(mixing::run(&flow, &bad), Some(mixing::whole_tensors(&flow)));
        }
    }
}

/// The schedule, repetitions written out, after `change`.
fn changed(schedule: &[u16], change: impl FnOnce(&mut Vec<Action>)) -> Vec<u16> {
    let mut cursor = Cursor::default();
    let mut actions = vec![];
    while let Some(action) = cursor.action(schedule) {
        actions.push(action);
        cursor.advance();
    }
    change(&mut actions);
    actions.iter().map(|action| action.encode().unwrap()).collect()
}
