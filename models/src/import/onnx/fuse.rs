//! Nodes behind a node that become part of it.

use super::{
    build::Builder,
    context::Type,
    node::Node,
    quant::Format,
    value::{Value, View},
};
use crate::graph::{Activation, DType, Op, Refusal, TensorId};

/// What follows an operator and is computed with it.
pub(super) struct Tail<'f> {
    /// The value that comes out in the end.
    pub(super) output: &'f str,
    /// In the order in which they follow.
    pub(super) affine: Vec<Affine>,
    pub(super) activation: Activation,
    /// How the result is quantized; absent for floats.
    pub(super) format: Option<Format>,
    taken: Vec<&'f Node>,
}

/// `scale * y + shift`, with a number for each channel.
pub(super) struct Affine {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
}

/// Where an operator's output has its channels.
#[derive(Clone, Copy)]
pub(super) struct Channels {
    pub(super) axis: usize,
    pub(super) count: usize,
    pub(super) rank: usize,
}

impl<'f> Builder<'f> {
    /// Nothing.
    pub(super) fn no_tail(&self, node: &'f Node) -> Tail<'f> {
        let (affine, taken) = (Vec::new(), Vec::new());
        Tail { output: &node.outputs[0], affine, activation: Activation::None, format: None, taken }
    }

    /// An activation where the operator can have one, and a QuantizeLinear, without which there is no such tail: then the
    /// operator has to be computed in floats.
    pub(super) fn integer_tail(&mut self, node: &'f Node, activation: bool) -> Result<Option<Tail<'f>>, Refusal> {
        let mut tail = self.no_tail(node);
        while let Some(next) = self.follower(&tail) {
            if next.op == "QuantizeLinear" && next.input(0) == Some(tail.output) {
                let shapeless = Value::plain(0, Vec::new());
                // Scales by channel fit constants only.
                let Ok(format) = self.format(next, &shapeless) else { return Ok(None) };
                tail.format = Some(format);
                tail.push(next);
                self.commit(&tail);
                return Ok(Some(tail));
            }
            match self.activation(next)? {
                Some(kind) if activation && tail.activation == Activation::None => tail.activation = kind,
                _ => return Ok(None),
            }
            tail.push(next);
        }
        Ok(None)
    }

    /// A batch normalization, constants added and multiplied by channel, and an activation.
    pub(super) fn float_tail(&mut self, node: &'f Node, channels: Option<Channels>) -> Result<Tail<'f>, Refusal> {
        let mut tail = self.no_tail(node);
        while let Some(next) = self.follower(&tail) {
            let affine = match channels {
                Some(channels) => self.affine(next, tail.output, channels)?,
                None => None,
            };
            match (affine, self.activation(next)?) {
                (Some(affine), _) => tail.affine.push(affine),
                (None, Some(activation)) => {
                    tail.activation = activation;
                    tail.push(next);
                    break;
                }
                (None, None) => break,
            }
            tail.push(next);
        }
        self.commit(&tail);
        Ok(tail)
    }

    /// The node that alone reads what a tail yields, if all else that it reads is known already.
    fn follower(&self, tail: &Tail) -> Option<&'f Node> {
        self.only_reader(tail.output).filter(|node| self.knows_operands(node, tail.output))
    }

    fn commit(&mut self, tail: &Tail<'f>) {
        tail.taken.iter().for_each(|node| self.take(node));
    }

    /// Adds the operator with its tail; `like` has the shape and order of the result.
    pub(super) fn finish_with(
        &mut self,
        tail: &Tail<'f>,
        op: Op,
        inputs: Vec<Option<TensorId>>,
        like: Value,
    ) -> Result<(), Refusal> {
        let id = self.tensor(like.stored_shape(), &tail.kind())?;
        // An absent bias is not listed.
        let present = inputs.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        self.push(op, inputs[..present].to_vec(), vec![id])?;
        self.define(tail.output, Value { view: tail.view(), ..like.with(id) })
    }

    /// The activation that a node is, if it can be part of the node before it.
    pub(super) fn activation(&mut self, node: &Node) -> Result<Option<Activation>, Refusal> {
        Ok(match &node.op[..] {
            "Relu" => Some(Activation::Relu),
            "Clip" => {
                let (low, high) = (self.number(node, 1, "min")?, self.number(node, 2, "max")?);
                match (low, high) {
                    (Some(0.0), None) => Some(Activation::Relu),
                    (Some(0.0), Some(high)) if high >= f32::MAX => Some(Activation::Relu),
                    (Some(0.0), Some(6.0)) => Some(Activation::Relu6),
                    (Some(-1.0), Some(1.0)) => Some(Activation::ReluN1To1),
                    _ => None,
                }
            }
            _ => None,
        })
    }

    /// Scale and shift by channel, if that is what a node does to the value called `x`.
    fn affine(&mut self, node: &Node, x: &str, channels: Channels) -> Result<Option<Affine>, Refusal> {
        let constant = match (&node.op[..], node.inputs.iter().position(|name| name == x)) {
            ("BatchNormalization", Some(0)) => return self.batch_normalization(node, channels.count).map(Some),
            ("Add" | "Mul", Some(position)) if node.inputs.len() == 2 => self.input_of(node, 1 - position)?,
            _ => return Ok(None),
        };
        let by_channel = constant.rank() <= channels.rank && {
            let shape = constant.raised(channels.rank).shape;
            let fits = |(axis, n): (usize, &usize)| *n == 1 || axis == channels.axis && *n == channels.count;
            shape.iter().enumerate().all(fits)
        };
        let Some(values) = self.floats(&constant).filter(|_| by_channel) else { return Ok(None) };
        let values = if values.len() == 1 { vec![values[0]; channels.count] } else { values };
        Ok(Some(match &node.op[..] {
            "Add" => Affine { scale: vec![1.0; channels.count], shift: values },
            _ => Affine { scale: values, shift: vec![0.0; channels.count] },
        }))
    }

    /// A batch normalization as scale and shift.
    pub(super) fn batch_normalization(&mut self, node: &Node, count: usize) -> Result<Affine, Refusal> {
        super::context::arity(node, 5..=5, 5)?;
        if node.flag("training_mode")? {
            return Err(Refusal::unsupported("batch normalization in training mode").help("export for inference"));
        }
        let epsilon = node.float("epsilon")?.unwrap_or(1e-5);
        let mut parameters = Vec::new();
        for (i, role) in [(1, "scale"), (2, "bias"), (3, "mean"), (4, "variance")] {
            let value = self.input_of(node, i)?;
            let values = self.floats(&value).filter(|values| values.len() == count);
            let what = || Refusal::unsupported(format!("{role} must be a constant of {count} floats"));
            parameters.push(values.ok_or_else(what)?);
        }
        let factor = |c: usize| parameters[0][c] / (parameters[3][c] + epsilon).sqrt();
        let scale: Vec<f32> = (0..count).map(factor).collect();
        let shift = (0..count).map(|c| parameters[1][c] - parameters[2][c] * scale[c]).collect();
        Ok(Affine { scale, shift })
    }
}

impl<'f> Tail<'f> {
    /// The type of the result.
    pub(super) fn kind(&self) -> Type {
        self.format.as_ref().map_or(Type::of(DType::F32), |format| format.kind.clone())
    }

    /// What operators behind it see.
    pub(super) fn view(&self) -> View {
        self.format.as_ref().map_or(View::Real, |format| format.view)
    }

    fn push(&mut self, node: &'f Node) {
        self.output = &node.outputs[0];
        self.taken.push(node);
    }
}
