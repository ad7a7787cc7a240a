//! Weights and constants for the kernels of the machine that the compiler runs on.

use super::convolution::{Convolution, Kind};
use super::dense::Dense;
use super::form::Form;
use super::lowering::Lowering;
use super::product::Channel;
use super::{Algorithm, Variant};
use crate::graph::Node;
use std::sync::Arc;
use tinderbox_runtime::abi;
use tinderbox_runtime::kernels::fully_connected::FullyConnected;
use tinderbox_runtime::kernels::host::depthwise::MOST_TAPS;
use tinderbox_runtime::kernels::host::product::Product;
use tinderbox_runtime::kernels::host::{LANES, MOST_ELEMENTS};

/// The one variant that the kernels have of a convolution, if it is in their range: all rows in one step, for the host has
/// memory, and steps take time.
pub(super) fn variants(lowering: &Lowering<'_>, convolution: &Convolution) -> Vec<Variant> {
    let variant = Variant { algorithm: Algorithm::Product, rows: convolution.windows.output(1).rows.max(1) };
    stream(lowering, convolution).map(|_| variant).into_iter().collect()
}

/// Lowers a convolution that has a variant.
pub(super) fn lower(lowering: &mut Lowering<'_>, node: &Node, convolution: &Convolution, rows: usize) {
    let Some(stream) = stream(lowering, convolution) else { return };
    let kernel = match convolution.kind {
        Kind::Grouped(_) => abi::HOST_CONV_2D_S8,
        Kind::Depthwise(_) => abi::HOST_DEPTHWISE_S8,
    };
    convolution
        .layer(lowering, node, kernel, rows)
        .params(params(&convolution.channels, convolution.input_zero_point).words())
        .weights(stream)
        .finish();
}

/// The one variant that the kernels have of a fully connected layer, if it is in their range.
pub(super) fn dense_variants(lowering: &Lowering<'_>, dense: &Dense) -> Vec<Variant> {
    let variant = Variant { algorithm: Algorithm::Product, rows: 1 };
    dense_stream(lowering, dense).map(|_| variant).into_iter().collect()
}

/// Lowers a fully connected layer that has a variant.
pub(super) fn fully_connected(lowering: &mut Lowering<'_>, node: &Node, dense: &Dense) {
    let channels = dense.channels(lowering);
    let Some(stream) = dense_stream(lowering, dense) else { return };
    dense
        .layer(lowering, node, abi::HOST_FULLY_CONNECTED_S8)
        .params(FullyConnected { inputs: dense.inputs as i32, outputs: dense.outputs as i32 }.words())
        .params(params(&channels, dense.input_zero_point()).words())
        .weights(stream)
        .finish();
}

fn dense_stream(lowering: &Lowering<'_>, dense: &Dense) -> Option<Arc<[u8]>> {
    let (channels, weights) = (dense.channels(lowering), dense.weights());
    let of = |channel: usize| weights[channel * dense.inputs..][..dense.inputs].to_vec();
    lowering.stream(Algorithm::Product, || products(&channels, dense.input_zero_point(), of))
}

fn params(channels: &[Channel], input_zero_point: i32) -> Product {
    let requantization = channels[0].requantization;
    Product { input_zero_point, min: requantization.min, max: requantization.max }
}

fn stream(lowering: &Lowering<'_>, convolution: &Convolution) -> Option<Arc<[u8]>> {
    let (channels, zero_point) = (&convolution.channels, convolution.input_zero_point);
    let weights_of = |channel: usize| convolution.weights_of(channel);
    lowering.stream(Algorithm::Product, || match convolution.kind {
        Kind::Grouped(channels_seen) if channels_seen == convolution.windows.window.in_channels as usize => {
            products(channels, zero_point, weights_of)
        }
        Kind::Depthwise(1) => depthwise(channels, zero_point, weights_of),
        _ => None,
    })
}

/// What [`product`](tinderbox_runtime::kernels::host::product) reads; `None` if a number is out of range.
fn products(channels: &[Channel], zero_point: i32, weights_of: impl Fn(usize) -> Vec<i8>) -> Option<Vec<u8>> {
    groups(channels, zero_point, weights_of, |group| {
        let quads = group.first()?.weights.len().div_ceil(4);
        if 4 * quads > MOST_ELEMENTS {
            return None;
        }
        // The kernel moves inputs up by 128.
        let sum = |lane: &Lane| lane.weights.iter().map(|w| i32::from(*w)).sum::<i32>();
        let starts = vector(group, |lane| lane.form.start.wrapping_sub(128 * sum(lane)));
        let quad =
            |i: usize| (0..LANES).flat_map(move |lane| (4 * i..4 * i + 4).map(move |k| weight(group, lane, k) as u8));
        Some([starts, (0..quads).flat_map(quad).collect()].concat())
    })
}

/// What [`depthwise`](tinderbox_runtime::kernels::host::depthwise) reads; `None` if a number is out of range.
fn depthwise(channels: &[Channel], zero_point: i32, weights_of: impl Fn(usize) -> Vec<i8>) -> Option<Vec<u8>> {
    groups(channels, zero_point, weights_of, |group| {
        let taps = group.first()?.weights.len().next_multiple_of(2);
        if taps > MOST_TAPS {
            return None;
        }
        let biases = vector(group, |lane| lane.bias);
        let tap = |tap: usize| (0..LANES).map(move |lane| i16::from(weight(group, lane, tap)).to_le_bytes());
        Some([biases, (0..taps).flat_map(tap).flatten().collect()].concat())
    })
}

/// A channel in a group.
struct Lane {
    bias: i32,
    weights: Vec<i8>,
    form: Form,
}

/// Per group of channels, what `head` makes and how their sums are requantized.
fn groups(
    channels: &[Channel],
    zero_point: i32,
    weights_of: impl Fn(usize) -> Vec<i8>,
    head: impl Fn(&[Lane]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let lane = |(i, channel): (usize, &Channel)| {
        let weights = weights_of(i);
        Some(Lane { form: Form::new(channel, zero_point, &weights, true)?, bias: channel.bias, weights })
    };
    let lanes: Option<Vec<Lane>> = channels.iter().enumerate().map(lane).collect();
    let mut stream = vec![];
    for group in lanes?.chunks(LANES) {
        stream.extend(head(group)?);
        for i in 0..3 {
            stream.extend(vector(group, |lane| lane.form.constants[i]));
        }
    }
    Some(stream)
}

/// A word of each channel; zeros where a group is not full.
fn vector(group: &[Lane], word: impl Fn(&Lane) -> i32) -> Vec<u8> {
    (0..LANES).flat_map(|lane| group.get(lane).map_or(0, &word).to_le_bytes()).collect()
}

/// A weight; zero where there is none.
fn weight(group: &[Lane], lane: usize, k: usize) -> i8 {
    group.get(lane).and_then(|lane| lane.weights.get(k)).copied().unwrap_or(0)
}
