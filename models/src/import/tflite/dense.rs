//! Matrix products.

use super::{
    context::{Context, Conversion, activation, options},
    file::read,
};
use crate::graph::{Op, Refusal};
use tinderbox_tflite::WeightsFormat;

pub(super) fn fully_connected(c: &Context) -> Conversion {
    let o = options!(c, FullyConnectedOptions);
    if read(o.weights_format())? != WeightsFormat::Default {
        return Err(Refusal::unsupported("shuffled weights are not supported"));
    }
    c.node(Op::FullyConnected { activation: activation(o.fused_activation_function())? })
}

pub(super) fn batch_matmul(c: &Context) -> Conversion {
    let o = options!(c, BatchMatMulOptions);
    c.node(Op::BatchMatMul { adj_x: read(o.adj_x())?, adj_y: read(o.adj_y())? })
}
