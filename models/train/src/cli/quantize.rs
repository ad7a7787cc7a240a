//! `tinderbox quantize`.

use super::{Failure, LayerBits, Units, import, write_model};
use serde::Serialize;
use std::path::PathBuf;
use tinderbox::files;
use tinderbox_train::data::Inputs;
use tinderbox_train::quantize::range::Method;
use tinderbox_train::quantize::sensitivity::Sensitivity;
use tinderbox_train::quantize::{Options, quantize};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model, float
    model: PathBuf,
    /// Examples of its input, (N, ...): some hundreds, never those it is tested on
    #[arg(long, value_name = "X")]
    calibrate: PathBuf,
    #[command(flatten)]
    units: Units,
    /// How ranges come from what the examples show
    #[arg(long, value_enum, default_value_t)]
    method: MethodChoice,
    /// For the percentile method: how much of the values a range takes in
    #[arg(long, default_value_t = 99.99, value_parser = percent)]
    percent: f64,
    /// Bits of weights; the first and the last layer keep 8
    #[arg(long, default_value_t = 8, value_parser = weight_bits)]
    weights: u8,
    #[command(flatten)]
    bits: LayerBits,
    /// Even out channels between layers first: for depthwise networks without ReLU6
    #[arg(long)]
    equalize: bool,
    /// Leave biases as they are
    #[arg(long)]
    keep_bias: bool,
    /// Where to write the quantized model
    #[arg(short, long)]
    output: PathBuf,
    /// Where to write what each layer costs
    #[arg(long)]
    report: Option<PathBuf>,
}

/// See [`Method`].
#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum MethodChoice {
    /// All that was seen
    #[default]
    MinMax,
    /// All but the rarest at both ends
    Percentile,
    /// What loses least
    Mse,
}

#[derive(Serialize)]
struct Report {
    layers: Vec<Sensitivity>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let graph = import(&arguments.model)?;
    let calibration = Inputs::read(&arguments.calibrate, arguments.units.get()).map_err(Failure::refused)?;
    let method = match arguments.method {
        MethodChoice::MinMax => Method::MinMax,
        MethodChoice::Percentile => Method::Percentile(arguments.percent),
        MethodChoice::Mse => Method::Mse,
    };
    let LayerBits { int4, int4_above, int16 } = arguments.bits.clone();
    let options = Options {
        method,
        weight_bits: arguments.weights,
        int4,
        int4_above,
        int16,
        equalize: arguments.equalize,
        correct_bias: !arguments.keep_bias,
    };
    let refused = |error| Failure::Refused(format!("{}: {error}", arguments.model.display()));
    let quantized = quantize(&graph, &calibration, &options).map_err(refused)?;
    write_model(&quantized.graph, &arguments.output)?;
    match &arguments.report {
        Some(path) => files::write_json(path, &Report { layers: quantized.sensitivity }).map_err(Failure::failed),
        None => Ok(()),
    }
}

fn weight_bits(text: &str) -> Result<u8, String> {
    match text {
        "8" => Ok(8),
        "4" => Ok(4),
        _ => Err("8 or 4".into()),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|p| (50.0..=100.0).contains(p)).ok_or_else(|| "from 50 to 100".into())
}
