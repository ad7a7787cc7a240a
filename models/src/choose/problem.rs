//! What there is to choose from, and what each choice costs.

use super::{Budget, Error, Found};
use crate::cost::Table;
use crate::lower::{Layer, Lowerer, Selection, Variant};
use crate::plan::{self, Options};
use crate::program::{self, Image};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

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
    pub(super) variant: Variant,
    /// Predicted instructions, at least: a layer that keeps pace with the one before may take a step more.
    pub(super) instructions: f64,
    /// Bytes of weights and constants.
    pub(super) flash: usize,
    /// Symbols of the kernels that it needs.
    pub(super) kernels: BTreeSet<&'static str>,
}

/// What is known of picks that have been planned.
#[derive(Clone, Copy)]
pub(super) struct Planned {
    /// Bytes of the arena.
    pub(super) arena: usize,
    /// Predicted instructions of the whole program.
    pub(super) instructions: f64,
    /// Predicted bytes of flash.
    pub(super) flash: usize,
}

impl Planned {
    /// Whether it keeps to `budget`.
    pub(super) fn fits(&self, budget: Budget) -> bool {
        budget.ram.is_none_or(|ram| self.arena <= ram) && budget.flash.is_none_or(|flash| self.flash <= flash)
    }
}

/// Steps of a network times variants of its layers up to which programs are compared: each variant of each layer is planned,
/// and more, a step in some 10 microseconds.
const MAX_COMPARED: usize = 1 << 21;

/// A network's choices.
pub(super) struct Problem<'a> {
    lowerer: &'a Lowerer<'a>,
    table: &'a Table,
    options: &'a Options,
    pub(super) layers: Vec<Layers>,
    /// What costs the same whatever is chosen.
    pub(super) fixed: Candidate,
    /// All that was ever planned: planning is what takes time.
    known: RefCell<BTreeMap<Picks, Planned>>,
    /// What was planned since [`Self::forget`].
    planned: RefCell<BTreeMap<Picks, Planned>>,
    pub(super) floors: RefCell<Vec<Picks>>,
}

impl<'a> Problem<'a> {
    pub(super) fn new(lowerer: &'a Lowerer<'a>, table: &'a Table, options: &'a Options) -> Result<Self, Error> {
        let first = lowerer.lower(&Selection::default())?;
        let steps: usize = first.flow.nodes.iter().map(|node| node.steps).sum();
        if steps.saturating_mul(first.variants.iter().map(Vec::len).sum()) > MAX_COMPARED {
            return Err(Error::TooLarge);
        }
        let mut fixed = Candidate::new(Variant::PORTABLE);
        fixed.instructions = table.inference;
        let mut layers: Vec<Layers> = vec![];
        let most = first.variants.iter().map(Vec::len).max().unwrap_or(0);
        // The same variant of every layer at once: by themselves, layers do not depend on one another.
        for i in 0..most.max(1) {
            let pick = |variants: &Vec<Variant>| variants.get(i.min(variants.len().saturating_sub(1))).copied();
            let chosen = first.variants.iter().enumerate();
            let selection: Selection = chosen.filter_map(|(source, all)| Some((source, pick(all)?))).collect();
            let lowered = lowerer.lower_unpaced(&selection)?;
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
        let (known, planned, floors) = (RefCell::default(), RefCell::default(), RefCell::default());
        Ok(Self { lowerer, table, options, layers, fixed, known, planned, floors })
    }

    /// Begins anew, as if nothing had been planned: what is found then does not depend on what was found before.
    pub(super) fn forget(&self) {
        self.planned.borrow_mut().clear();
        self.floors.borrow_mut().clear();
    }

    /// Bytes of a kernel's code.
    pub(super) fn code(&self, kernel: &str) -> f64 {
        self.table.code.get(kernel).copied().unwrap_or(0.0)
    }

    /// Predicted instructions with every layer's fastest candidate.
    pub(super) fn least_instructions(&self) -> f64 {
        let fastest = |layer: &Layers| layer.candidates.iter().map(|c| c.instructions).reduce(f64::min).unwrap_or(0.0);
        self.fixed.instructions + self.layers.iter().map(fastest).sum::<f64>()
    }

    /// The smallest arena that is known, within a limit on flash.
    pub(super) fn smallest(&self, flash: Option<usize>) -> Result<Option<(Picks, Planned)>, Error> {
        self.floors()?;
        let budget = Budget { ram: None, flash };
        Ok(self.least(budget, |planned| planned.arena as f64))
    }

    /// Of all picks that have been planned, the fastest that keep to `budget`.
    pub(super) fn fastest(&self, budget: Budget) -> Option<Found> {
        let (picks, planned) = self.least(budget, |planned| planned.instructions)?;
        Some(Found { picks, arena: planned.arena, instructions: planned.instructions })
    }

    fn least(&self, budget: Budget, cost: impl Fn(&Planned) -> f64) -> Option<(Picks, Planned)> {
        let planned = self.planned.borrow();
        let fitting = planned.iter().filter(|(_, planned)| planned.fits(budget));
        let least = fitting.min_by(|(_, a), (_, b)| cost(a).total_cmp(&cost(b)));
        least.map(|(picks, planned)| (picks.clone(), *planned))
    }

    /// Bytes of RAM that no picks can go below.
    pub(super) fn least_ram(&self) -> Result<usize, Error> {
        let mut lowered = self.lowerer.lower(&self.selection(&self.portable()))?;
        // Steps of one row, with the least that any candidate takes.
        for pick in 0..self.layers.iter().map(|layer| layer.candidates.len()).max().unwrap_or(0) {
            let picks: Picks = self.layers.iter().map(|layer| pick.min(layer.candidates.len() - 1)).collect();
            let other = self.lowerer.lower(&self.selection(&picks))?;
            for (node, other) in lowered.flow.nodes.iter_mut().zip(&other.flow.nodes) {
                node.scratch = node.scratch.min(other.scratch);
                node.in_place.extend(&other.in_place);
            }
        }
        Ok(plan::bounded(&lowered.flow, self.options)?.lower_bound_bytes)
    }

    /// Plans a program.
    pub(super) fn plan(&self, picks: &Picks) -> Result<Planned, Error> {
        if let Some(planned) = self.planned.borrow().get(picks) {
            return Ok(*planned);
        }
        let known = self.known.borrow().get(picks).copied();
        let planned = match known {
            Some(known) => known,
            None => self.plan_anew(picks)?,
        };
        self.known.borrow_mut().insert(picks.clone(), planned);
        self.planned.borrow_mut().insert(picks.clone(), planned);
        Ok(planned)
    }

    fn plan_anew(&self, picks: &Picks) -> Result<Planned, Error> {
        let lowered = self.lowerer.lower(&self.selection(picks))?;
        let plan = plan::draft(&lowered.flow, self.options)?;
        let layers = lowered.layers.iter().zip(&lowered.flow.nodes);
        let layers = layers.filter_map(|(layer, node)| Some(self.table.layer(layer.as_ref()?, node)));
        let commits = self.table.commits(&lowered.flow, &plan);
        let instructions = self.table.inference + layers.chain(commits).sum::<f64>();
        let arena = plan.arena_bytes;
        let flash = self.table.flash(&Image::new(lowered, plan)).round() as usize;
        Ok(Planned { arena, instructions, flash })
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

    /// Instructions of the picks as far as they are known without a plan, those for moving rows not among them.
    pub(super) fn unplanned_instructions(&self, picks: &Picks) -> f64 {
        self.chosen(picks).map(|candidate| candidate.instructions).sum::<f64>() + self.fixed.instructions
    }

    /// Bytes of flash of the picks as far as they are known without a plan.
    pub(super) fn unplanned_flash(&self, picks: &Picks) -> usize {
        let all: Vec<&Candidate> = self.chosen(picks).chain([&self.fixed]).collect();
        let kernels: BTreeSet<&str> = all.iter().flat_map(|candidate| &candidate.kernels).copied().collect();
        let code: f64 = kernels.iter().map(|kernel| self.code(kernel)).sum();
        all.iter().map(|candidate| candidate.flash).sum::<usize>() + code as usize
    }

    fn chosen<'p>(&'p self, picks: &'p Picks) -> impl Iterator<Item = &'p Candidate> {
        self.layers.iter().zip(picks).map(|(layer, pick)| &layer.candidates[*pick])
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
