//! The choice: which variant of every layer, so that the whole costs the fewest instructions within the user's budgets.
//!
//! What a layer costs in instructions and flash depends on its own variant alone; the arena depends on all of them at
//! once, and only the planner knows it. So the problem is split as Benders' decomposition splits it (Hooker and Ottosson
//! 2003, "Logic-based Benders decomposition"): an integer program picks the cheapest variants, the planner says how much
//! RAM they take, and if that is too much, a constraint rules out the smallest part of the picks that is to blame. The
//! first picks that fit are the best ones.

mod conflict;
pub mod frontier;
mod master;
pub mod plot;
mod problem;
mod refusal;

pub use refusal::Infeasible;

use crate::cost::Table;
use crate::lower::{self, Lowerer};
use crate::plan;
use crate::program::Image;
use master::Master;
use problem::{Picks, Problem};
use thiserror::Error;

/// What the program may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of the arena.
    pub ram: Option<usize>,
    /// Bytes of code, constants and weights.
    pub flash: Option<usize>,
}

/// Why there is no choice.
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// An operator, type or shape has no kernel.
    #[error(transparent)]
    Lower(#[from] lower::Error),
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] plan::Error),
    /// Nothing fits.
    #[error(transparent)]
    Infeasible(Box<Infeasible>),
    /// The integer program cannot be solved; a bug.
    #[error("internal error, please report it: the solver failed: {0}")]
    Solver(String),
}

/// The best program, and what is known of it.
#[derive(Clone)]
pub struct Choice {
    /// The program.
    pub image: Image,
    /// Predicted instructions of an inference.
    pub instructions: f64,
    /// No program within the budget is predicted to take fewer.
    pub bound: f64,
    /// Predicted bytes of flash.
    pub flash: usize,
}

/// How thoroughly to search.
#[derive(Clone, Copy)]
struct Effort {
    /// Programs that are planned before the best so far is taken.
    plans: usize,
    /// How far from the fewest instructions a program may be, as a part of them.
    gap: f64,
}

/// For a limit that the user set.
const EXACT: Effort = Effort { plans: 400, gap: 0.0 };
/// For limits that are only tried: the gap is less than predictions err.
const ROUGH: Effort = Effort { plans: 40, gap: 0.005 };
/// Where RAM has no limit, parts of it that are tried to be saved at a time.
const STEP: usize = 32;
/// Programs that are planned before no more is tried to be saved.
const MOST_TRIED: usize = 400;
/// Percents of RAM that a percent of time is worth.
const WORTH: f64 = 1.25;
/// How much slower than the fastest a program may be to save RAM that has no limit.
const MOST_SLOWER: f64 = 1.125;

/// Chooses the program of fewest predicted instructions within a limit on RAM; without one, the program that makes the
/// most of both.
pub fn choose(lowerer: &Lowerer<'_>, table: &Table, plan: &plan::Options, budget: Budget) -> Result<Choice, Error> {
    let problem = Problem::new(lowerer, table, plan)?;
    let mut found = search(&problem, budget, if budget.ram.is_none() { ROUGH } else { EXACT })?;
    if budget.ram.is_none() {
        found = balanced(&problem, budget, found)?;
    }
    problem.choice(found)
}

/// The best picks.
#[derive(Clone, Debug)]
struct Found {
    picks: Picks,
    arena: usize,
    instructions: f64,
    bound: f64,
}

/// Searches the picks of fewest instructions within a budget.
fn search(problem: &Problem<'_>, budget: Budget, effort: Effort) -> Result<Found, Error> {
    let mut master = Master::new(problem, budget.flash);
    let mut best: Option<Found> = None;
    let (mut bound, mut proven) = (0.0, false);
    for _ in 0..effort.plans {
        let Some((picks, instructions)) = master.solve()? else {
            proven = true;
            break;
        };
        bound = instructions;
        if best.as_ref().is_some_and(|best| best.instructions <= bound * (1.0 + effort.gap)) {
            proven = effort.gap == 0.0;
            break;
        }
        let planned = problem.plan(&picks)?;
        if budget.ram.is_some_and(|ram| planned.arena > ram) {
            master.forbid(&conflict::conflict(problem, &picks, budget)?);
            continue;
        }
        // Moving rows costs instructions that the integer program does not know of.
        let instructions = instructions + planned.commits;
        master.forbid(&picks);
        if best.as_ref().is_none_or(|best| instructions < best.instructions) {
            best = Some(Found { picks, arena: planned.arena, instructions, bound });
        }
    }
    match best {
        Some(best) => {
            let bound = if proven { best.instructions } else { bound.min(best.instructions) };
            Ok(Found { bound, ..best })
        }
        None => Err(Error::Infeasible(Box::new(refusal::explain(problem, budget)?))),
    }
}

/// The program of which RAM times instructions to the power of [`WORTH`] is least, among those that are not much slower
/// than the fastest.
fn balanced(problem: &Problem<'_>, budget: Budget, fastest: Found) -> Result<Found, Error> {
    let smallest = problem.smallest()?;
    let slowest = fastest.instructions * MOST_SLOWER;
    let product = |arena: usize, instructions: f64| arena as f64 * instructions.powf(WORTH);
    let mut best = fastest.clone();
    let (mut least, mut arena) = (product(best.arena, best.instructions), fastest.arena);
    while arena > smallest && problem.tried() < MOST_TRIED {
        let ram = arena - (arena / STEP).max(1);
        let found = match search(problem, Budget { ram: Some(ram), ..budget }, ROUGH) {
            Ok(found) => found,
            Err(Error::Infeasible(_)) => break,
            Err(error) => return Err(error),
        };
        arena = found.arena;
        if found.instructions <= slowest && product(arena, found.instructions) < least {
            least = product(arena, found.instructions);
            best = found.clone();
        }
        // Less RAM takes more instructions still.
        if found.instructions > slowest || product(smallest, found.instructions) >= least {
            break;
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::calibrate::chains;
    use crate::lower::{InputMode, Kernels};
    use crate::target::costs;

    fn problems(test: impl Fn(&Problem<'_>)) {
        let table = Table::read(&costs("cortex-m4")).unwrap();
        let options = plan::Options::default();
        for graph in chains() {
            let lowerer = Lowerer::new(&graph, InputMode::Whole, Kernels::Armv7em);
            test(&Problem::new(&lowerer, &table, &options).unwrap());
        }
    }

    /// Every program: its picks, RAM, flash and instructions.
    fn all(problem: &Problem<'_>) -> Vec<(usize, usize, f64)> {
        let mut all: Vec<Picks> = vec![vec![]];
        for layer in &problem.layers {
            let longer = |picks: &Picks| -> Vec<Picks> {
                (0..layer.candidates.len()).map(|i| [&picks[..], &[i]].concat()).collect()
            };
            all = all.iter().flat_map(longer).collect();
        }
        let cost = |picks: Picks| {
            let planned = problem.plan(&picks).unwrap();
            let chosen = problem.layers.iter().zip(&picks).map(|(layer, pick)| layer.candidates[*pick].instructions);
            let instructions = chosen.sum::<f64>() + problem.fixed.instructions + planned.commits;
            (planned.arena, problem.flash(&picks), instructions)
        };
        all.into_iter().map(cost).collect()
    }

    #[test]
    fn the_best_of_all_programs_is_found() {
        problems(|problem| {
            let all = all(problem);
            let median = |mut of: Vec<usize>| {
                of.sort();
                of[of.len() / 2]
            };
            let ram = median(all.iter().map(|(ram, ..)| *ram).collect());
            let flash = median(all.iter().map(|(_, flash, _)| *flash).collect());
            for budget in [
                Budget::default(),
                Budget { ram: Some(ram), flash: None },
                Budget { ram: None, flash: Some(flash) },
                Budget { ram: Some(ram), flash: Some(flash) },
            ] {
                let fits = |(ram, flash, _): &&(usize, usize, f64)| {
                    budget.ram.is_none_or(|limit| *ram <= limit) && budget.flash.is_none_or(|limit| *flash <= limit)
                };
                let best = all.iter().filter(fits).map(|(.., instructions)| *instructions).reduce(f64::min);
                let found = search(problem, budget, EXACT).ok();
                match (best, found) {
                    (Some(best), Some(found)) => {
                        assert!((found.instructions - best).abs() < 1e-6, "{} is not {best}", found.instructions);
                        assert!(budget.ram.is_none_or(|limit| found.arena <= limit));
                        assert!(budget.flash.is_none_or(|limit| problem.flash(&found.picks) <= limit));
                        assert!((found.bound - best).abs() < 1e-6);
                    }
                    (None, None) => {}
                    (best, found) => panic!("{best:?} is not {found:?}"),
                }
            }
        });
    }

    #[test]
    fn what_does_not_fit_is_explained() {
        problems(|problem| {
            let (ram, flash) = (problem.smallest().unwrap(), 20);
            let refused = search(problem, Budget { ram: Some(ram - 1), flash: None }, EXACT).unwrap_err().to_string();
            assert!(refused.contains(&format!("--ram {ram}")) && refused.contains("binds"), "{refused}");
            let refused = search(problem, Budget { ram: None, flash: Some(flash) }, EXACT).unwrap_err().to_string();
            assert!(refused.contains("20 bytes of flash") && refused.contains("most data"), "{refused}");
        });
    }
}
