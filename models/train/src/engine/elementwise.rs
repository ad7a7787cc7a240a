//! Operators on elements, and the way to those of the other files.

use super::shape::{Spread, axis, flat, spread};
use super::{Network, Value, activate, fused, pool};
use crate::engine::Windows;
use burn::tensor::activation as functions;
use tinderbox::graph::{Activation, Binary, Op, Reduction, Stride, TensorId, Unary};

impl Network {
    /// The results of a node that has no weights.
    pub(super) fn compute(&self, index: usize, values: &[Option<Value>]) -> Vec<Value> {
        let node = &self.graph.nodes[index];
        let input = |slot: usize| self.read(node.inputs[slot], values);
        let last = || *self.shape(node.outputs[0]).last().unwrap_or(&1) as i32;
        let by_rows = |function: &dyn Fn(Value) -> Value| {
            let x = input(0);
            let dims = x.dims();
            function(x.reshape([-1, last()])).reshape(dims)
        };
        let result = match &node.op {
            Op::Add { activation } => activate(self.broadcast(index, values, |x, y| x + y), *activation),
            Op::Sub { activation } => activate(self.broadcast(index, values, |x, y| x - y), *activation),
            Op::Mul { activation } => activate(self.broadcast(index, values, |x, y| x * y), *activation),
            Op::Binary(Binary::Maximum) => self.broadcast(index, values, |x, y| x.max_pair(y)),
            Op::Binary(Binary::Minimum) => self.broadcast(index, values, |x, y| x.min_pair(y)),
            Op::Binary(Binary::SquaredDifference) => self.broadcast(index, values, |x, y| (x - y).square()),
            Op::Prelu => self.broadcast(index, values, |x, alpha| x.clone().clamp_min(0.0) + x.clamp_max(0.0) * alpha),
            Op::Unary(function) => unary(input(0), *function),
            Op::Quantize => input(0),
            Op::Softmax { beta } => by_rows(&|x| functions::softmax(x * *beta, 1)),
            Op::LogSoftmax => by_rows(&|x| functions::log_softmax(x, 1)),
            Op::L2Normalization => by_rows(&|x| x.clone() / x.square().sum_dim(1).sqrt().clamp_min(1e-6)),
            Op::AveragePool2d { kernel, stride, padding, activation } => {
                let (windows, channels) = self.pool_windows(node.inputs[0], *kernel, *stride, *padding);
                let columns = windows.count() * channels;
                self.pooled(input(0), pool::AveragePool { windows, channels }, columns, *activation)
            }
            Op::MaxPool2d { kernel, stride, padding, activation } => {
                let (windows, channels) = self.pool_windows(node.inputs[0], *kernel, *stride, *padding);
                let columns = windows.count() * channels;
                self.pooled(input(0), pool::MaxPool { windows, channels }, columns, *activation)
            }
            Op::Reduce { kind, axes, .. } => {
                let shape = self.shape(node.inputs[0].unwrap_or_default());
                let x = spread(input(0), shape);
                flat(axes.iter().fold(x, |x, a| reduce(x, *kind, axis(*a, shape.len()))))
            }
            _ => return self.moved(index, values),
        };
        vec![result]
    }

    /// A function of two tensors, broadcast.
    fn broadcast(&self, index: usize, values: &[Option<Value>], function: impl Fn(Spread, Spread) -> Spread) -> Value {
        let node = &self.graph.nodes[index];
        let [x, y] = [0, 1].map(|slot| {
            let shape = self.shape(node.inputs[slot].unwrap_or_default());
            spread(self.read(node.inputs[slot], values), shape)
        });
        flat(function(x, y))
    }

    fn pool_windows(
        &self,
        input: Option<TensorId>,
        kernel: Stride,
        stride: Stride,
        padding: tinderbox::graph::Padding,
    ) -> (Windows, usize) {
        let shape = self.shape(input.unwrap_or_default());
        let one = Stride { h: 1, w: 1 };
        let image = [shape[1], shape[2], shape[3]];
        (Windows::new(image, [kernel.h, kernel.w], stride, one, padding), shape[3])
    }

    fn pooled(&self, input: Value, op: impl fused::Fused<1>, columns: usize, activation: Activation) -> Value {
        activate(fused::apply(op, [input], columns), activation)
    }
}

fn reduce(x: Spread, kind: Reduction, axis: usize) -> Spread {
    match kind {
        Reduction::Mean => x.mean_dim(axis),
        Reduction::Sum => x.sum_dim(axis),
        Reduction::Max => x.max_dim(axis),
        Reduction::Min => x.min_dim(axis),
        Reduction::Prod => x.prod_dim(axis),
    }
}

fn unary(x: Value, function: Unary) -> Value {
    match function {
        Unary::Abs => x.abs(),
        Unary::Ceil => x.ceil(),
        Unary::Elu => functions::elu(x, 1.0),
        Unary::Exp => x.exp(),
        Unary::Floor => x.floor(),
        Unary::Gelu { approximate: false } => functions::gelu(x),
        Unary::Gelu { approximate: true } => functions::gelu_approximate(x),
        Unary::HardSwish => x.clone() * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Unary::LeakyRelu { alpha } => functions::leaky_relu(x, f64::from(alpha)),
        Unary::Log => x.log(),
        Unary::Logistic => functions::sigmoid(x),
        Unary::Neg => x.neg(),
        Unary::Relu => functions::relu(x),
        Unary::Relu0To1 => x.clamp(0.0, 1.0),
        Unary::Relu6 => x.clamp(0.0, 6.0),
        Unary::ReluN1To1 => x.clamp(-1.0, 1.0),
        Unary::Round => x.round(),
        Unary::Rsqrt => x.sqrt().recip(),
        Unary::Sqrt => x.sqrt(),
        Unary::Square => x.clone() * x,
        Unary::Tanh => x.tanh(),
    }
}
