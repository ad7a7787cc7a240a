//! The choice: which variant of every layer, so that the whole costs the fewest instructions within the user's budgets.
//!
//! What a layer costs in instructions and flash depends on its own variant alone; the arena depends on all of them at
//! once, and only the planner knows it. So the problem is split as Benders' decomposition splits it (Hooker and Ottosson
//! 2003, "Logic-based Benders decomposition"): an integer program picks the cheapest variants, the planner says how much
//! RAM they take and what the moving of rows adds, and if that is too much, a constraint rules out the smallest part of the
//! picks that seems to be to blame. The integer program is solved exactly; which part is to blame is a judgement, for the
//! planner itself does not search all plans. So the fastest of all programs that were planned on the way is taken, layers of it
//! are changed in search of a faster one, and a refusal tells what is proven from what was not found.

mod change;
mod conflict;
mod floors;
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
    /// To plan the network in all its variants would take minutes and more.
    #[error(
        "network too large to choose its kernels: its steps times its layers' variants are more than 2,097,152; leave out --ram and --flash"
    )]
    TooLarge,
    /// The integer program cannot be solved; a bug.
    #[error("internal error, please report it: the solver failed: {0}")]
    Solver(String),
}

/// How thoroughly to search.
#[derive(Clone, Copy)]
struct Effort {
    /// Programs that are planned before the best so far is taken.
    plans: usize,
    /// How far from the fewest instructions a program may be, as a part of them.
    gap: f64,
    /// Whether what was found is changed in search of a better one.
    changes: bool,
}

/// For a limit that the user set.
const EXACT: Effort = Effort { plans: 400, gap: 0.0, changes: true };
/// For limits that are only tried: the gap is less than predictions err.
const ROUGH: Effort = Effort { plans: 40, gap: 0.005, changes: false };
/// Programs that fit, one after the other, and are no faster before the best so far is taken; and programs that only the
/// flash for what the plan adds makes too large before it is added to all.
const FRUITLESS: usize = 16;
/// Where RAM has no limit, parts of it that are tried to be saved at a time.
const STEP: usize = 32;
/// Programs that are planned before no more is tried to be saved.
const MOST_TRIED: usize = 1000;
/// Percents of RAM that a percent of time is worth.
const WORTH: f64 = 1.4;
/// How much slower than the fastest a program may be to save RAM that has no limit.
const MOST_SLOWER: f64 = 1.1875;

/// Chooses the program of fewest predicted instructions within a limit on RAM; without one, the program that makes the
/// most of both. The plan is checked.
pub fn choose(lowerer: &Lowerer<'_>, table: &Table, plan: &plan::Options, budget: Budget) -> Result<Image, Error> {
    let problem = Problem::new(lowerer, table, plan)?;
    let effort = if budget.ram.is_none() { ROUGH } else { EXACT };
    let Some(found) = search(&problem, budget, effort)? else {
        return Err(Error::Infeasible(Box::new(refusal::explain(&problem, budget)?)));
    };
    let found = if budget.ram.is_none() { balanced(&problem, budget, found)? } else { found };
    problem.image(&found.picks)
}

/// Predicted instructions if every layer had its fastest variant, whatever RAM that takes: known long before a program is.
pub fn least_instructions(lowerer: &Lowerer<'_>, table: &Table, plan: &plan::Options) -> Result<f64, Error> {
    Ok(Problem::new(lowerer, table, plan)?.least_instructions())
}

/// The best picks.
#[derive(Clone, Debug)]
struct Found {
    picks: Picks,
    arena: usize,
    instructions: f64,
}

/// Searches the picks of fewest instructions within a budget. Better ones that changes lead to show that too much had been
/// ruled out: the search then begins anew, and spares what is like them.
fn search(problem: &Problem<'_>, budget: Budget, effort: Effort) -> Result<Option<Found>, Error> {
    let mut best: Option<Found> = None;
    loop {
        let found = decompose(problem, budget, effort)?;
        if !effort.changes {
            return Ok(found);
        }
        let found = found.map(|found| change::speed_up(problem, budget, found)).transpose()?;
        match (found, &best) {
            (Some(found), Some(best)) if found.instructions >= best.instructions => return Ok(Some(found)),
            (Some(found), _) => {
                problem.add_floor(found.picks.clone())?;
                best = Some(found);
            }
            (None, _) => return Ok(best),
        }
    }
}

/// The decomposition: picks of fewest instructions, what is ruled out of them, and so on.
fn decompose(problem: &Problem<'_>, budget: Budget, effort: Effort) -> Result<Option<Found>, Error> {
    let mut master = Master::new(problem, budget.flash);
    let (mut fruitless, mut too_much_flash, mut ram_binds) = (0, 0, false);
    for _ in 0..effort.plans {
        let Some((picks, least)) = master.solve()? else { break };
        let fastest = problem.fastest(budget).map_or(f64::MAX, |fastest| fastest.instructions);
        if fastest <= least * (1.0 + effort.gap) || fruitless == FRUITLESS {
            break;
        }
        let planned = problem.plan(&picks)?;
        match budget.ram {
            Some(ram) if planned.arena > ram => {
                if effort.changes && !ram_binds && !floors_fit(problem, budget, ram)? {
                    return Ok(None);
                }
                ram_binds = true;
                master.forbid(&conflict::conflict(problem, &picks, ram)?);
            }
            _ if !planned.fits(budget) => {
                too_much_flash += 1;
                if too_much_flash >= FRUITLESS {
                    master.leave_room(&picks)?;
                }
                master.forbid(&picks);
            }
            _ => {
                fruitless = if planned.instructions < fastest { 0 } else { fruitless + 1 };
                master.forbid(&picks);
            }
        }
    }
    Ok(problem.fastest(budget))
}

/// Adds floors that fit; none are found if nothing fits, unless nothing fits the limit on flash alone.
fn floors_fit(problem: &Problem<'_>, budget: Budget, ram: usize) -> Result<bool, Error> {
    change::fit_heights(problem, budget, ram)?;
    if problem.smallest(budget.flash)?.is_none_or(|(_, planned)| planned.fits(budget)) {
        return Ok(true);
    }
    match change::shrink(problem, budget)? {
        Some(found) => problem.add_floor(found.picks).map(|()| true),
        None => Ok(false),
    }
}

/// The program of which RAM times instructions to the power of [`WORTH`] is least, among those that are not much slower
/// than the fastest.
fn balanced(problem: &Problem<'_>, budget: Budget, fastest: Found) -> Result<Found, Error> {
    let smallest = problem.smallest(budget.flash)?.map_or(0, |(_, planned)| planned.arena);
    let slowest = fastest.instructions * MOST_SLOWER;
    let product = |arena: usize, instructions: f64| arena as f64 * instructions.powf(WORTH);
    let mut best = fastest.clone();
    let (mut least, mut arena) = (product(best.arena, best.instructions), fastest.arena);
    while arena > smallest && problem.tried() < MOST_TRIED {
        let ram = arena - (arena / STEP).max(1);
        let Some(found) = search(problem, Budget { ram: Some(ram), ..budget }, ROUGH)? else { break };
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
mod tests;
