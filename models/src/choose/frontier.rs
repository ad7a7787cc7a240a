//! The Pareto frontier of RAM, flash and instructions.

use super::problem::Problem;
use super::{Budget, EXACT, Error, search};
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
    let mut points: Vec<Point> = vec![];
    let fastest = search(&problem, Budget::default(), EXACT)?;
    let most = fastest.map_or(0, |fastest| problem.flash(&fastest.picks));
    let least =
        super::master::Master::new(&problem, None).solve_for_flash()?.map_or(most, |picks| problem.flash(&picks));
    for level in 0..FLASH_LEVELS {
        let flash = most - (most - least) * level / (FLASH_LEVELS - 1);
        by_ram(&problem, flash, &mut points)?;
    }
    Ok(not_dominated(points))
}

/// Best programs within a limit on flash, with ever less RAM.
fn by_ram(problem: &Problem<'_>, flash: usize, points: &mut Vec<Point>) -> Result<(), Error> {
    let mut budget = Budget { ram: None, flash: Some(flash) };
    loop {
        let Some(found) = search(problem, budget, EXACT)? else { return Ok(()) };
        points.push(Point {
            ram: found.arena,
            flash: problem.flash(&found.picks),
            instructions: found.instructions.round(),
        });
        budget.ram = Some(found.arena - (found.arena / RAM_STEP).max(1));
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
