//! The file's tables: tensors, buffers, operators, and the subgraph that initialises variables.

use super::inputs::{Input, inputs};
use super::options::options;
use crate::graph::{DType, Graph, Node, Op, Tensor, TensorId, Variable};
use half::f16;
use tinderbox_tflite::{
    self as file, Buffer, BuiltinOperator, BuiltinOptions, CallOnceOptions, Model, Operator, OperatorCode,
    QuantizationParameters, SubGraph, TensorType, VarHandleOptions,
};

const SCHEMA_VERSION: u32 = 3;

/// The file's root.
pub(super) fn model(graph: &Graph) -> Model {
    let mut writer = Writer::default();
    // Buffer 0 is what tensors without contents refer to.
    writer.buffers.push(Buffer::default());
    let mut main = Lists::default();
    graph.tensors.iter().enumerate().for_each(|(id, tensor)| writer.tensor(&mut main, tensor, is_state(graph, id)));
    let resources: Vec<&Variable> = graph.variables.iter().filter(|v| is_resource(graph, v.tensor)).collect();
    let init = writer.initialisation(graph, &resources);
    if init.is_some() {
        let options = BuiltinOptions::CallOnceOptions(Box::new(CallOnceOptions { init_subgraph_index: 1 }));
        writer.operator(&mut main, "CALL_ONCE", Some(options), vec![], vec![]);
    }
    let mut handles = vec![None; graph.tensors.len()];
    for (number, variable) in resources.iter().enumerate() {
        handles[variable.tensor] = Some(writer.handle(&mut main, number, &graph.tensors[variable.tensor]));
    }
    for node in &graph.nodes {
        writer.node(&mut main, graph, node, &handles);
    }
    let lists = |ids: &[TensorId]| Some(ids.iter().map(|&id| id as i32).collect());
    let main = main.finish(&graph.name, lists(&graph.inputs), lists(&graph.outputs));
    Model {
        version: SCHEMA_VERSION,
        operator_codes: Some(writer.codes),
        subgraphs: Some(std::iter::once(main).chain(init).collect()),
        description: Some("Tinderbox".into()),
        buffers: Some(writer.buffers),
    }
}

/// Whether a variable is one that nodes read and assign by name, not an operator's own state.
fn is_resource(graph: &Graph, id: TensorId) -> bool {
    let by_name = |node: &Node| matches!(node.op, Op::ReadVariable | Op::AssignVariable);
    graph.nodes.iter().any(|node| by_name(node) && node.inputs.first() == Some(&Some(id)))
}

fn is_state(graph: &Graph, id: TensorId) -> bool {
    graph.variables.iter().any(|v| v.tensor == id) && !is_resource(graph, id)
}

/// What the subgraphs share.
#[derive(Default)]
struct Writer {
    buffers: Vec<Buffer>,
    codes: Vec<OperatorCode>,
}

/// A subgraph in the making.
#[derive(Default)]
struct Lists {
    tensors: Vec<file::Tensor>,
    operators: Vec<Operator>,
}

impl Lists {
    fn add(&mut self, tensor: file::Tensor) -> i32 {
        self.tensors.push(tensor);
        self.tensors.len() as i32 - 1
    }

    fn finish(self, name: &str, inputs: Option<Vec<i32>>, outputs: Option<Vec<i32>>) -> SubGraph {
        let (tensors, operators) = (Some(self.tensors), Some(self.operators));
        SubGraph { tensors, inputs, outputs, operators, name: Some(name.into()) }
    }
}

impl Writer {
    fn buffer(&mut self, data: Vec<u8>) -> u32 {
        self.buffers.push(Buffer { data: Some(data), ..Buffer::default() });
        self.buffers.len() as u32 - 1
    }

    fn tensor(&mut self, lists: &mut Lists, tensor: &Tensor, is_variable: bool) {
        let buffer = tensor.data.as_ref().map_or(0, |data| self.buffer(stored(tensor, data)));
        lists.add(file::Tensor { buffer, is_variable, ..record(tensor) });
    }

    /// Adds a constant of type INT32.
    fn numbers(&mut self, lists: &mut Lists, name: String, shape: &[usize], values: &[i32]) -> i32 {
        let buffer = self.buffer(values.iter().flat_map(|n| n.to_le_bytes()).collect());
        let shape = Some(shape.iter().map(|&n| n as i32).collect());
        lists.add(file::Tensor { shape, type_: TensorType::Int32, buffer, name: Some(name), ..Default::default() })
    }

    fn node(&mut self, lists: &mut Lists, graph: &Graph, node: &Node, handles: &[Option<i32>]) {
        let (name, slots) = inputs(graph, node);
        let slots = slots.into_iter().map(|slot| match slot {
            Input::Absent => -1,
            Input::Tensor(id) => handles[id].unwrap_or(id as i32),
            Input::Numbers { role, shape, values } => {
                self.numbers(lists, format!("{}/{role}", node.name), &shape, &values)
            }
        });
        let slots = slots.collect();
        let outputs = node.outputs.iter().map(|&id| id as i32).collect();
        self.operator(lists, name, options(graph, node), slots, outputs);
    }

    fn operator(
        &mut self,
        lists: &mut Lists,
        name: &str,
        builtin_options: Option<BuiltinOptions>,
        inputs: Vec<i32>,
        outputs: Vec<i32>,
    ) {
        let opcode_index = self.code(name);
        let (inputs, outputs) = (Some(inputs), Some(outputs));
        lists.operators.push(Operator { opcode_index, inputs, outputs, builtin_options, custom_options: None });
    }

    /// The number of an operator's code. Version 1: interpreters tell types and shapes apart by looking at them.
    fn code(&mut self, name: &str) -> u32 {
        let builtin_code = builtin(name);
        let found = self.codes.iter().position(|code| code.builtin_code == builtin_code);
        let index = found.unwrap_or_else(|| {
            // Old readers know this field only; 127 tells them to give up.
            let deprecated_builtin_code = (builtin_code as i32).min(127) as i8;
            self.codes.push(OperatorCode { deprecated_builtin_code, custom_code: None, version: 1, builtin_code });
            self.codes.len() - 1
        });
        index as u32
    }

    /// VAR_HANDLE for a variable; its number keeps variables of one name apart.
    fn handle(&mut self, lists: &mut Lists, number: usize, variable: &Tensor) -> i32 {
        let name = Some(format!("{}/handle", variable.name));
        let handle = lists.add(file::Tensor {
            shape: Some(vec![]),
            type_: TensorType::Resource,
            name,
            ..file::Tensor::default()
        });
        let (container, shared_name) = (Some(number.to_string()), Some(variable.name.clone()));
        let options = BuiltinOptions::VarHandleOptions(Box::new(VarHandleOptions { container, shared_name }));
        self.operator(lists, "VAR_HANDLE", Some(options), vec![], vec![handle]);
        handle
    }

    /// The subgraph that gives variables the contents they start with, if any has such.
    fn initialisation(&mut self, graph: &Graph, resources: &[&Variable]) -> Option<SubGraph> {
        let mut lists = Lists::default();
        for (number, variable) in resources.iter().enumerate() {
            let Some(initial) = &variable.initial else { continue };
            let tensor = &graph.tensors[variable.tensor];
            let handle = self.handle(&mut lists, number, tensor);
            let buffer = self.buffer(stored(tensor, initial));
            let value = lists.add(file::Tensor { buffer, ..record(tensor) });
            self.operator(&mut lists, "ASSIGN_VARIABLE", None, vec![handle, value], vec![]);
        }
        (!lists.operators.is_empty()).then(|| lists.finish("initialise", Some(vec![]), Some(vec![])))
    }
}

/// The code of an operator that `Op::name` may return, or of a variable's operator.
fn builtin(name: &str) -> BuiltinOperator {
    let all = (0..=i32::from(u8::MAX)).filter_map(|code| BuiltinOperator::try_from(code).ok());
    all.into_iter().find(|code| code.name() == name).expect("operators have names of the schema")
}

/// A tensor without its contents.
fn record(tensor: &Tensor) -> file::Tensor {
    let quantization = tensor.quant.as_ref().map(|quant| {
        Box::new(QuantizationParameters {
            scale: Some(quant.scales.clone()),
            zero_point: Some(quant.zero_points.iter().map(|&z| z.into()).collect()),
            quantized_dimension: quant.axis as i32,
            ..Default::default()
        })
    });
    file::Tensor {
        shape: Some(tensor.shape.iter().map(|&n| n as i32).collect()),
        type_: kind(tensor),
        name: Some(tensor.name.clone()),
        quantization,
        ..file::Tensor::default()
    }
}

/// The element type in the file.
pub(super) fn kind(tensor: &Tensor) -> TensorType {
    match (tensor.dtype, tensor.bits) {
        (DType::F32, 16) => TensorType::Float16,
        (DType::I8, 4) => TensorType::Int4,
        (DType::F32, _) => TensorType::Float32,
        (DType::I8, _) => TensorType::Int8,
        (DType::U8, _) => TensorType::Uint8,
        (DType::I16, _) => TensorType::Int16,
        (DType::I32, _) => TensorType::Int32,
        (DType::I64, _) => TensorType::Int64,
        (DType::Bool, _) => TensorType::Bool,
    }
}

/// Contents in the file's element type: two int4 share a byte, the first in the low half.
fn stored(tensor: &Tensor, data: &[u8]) -> Vec<u8> {
    match kind(tensor) {
        TensorType::Int4 => {
            let pack = |pair: &[u8]| pair[0] & 0x0F | pair.get(1).map_or(0, |high| high << 4);
            data.chunks(2).map(pack).collect()
        }
        TensorType::Float16 => {
            let half = |&word| f16::from_f32(f32::from_le_bytes(word)).to_le_bytes();
            data.as_chunks().0.iter().flat_map(half).collect()
        }
        _ => data.to_vec(),
    }
}
