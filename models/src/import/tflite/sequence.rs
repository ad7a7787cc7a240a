//! Operators with state.

use super::{
    context::{Context, Conversion, Converted, activation, options, positive},
    file::read,
};
use crate::graph::{Op, Refusal, ensure};
use tinderbox_tflite::ActivationFunctionType;

pub(super) fn svdf(c: &Context) -> Conversion {
    let o = options!(c, SvdfOptions);
    let rank = positive(o.rank(), "rank")?;
    c.node(Op::Svdf { rank, activation: activation(o.fused_activation_function())? })
}

/// Of TensorFlow Lite's slots: 0 x; 1-4 input weights; 5-8 recurrent weights; 9-11 peepholes; 12-15 biases;
/// 16-17 projection; 18 hidden state; 19 cell state; 20-23 layer normalization.
pub(super) fn lstm(c: &Context) -> Conversion {
    let o = options!(c, UnidirectionalSequenceLstmOptions);
    let fused = read(o.fused_activation_function())?;
    ensure!(fused == ActivationFunctionType::Tanh, "the cell's activation must be TANH, not {}", fused.name());
    let has = |slots: std::ops::Range<usize>| slots.clone().any(|i| c.inputs.get(i).copied().flatten().is_some());
    let refuse = |what| Err(Refusal::unsupported(format!("{what} is not supported")));
    if !has(1..2) {
        return refuse("coupled input and forget gate");
    } else if has(9..12) {
        return refuse("peephole");
    } else if has(16..18) {
        return refuse("projection");
    } else if has(20..24) {
        return refuse("layer normalization");
    } else if read(o.diagonal_recurrent_tensors())? {
        return refuse("diagonal recurrent weights");
    }
    let inputs = [0..9, 12..16, 18..20].into_iter().flatten().map(|slot| c.inputs[slot]).collect();
    let op = Op::UnidirectionalSequenceLstm { time_major: read(o.time_major())?, cell_clip: read(o.cell_clip())? };
    Ok(Converted::Node(op, inputs))
}
