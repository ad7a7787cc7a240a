//! The Pareto frontier of RAM, flash and instructions.

use super::master::Master;
use super::problem::Problem;
use super::{Budget, EXACT, Error, Found, search};
use crate::cost::Table;
use crate::lower::Lowerer;
use crate::plan;
use serde::Serialize;

/// A program that no other beats in RAM, flash and instructions at once.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Bytes of the arena.
    pub ram: usize,
    /// Predicted bytes of flash.
    pub flash: usize,
    /// Predicted instructions.
    pub instructions: f64,
}

/// Limits on flash that are looked at, the least included.
const FLASH_LEVELS: usize = 6;
/// Of RAM, the step from one limit to the next, as a part of it.
const RAM_STEP: usize = 64;

/// The frontier, fastest programs first. RAM is stepped through in parts of 1/64, flash in six levels.
pub fn frontier(lowerer: &Lowerer<'_>, table: &Table, plan: &plan::Options) -> Result<Vec<Point>, Error> {
    let problem = Problem::new(lowerer, table, plan)?;
    let least_ram = problem.least_ram()?;
    let mut points: Vec<Point> = vec![];
    by_ram(&problem, None, least_ram, &mut points)?;
    let most = points.first().map_or(0, |fastest| fastest.flash);
    let lean = Master::new(&problem, None).solve_for_flash()?;
    let least = lean.map_or(Ok(most), |picks| problem.plan(&picks).map(|planned| planned.flash))?;
    for level in 1..FLASH_LEVELS {
        let flash = most - most.saturating_sub(least) * level / (FLASH_LEVELS - 1);
        by_ram(&problem, Some(flash), least_ram, &mut points)?;
    }
    Ok(not_dominated(points))
}

/// Best programs within a limit on flash, with ever less RAM, down to what no program can go below.
fn by_ram(problem: &Problem<'_>, flash: Option<usize>, least_ram: usize, points: &mut Vec<Point>) -> Result<(), Error> {
    let mut budget = Budget { ram: None, flash };
    while let Some(found) = alone(problem, budget)? {
        let Some((found, flash)) = settled(problem, found)? else { return Ok(()) };
        points.push(Point { ram: found.arena, flash, instructions: found.instructions.round() });
        if found.arena <= least_ram {
            break;
        }
        budget.ram = Some((found.arena - (found.arena / RAM_STEP).max(1)).max(least_ram));
    }
    Ok(())
}

/// What the compiler makes of a budget.
fn alone(problem: &Problem<'_>, budget: Budget) -> Result<Option<Found>, Error> {
    problem.forget();
    search(problem, budget, EXACT)
}

/// `found`, or what the compiler makes of its RAM and flash if that is another program, and so on; with its flash.
fn settled(problem: &Problem<'_>, mut found: Found) -> Result<Option<(Found, usize)>, Error> {
    loop {
        let flash = problem.plan(&found.picks)?.flash;
        let own = Budget { ram: Some(found.arena), flash: Some(flash) };
        match alone(problem, own)? {
            Some(again) if again.picks != found.picks => found = again,
            again => return Ok(again.map(|found| (found, flash))),
        }
    }
}

fn not_dominated(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a.instructions.total_cmp(&b.instructions).then((a.ram, a.flash).cmp(&(b.ram, b.flash))));
    let mut kept: Vec<Point> = vec![];
    for point in points {
        if !kept.iter().any(|other| other.ram <= point.ram && other.flash <= point.flash) {
            kept.push(point);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beaten_go() {
        let point = |ram, flash, instructions| Point { ram, flash, instructions };
        let all = vec![point(9, 9, 9.0), point(5, 5, 10.0), point(6, 5, 11.0), point(4, 9, 11.0), point(5, 5, 10.0)];
        assert_eq!(not_dominated(all), [point(9, 9, 9.0), point(5, 5, 10.0), point(4, 9, 11.0)]);
    }
}
