//! A spread of the conformance corpus on an emulated board, every kernel among it: the bytes of the stored outputs.

use std::collections::HashSet;
use std::sync::Mutex;
use tinderbox::compile::{Options, compile};
use tinderbox::lower::Kernels;
use tinderbox::program::Image;
use tinderbox::run::board;
use tinderbox::run::firmware::RunnerOptions;
use tinderbox::target::{self, Board};
use tinderbox_tests::cases::{Case, folders};

/// How many cases at least.
const CASES: usize = 64;
/// Firmware is linked, and emulated, by this many threads.
const THREADS: usize = 2;

#[test]
fn cases_give_their_bytes_on_the_board() {
    let machine = target::board("mps2-an386").expect("the board is described");
    let cases = spread();
    let count = cases.len();
    assert!(count >= CASES);
    let (queue, wrong) = (Mutex::new(cases), Mutex::new(vec![]));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((case, image)) = { queue.lock().expect("no panic").pop() } {
                    if let Some(difference) = run(&machine, &case, &image) {
                        wrong.lock().expect("no panic").push(format!("{}: {difference}", case.name));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{} of {count} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Cases with an operator or kernel that no case before had, then others evenly from all.
fn spread() -> Vec<(Case, Image)> {
    let (mut seen, mut chosen, mut others) = (HashSet::new(), vec![], vec![]);
    for folder in folders() {
        let case = Case::load(&folder);
        let image = compile(&case.graph, &Options { kernels: Kernels::Armv7em, ..Options::default() });
        let image = image.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let brings: Vec<_> = image.nodes().map(|node| (node.layer.op.clone(), node.layer.kernel.symbol)).collect();
        let new = brings.into_iter().filter(|what| seen.insert(what.clone())).count();
        if new > 0 { &mut chosen } else { &mut others }.push((case, image));
    }
    let missing = CASES.saturating_sub(chosen.len());
    let stride = others.len() / missing.max(1);
    chosen.extend(others.into_iter().step_by(stride.max(1)).take(missing));
    chosen
}

/// What is wrong with the case's outputs on the board.
fn run(machine: &Board, case: &Case, image: &Image) -> Option<String> {
    let options = RunnerOptions { keep_state: case.keep_state, ..RunnerOptions::default() };
    match board::run(machine, &case.graph, image, &case.inferences(), options) {
        Ok((found, _)) => case.difference(&found),
        Err(error) => Some(error.to_string()),
    }
}
