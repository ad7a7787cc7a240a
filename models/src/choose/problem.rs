//! What there is to choose from, and what each choice costs.

use super::{Choice, Error, Found};
use crate::cost::Table;
use crate::lower::{Layer, Lowerer, Selection, Variant};
use crate::plan::{self, Options};
use crate::program::{self, Image};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};

/// Per layer with a choice, the index of the candidate.
pub(super) type Picks = Vec<usize>;

/// A layer of the graph that can be computed in several ways.
pub(super) struct Layers {
    /// Index of the node in the graph.
    pub(super) source: usize,
    /// Its name.
    pub(super) name: String,
    /// The ways.
    pub(super) candidates: Vec<Candidate>,
}

/// One way to compute a layer.
#[derive(Clone)]
pub(super) struct Candidate {
    variant: Variant,
    /// Predicted instructions.
    pub(super) instructions: f64,
    /// Bytes of weights and constants.
    pub(super) flash: usize,
    /// Symbols of the kernels that it needs.
    pub(super) kernels: BTreeSet<&'static str>,
}

/// What the planner says of picks.
#[derive(Clone, Copy)]
pub(super) struct Planned {
    /// Bytes of the arena.
    pub(super) arena: usize,
    /// Instructions for moving rows to their slots.
    pub(super) commits: f64,
}

/// A network's choices.
pub(super) struct Problem<'a> {
    lowerer: &'a Lowerer<'a>,
    table: &'a Table,
    options: &'a Options,
    pub(super) layers: Vec<Layers>,
    /// What costs the same whatever is chosen.
    pub(super) fixed: Candidate,
    planned: RefCell<HashMap<Picks, Planned>>,
    smallest: OnceCell<Picks>,
}

impl<'a> Problem<'a> {
    pub(super) fn new(lowerer: &'a Lowerer<'a>, table: &'a Table, options: &'a Options) -> Result<Self, Error> {
        let first = lowerer.lower(&Selection::default())?;
        let mut fixed = Candidate::new(Variant::PORTABLE);
        fixed.instructions = table.inference;
        let mut layers: Vec<Layers> = vec![];
        let most = first.variants.iter().map(Vec::len).max().unwrap_or(0);
        // The same variant of every layer at once: a layer's cost does not depend on the others.
        for i in 0..most.max(1) {
            let pick = |variants: &Vec<Variant>| variants.get(i.min(variants.len().saturating_sub(1))).copied();
            let chosen = first.variants.iter().enumerate();
            let selection: Selection = chosen.filter_map(|(source, all)| Some((source, pick(all)?))).collect();
            let lowered = lowerer.lower(&selection)?;
            for (layer, node) in lowered.layers.iter().zip(&lowered.flow.nodes) {
                let Some(layer) = layer else { continue };
                let free = layer.source.filter(|source| !first.variants[*source].is_empty());
                let Some(source) = free else {
                    if i == 0 {
                        fixed.add(layer, table.layer(layer, node));
                    }
                    continue;
                };
                let Some(variant) = first.variants[source].get(i) else { continue };
                let known = layers.iter().position(|known| known.source == source);
                let at = known.unwrap_or_else(|| {
                    layers.push(Layers { source, name: layer.name.clone(), candidates: vec![] });
                    layers.len() - 1
                });
                let candidates = &mut layers[at].candidates;
                if candidates.len() == i {
                    candidates.push(Candidate::new(*variant));
                }
                candidates[i].add(layer, table.layer(layer, node));
            }
        }
        fixed.flash += table.code.get("executor").map_or(0, |bytes| *bytes as usize);
        Ok(Self { lowerer, table, options, layers, fixed, planned: RefCell::default(), smallest: OnceCell::new() })
    }

    /// Bytes of a kernel's code.
    pub(super) fn code(&self, kernel: &str) -> f64 {
        self.table.code.get(kernel).copied().unwrap_or(0.0)
    }

    /// The picks that take the least RAM, as far as is known: from the portable kernels, which work without scratch, each
    /// layer in turn is given the candidate that makes the arena smallest.
    pub(super) fn smallest_picks(&self) -> Result<Picks, Error> {
        if let Some(picks) = self.smallest.get() {
            return Ok(picks.clone());
        }
        let portable = |layer: &Layers| {
            let is_portable = |candidate: &Candidate| candidate.variant == Variant::PORTABLE;
            layer.candidates.iter().position(is_portable).unwrap_or(layer.candidates.len() - 1)
        };
        let mut best: Picks = self.layers.iter().map(portable).collect();
        for (i, layer) in self.layers.iter().enumerate() {
            for (pick, _) in layer.candidates.iter().enumerate().filter(|(_, candidate)| candidate.variant.rows == 1) {
                let mut other = best.clone();
                other[i] = pick;
                if self.plan(&other)?.arena < self.plan(&best)?.arena {
                    best = other;
                }
            }
        }
        Ok(self.smallest.get_or_init(|| best).clone())
    }

    /// The smallest arena, as far as is known.
    pub(super) fn smallest(&self) -> Result<usize, Error> {
        Ok(self.plan(&self.smallest_picks()?)?.arena)
    }

    /// Plans a program.
    pub(super) fn plan(&self, picks: &Picks) -> Result<Planned, Error> {
        if let Some(planned) = self.planned.borrow().get(picks) {
            return Ok(*planned);
        }
        let lowered = self.lowerer.lower(&self.selection(picks))?;
        let plan = plan::draft(&lowered.flow, self.options)?;
        let planned =
            Planned { arena: plan.arena_bytes, commits: self.table.commits(&lowered.flow, &plan).iter().sum() };
        self.planned.borrow_mut().insert(picks.clone(), planned);
        Ok(planned)
    }

    /// How many programs have been planned.
    pub(super) fn tried(&self) -> usize {
        self.planned.borrow().len()
    }

    /// Name of the layer at work when the most RAM is in use.
    pub(super) fn busiest(&self, picks: &Picks) -> Result<String, Error> {
        let lowered = self.lowerer.lower(&self.selection(picks))?;
        let plan = plan::draft(&lowered.flow, self.options)?;
        Ok(lowered.flow.nodes[plan.busiest].name.clone())
    }

    /// The layer with the most data, and its bytes.
    pub(super) fn most_data(&self, picks: &Picks) -> (String, usize) {
        let layers = self.layers.iter().zip(picks).map(|(layer, pick)| (&layer.name, layer.candidates[*pick].flash));
        layers.max_by_key(|(_, bytes)| *bytes).map_or_else(Default::default, |(name, bytes)| (name.clone(), bytes))
    }

    /// Lowers and plans a program, and has the plan checked.
    pub(super) fn image(&self, picks: &Picks) -> Result<Image, Error> {
        let lowered = self.lowerer.lower(&self.selection(picks))?;
        let plan = plan::plan(&lowered.flow, self.options)?;
        Ok(Image::new(lowered, plan))
    }

    /// Predicted bytes of flash.
    pub(super) fn flash(&self, picks: &Picks) -> usize {
        let chosen = self.layers.iter().zip(picks).map(|(layer, pick)| &layer.candidates[*pick]);
        let all: Vec<&Candidate> = chosen.chain([&self.fixed]).collect();
        let kernels: BTreeSet<&str> = all.iter().flat_map(|candidate| &candidate.kernels).copied().collect();
        let code: f64 = kernels.iter().map(|kernel| self.code(kernel)).sum();
        all.iter().map(|candidate| candidate.flash).sum::<usize>() + code as usize
    }

    pub(super) fn choice(&self, found: Found) -> Result<Choice, Error> {
        Ok(Choice {
            image: self.image(&found.picks)?,
            instructions: found.instructions,
            bound: found.bound,
            flash: self.flash(&found.picks),
        })
    }

    fn selection(&self, picks: &Picks) -> Selection {
        self.layers.iter().zip(picks).map(|(layer, pick)| (layer.source, layer.candidates[*pick].variant)).collect()
    }
}

impl Candidate {
    fn new(variant: Variant) -> Self {
        Self { variant, instructions: 0.0, flash: 0, kernels: BTreeSet::new() }
    }

    fn add(&mut self, layer: &Layer, instructions: f64) {
        self.instructions += instructions;
        self.flash += layer.weights.len() + program::constant_bytes(layer);
        self.kernels.insert(layer.kernel.symbol);
    }
}
