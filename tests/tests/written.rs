//! Models written for the purpose: what converters do that the conformance corpus has no example of, and files made to
//! exhaust an importer.

use std::time::{Duration, Instant};
use tinderbox::{
    graph::{DType, Graph, Op},
    import::import_bytes,
};
use tinderbox_tflite::{
    Buffer, Builder, BuiltinOperator as Kind, BuiltinOptions, Model, Operator, OperatorCode, PackOptions,
    StridedSliceOptions, SubGraph, Tensor, TensorType, to_bytes,
};

/// A model in the making; tensor and buffer indices are equal.
struct Writer {
    model: Model,
}

impl Writer {
    fn new(inputs: &[i32], outputs: &[i32]) -> Self {
        let graph = SubGraph {
            tensors: Some(vec![]),
            inputs: Some(inputs.to_vec()),
            outputs: Some(outputs.to_vec()),
            operators: Some(vec![]),
            name: None,
        };
        let (subgraphs, operator_codes, buffers) = (Some(vec![graph]), Some(vec![]), Some(vec![]));
        Self { model: Model { version: 3, operator_codes, subgraphs, description: None, buffers } }
    }

    fn graph(&mut self) -> &mut SubGraph {
        &mut self.model.subgraphs.as_mut().unwrap()[0]
    }

    fn tensor(&mut self, shape: &[i32], type_: TensorType, data: &[u8]) {
        let data = (!data.is_empty()).then(|| data.to_vec());
        self.model.buffers.as_mut().unwrap().push(Buffer { data, ..Default::default() });
        let buffer = self.model.buffers.as_ref().unwrap().len() as u32 - 1;
        let tensor = Tensor { shape: Some(shape.to_vec()), type_, buffer, ..Default::default() };
        self.graph().tensors.as_mut().unwrap().push(tensor);
    }

    fn operator(&mut self, kind: Kind, inputs: &[i32], outputs: &[i32], options: Option<BuiltinOptions>) {
        let codes = self.model.operator_codes.as_mut().unwrap();
        codes.push(OperatorCode { builtin_code: kind, version: 1, ..Default::default() });
        let opcode_index = codes.len() as u32 - 1;
        let (inputs, outputs) = (Some(inputs.to_vec()), Some(outputs.to_vec()));
        let operator = Operator { opcode_index, inputs, outputs, builtin_options: options, ..Default::default() };
        self.graph().operators.as_mut().unwrap().push(operator);
    }

    fn import(&self) -> Graph {
        import_bytes("written", &to_bytes(&self.model)).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn ints(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|n| n.to_le_bytes()).collect()
}

/// What Keras' Flatten becomes in a model that was converted with an open batch size.
#[test]
fn shape_arithmetic_before_a_reshape_is_folded() {
    let mut w = Writer::new(&[0], &[8]);
    w.tensor(&[2, 3, 4], TensorType::Float32, &[]);
    w.tensor(&[3], TensorType::Int32, &[]);
    w.tensor(&[1], TensorType::Int32, &ints(&[0]));
    w.tensor(&[1], TensorType::Int32, &ints(&[1]));
    w.tensor(&[1], TensorType::Int32, &ints(&[1]));
    w.tensor(&[], TensorType::Int32, &[]);
    w.tensor(&[], TensorType::Int32, &ints(&[-1]));
    w.tensor(&[2], TensorType::Int32, &[]);
    w.tensor(&[2, 12], TensorType::Float32, &[]);
    w.operator(Kind::Shape, &[0], &[1], None);
    let slice = StridedSliceOptions { shrink_axis_mask: 1, ..Default::default() };
    w.operator(Kind::StridedSlice, &[1, 2, 3, 4], &[5], Some(BuiltinOptions::StridedSliceOptions(Box::new(slice))));
    let pack = PackOptions { values_count: 2, axis: 0 };
    w.operator(Kind::Pack, &[5, 6], &[7], Some(BuiltinOptions::PackOptions(Box::new(pack))));
    let reshape = BuiltinOptions::ReshapeOptions(Box::default());
    w.operator(Kind::Reshape, &[0, 7], &[8], Some(reshape));
    let graph = w.import();
    assert_eq!(graph.nodes.iter().map(|node| &node.op).collect::<Vec<_>>(), [&Op::Reshape]);
    assert_eq!(graph.tensors.len(), 2);
}

/// Post-training float16 quantization keeps weights as FLOAT16 behind a DEQUANTIZE.
#[test]
fn float16_weights_become_float32_constants() {
    let mut w = Writer::new(&[0], &[3]);
    w.tensor(&[1, 2], TensorType::Float32, &[]);
    w.tensor(&[1, 2], TensorType::Float16, &[0x00, 0x3C, 0x00, 0xC0]);
    w.tensor(&[1, 2], TensorType::Float32, &[]);
    w.tensor(&[1, 1], TensorType::Float32, &[]);
    w.operator(Kind::Dequantize, &[1], &[2], None);
    let dense = BuiltinOptions::FullyConnectedOptions(Box::default());
    w.operator(Kind::FullyConnected, &[0, 2, -1], &[3], Some(dense));
    let graph = w.import();
    assert_eq!(graph.nodes.len(), 1);
    let weights = &graph.tensors[graph.nodes[0].inputs[1].unwrap()];
    let wanted: Vec<u8> = [1.0f32, -2.0].iter().flat_map(|f| f.to_le_bytes()).collect();
    assert_eq!((weights.dtype, weights.data.as_deref()), (DType::F32, Some(&wanted[..])));
}

/// 65,536 operators that share one table, whose input list has a million entries: 5 MB that stand for 280 GB.
#[test]
fn tables_that_share_a_huge_vector_are_refused_at_once() {
    let mut builder = Builder::new();
    let inputs = builder.create_vector(&vec![0i32; 1 << 20][..]);
    let operator = Operator::create(&mut builder, 0u32, Some(inputs), (), (), ());
    let operators = builder.create_vector(&vec![operator; 1 << 16][..]);
    let tensor = Tensor { shape: Some(vec![1]), ..Default::default() };
    let graph = SubGraph::create(&mut builder, vec![tensor], vec![0], vec![0], Some(operators), ());
    let codes = vec![OperatorCode { version: 1, ..Default::default() }];
    let model = Model::create(&mut builder, 3u32, codes, Some(&[graph][..]), (), ());
    let mut bytes = builder.finish(model, Some(*b"TFL3")).to_vec();
    // As `to_bytes` does: the offset first, then the identifier.
    let offset = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) + 4;
    bytes[..4].copy_from_slice(&offset.to_le_bytes());
    bytes[4..8].copy_from_slice(b"TFL3");
    let start = Instant::now();
    let error = import_bytes("bomb", &bytes).expect_err("a refusal");
    assert!(error.to_string().contains("reuses its own data"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

/// Constants joined with themselves, again and again: 1 KB that stands for 1 GB.
#[test]
fn folding_does_not_amplify() {
    let mut w = Writer::new(&[0], &[20]);
    w.tensor(&[1], TensorType::Float32, &[]);
    w.tensor(&[256], TensorType::Int32, &[7; 1024]);
    for i in 1..20 {
        w.tensor(&[256 << i], TensorType::Int32, &[]);
        let options = BuiltinOptions::ConcatenationOptions(Box::default());
        w.operator(Kind::Concatenation, &[i, i], &[i + 1], Some(options));
    }
    let start = Instant::now();
    let error = import_bytes("bomb", &to_bytes(&w.model)).expect_err("a refusal");
    assert!(error.to_string().contains("do not fit the limit"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}
