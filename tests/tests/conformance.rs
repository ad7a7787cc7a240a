//! Every case of the conformance corpus, compiled and run on the host: the bytes of its stored outputs.

use tinderbox::compile::{Error, Options, compile};
use tinderbox::lower::{InputMode, Kernels};
use tinderbox::run::host;
use tinderbox_tests::cases::{Case, folders};

#[test]
fn whole_inputs() {
    check(&Options::default());
}

#[test]
fn pushed_rows() {
    check(&Options { input_mode: InputMode::Rows, ..Options::default() });
}

#[test]
fn armv7em_twins() {
    check(&Options { kernels: Kernels::Armv7em, ..Options::default() });
}

/// Runs all cases.
fn check(options: &Options) {
    let (mut passed, mut wrong) = (0, vec![]);
    for folder in folders() {
        let case = Case::load(&folder);
        match run(&case, options) {
            Ok(None) => passed += 1,
            Ok(Some(difference)) => wrong.push(format!("{}: {difference}", case.name)),
            Err(error) => wrong.push(format!("{}: {error}", case.name)),
        }
    }
    eprintln!("{passed} cases passed");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What is wrong with the case's outputs.
fn run(case: &Case, options: &Options) -> Result<Option<String>, Error> {
    let image = compile(&case.graph, options)?;
    let found = host::run(&image, &case.inferences(), case.keep_state);
    Ok(found.map_or_else(|stopped| Some(stopped.to_string()), |found| case.difference(&found)))
}
