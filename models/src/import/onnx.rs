//! ONNX files to graphs.
//!
//! [`tinderbox_onnx`] decodes the file; [`qoperator`] writes out its shorthands; [`build`] walks the nodes in order and
//! keeps, for each value, the tensor that stands for it and the order in which its axes are stored ([`value`]); the
//! operator families add nodes. Three things differ from TensorFlow Lite's files, which the graph follows: images are
//! NCHW ([`layout`] moves axes, and mostly needs not), activations and normalizations stand for themselves ([`fuse`]),
//! and quantized operators are float operators between DequantizeLinear and QuantizeLinear ([`quant`]). To add an
//! operator: a row in [`table`] and a conversion in its family. `docs/onnx.md` is the user's side.

mod build;
mod context;
mod conv;
mod dense;
mod elementwise;
mod fuse;
mod layout;
mod movement;
mod node;
mod normalize;
mod pool;
mod product;
mod qoperator;
mod quant;
mod resize;
mod slice;
mod table;
mod tensor;
mod value;
mod window;

use super::Budget;
use crate::graph::{Graph, Place, Refusal, ensure};
use node::Node;
use tinderbox_onnx::{NodeProto, OperatorSetIdProto};

/// The operator sets that the conversions know.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=23;

/// The largest number of operators.
const MAX_NODES: usize = 1 << 16;

/// Domains whose operators are told by their names alone.
const DOMAINS: [&str; 3] = ["", "ai.onnx", "com.microsoft"];

/// Decodes, builds, drops what no output needs, and proves.
pub(super) fn import(bytes: &[u8]) -> Result<Graph, Refusal> {
    let budget = Budget::of(bytes);
    let model = tinderbox_onnx::read(bytes).map_err(|error| {
        Refusal::invalid(format!("not a readable ONNX file: {error}")).help("export the model anew")
    })?;
    let graph = model.graph.ok_or_else(|| Refusal::invalid("the file has no graph"))?;
    let opset = opset(&model.opset_import)?;
    let nodes = nodes(graph.node)?;
    let file = build::File {
        nodes: &nodes,
        constants: &graph.initializer,
        inputs: &graph.input,
        outputs: &graph.output,
        opset,
        budget: &budget,
    };
    let (mut graph, places) = build::build(&file)?;
    graph.prune();
    graph.validate().map_err(|mut refusal| {
        // The graph's nodes have other names and numbers than the file's.
        let place = refusal.operator.as_ref().and_then(|place| places.get(&place.name));
        refusal.operator = place.cloned().map(Box::new);
        refusal
    })?;
    Ok(graph)
}

/// The version of the standard operators.
fn opset(imports: &[OperatorSetIdProto]) -> Result<i64, Refusal> {
    let standard = imports.iter().find(|set| matches!(&set.domain[..], "" | "ai.onnx"));
    let version = standard.map(|set| set.version).ok_or_else(|| Refusal::invalid("the operator set is not named"))?;
    if OPSETS.contains(&version) {
        return Ok(version);
    }
    let what = format!("operator set {version} is not supported: {} to {} are", OPSETS.start(), OPSETS.end());
    Err(Refusal::unsupported(what).help("convert the model by onnx.version_converter"))
}

/// The file's nodes, shorthands written out.
fn nodes(records: Vec<NodeProto>) -> Result<Vec<Node>, Refusal> {
    if records.len() > MAX_NODES {
        let what = format!("{} operators, at most {MAX_NODES} are supported", records.len());
        return Err(Refusal::unsupported(what));
    }
    let mut nodes = Vec::new();
    for (index, record) in records.into_iter().enumerate() {
        let place = Place { index, op: record.op_type.clone(), name: record.name.clone() };
        let refuse = |refusal: Refusal| refusal.at(|| place);
        if !DOMAINS.contains(&&record.domain[..]) {
            return Err(refuse(Refusal::unsupported(format!(
                "custom operators of {:?} are not supported",
                record.domain
            ))));
        }
        let part = || {
            ensure!(!record.output.is_empty(), "the operator has no output");
            Ok(Node::new(index, record))
        };
        nodes.extend(part().and_then(qoperator::expand).map_err(refuse)?);
    }
    nodes.iter_mut().enumerate().for_each(|(position, node)| node.position = position);
    Ok(nodes)
}
