//! Which picks are to blame when a program does not fit.

use super::problem::{Picks, Problem};
use super::{Budget, Error};

/// A smallest part of `picks` that does not fit whatever the other layers do; layers that are not to blame are
/// `usize::MAX`. All others are given their smallest variant, one after the other, as long as the program stays too large.
pub(super) fn conflict(problem: &Problem<'_>, picks: &Picks, budget: Budget) -> Result<Picks, Error> {
    let smallest = problem.smallest_picks()?;
    let mut trial = picks.clone();
    let mut blamed = vec![true; picks.len()];
    let all: Vec<usize> = (0..picks.len()).filter(|layer| picks[*layer] != smallest[*layer]).collect();
    acquit(&all, &mut |layers| {
        let before = trial.clone();
        for &layer in layers {
            trial[layer] = smallest[layer];
        }
        let too_large = budget.ram.is_some_and(|ram| problem.plan(&trial).is_ok_and(|planned| planned.arena > ram));
        if too_large {
            layers.iter().for_each(|layer| blamed[*layer] = false);
        } else {
            trial = before;
        }
        too_large
    });
    let is_blamed = |layer: usize| blamed[layer] && picks[layer] != smallest[layer];
    // Where even the smallest program is too large, nobody is to blame, and nothing is left.
    Ok((0..picks.len()).map(|i| if is_blamed(i) { picks[i] } else { usize::MAX }).collect())
}

/// Tries to acquit all at once, else each half by itself.
fn acquit(layers: &[usize], try_acquit: &mut impl FnMut(&[usize]) -> bool) {
    if layers.is_empty() || try_acquit(layers) || layers.len() == 1 {
        return;
    }
    let (left, right) = layers.split_at(layers.len() / 2);
    acquit(left, try_acquit);
    acquit(right, try_acquit);
}
