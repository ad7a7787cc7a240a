//! Changing a program layer by layer, where the integer program found nothing better: rows fit together in ways that
//! [`conflict`](super::conflict) does not see.

use super::floors::HEIGHTS;
use super::problem::{Picks, Planned, Problem};
use super::{Budget, Error, Found};

/// Programs that are planned in search of a faster one, of one that fits, and before a budget is refused.
const FASTER: usize = 200;
const FITTING: usize = 100;
const SMALLER: usize = 1000;

/// The fastest program within `budget` that changes to `found` lead to.
pub(super) fn speed_up(problem: &Problem<'_>, budget: Budget, found: Found) -> Result<Found, Error> {
    let search = Descent {
        plans: FASTER,
        is_allowed: &|planned: &Planned| planned.fits(budget),
        cost: &|planned: &Planned| planned.instructions,
        at_least: &|picks: &Picks| problem.unplanned_instructions(picks),
    };
    search.run(problem, found.picks.clone())?;
    Ok(problem.fastest(budget).unwrap_or(found))
}

/// Makes floors of the fastest picks with steps of the same height throughout, changed until they fit.
pub(super) fn fit_heights(problem: &Problem<'_>, budget: Budget, ram: usize) -> Result<(), Error> {
    for height in HEIGHTS {
        let search = Descent {
            plans: FITTING,
            is_allowed: &|planned: &Planned| planned.fits(Budget { ram: None, ..budget }),
            cost: &|planned: &Planned| planned.arena.saturating_sub(ram) as f64,
            at_least: &|_: &Picks| 0.0,
        };
        let picks = search.run(problem, problem.fastest_of_height(height))?;
        if problem.plan(&picks)?.fits(budget) {
            problem.add_floor(picks)?;
        }
    }
    Ok(())
}

/// A program within `budget`, if changes to the smallest one that is known lead to any.
pub(super) fn shrink(problem: &Problem<'_>, budget: Budget) -> Result<Option<Found>, Error> {
    if let Some((smallest, _)) = problem.smallest(budget.flash)? {
        let search = Descent {
            plans: SMALLER,
            is_allowed: &|planned: &Planned| planned.fits(Budget { ram: None, ..budget }),
            cost: &|planned: &Planned| planned.arena as f64,
            at_least: &|_: &Picks| 0.0,
        };
        search.run(problem, smallest)?;
    }
    Ok(problem.fastest(budget))
}

/// Changes of a layer, or of a layer and the next, to picks that cost less, again and again.
struct Descent<'a> {
    /// Programs that are planned.
    plans: usize,
    is_allowed: &'a dyn Fn(&Planned) -> bool,
    cost: &'a dyn Fn(&Planned) -> f64,
    /// What picks cost at least, which is known without a plan.
    at_least: &'a dyn Fn(&Picks) -> f64,
}

impl Descent<'_> {
    /// Goes on from the first change that costs less, the fastest ones first, and ends where none does.
    fn run(&self, problem: &Problem<'_>, mut best: Picks) -> Result<Picks, Error> {
        let last = problem.tried() + self.plans;
        let mut least = (self.cost)(&problem.plan(&best)?);
        'better: loop {
            for mut changed in [singles(problem, &best).collect::<Vec<_>>(), pairs(problem, &best).collect()] {
                changed.retain(|picks| (self.at_least)(picks) < least);
                let instructions = |picks: &Picks| problem.unplanned_instructions(picks);
                changed.sort_by(|a, b| instructions(a).total_cmp(&instructions(b)));
                for picks in changed {
                    if problem.tried() >= last {
                        return Ok(best);
                    }
                    let planned = problem.plan(&picks)?;
                    if (self.is_allowed)(&planned) && (self.cost)(&planned) < least {
                        (best, least) = (picks, (self.cost)(&planned));
                        continue 'better;
                    }
                }
            }
            return Ok(best);
        }
    }
}

/// With another candidate for one layer.
fn singles(problem: &Problem<'_>, picks: &Picks) -> impl Iterator<Item = Picks> {
    (0..picks.len()).flat_map(move |layer| others(problem, picks, layer))
}

/// With other candidates for a layer and the next.
fn pairs(problem: &Problem<'_>, picks: &Picks) -> impl Iterator<Item = Picks> {
    let both = move |layer: usize| {
        let first = others(problem, picks, layer - 1);
        first.flat_map(move |changed| others(problem, &changed, layer).collect::<Vec<_>>())
    };
    (1..picks.len()).flat_map(both)
}

fn others(problem: &Problem<'_>, picks: &Picks, layer: usize) -> impl Iterator<Item = Picks> {
    let candidates = 0..problem.layers[layer].candidates.len();
    candidates.filter(move |pick| *pick != picks[layer]).map(move |pick| {
        let mut changed = picks.clone();
        changed[layer] = pick;
        changed
    })
}
