//! Events and commits as the runtime's schedule, with repetitions folded.

use super::dataflow::{Dataflow, Role, Worker};
use super::lifetime::{Destination, Layout};
use super::order::Event;
use std::collections::HashMap;
use tinderbox_runtime::schedule::Action;

/// Longest stretch of actions that is looked for as a repetition.
const MAX_PERIOD: usize = 512;

/// The actions of an inference, or of a part of a stream. Nodes are counted without those that the caller does; a tensor has its buffer's index.
/// Those before event `period` come apart.
pub fn actions(flow: &Dataflow, events: &[Event], period: usize, layout: &Layout) -> (Vec<Action>, Vec<Action>) {
    let kernels = kernel_indices(flow);
    let mut commits: Vec<Vec<usize>> = vec![vec![]; events.len()];
    for (event, destinations) in events.iter().zip(&layout.destinations) {
        for (access, destination) in flow.nodes[event.node].writes.iter().zip(destinations) {
            if let Destination::Fresh { commit: Some(after) } = destination {
                commits[*after].push(access.buffer);
            }
        }
    }
    let (mut beginning, mut actions) = (vec![], vec![]);
    for (i, event) in events.iter().enumerate() {
        if i == period {
            beginning = std::mem::take(&mut actions);
        }
        let fresh = layout.destinations[i].iter().any(|d| matches!(d, Destination::Fresh { .. }));
        actions.push(match flow.nodes[event.node].worker {
            Worker::Kernel => Action::Run { node: kernels[event.node], fresh },
            Worker::Caller { input } => Action::Push { input, fresh },
            Worker::Reader => Action::Ready,
        });
        actions.extend(commits[i].iter().map(|tensor| Action::Commit { tensor: *tensor }));
    }
    if flow.nodes.iter().any(|node| node.worker == Worker::Reader) {
        return (beginning, actions);
    }
    // Rows that nobody reads are taken all the same: the caller pushes whole inputs.
    for node in &flow.nodes {
        if let (Worker::Caller { input }, [access]) = (node.worker, node.writes.as_slice()) {
            debug_assert!(flow.buffers[access.buffer].role == Role::Inner);
            let pushed = actions.iter().filter(|a| matches!(a, Action::Push { input: i, .. } if *i == input)).count();
            actions.extend((pushed..node.steps).map(|_| Action::Drop { input }));
        }
    }
    actions.push(Action::Ready);
    (beginning, actions)
}

/// Per node, its index among those that kernels execute.
pub fn kernel_indices(flow: &Dataflow) -> Vec<usize> {
    let mut next = 0;
    let count = |node: &super::dataflow::Node| {
        let index = next;
        next += usize::from(node.worker == Worker::Kernel);
        index
    };
    flow.nodes.iter().map(count).collect()
}

/// The schedule's entries; `None` if an index does not fit.
pub fn encode(actions: &[Action]) -> Option<Vec<u16>> {
    let next = next_alike(actions);
    let mut entries: Vec<u16> = vec![];
    let mut at = 0;
    while at < actions.len() {
        let (period, times) = repetition(actions, at, &next);
        for action in &actions[at..at + period] {
            entries.push(action.encode()?);
        }
        if times > 1 {
            entries.push(Action::Repeat { length: period }.encode()?);
            entries.push((times - 1) as u16);
        }
        at += period * times;
    }
    Some(entries)
}

/// Per action, where the same one comes next; the number of actions where it does not.
fn next_alike(actions: &[Action]) -> Vec<usize> {
    let mut later = HashMap::new();
    let mut next: Vec<usize> =
        (0..actions.len()).rev().map(|at| later.insert(actions[at], at).unwrap_or(actions.len())).collect();
    next.reverse();
    next
}

/// The length of the stretch at `at` that saves most by being repeated, and how often it stands there; (1, 1) if none
/// does. It begins anew with its first action.
fn repetition(actions: &[Action], at: usize, next: &[usize]) -> (usize, usize) {
    let longest = at + MAX_PERIOD.min((actions.len() - at) / 2);
    let mut best = (1, 1, 0);
    for again in std::iter::successors(Some(next[at]), |again| next.get(*again).copied()).take_while(|i| *i <= longest)
    {
        let period = again - at;
        let alike = actions[at..].iter().zip(&actions[again..]).take_while(|(a, b)| a == b).count();
        let times = (1 + alike / period).min(usize::from(u16::MAX));
        let saved = (period * times).saturating_sub(period + 2);
        if saved > best.2 {
            best = (period, times, saved);
        }
    }
    (best.0, best.1)
}
