//! `report.json`: what a program costs.

use crate::cost::Table;
use crate::graph::Graph;
use crate::passes::Pass;
use crate::program::Image;
use crate::run::board::Measured;
use serde::Serialize;

/// What is known of a program. Fields that were not measured are `null`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Instruction set.
    pub target: String,
    /// Where it ran: `host`, a board, or nothing.
    pub on: Option<String>,
    /// Multiply-accumulates of the model.
    pub macs: u64,
    /// Those of an inference that are left where channels that do not matter were dropped, or those of a frame of a stream.
    pub executed_macs: u64,
    /// RAM for inference beside the stack and the handle.
    pub arena_bytes: usize,
    /// RAM that no order of the same steps can go below.
    pub arena_lower_bound_bytes: usize,
    /// The layer at work when the most of it is in use.
    pub binding_layer: String,
    /// RAM of the handle.
    pub model_bytes: Option<u64>,
    /// Deepest use of the stack.
    pub stack_bytes: Option<u64>,
    /// The kernels that the runtime was built with, `armv7em` or `portable`; on the host the vectors that they use.
    pub kernel_set: Option<String>,
    /// Bytes of flash.
    pub flash: Flash,
    /// The exact passes.
    pub passes: Vec<PassReport>,
    /// Instructions of `tbx_init`.
    pub init_instructions: Option<u64>,
    /// Instructions of an inference, or of a frame of a stream.
    pub instructions: Option<u64>,
    /// The same as the compiler predicts it, where it knows what the target's kernels cost.
    pub predicted_instructions: Option<u64>,
    /// Microseconds of an inference on the host; the median of many.
    pub latency_us: Option<f64>,
    /// Bytes of flash that it predicts.
    pub predicted_flash: Option<u64>,
    /// What else there is to say of a stream.
    pub stream: Option<Stream>,
    /// One per node of the program, in order.
    pub layers: Vec<LayerReport>,
}

/// What a pass did.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PassReport {
    /// Its name.
    pub pass: Pass,
    /// Whether it ran.
    pub ran: bool,
    /// Channels that were dropped or that are requantized in the short form, or operators that were merged, left out or
    /// shortened.
    pub changed: usize,
    /// Multiply-accumulates that are no longer there.
    pub macs_removed: u64,
}

/// A stream, in its steady state.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stream {
    /// Frames until the first output.
    pub window: usize,
    /// Frames from one output to the next.
    pub hop: usize,
    /// Most instructions of any one frame of those.
    pub worst_frame_instructions: Option<u64>,
}

/// Bytes of flash by use.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Flash {
    /// The runtime as linked.
    pub code: Option<u64>,
    /// Tables and scalars of the model.
    pub constants: Option<u64>,
    /// Its weights.
    pub weights: u64,
}

/// One node.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LayerReport {
    /// Name in the model.
    pub name: String,
    /// TensorFlow Lite's name of the operator.
    pub op: String,
    /// What executes it.
    pub kernel: String,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Instructions of an inference.
    pub instructions: Option<u64>,
    /// The same as the compiler predicts it.
    pub predicted: Option<u64>,
}

impl Report {
    /// What is known without running anything.
    pub fn new(target: &str, graph: &Graph, image: &Image) -> Self {
        let (plan, gains) = (image.plan(), image.gains());
        let pass = |pass: Pass| PassReport {
            pass,
            ran: gains.ran(pass),
            changed: gains.count(pass),
            macs_removed: if pass == Pass::Channels { gains.macs } else { 0 },
        };
        Report {
            target: target.into(),
            macs: graph.macs(),
            executed_macs: image.nodes().map(|node| node.macs).sum(),
            arena_bytes: plan.arena_bytes,
            arena_lower_bound_bytes: plan.lower_bound_bytes,
            binding_layer: image.flow().nodes.get(plan.busiest).map_or(String::new(), |node| node.name.clone()),
            stream: plan.period.as_ref().map(|p| Stream { window: p.window, hop: p.hop, ..Stream::default() }),
            passes: Pass::ALL.map(pass).to_vec(),
            flash: Flash { weights: image.weight_bytes() as u64, ..Flash::default() },
            layers: image
                .nodes()
                .map(|node| LayerReport {
                    name: node.layer.name.clone(),
                    op: node.layer.op.clone(),
                    kernel: node.layer.kernel.symbol.into(),
                    macs: node.macs,
                    ..LayerReport::default()
                })
                .collect(),
            ..Report::default()
        }
    }

    /// The same with what `costs` predict.
    pub fn with_predictions(mut self, image: &Image, costs: Option<&Table>) -> Self {
        let Some(costs) = costs else { return self };
        self.predicted_instructions = Some(costs.instructions(image).round() as u64);
        self.predicted_flash = Some(costs.flash(image).round() as u64);
        for (report, instructions) in self.layers.iter_mut().zip(costs.layers(image)) {
            report.predicted = Some(instructions.round() as u64);
        }
        self
    }

    /// The same with what was measured `on` a board.
    pub fn with_measured(mut self, on: &str, measured: &Measured) -> Self {
        self.on = Some(on.into());
        self.kernel_set = Some(measured.kernel_set.clone());
        self.model_bytes = Some(measured.model_bytes);
        self.stack_bytes = Some(measured.stack_bytes);
        self.init_instructions = Some(measured.init_instructions);
        // A stream is measured from one output to the next.
        let frames = self.stream.as_ref().map_or(1, |stream| stream.hop as u64);
        self.instructions = Some(measured.instructions / frames);
        if let Some(stream) = &mut self.stream {
            stream.worst_frame_instructions = Some(measured.worst_row_instructions);
        }
        self.flash = Flash {
            code: Some(measured.code_bytes),
            constants: Some(measured.constant_bytes),
            weights: measured.weight_bytes,
        };
        for (layer, count) in self.layers.iter_mut().zip(&measured.layers) {
            layer.instructions = Some(*count / frames);
        }
        self
    }
}
