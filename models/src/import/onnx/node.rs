//! A node of the file and its attributes.

use crate::graph::{Refusal, ensure};
use tinderbox_onnx::{AttributeProto, NodeProto, TensorProto};

/// One operator of the file, or one that a shorthand in it stands for.
#[derive(Clone, Default)]
pub(super) struct Node {
    /// Position in the file.
    pub(super) index: usize,
    /// Position among all nodes, those that shorthands stand for included.
    pub(super) position: usize,
    /// For messages.
    pub(super) name: String,
    pub(super) op: String,
    /// Empty where an optional one is absent.
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    attributes: Vec<AttributeProto>,
}

impl Node {
    pub(super) fn new(index: usize, node: NodeProto) -> Self {
        let NodeProto { input, output, name, op_type, attribute, .. } = node;
        let name = if name.is_empty() { output.first().cloned().unwrap_or_default() } else { name };
        Self { index, position: 0, name, op: op_type, inputs: input, outputs: output, attributes: attribute }
    }

    /// Another operator at the same place of the file, without attributes.
    pub(super) fn part(&self, op: &str, inputs: Vec<String>, output: String) -> Self {
        Self { op: op.to_owned(), inputs, outputs: vec![output], attributes: Vec::new(), ..self.clone() }
    }

    /// With an integer attribute more.
    pub(super) fn with_int(mut self, name: &str, value: i64) -> Self {
        self.attributes.push(AttributeProto { name: name.to_owned(), i: Some(value), ..AttributeProto::default() });
        self
    }

    /// The same attributes under another operator.
    pub(super) fn renamed(&self, op: &str, inputs: Vec<String>, output: String) -> Self {
        Self { attributes: self.attributes.clone(), ..self.part(op, inputs, output) }
    }

    /// The name of input `i`; `None` where it is absent.
    pub(super) fn input(&self, i: usize) -> Option<&str> {
        self.inputs.get(i).map(String::as_str).filter(|name| !name.is_empty())
    }

    fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// Whether there is such an attribute.
    pub(super) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// An integer, if it is there.
    pub(super) fn int(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.of_type(name, "an integer", |a| a.i)
    }

    /// A number, if it is there.
    pub(super) fn float(&self, name: &str) -> Result<Option<f32>, Refusal> {
        self.of_type(name, "a number", |a| a.f)
    }

    /// A text, empty where it is not there.
    pub(super) fn text(&self, name: &str) -> Result<&str, Refusal> {
        let text = self.of_type(name, "a text", |a| a.s.as_deref().and_then(|s| std::str::from_utf8(s).ok()));
        text.map(Option::unwrap_or_default)
    }

    /// A tensor, if it is there.
    pub(super) fn tensor(&self, name: &str) -> Result<Option<&TensorProto>, Refusal> {
        self.of_type(name, "a tensor", |a| a.t.as_ref())
    }

    /// Integers, if they are there.
    pub(super) fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|a| &a.ints[..])
    }

    /// Numbers, if they are there.
    pub(super) fn floats(&self, name: &str) -> Option<&[f32]> {
        self.attribute(name).map(|a| &a.floats[..])
    }

    /// Whether an integer is there and not 0.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        Ok(self.int(name)?.unwrap_or(0) != 0)
    }

    fn of_type<'a, T>(
        &'a self,
        name: &str,
        kind: &str,
        get: impl Fn(&'a AttributeProto) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let Some(attribute) = self.attribute(name) else { return Ok(None) };
        let value = get(attribute).ok_or_else(|| Refusal::invalid(format!("attribute {name} must be {kind}")))?;
        Ok(Some(value))
    }

    /// `count` positive lengths, 1 each where the attribute is absent.
    pub(super) fn lengths(&self, name: &str, count: usize) -> Result<Vec<usize>, Refusal> {
        let Some(values) = self.ints(name) else { return Ok(vec![1; count]) };
        ensure!(values.len() == count, "attribute {name} has {} values, {count} expected", values.len());
        // Larger ones are taken for corruption; it keeps all later arithmetic small.
        let positive = |&n: &i64| usize::try_from(n).ok().filter(|n| (1..=0xFFFF).contains(n));
        let lengths: Option<Vec<usize>> = values.iter().map(positive).collect();
        lengths.ok_or_else(|| Refusal::invalid(format!("attribute {name} is out of range: {values:?}")))
    }
}
