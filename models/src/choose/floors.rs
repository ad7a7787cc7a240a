//! Picks that take little RAM: what others are judged with.

use super::Error;
use super::problem::{Candidate, Layers, Picks, Problem};
use crate::lower::Variant;

/// Heights of steps that rings are small with, if all layers take them: rows that are made together are read together.
pub(super) const HEIGHTS: [usize; 3] = [1, 2, 4];

impl Problem<'_> {
    /// Picks that take little RAM: one for each of [`HEIGHTS`], and what was added.
    pub(super) fn floors(&self) -> Result<Vec<Picks>, Error> {
        if self.floors.borrow().is_empty() {
            let floors: Result<Vec<Picks>, Error> = HEIGHTS.iter().map(|height| self.floor(*height)).collect();
            *self.floors.borrow_mut() = floors?;
            self.floors.borrow_mut().dedup();
        }
        Ok(self.floors.borrow().clone())
    }

    /// Adds picks that fit.
    pub(super) fn add_floor(&self, picks: Picks) -> Result<(), Error> {
        if !self.floors()?.contains(&picks) {
            self.floors.borrow_mut().push(picks);
        }
        Ok(())
    }

    /// From the portable kernels, which work without scratch, each layer in turn is given the candidate of this height that
    /// makes the arena smallest.
    fn floor(&self, height: usize) -> Result<Picks, Error> {
        let mut best = self.portable();
        for (i, layer) in self.layers.iter().enumerate() {
            let rows = |candidate: &Candidate| candidate.variant.rows;
            let tallest = layer.candidates.iter().map(rows).filter(|rows| *rows <= height).max();
            let fit = layer.candidates.iter().enumerate().filter(|(_, candidate)| Some(rows(candidate)) == tallest);
            let mut arenas = vec![];
            for (pick, _) in fit {
                let mut other = best.clone();
                other[i] = pick;
                arenas.push((self.plan(&other)?.arena, other));
            }
            // At a height of one, the portable kernel is among them.
            if let Some((_, smallest)) = arenas.into_iter().min_by_key(|(arena, _)| *arena) {
                best = smallest;
            }
        }
        Ok(best)
    }

    /// The fastest candidates with steps up to this height.
    pub(super) fn fastest_of_height(&self, height: usize) -> Picks {
        let pick = |layer: &Layers| {
            let low = layer.candidates.iter().enumerate().filter(|(_, candidate)| candidate.variant.rows <= height);
            low.min_by(|(_, a), (_, b)| a.instructions.total_cmp(&b.instructions)).map_or(0, |(pick, _)| pick)
        };
        self.layers.iter().map(pick).collect()
    }

    pub(super) fn portable(&self) -> Picks {
        let is_portable = |candidate: &Candidate| candidate.variant == Variant::PORTABLE;
        let pick = |layer: &Layers| layer.candidates.iter().position(is_portable).unwrap_or(layer.candidates.len() - 1);
        self.layers.iter().map(pick).collect()
    }
}
