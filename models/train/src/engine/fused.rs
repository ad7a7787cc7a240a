//! Operators in one piece: where composing one of Burn's tensor operations would copy an image nine times.
//!
//! A [`Fused`] operator works on slices and knows its own gradient. This file alone ties it to Burn's autodiff, for
//! whichever CPU backend the feature chooses.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Autodiff, TensorMetadata};
use burn::tensor::{Tensor, TensorData};
use std::borrow::Cow;
use std::fmt::Debug;

#[cfg(feature = "flex")]
type Inner = burn::backend::Flex;
#[cfg(not(feature = "flex"))]
#[expect(deprecated, reason = "the backend is a feature; this one is the default")]
type Inner = burn::backend::NdArray;

type Primitive = burn::backend::tensor::FloatTensor<Inner>;

/// An operator of `N` inputs. Inputs, output and gradients are row-major slices.
pub(super) trait Fused<const N: usize>: Clone + Debug + Send + Sync + 'static {
    /// The result.
    fn forward(&self, inputs: [&[f32]; N]) -> Vec<f32>;

    /// The gradient of every input that is `wanted`, from that of the result; the others' do not matter.
    fn backward(&self, inputs: [&[f32]; N], gradient: &[f32], wanted: [bool; N]) -> [Vec<f32>; N];
}

/// Applies `op`. The result has as many rows as the first input, and `columns` columns.
pub(super) fn apply<F: Fused<N>, const N: usize>(op: F, inputs: [Tensor<2>; N], columns: usize) -> Tensor<2> {
    let rows = inputs[0].dims()[0];
    let result = |inputs: &[Primitive; N]| {
        let data = inputs.each_ref().map(contents);
        TensorData::new(op.forward(data.each_ref().map(Cow::as_ref)), [rows, columns])
    };
    if !inputs.iter().any(Tensor::is_autodiff) {
        let device = inputs[0].device();
        return Tensor::from_data(result(&inputs.map(primitive)), &device);
    }
    let tracked = inputs.map(|input| {
        let tracked = input.autodiff().try_into_primitive::<Autodiff<Inner>>();
        tracked.expect("the engine's tensors live on its own backend")
    });
    let nodes = tracked.each_ref().map(|input| input.node());
    let primitives = tracked.map(|input| input.into_primitive());
    let output = Inner::float_from_data(result(&primitives), &primitives[0].device());
    let output = match Step(op).prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(primitives, output),
        OpsKind::UnTracked(prep) => prep.finish(output),
    };
    Tensor::from_primitive::<Autodiff<Inner>>(output)
}

#[derive(Clone, Debug)]
struct Step<F>(F);

impl<F: Fused<N>, const N: usize> Backward<Inner, N> for Step<F> {
    type State = [Primitive; N];

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Inner>(&ops.node);
        let shapes = ops.state.each_ref().map(|input| input.shape());
        let device = ops.state[0].device();
        let data = ops.state.each_ref().map(contents);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let results = self.0.backward(data.each_ref().map(Cow::as_ref), &contents(&gradient), wanted);
        for ((parent, result), shape) in ops.parents.into_iter().zip(results).zip(shapes) {
            if let Some(parent) = parent {
                grads.register::<Inner>(parent.id, Inner::float_from_data(TensorData::new(result, shape), &device));
            }
        }
    }
}

/// The elements of a tensor on the engine's backend, in place where it keeps them in order.
#[cfg_attr(not(feature = "flex"), expect(deprecated, reason = "the backend is a feature; this one is the default"))]
fn contents(primitive: &Primitive) -> Cow<'_, [f32]> {
    #[cfg(not(feature = "flex"))]
    if let Primitive::F32(storage) = primitive
        && let Some(elements) = storage.view().to_slice()
    {
        return Cow::Borrowed(elements);
    }
    let data = burn::tensor::read_sync(Inner::float_into_data(primitive.clone()));
    let elements = data.ok().and_then(|data| data.try_into_vec().ok());
    Cow::Owned(elements.expect("the engine's tensors are 32-bit floats in memory"))
}

/// The elements of a tensor; gradients are left behind.
pub(super) fn read_value(value: Tensor<2>) -> Vec<f32> {
    contents(&primitive(value)).into_owned()
}

fn primitive(value: Tensor<2>) -> Primitive {
    value.inner().try_into_primitive::<Inner>().expect("the engine's tensors live on its own backend")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Compares the gradient of a random weighting of the results with differences of it, for inputs of so many rows and
    /// columns.
    pub(in crate::engine) fn check_gradients<F: Fused<N>, const N: usize>(op: &F, sizes: [usize; N]) {
        let mut random = fastrand::Rng::with_seed(1);
        let mut numbers = |count: usize| (0..count).map(|_| random.f32() - 0.5).collect::<Vec<f32>>();
        let mut inputs = sizes.map(&mut numbers);
        let weighting = numbers(op.forward(inputs.each_ref().map(Vec::as_slice)).len());
        let gradients = op.backward(inputs.each_ref().map(Vec::as_slice), &weighting, [true; N]);
        for i in 0..N {
            for j in (0..sizes[i]).step_by(3) {
                let mut value = |offset: f32| {
                    inputs[i][j] += offset;
                    let result = op.forward(inputs.each_ref().map(Vec::as_slice));
                    inputs[i][j] -= offset;
                    result.iter().zip(&weighting).map(|(x, w)| f64::from(x * w)).sum::<f64>()
                };
                let difference = (value(1e-3) - value(-1e-3)) / 2e-3;
                let gradient = f64::from(gradients[i][j]);
                let close = (gradient - difference).abs() < 2e-3 * (1.0 + difference.abs());
                assert!(close, "{op:?} input {i} element {j}: {gradient} against {difference}");
            }
        }
    }
}
