//! The integer program: one variant per layer, the code of every kernel that is used, and what has been ruled out.

use super::Error;
use super::problem::{Candidate, Picks, Problem};
use good_lp::{
    Constraint, Expression, ProblemVariables, ResolutionError, Solution, SolverModel, Variable, constraint, microlp,
    variable,
};
use std::collections::BTreeMap;

/// Costs are counted in thousands: the solver likes numbers of like size.
const UNIT: f64 = 1000.0;

pub(super) struct Master<'a> {
    problem: &'a Problem<'a>,
    flash: Option<usize>,
    /// Bytes of flash that depend on the plan.
    planned_flash: usize,
    forbidden: Vec<Vec<(usize, usize)>>,
}

impl<'a> Master<'a> {
    pub(super) fn new(problem: &'a Problem<'a>, flash: Option<usize>) -> Self {
        Self { problem, flash, planned_flash: 0, forbidden: vec![] }
    }

    /// Rules out everything with all these picks: a pick per layer that is to blame, the others `usize::MAX`.
    pub(super) fn forbid(&mut self, picks: &Picks) {
        let blamed = picks.iter().copied().enumerate().filter(|(_, pick)| *pick != usize::MAX);
        self.forbidden.push(blamed.collect());
    }

    /// Leaves room for a schedule and tensors as large as those of `picks`.
    pub(super) fn leave_room(&mut self, picks: &Picks) -> Result<(), Error> {
        let bytes = self.problem.plan(picks)?.flash.saturating_sub(self.problem.unplanned_flash(picks));
        self.planned_flash = self.planned_flash.max(bytes);
        Ok(())
    }

    /// The cheapest picks that are left, and their instructions without those for moving rows.
    pub(super) fn solve(&self) -> Result<Option<(Picks, f64)>, Error> {
        let Some(picks) = self.minimize(|candidate| candidate.instructions, false)? else { return Ok(None) };
        let instructions = self.problem.unplanned_instructions(&picks);
        Ok(Some((picks, instructions)))
    }

    /// The picks that take the least flash.
    pub(super) fn solve_for_flash(&self) -> Result<Option<Picks>, Error> {
        self.minimize(|candidate| candidate.flash as f64, true)
    }

    /// The picks of least cost, that of linked code included or not.
    fn minimize(&self, cost: impl Fn(&Candidate) -> f64, code: bool) -> Result<Option<Picks>, Error> {
        if self.forbidden.iter().any(Vec::is_empty) {
            return Ok(None);
        }
        let layers = &self.problem.layers;
        let mut variables = ProblemVariables::new();
        let taken: Vec<Vec<Variable>> =
            layers.iter().map(|l| l.candidates.iter().map(|_| variables.add(variable().binary())).collect()).collect();
        let each = || taken.iter().zip(layers).flat_map(|(taken, layer)| taken.iter().copied().zip(&layer.candidates));
        let mut total: Expression = each().map(|(x, candidate)| cost(candidate) / UNIT * x).sum();
        let mut constraints: Vec<Constraint> = vec![];
        for layer in &taken {
            constraints.push(constraint!(layer.iter().sum::<Expression>() == 1.0));
        }
        for blamed in &self.forbidden {
            let together: Expression = blamed.iter().map(|(layer, pick)| taken[*layer][*pick]).sum();
            constraints.push(constraint!(together <= blamed.len() as f64 - 1.0));
        }
        if code || self.flash.is_some() {
            let linked = self.linked(each(), &mut variables, &mut constraints);
            if let Some(flash) = self.flash {
                constraints.push(self.within(flash, each(), linked.clone()));
            }
            if code {
                total += linked;
            }
        }
        let model = constraints.into_iter().fold(variables.minimise(total).using(microlp), SolverModel::with);
        let solution = match model.solve() {
            Ok(solution) => solution,
            Err(ResolutionError::Infeasible) => return Ok(None),
            Err(error) => return Err(Error::Solver(error.to_string())),
        };
        let largest = |xs: &Vec<Variable>| {
            let value = |i: &usize| solution.value(xs[*i]);
            (0..xs.len()).max_by(|a, b| value(a).total_cmp(&value(b))).unwrap_or(0)
        };
        Ok(Some(taken.iter().map(largest).collect()))
    }

    /// Code of the kernels that somebody uses, in units; constraints say so.
    fn linked<'c>(
        &self,
        each: impl Iterator<Item = (Variable, &'c Candidate)>,
        variables: &mut ProblemVariables,
        constraints: &mut Vec<Constraint>,
    ) -> Expression {
        let fixed = &self.problem.fixed.kernels;
        let mut kernels: BTreeMap<&str, Variable> = BTreeMap::new();
        for (x, candidate) in each {
            for kernel in candidate.kernels.difference(fixed) {
                let linked = *kernels.entry(kernel).or_insert_with(|| variables.add(variable().binary()));
                constraints.push(constraint!(x <= linked));
            }
        }
        kernels.iter().map(|(kernel, linked)| self.problem.code(kernel) / UNIT * *linked).sum()
    }

    /// Weights, constants and code do not exceed `flash`.
    fn within<'c>(
        &self,
        flash: usize,
        each: impl Iterator<Item = (Variable, &'c Candidate)>,
        linked: Expression,
    ) -> Constraint {
        let fixed = &self.problem.fixed;
        let code: f64 = fixed.kernels.iter().map(|kernel| self.problem.code(kernel)).sum();
        let data: Expression = each.map(|(x, candidate)| candidate.flash as f64 / UNIT * x).sum();
        let taken = (fixed.flash + self.planned_flash) as f64 + code;
        constraint!(data + linked <= (flash as f64 - taken) / UNIT)
    }
}
