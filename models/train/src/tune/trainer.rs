//! The steps of training.

use super::batches::Batches;
use super::checkpoint::{self, Checkpoint};
use super::parameter::{self, Parameter};
use super::{Error, Options, Task, loss, norms, trained};
use crate::data::Examples;
use crate::engine::{self, Hook, Network, Value, elements, value};
use crate::quality::Quality;
use crate::quantize::range::Range;
use crate::quantize::scheme::{Affine, Grid, grid, is_product, on_grid, rounded};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{Adam, AdamConfig, AdamState, Optimizer};
use burn::tensor::Tensor;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tinderbox::graph::{Graph, TensorId};

/// How long a run is silent, and how much of it an interruption can cost.
const REPORT_EVERY: Duration = Duration::from_secs(20);

/// A network on its way.
pub(super) struct Trainer<'a> {
    /// With normalizations, while it is trained.
    pub(super) network: Network,
    teacher: Option<Network>,
    batches: &'a Batches<'a>,
    held: Option<&'a Examples>,
    options: &'a Options,
    adam: Adam,
    states: BTreeMap<Parameter, AdamState<2>>,
    masks: BTreeMap<TensorId, Value>,
    /// Steps done.
    pub(super) step: usize,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(task: &Task<'a>, batches: &'a Batches<'a>, options: &'a Options) -> Result<Self, Error> {
        let prepared = |graph: &Graph| Network::new(trained(graph, options.objective), &engine::device());
        let mut network = prepared(task.graph)?;
        norms::insert(&mut network, batches);
        let teacher = task.teacher.filter(|_| options.distill > 0.0).map(prepared).transpose()?;
        let mask = |index: &usize| {
            let id = network.graph.nodes[*index].inputs[1]?;
            let weights = elements(&network.constants[&id]).iter().map(|w| f32::from(*w != 0.0)).collect();
            Some((id, value(weights, 1, network.device())))
        };
        let masks = task.sparse.iter().filter_map(mask).collect();
        let adam = AdamConfig::new().with_epsilon(1e-7).with_weight_decay(Some(WeightDecayConfig::new(1e-4))).build();
        let (held, states) = (task.held, BTreeMap::new());
        Ok(Self { network, teacher, batches, held, options, adam, states, masks, step: 0 })
    }

    pub(super) fn run(&mut self) -> Result<(), Error> {
        self.run_until(self.total())
    }

    fn total(&self) -> usize {
        self.options.epochs * self.batches.per_epoch()
    }

    /// Steps up to `end`, which may be before the last.
    pub(super) fn run_until(&mut self, end: usize) -> Result<(), Error> {
        let (per_epoch, total) = (self.batches.per_epoch(), self.total());
        let (start, first) = (Instant::now(), self.step);
        let mut reported = Instant::now();
        while self.step < end {
            let loss = self.descend();
            if !loss.is_finite() {
                return Err(Error::Diverged { step: self.step, loss });
            }
            self.step += 1;
            if reported.elapsed() > REPORT_EVERY || self.step == end {
                let left = start.elapsed() * (total - self.step) as u32 / (self.step - first) as u32;
                eprintln!("step {} of {total}, loss {loss:.4}, {} s left", self.step, left.as_secs());
                self.save()?;
                reported = Instant::now();
            }
            if let Some(held) = self.held.filter(|_| self.step.is_multiple_of(per_epoch)) {
                eprintln!("epoch {}, of the held-out examples: {}", self.step / per_epoch, self.quality(held));
            }
        }
        Ok(())
    }

    /// The grids that weights are rounded to, as they are now.
    fn grids(&self) -> BTreeMap<usize, Grid> {
        let graph = &self.network.graph;
        let bits = |index: usize| match self.options.int4.contains(&graph.nodes[index].name) {
            true => Some(4),
            false => self.options.int8.then_some(8),
        };
        let products = (0..graph.nodes.len()).filter(|index| is_product(graph, *index));
        products.filter_map(|index| Some((index, grid(&self.network, index, bits(index)?)))).collect()
    }

    fn rounding<'g>(&'g self, grids: &'g BTreeMap<usize, Grid>) -> Rounding<'g> {
        Rounding { graph: &self.network.graph, grids, activations: self.options.int8 }
    }

    /// One step; the loss before it.
    fn descend(&mut self) -> f32 {
        let grids = self.grids();
        let parameters = parameter::all(&self.network);
        let mut sums: Vec<Option<Tensor<2>>> = vec![None; parameters.len()];
        let (mut total, objective) = (0.0, self.options.objective);
        for part in 0..self.options.accumulate {
            let (images, labels) = self.batches.get(self.step, part);
            let tracked: Vec<Tensor<2>> =
                parameters.iter().map(|p| p.of(&self.network).clone().autodiff().require_grad()).collect();
            let mut network = self.network.clone();
            parameters.iter().zip(&tracked).for_each(|(p, tensor)| *p.slot(&mut network) = tensor.clone());
            let input = value(images, labels.len(), network.device());
            let mut rounding = self.rounding(&grids);
            let taught = self.teacher.as_ref().map(|teacher| teacher.run(vec![input.clone()], &mut ()).swap_remove(0));
            let outputs = network.run(vec![input.clone()], &mut rounding).swap_remove(0);
            let examples = loss::from_examples(objective, outputs.clone(), input, &labels);
            let distance = match taught {
                Some(taught) => {
                    let share = self.options.distill as f32;
                    loss::from_teacher(objective, outputs, taught) * share + examples * (1.0 - share)
                }
                None => examples,
            };
            total += elements(&distance.clone().inner().reshape([1, 1]))[0] / self.options.accumulate as f32;
            let gradients = distance.backward();
            for (sum, tensor) in sums.iter_mut().zip(&tracked) {
                let gradient = tensor.grad(&gradients);
                *sum = match (sum.take(), gradient) {
                    (Some(sum), Some(gradient)) => Some(sum + gradient),
                    (sum, gradient) => sum.or(gradient),
                };
            }
        }
        let phase = self.step as f64 / self.total() as f64;
        let rate = self.options.rate * (0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * phase).cos()));
        for (parameter, gradient) in parameters.into_iter().zip(sums) {
            if let Some(gradient) = gradient {
                self.update(parameter, gradient / self.options.accumulate as f32, rate);
            }
        }
        total
    }

    fn update(&mut self, parameter: Parameter, gradient: Tensor<2>, rate: f64) {
        let old = parameter.of(&self.network).clone();
        let (mut new, state) = self.adam.step(rate, old, gradient, self.states.remove(&parameter));
        if let Parameter::Constant(id) = parameter
            && let Some(mask) = self.masks.get(&id)
        {
            new = new * mask.clone();
        }
        *parameter.slot(&mut self.network) = new;
        if let Some(state) = state {
            self.states.insert(parameter, state);
        }
    }

    fn quality(&self, examples: &Examples) -> Quality {
        let mut network = self.network.clone();
        norms::estimate(&mut network, self.batches);
        let grids = self.grids();
        let all: Vec<usize> = (0..examples.labels.len()).collect();
        let outputs = |part: &[usize]| {
            let input = value(examples.inputs.take(part.iter().copied()), part.len(), network.device());
            let mut rounding = self.rounding(&grids);
            let outputs = network.run(vec![input], &mut rounding).swap_remove(0);
            elements(&outputs).chunks_exact(outputs.dims()[1]).map(<[f32]>::to_vec).collect::<Vec<_>>()
        };
        let outputs: Vec<Vec<f32>> = all.chunks(100).flat_map(outputs).collect();
        Quality::new(self.options.objective, &outputs, examples, &[])
    }

    pub(super) fn resume(&mut self) -> Result<(), Error> {
        let Some(path) = self.options.checkpoint.as_ref().filter(|path| path.exists()) else { return Ok(()) };
        let checkpoint = Checkpoint::read(path, &self.describe())?;
        let device = self.network.device().clone();
        for saved in checkpoint.parameters {
            let row = |data: Vec<f32>| value(data, 1, &device);
            let moments =
                burn::optim::AdaptiveMomentumState::new(saved.time, row(saved.moments.0), row(saved.moments.1));
            *saved.parameter.slot(&mut self.network) = row(saved.value);
            self.states.insert(saved.parameter, AdamState::new(moments));
        }
        self.step = checkpoint.step;
        eprintln!("{}: going on after step {}", path.display(), self.step);
        Ok(())
    }

    fn save(&self) -> Result<(), Error> {
        let Some(path) = &self.options.checkpoint else { return Ok(()) };
        let saved = |(parameter, state): (&Parameter, &AdamState<2>)| checkpoint::Saved {
            parameter: *parameter,
            value: elements(parameter.of(&self.network)),
            time: state.momentum.time,
            moments: (elements(&state.momentum.moment_1), elements(&state.momentum.moment_2)),
        };
        let parameters = self.states.iter().map(saved).collect();
        let checkpoint = Checkpoint { step: self.step, run: self.describe(), parameters };
        Ok(checkpoint.write(path).map_err(checkpoint::Error::from)?)
    }

    fn describe(&self) -> String {
        format!("{:?}, {} steps an epoch", self.options, self.batches.per_epoch())
    }
}

struct Rounding<'a> {
    graph: &'a Graph,
    grids: &'a BTreeMap<usize, Grid>,
    /// Whether activations are rounded too.
    activations: bool,
}

impl Hook for Rounding<'_> {
    fn weights(&mut self, node: usize, weights: Value) -> Value {
        match self.grids.get(&node) {
            Some(grid) => on_grid(self.graph, node, grid, weights),
            None => weights,
        }
    }

    fn value(&mut self, _: TensorId, value: Value) -> Value {
        if !self.activations {
            return value;
        }
        let plain = if value.is_autodiff() { value.clone().inner() } else { value.clone() };
        rounded(value, Affine::int8(Range::of(&elements(&plain))))
    }
}
