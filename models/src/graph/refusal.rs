//! Why a model is refused.

use super::Tensor;
use std::{fmt, ops::RangeInclusive};

/// `ensure!(condition, "what is wrong {}", ..)` returns [`Refusal::invalid`] unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($what:tt)+) => {
        // Not `!`: a comparison with a NaN must not hold either way.
        if $condition {
        } else {
            return Err($crate::graph::Refusal::invalid(format!($($what)+)));
        }
    };
}
pub(crate) use ensure;

/// Whether the model is wrong, or only beyond this compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The model contradicts itself or its format: no program could run it as it was meant.
    Invalid,
    /// The model may be fine; this compiler does not do what it asks for.
    Unsupported,
}

/// The operator at which a model is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Position in the file's list of operators (in a graph: among its nodes), from 0.
    pub index: usize,
    /// What it is: `CONV_2D`.
    pub op: String,
    /// Its name in the model, empty where unknown.
    pub name: String,
}

/// Why a model is refused, where, and what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Wrong, or only unsupported.
    pub kind: Kind,
    /// The operator, where one is to blame.
    pub operator: Option<Box<Place>>,
    /// The tensor's name, where one is to blame.
    pub tensor: Option<String>,
    /// What is wrong, for people.
    pub what: String,
    /// What the user can do.
    pub help: Option<&'static str>,
}

impl Refusal {
    /// The model is wrong.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self { kind: Kind::Invalid, operator: None, tensor: None, what: what.into(), help: None }
    }

    /// The model asks for something that this compiler does not do.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self { kind: Kind::Unsupported, ..Self::invalid(what) }
    }

    /// Names the tensor to blame.
    pub fn on(mut self, tensor: &Tensor) -> Self {
        self.tensor.get_or_insert_with(|| tensor.name.clone());
        self
    }

    /// Names the operator to blame, unless that is known already.
    pub fn at(mut self, place: impl FnOnce() -> Place) -> Self {
        self.operator.get_or_insert_with(|| Box::new(place()));
        self
    }

    /// Adds what the user can do.
    pub fn help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.operator {
            write!(f, "operator {} {}", place.index, place.op)?;
            if !place.name.is_empty() {
                write!(f, " ({})", clipped(&place.name))?;
            }
            write!(f, ": ")?;
        }
        if let Some(tensor) = &self.tensor {
            write!(f, "tensor {:?}: ", clipped(tensor))?;
        }
        write!(f, "{}", self.what)?;
        match self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// Names come from the file, which may hold anything.
fn clipped(name: &str) -> String {
    let clean = |c: char| if c.is_control() { '?' } else { c };
    match name.char_indices().nth(80) {
        None => name.chars().map(clean).collect(),
        Some((end, _)) => name[..end].chars().map(clean).chain("..".chars()).collect(),
    }
}

/// Demands that so many of a thing were found; `usize::MAX` is any number.
pub(crate) fn ensure_count(what: &str, allowed: &RangeInclusive<usize>, found: usize) -> Result<(), Refusal> {
    let expected = match (*allowed.start(), *allowed.end()) {
        (a, b) if a == b => a.to_string(),
        (a, usize::MAX) => format!("at least {a}"),
        (a, b) => format!("{a} to {b}"),
    };
    let plural = if expected == "1" { "" } else { "s" };
    ensure!(allowed.contains(&found), "{expected} {what}{plural} expected, {found} found");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_operator_tensor_and_remedy() {
        let refusal = Refusal { tensor: Some("w\n".into()), ..Refusal::invalid("bad").help("do better") };
        let place = Place { index: 3, op: "CONV_2D".into(), name: "stem".into() };
        let text = refusal.at(|| place).to_string();
        assert_eq!(text, "operator 3 CONV_2D (stem): tensor \"w?\": bad (do better)");
    }
}
