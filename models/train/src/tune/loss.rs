//! What training brings down.

use crate::engine::Value;
use crate::quality::Objective;
use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Int, Tensor, TensorData};

/// The distance of outputs, of a classifier before softmax, from what the examples want: labels, or the inputs.
pub(super) fn from_examples(objective: Objective, outputs: Value, inputs: Value, labels: &[usize]) -> Tensor<1> {
    match objective {
        Objective::Classification => cross_entropy(outputs, labels),
        Objective::Reconstruction => squared_error(outputs, inputs),
    }
}

/// The distance of outputs from the teacher's.
pub(super) fn from_teacher(objective: Objective, outputs: Value, taught: Value) -> Tensor<1> {
    match objective {
        Objective::Classification => soft_cross_entropy(outputs, taught),
        Objective::Reconstruction => squared_error(outputs, taught),
    }
}

/// Mean of the negative logarithms of the right classes' probabilities.
fn cross_entropy(logits: Value, labels: &[usize]) -> Tensor<1> {
    let device = logits.device().without_autodiff();
    let labels: Vec<i64> = labels.iter().map(|label| *label as i64).collect();
    let count = labels.len();
    let chosen = Tensor::<2, Int>::from_data(TensorData::new(labels, [count, 1]), &device);
    log_softmax(logits, 1).gather(1, chosen).mean().neg()
}

/// Softens probabilities until the teacher's second thoughts count.
const TEMPERATURE: f32 = 2.0;

/// Mean cross-entropy with the teacher's probabilities, both softened; the factor keeps its gradient's size (Hinton et
/// al., "Distilling the Knowledge in a Neural Network", 2015).
fn soft_cross_entropy(logits: Value, taught: Value) -> Tensor<1> {
    let wanted = softmax(taught / TEMPERATURE, 1);
    let products = log_softmax(logits / TEMPERATURE, 1) * wanted;
    products.sum_dim(1).mean().neg() * (TEMPERATURE * TEMPERATURE)
}

/// Mean over all elements.
fn squared_error(outputs: Value, wanted: Value) -> Tensor<1> {
    let difference = outputs - wanted;
    (difference.clone() * difference).mean()
}
