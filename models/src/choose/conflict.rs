//! Which picks are to blame when a program does not fit.

use super::Error;
use super::problem::{Picks, Problem};

/// A smallest part of `picks` that does not fit with any of the [`Problem::floors`] for the other layers; layers that are
/// not to blame are `usize::MAX`.
///
/// That is a judgement by evidence, not a proof: arenas do not always grow with the picks.
pub(super) fn conflict(problem: &Problem<'_>, picks: &Picks, ram: usize) -> Result<Picks, Error> {
    let floors = problem.floors()?;
    let mut blamed = vec![true; picks.len()];
    let all: Vec<usize> = (0..picks.len()).collect();
    acquit(&all, &mut |layers| {
        let mut fewer = blamed.clone();
        layers.iter().for_each(|layer| fewer[*layer] = false);
        let with = |floor: &Picks| -> Picks {
            (0..picks.len()).map(|layer| if fewer[layer] { picks[layer] } else { floor[layer] }).collect()
        };
        let too_large = floors.iter().all(|floor| problem.plan(&with(floor)).is_ok_and(|planned| planned.arena > ram));
        if too_large {
            blamed = fewer;
        }
        too_large
    });
    // Where even the floors are too large, nobody is to blame, and nothing is left.
    Ok(picks.iter().zip(blamed).map(|(pick, blamed)| if blamed { *pick } else { usize::MAX }).collect())
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
