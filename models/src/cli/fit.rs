//! `tinderbox fit`.

use super::{Failure, InputChoice, Limits, table};
use std::path::PathBuf;
use tinderbox::fit::{self, Fit};
use tinderbox::target::{self, Board};
use tinderbox::{compile, import};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The model: a .tflite file
    model: PathBuf,
    /// How inputs reach the model
    #[arg(long, value_enum, default_value_t)]
    input_mode: InputChoice,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let graph = import::import(&arguments.model)?;
    let mut fits = vec![];
    for board in target::boards()? {
        let target = target::target(&board.target)?;
        let options = super::options(target, arguments.input_mode.into(), &Limits { ram: None, flash: None })?;
        // What does not fit is shown as it would be where it does.
        let image = match fit::compile(&graph, &board, &options) {
            Ok(image) => Ok(image),
            Err(_) => compile::compile(&graph, &options),
        };
        let image = image.map_err(|error| Failure::Refused(format!("{}: {error}", arguments.model.display())))?;
        fits.push((Fit::new(&image, &board, options.costs.as_ref()), board));
    }
    let time = |fit: &Fit| fit.milliseconds().unwrap_or(f64::INFINITY);
    // Those that fit, the fastest first; where no time is known, the one that has most to spare.
    fits.sort_by(|(a, _), (b, _)| {
        (!a.fits(), time(a), a.binds().1).partial_cmp(&(!b.fits(), time(b), b.binds().1)).expect("numbers")
    });
    print(&fits);
    Ok(())
}

fn print(fits: &[(Fit, Board)]) {
    let mut rows = table(["board", "fits", "RAM", "of", "flash", "of", "instructions", "ms at least", "binds"]);
    for (fit, board) in fits {
        let number = |n: Option<f64>, digits: usize| n.map_or("-".into(), |n| format!("{n:.digits$}"));
        let (what, part) = fit.binds();
        rows.add_row([
            board.name.clone(),
            if fit.fits() { "yes" } else { "no" }.into(),
            fit.ram.to_string(),
            fit.has.0.to_string(),
            fit.flash.to_string(),
            fit.has.1.to_string(),
            number(fit.instructions, 0),
            number(fit.milliseconds(), 1),
            format!("{what}, {:.0} %", 100.0 * part),
        ]);
    }
    println!("{rows}");
}
