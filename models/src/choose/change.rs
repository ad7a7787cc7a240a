//! Changing a program layer by layer, where the integer program found nothing better: rows fit together in ways that
//! [`conflict`](super::conflict) does not see.

use super::problem::{Picks, Planned, Problem};
use super::{Budget, Error, Found};

/// Programs that are planned in search of a faster one, and before a budget is refused.
const FASTER: usize = 200;
const SMALLER: usize = 1000;

/// The fastest program within `budget` that changes to `found` lead to.
pub(super) fn speed_up(problem: &Problem<'_>, budget: Budget, found: Found) -> Result<Found, Error> {
    let fits = |planned: &Planned| planned.fits(budget);
    descend(problem, found.picks.clone(), FASTER, fits, |planned| planned.instructions)?;
    Ok(problem.fastest(budget).unwrap_or(found))
}

/// A program within `budget`, if changes to the smallest one that is known lead to any.
pub(super) fn shrink(problem: &Problem<'_>, budget: Budget) -> Result<Option<Found>, Error> {
    if let Some((smallest, _)) = problem.smallest(budget.flash)? {
        let fits_flash = |planned: &Planned| planned.fits(Budget { ram: None, ..budget });
        descend(problem, smallest, SMALLER, fits_flash, |planned| planned.arena as f64)?;
    }
    Ok(problem.fastest(budget))
}

/// Plans changes of a layer, and of a layer and the next, goes on from the first that costs less, and ends where none does.
fn descend(
    problem: &Problem<'_>,
    mut best: Picks,
    plans: usize,
    is_allowed: impl Fn(&Planned) -> bool,
    cost: impl Fn(&Planned) -> f64,
) -> Result<(), Error> {
    let last = problem.tried() + plans;
    let mut least = cost(&problem.plan(&best)?);
    'better: loop {
        let start = best.clone();
        for picks in singles(problem, &start).chain(pairs(problem, &start)) {
            if problem.tried() >= last {
                return Ok(());
            }
            let planned = problem.plan(&picks)?;
            if is_allowed(&planned) && cost(&planned) < least {
                (best, least) = (picks, cost(&planned));
                continue 'better;
            }
        }
        return Ok(());
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
