//! `tinderbox compress`.

use super::{Failure, LayerBits, TuneArguments, Units, import, share, write_model};
use std::path::PathBuf;
use std::str::FromStr;
use tinderbox::choose::Budget;
use tinderbox::cost::Table;
use tinderbox::{compile, files, target};
use tinderbox_train::compress::{self, Goal, Options};
use tinderbox_train::data::{Examples, Pair, classes};
use tinderbox_train::prune::Prune;
use tinderbox_train::{quantize, tune};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model, float
    model: PathBuf,
    /// Examples and labels to prune, fine-tune and calibrate with
    #[arg(long, value_name = "X,Y")]
    train: Pair,
    /// Examples and labels that accuracies are measured on
    #[arg(long, value_name = "X,Y")]
    test: Pair,
    /// A group for each test example
    #[arg(long, value_name = "G")]
    groups: Option<PathBuf>,
    #[command(flatten)]
    units: Units,
    /// What to remove: `blocks=0.5`, half of the 2x2 blocks of weights of every large layer, or `channels=0.5`, channels
    /// until half of the multiply-accumulates is gone
    #[arg(long)]
    prune: Option<PruneChoice>,
    /// Remove no more than brings the cost down to macs=N, bytes=N (of the program) or instructions=N (predicted for
    /// --target); the share in --prune is then the most that may go
    #[arg(long, requires = "prune")]
    to: Option<Goal>,
    /// Chip that costs are told for
    #[arg(long)]
    target: Option<String>,
    /// Most bytes of RAM that an inference may use
    #[arg(long, value_name = "BYTES", requires = "target")]
    ram: Option<usize>,
    /// Most bytes of flash for code, constants and weights
    #[arg(long, value_name = "BYTES", requires = "target")]
    flash: Option<usize>,
    /// Type of the result
    #[arg(long, value_enum)]
    quantize: Option<QuantizeChoice>,
    #[command(flatten)]
    bits: LayerBits,
    /// Train on for so many epochs
    #[arg(long, default_value_t = 0)]
    finetune: usize,
    #[command(flatten)]
    tune: TuneArguments,
    /// Share of the loss that is the distance from what the model says before; the rest is that from the labels
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    distill: f64,
    /// Fine-tune with weights and activations rounded to 8 bits, or what --int4 and the like say, as they will be
    #[arg(long, requires = "quantize")]
    qat: bool,
    /// Fine-tune the network without pruning too, for comparison
    #[arg(long)]
    control: bool,
    /// Fail if a class or group loses more points of accuracy
    #[arg(long)]
    max_group_drop: Option<f64>,
    /// Where to write the model
    #[arg(short, long)]
    output: PathBuf,
    /// Where to write what was before and what is after
    #[arg(long)]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum QuantizeChoice {
    /// 8 bits for weights and activations
    Int8,
    /// 4 bits for weights, but for the first and the last layer, and 8 for activations
    Int4,
}

#[derive(Clone, Copy)]
struct PruneChoice(Prune);

impl FromStr for PruneChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, share) = text.split_once('=').ok_or("blocks=SHARE or channels=SHARE")?;
        let share = self::share(share)?;
        match what {
            "blocks" => Ok(Self(Prune::Blocks(share))),
            "channels" => Ok(Self(Prune::Channels(share))),
            _ => Err("blocks=SHARE or channels=SHARE".into()),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let graph = import(&arguments.model)?;
    let units = arguments.units.get();
    let train = Examples::read(&arguments.train, units).map_err(Failure::refused)?;
    let test = Examples::read(&arguments.test, units).map_err(Failure::refused)?;
    let groups = match &arguments.groups {
        Some(path) => classes(path, test.inputs.len()).map_err(Failure::refused)?,
        None => vec![],
    };
    let LayerBits { int4, int4_above, int16 } = arguments.bits.clone();
    if arguments.quantize.is_none() && !(int4.is_empty() && int4_above.is_none() && int16.is_empty()) {
        return Err(Failure::Refused("bits of layers are of quantized networks: add --quantize int8".into()));
    }
    let quantize = arguments.quantize.map(|choice| {
        let weight_bits = match choice {
            QuantizeChoice::Int8 => 8,
            QuantizeChoice::Int4 => 4,
        };
        quantize::Options { weight_bits, int4, int4_above, int16, ..compress::quantization() }
    });
    let (int8, distill) = (arguments.qat, arguments.distill);
    let tune = tune::Options { int8, distill, ..arguments.tune.options(arguments.finetune) };
    let compile = match &arguments.target {
        Some(name) => compile_options(name, Budget { ram: arguments.ram, flash: arguments.flash })?,
        None => compile::Options::default(),
    };
    let (goal, control) = (arguments.to, arguments.control);
    if matches!(goal, Some(Goal::Instructions(_))) && compile.costs.is_none() {
        return Err(Failure::Refused("--to instructions needs a --target whose costs are known: cortex-m4".into()));
    }
    if matches!(goal, Some(Goal::Instructions(_) | Goal::Bytes(_))) && quantize.is_none() {
        return Err(Failure::Refused("--to bytes and --to instructions are of programs: add --quantize int8".into()));
    }
    let (prune, holdout) = (arguments.prune.map(|choice| choice.0), arguments.tune.holdout);
    let options = Options { prune, goal, compile, quantize, tune, holdout, control };
    let result = compress::compress(&graph, &train, &test, &groups, &options).map_err(|error| match error {
        compress::Error::Failed(_) => Failure::failed(error),
        error => Failure::Refused(format!("{}: {error}", arguments.model.display())),
    })?;
    eprint!("{}", result.report);
    if let Some(path) = &arguments.report {
        files::write_json(path, &result.report).map_err(Failure::failed)?;
    }
    if let (Some(limit), Some(worst)) = (arguments.max_group_drop, &result.report.worst)
        && worst.points > limit
    {
        let what = format!("{} loses {:.1} points, more than {limit}", worst.what, worst.points);
        return Err(Failure::Refused(format!("{what}: nothing is written; prune less, or fine-tune longer")));
    }
    write_model(&result.graph, &arguments.output)
}

fn compile_options(name: &str, budget: Budget) -> Result<compile::Options, Failure> {
    let target = target::target(name).map_err(Failure::refused)?;
    let costs = Table::of(target).map_err(Failure::failed)?;
    Ok(compile::Options { kernels: target.kernels, costs, budget, ..compile::Options::default() })
}
