//! Operators that only move elements.

use super::shape::{MAX_RANK, Spread, axis, flat, spread};
use super::{Network, Value, activate, elements};
use burn::tensor::{Int, Tensor};
use tinderbox::graph::{Op, TensorId};

impl Network {
    /// The results of a node that moves elements.
    pub(super) fn moved(&self, index: usize, values: &[Option<Value>]) -> Vec<Value> {
        let node = &self.graph.nodes[index];
        let input = |slot: usize| self.read(node.inputs[slot], values);
        let shape = self.shape(node.inputs[0].unwrap_or_default());
        let rank = shape.len();
        let x = || spread(input(0), shape);
        let result = match &node.op {
            Op::Reshape => input(0),
            Op::Transpose { perm } => {
                let kept = MAX_RANK + 1 - rank;
                let mut order = [0; MAX_RANK + 1];
                (0..kept).for_each(|i| order[i] = i as isize);
                perm.iter().enumerate().for_each(|(i, from)| order[kept + i] = (kept + from) as isize);
                flat(x().permute(order))
            }
            Op::StridedSlice { begin, size, stride } => {
                let taken = (0..rank).fold(x(), |x, a| {
                    let at = |i: usize| (begin[a] as isize + i as isize * stride[a]) as usize;
                    self.select(x, axis(a, rank), &(0..size[a]).map(at).collect::<Vec<_>>())
                });
                flat(taken)
            }
            Op::Reverse { axes } => {
                let back = |n: usize| (0..n).rev().collect::<Vec<_>>();
                flat(axes.iter().fold(x(), |x, a| self.select(x, axis(*a, rank), &back(shape[*a]))))
            }
            Op::Gather { axis: along, .. } => {
                let indices = self.graph.tensors[node.inputs[1].unwrap_or_default()].integers().unwrap_or_default();
                flat(self.select(x(), axis(*along, rank), &indices.iter().map(|i| *i as usize).collect::<Vec<_>>()))
            }
            Op::Pad => self.pad(x(), node.inputs[1], node.outputs[0], node.inputs.get(2).map(|_| input(2))),
            Op::Concatenation { axis: along, activation } => {
                let part = |slot: usize| spread(input(slot), self.shape(node.inputs[slot].unwrap_or_default()));
                let parts = self.repeated((0..node.inputs.len()).map(part).collect());
                activate(flat(Tensor::cat(parts, axis(*along, rank))), *activation)
            }
            Op::Pack { axis: along } => {
                let mut shape = shape.to_vec();
                shape.insert(*along, 1);
                let part = |slot: usize| spread(input(slot), &shape);
                let parts = self.repeated((0..node.inputs.len()).map(part).collect());
                flat(Tensor::cat(parts, axis(*along, rank + 1)))
            }
            Op::Tile { multiples } => {
                flat(multiples.iter().enumerate().fold(x(), |x, (a, times)| x.repeat_dim(axis(a, rank), *times)))
            }
            Op::BroadcastTo => {
                let to = self.shape(node.outputs[0]);
                let mut dims = [1; MAX_RANK + 1];
                dims[0] = input(0).dims()[0];
                dims[MAX_RANK + 1 - to.len()..].copy_from_slice(to);
                flat(x().expand(dims))
            }
            Op::Split { axis: along } => {
                let lengths = node.outputs.iter().map(|id| self.shape(*id)[*along]);
                return self.cut(x(), axis(*along, rank), lengths);
            }
            Op::Unpack { axis: along } => {
                return self.cut(x(), axis(*along, rank), node.outputs.iter().map(|_| 1));
            }
            op => unreachable!("{op:?} passed the check"),
        };
        vec![result]
    }

    fn select(&self, x: Spread, axis: usize, indices: &[usize]) -> Spread {
        if indices.iter().copied().eq(0..x.dims()[axis]) {
            return x;
        }
        let indices: Vec<i64> = indices.iter().map(|i| *i as i64).collect();
        let indices = Tensor::<1, Int>::from_data(indices.as_slice(), &x.device());
        x.select(axis, indices)
    }

    fn cut(&self, x: Spread, axis: usize, lengths: impl Iterator<Item = usize>) -> Vec<Value> {
        let mut start = 0;
        let part = |length: usize| {
            start += length;
            flat(x.clone().narrow(axis, start - length, length))
        };
        lengths.map(part).collect()
    }

    fn pad(&self, x: Spread, amounts: Option<TensorId>, output: TensorId, fill: Option<Value>) -> Value {
        let amounts = amounts.and_then(|id| self.graph.tensors[id].integers()).unwrap_or_default();
        let fill = fill.and_then(|value| elements(&value).first().copied()).unwrap_or(0.0);
        let from = x.dims();
        let mut to = from;
        let shape = self.shape(output);
        let kept = to.len() - shape.len();
        to[kept..].copy_from_slice(shape);
        let ranges = std::array::from_fn::<_, { MAX_RANK + 1 }, _>(|i| {
            let before = i.checked_sub(kept).map_or(0, |axis| amounts[2 * axis] as usize);
            before..before + from[i]
        });
        flat(Tensor::full(to, fill, &x.device()).slice_assign(ranges, x))
    }

    /// Constants, which have one example, repeated as often as the others.
    fn repeated(&self, parts: Vec<Spread>) -> Vec<Spread> {
        let examples = parts.iter().map(|part| part.dims()[0]).max().unwrap_or(1);
        let repeat = |part: Spread| if part.dims()[0] < examples { part.repeat_dim(0, examples) } else { part };
        parts.into_iter().map(repeat).collect()
    }
}
