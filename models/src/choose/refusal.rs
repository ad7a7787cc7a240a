//! Why nothing fits, and what the user can do.

use super::master::Master;
use super::problem::Problem;
use super::{Budget, Error};
use std::fmt;

/// Nothing fits a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Infeasible {
    budget: Budget,
    /// Bytes and the layer that needs most, within the limit on flash.
    smallest_ram: Option<(usize, String)>,
    /// The same without a limit on flash, if that is less.
    ram_with_more_flash: Option<usize>,
    /// Bytes that no program can go below.
    least_ram: usize,
    /// Bytes, and the layer with the most data and its bytes.
    smallest_flash: Option<(usize, String, usize)>,
}

impl std::error::Error for Infeasible {}

impl fmt::Display for Infeasible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proven = self.smallest_ram.is_none() || self.budget.ram.is_none_or(|ram| ram < self.least_ram);
        write!(f, "{}", if proven { "no program fits" } else { "no program was found that fits" })?;
        let limits = [(self.budget.ram, "RAM"), (self.budget.flash, "flash")];
        let limits = limits.iter().filter_map(|(limit, what)| Some(((*limit)?, what)));
        for (i, (limit, what)) in limits.enumerate() {
            write!(f, "{} {limit} bytes of {what}", if i == 0 { "" } else { " and" })?;
        }
        if let (Some(limit), Some((bytes, layer))) = (self.budget.ram, &self.smallest_ram)
            && *bytes > limit
        {
            write!(f, ".\n  RAM: the smallest arena that was found is {bytes} bytes, and `{layer}` binds;")?;
            write!(f, " none can be smaller than {} bytes.", self.least_ram)?;
            write!(f, " Ways out: --ram {bytes}")?;
            if let Some(bytes) = self.ram_with_more_flash {
                write!(f, "; more flash, which makes it {bytes} bytes")?;
            }
            write!(
                f,
                "; --input-mode rows, if the input need not stand whole in RAM; a smaller input or fewer channels"
            )?;
        }
        if let (Some(limit), Some((bytes, layer, most))) = (self.budget.flash, &self.smallest_flash)
            && *bytes > limit
        {
            write!(f, ".\n  Flash: the smallest program is {bytes} bytes; `{layer}` has the most data, {most} bytes.")?;
            write!(f, " Ways out: --flash {bytes}; fewer or smaller weights (`tinderbox compress`)")?;
        }
        Ok(())
    }
}

/// Finds out what binds.
pub(super) fn explain(problem: &Problem<'_>, budget: Budget) -> Result<Infeasible, Error> {
    let lean = Master::new(problem, budget.flash).solve_for_flash()?;
    let smallest_flash = match &lean {
        Some(picks) => Some(picks.clone()),
        None => Master::new(problem, None).solve_for_flash()?,
    };
    lean.iter().try_for_each(|picks| problem.plan(picks).map(drop))?;
    let smallest_ram = match problem.smallest(budget.flash)? {
        Some((picks, planned)) => Some((planned.arena, problem.busiest(&picks)?)),
        None => None,
    };
    let smallest_flash = smallest_flash.map(|picks| {
        let (name, most) = problem.most_data(&picks);
        Ok::<_, Error>((problem.plan(&picks)?.flash, name, most))
    });
    let anywhere = problem.smallest(None)?.map(|(_, planned)| planned.arena);
    Ok(Infeasible {
        budget,
        ram_with_more_flash: anywhere.filter(|least| smallest_ram.as_ref().is_some_and(|(bytes, _)| least < bytes)),
        smallest_ram,
        least_ram: problem.least_ram()?,
        smallest_flash: smallest_flash.transpose()?,
    })
}
