//! Where two runs of a network part: the first operator whose output differs, and by how much.

use crate::graph::{DType, Graph, TensorId};
use crate::run::npy::Array;
use crate::run::tensors::Contents;
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

/// How the first tensor that differs differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Index of the node in the graph.
    pub node: usize,
    /// TensorFlow Lite's name of its operator.
    pub op: String,
    /// The output concerned.
    pub tensor: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The first inference in which it differs.
    pub inference: usize,
    /// How many of its elements do, in that inference.
    pub elements: usize,
    /// The largest absolute difference, in units of the element type.
    pub largest: f64,
    /// Index of the first element that differs.
    pub first: Vec<usize>,
    /// That element.
    pub found: f64,
    /// What it should be.
    pub wanted: f64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, op, tensor, shape, inference, elements, largest, first, found, wanted } = self;
        let count: usize = shape.iter().product();
        writeln!(f, "operator {node} {op} is the first that differs: `{tensor}` {shape:?}, inference {inference}")?;
        write!(f, "{elements} of {count} elements, by up to {largest}; the first is {first:?}: {found}, not {wanted}")
    }
}

/// Why a reference cannot be compared with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// An array is not the tensor of its name.
    #[error("`{tensor}` is {wanted} in the model, {found} in the reference")]
    Mismatch {
        /// The name.
        tensor: String,
        /// Inferences, shape and type of the tensor.
        wanted: String,
        /// Those of the array.
        found: String,
    },
    /// No array has a tensor's name.
    #[error("no array of the reference has the name of a computed tensor; one is `{0}`")]
    Nothing(String),
}

/// The reference's arrays as contents of the graph's tensors, matched by name.
pub fn reference(
    graph: &Graph,
    arrays: &BTreeMap<String, Array>,
    inferences: usize,
) -> Result<Vec<Option<Contents>>, Error> {
    let mut contents = vec![None; graph.tensors.len()];
    for &id in graph.nodes.iter().flat_map(|node| &node.outputs) {
        let tensor = &graph.tensors[id];
        let Some(array) = arrays.get(&tensor.name) else { continue };
        if array.dtype != tensor.dtype || array.data.len() != inferences * tensor.bytes() {
            let wanted = format!("{inferences} x {:?} {}", tensor.shape, tensor.dtype);
            let found = format!("{:?} {}", array.shape, array.dtype);
            return Err(Error::Mismatch { tensor: tensor.name.clone(), wanted, found });
        }
        contents[id] = Some(Contents { data: array.data.clone(), made: tensor.bytes() });
    }
    match contents.iter().all(Option::is_none) {
        true => Err(Error::Nothing(graph.outputs.first().map_or(String::new(), |&id| graph.tensors[id].name.clone()))),
        false => Ok(contents),
    }
}

/// The first tensor, in the order of the operators, that both have and in which some element differs by more than
/// `tolerance`; and how many tensors were compared.
pub fn first_difference(
    graph: &Graph,
    found: &[Option<Contents>],
    wanted: &[Option<Contents>],
    tolerance: f64,
) -> (Option<Difference>, usize) {
    let mut compared = 0;
    for (node, record) in graph.nodes.iter().enumerate() {
        for &id in &record.outputs {
            let (Some(found), Some(wanted)) = (&found[id], &wanted[id]) else { continue };
            compared += 1;
            if let Some(difference) = tensor(graph, id, found, wanted, tolerance) {
                let op = record.op.name().to_owned();
                return (Some(Difference { node, op, ..difference }), compared);
            }
        }
    }
    (None, compared)
}

fn tensor(graph: &Graph, id: TensorId, found: &Contents, wanted: &Contents, tolerance: f64) -> Option<Difference> {
    let tensor = &graph.tensors[id];
    let made = found.made.min(wanted.made);
    let inferences = found.data.chunks(tensor.bytes()).zip(wanted.data.chunks(tensor.bytes()));
    for (inference, (found, wanted)) in inferences.enumerate() {
        let values =
            |bytes: &[u8]| bytes[..made].chunks(tensor.dtype.bytes()).map(|b| value(tensor.dtype, b)).collect();
        let (found, wanted): (Vec<f64>, Vec<f64>) = (values(found), values(wanted));
        let distance = |i: &usize| if found[*i] == wanted[*i] { 0.0 } else { (found[*i] - wanted[*i]).abs() };
        // A NaN beside a number is different, too; beside another NaN it is not.
        let differs = |i: &usize| {
            let (a, b) = (found[*i], wanted[*i]);
            a.is_nan() != b.is_nan() || distance(i) > tolerance
        };
        let wrong: Vec<usize> = (0..found.len()).filter(differs).collect();
        if let Some(&first) = wrong.first() {
            return Some(Difference {
                node: 0,
                op: String::new(),
                tensor: tensor.name.clone(),
                shape: tensor.shape.clone(),
                inference,
                elements: wrong.len(),
                largest: wrong.iter().map(distance).fold(0.0, f64::max),
                first: index(&tensor.shape, first),
                found: found[first],
                wanted: wanted[first],
            });
        }
    }
    None
}

/// An element as a number; 64-bit integers lose digits beyond 2^53.
fn value(dtype: DType, bytes: &[u8]) -> f64 {
    fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
        bytes.first_chunk().copied().unwrap_or([0; N])
    }
    match dtype {
        DType::F32 => f32::from_le_bytes(first(bytes)).into(),
        DType::I8 => i8::from_le_bytes(first(bytes)).into(),
        DType::U8 | DType::Bool => u8::from_le_bytes(first(bytes)).into(),
        DType::I16 => i16::from_le_bytes(first(bytes)).into(),
        DType::I32 => i32::from_le_bytes(first(bytes)).into(),
        DType::I64 => i64::from_le_bytes(first(bytes)) as f64,
    }
}

/// Element `at` of a dense tensor, by its index along each axis.
fn index(shape: &[usize], mut at: usize) -> Vec<usize> {
    let mut index: Vec<usize> = shape.iter().rev().map(|n| (at % n, at /= n).0).collect();
    index.reverse();
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Node, Op, Quantization, Tensor, Unary};

    /// Two operators in a row, over tensors of shape [2, 3].
    fn graph() -> Graph {
        let tensor = |name: &str| Tensor {
            name: name.into(),
            shape: vec![2, 3],
            dtype: DType::I8,
            quant: Some(Quantization::per_tensor(1.0, 0)),
            data: None,
            bits: 8,
        };
        let node = |i: usize| Node {
            name: format!("n{i}"),
            op: Op::Unary(Unary::Relu),
            inputs: vec![Some(i)],
            outputs: vec![i + 1],
        };
        let tensors = ["x", "h", "y"].map(tensor).to_vec();
        Graph { tensors, nodes: vec![node(0), node(1)], inputs: vec![0], outputs: vec![2], ..Graph::default() }
    }

    fn contents(data: &[i8], made: usize) -> Option<Contents> {
        Some(Contents { data: data.iter().map(|n| *n as u8).collect(), made })
    }

    #[test]
    fn the_first_operator_is_named_with_its_worst_element() {
        let wanted = vec![None, contents(&[0; 12], 6), contents(&[0; 12], 6)];
        let found = vec![None, contents(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 5], 6), contents(&[9; 12], 6)];
        let (difference, compared) = first_difference(&graph(), &found, &wanted, 0.0);
        let difference = difference.unwrap();
        assert_eq!((difference.node, difference.inference, compared), (0, 1, 1));
        assert_eq!((difference.elements, difference.largest), (2, 5.0));
        assert_eq!((difference.first, difference.found), (vec![1, 1], -1.0));
        assert_eq!(first_difference(&graph(), &found, &wanted, 5.0).0.map(|d| d.node), Some(1));
    }

    #[test]
    fn rows_that_were_not_made_are_not_compared() {
        let found = vec![None, contents(&[1, 2, 3, 0, 0, 0], 3), None];
        let wanted = vec![None, contents(&[1, 2, 3, 4, 5, 6], 6), None];
        assert_eq!(first_difference(&graph(), &found, &wanted, 0.0), (None, 1));
    }
}
