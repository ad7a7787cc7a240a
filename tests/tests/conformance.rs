//! Every case of the conformance corpus, compiled and run on the host: the bytes of its stored outputs.

use tinderbox::compile::{Error, Options, compile};
use tinderbox::lower::{InputMode, Kernels};
use tinderbox::run::host;
use tinderbox_tests::cases::{Case, folders};

/// Operators that are refused yet, in some type or form.
const PENDING: &[&str] = &["SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM"];

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

/// Runs all cases. A case may be refused for a pending operator, and each pending operator has such a case.
fn check(options: &Options) {
    let (mut passed, mut wrong, mut refused) = (0, vec![], vec![]);
    for folder in folders() {
        let case = Case::load(&folder);
        match run(&case, options) {
            Ok(None) => passed += 1,
            Ok(Some(difference)) => wrong.push(format!("{}: {difference}", case.name)),
            Err(Error::Lower(error)) if PENDING.contains(&error.op.as_str()) => refused.push(error.op),
            Err(error) => wrong.push(format!("{}: {error}", case.name)),
        }
    }
    eprintln!("{passed} cases passed, {} await operators", refused.len());
    let stale: Vec<_> = PENDING.iter().filter(|op| !refused.iter().any(|refused| refused == *op)).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(stale.is_empty(), "not pending any more: {stale:?}");
}

/// What is wrong with the case's outputs.
fn run(case: &Case, options: &Options) -> Result<Option<String>, Error> {
    let image = compile(&case.graph, options)?;
    let found = host::run(&image, &case.inferences(), case.keep_state);
    Ok(found.map_or_else(|stopped| Some(stopped.to_string()), |found| case.difference(&found)))
}
