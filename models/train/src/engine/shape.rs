//! Values in the shape of their tensors.

use super::Value;
use burn::tensor::Tensor;

/// Dimensions of a tensor that the engine can tell apart.
pub(super) const MAX_RANK: usize = 5;

/// \[examples, tensor's shape, filled with ones at the front\].
pub(super) type Spread = Tensor<{ MAX_RANK + 1 }>;

/// Views `value` as `shape` for each example.
pub(super) fn spread(value: Value, shape: &[usize]) -> Spread {
    let mut dims = [1; MAX_RANK + 1];
    dims[0] = value.dims()[0];
    dims[MAX_RANK + 1 - shape.len()..].copy_from_slice(shape);
    value.reshape(dims)
}

/// Back to a row per example.
pub(super) fn flat(spread: Spread) -> Value {
    spread.flatten(1, MAX_RANK)
}

/// Axis of a [`Spread`] that is `axis` of a tensor of so many dimensions.
pub(super) fn axis(axis: usize, rank: usize) -> usize {
    MAX_RANK + 1 - rank + axis
}
