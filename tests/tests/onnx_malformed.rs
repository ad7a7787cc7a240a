//! ONNX files that are wrong, or ask for what there is not: each is refused with a message that names the operator or the
//! tensor; and bytes flipped at random never make the importer panic.

use std::path::Path;
use tinderbox::graph::Kind;
use tinderbox::import::import_bytes;
use tinderbox_onnx::{
    AttributeProto, DataType, DimensionProto, ModelProto, NodeProto, TensorProto, TensorShapeProto, read, to_bytes,
};

fn case(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("onnx/cases").join(name).join("model.onnx");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn node<'a>(model: &'a mut ModelProto, op: &str) -> &'a mut NodeProto {
    let graph = model.graph.as_mut().expect("a graph");
    graph.node.iter_mut().find(|node| node.op_type == op).expect("such a node")
}

fn attribute<'a>(model: &'a mut ModelProto, op: &str, name: &str) -> &'a mut AttributeProto {
    let node = node(model, op);
    if node.attribute.iter().all(|a| a.name != name) {
        node.attribute.push(AttributeProto { name: name.into(), ..AttributeProto::default() });
    }
    node.attribute.iter_mut().find(|a| a.name == name).expect("it is there now")
}

/// The constant that is input `i` of the first node of this kind.
fn constant<'a>(model: &'a mut ModelProto, op: &str, i: usize) -> &'a mut TensorProto {
    let name = node(model, op).input[i].clone();
    let graph = model.graph.as_mut().expect("a graph");
    graph.initializer.iter_mut().find(|tensor| tensor.name == name).expect("a constant")
}

fn dimensions(model: &mut ModelProto) -> &mut TensorShapeProto {
    let input = &mut model.graph.as_mut().expect("a graph").input[0];
    let kind = input.r#type.as_mut().and_then(|kind| kind.tensor_type.as_mut());
    kind.and_then(|kind| kind.shape.as_mut()).expect("a shape")
}

/// An addition to a product that adds to itself instead. Once, its reader was looked for for ever.
fn loops(model: &mut ModelProto, name: &str) {
    node(model, "MatMul").output[0] = name.into();
    node(model, "Add").input[0] = name.into();
    node(model, "Add").output[0] = name.into();
}

type Change = fn(&mut ModelProto);

/// What is done to a good model, and what the refusal is and mentions.
const CHANGES: &[(&str, Change, Kind, &str)] = &[
    ("conv_valid", |m| m.graph = None, Kind::Invalid, "no graph"),
    ("conv_valid", |m| m.opset_import.clear(), Kind::Invalid, "operator set"),
    ("conv_valid", |m| m.opset_import[0].version = 99, Kind::Unsupported, "operator set 99"),
    ("conv_valid", |m| node(m, "Conv").op_type = "Einsum".into(), Kind::Unsupported, "operator 0 Einsum"),
    ("conv_valid", |m| node(m, "Conv").op_type = "If".into(), Kind::Unsupported, "control flow"),
    ("conv_valid", |m| node(m, "Conv").domain = "acme".into(), Kind::Unsupported, "\"acme\""),
    ("conv_valid", |m| node(m, "Conv").input.clear(), Kind::Invalid, "operator 0 Conv"),
    ("conv_valid", |m| node(m, "Conv").output.clear(), Kind::Invalid, "no output"),
    ("conv_valid", |m| node(m, "Conv").input[0] = "nowhere".into(), Kind::Invalid, "\"nowhere\": read before"),
    ("conv_valid", |m| node(m, "Conv").output[0] = "x".into(), Kind::Invalid, "written twice"),
    ("matmul_add_relu", |m| loops(m, "v1_0"), Kind::Invalid, "\"v1_0\": written twice"),
    ("matmul_add_relu", |m| loops(m, ""), Kind::Invalid, "input 0 is missing"),
    ("conv_valid", |m| attribute(m, "Conv", "group").i = Some(0), Kind::Invalid, "channels do not match"),
    ("conv_valid", |m| attribute(m, "Conv", "group").i = Some(i64::MAX), Kind::Invalid, "channels do not match"),
    ("conv_valid", |m| attribute(m, "Conv", "strides").ints = vec![0, 1], Kind::Invalid, "strides is out of range"),
    ("conv_valid", |m| attribute(m, "Conv", "strides").ints = vec![1], Kind::Invalid, "strides has 1 values"),
    ("conv_valid", |m| attribute(m, "Conv", "dilations").ints = vec![1 << 40, 1], Kind::Invalid, "dilations"),
    ("conv_valid", |m| attribute(m, "Conv", "dilations").ints = vec![9, 9], Kind::Invalid, "larger than the image"),
    ("conv_valid", |m| attribute(m, "Conv", "pads").ints = vec![-1; 4], Kind::Invalid, "pads are out of range"),
    ("conv_valid", |m| attribute(m, "Conv", "pads").ints = vec![i64::MAX; 4], Kind::Invalid, "pads are out of range"),
    ("conv_valid", |m| attribute(m, "Conv", "kernel_shape").ints = vec![5, 5], Kind::Invalid, "kernel_shape"),
    ("conv_valid", |m| attribute(m, "Conv", "auto_pad").s = Some(b"SOME".to_vec()), Kind::Invalid, "auto_pad"),
    ("conv_valid", |m| attribute(m, "Conv", "auto_pad").s = Some(vec![0xFF]), Kind::Invalid, "must be a text"),
    ("conv_valid", |m| constant(m, "Conv", 1).dims[0] = 6, Kind::Invalid, "bytes of contents"),
    ("conv_valid", |m| constant(m, "Conv", 1).dims = vec![i64::MAX; 4], Kind::Invalid, "too large"),
    ("conv_valid", |m| constant(m, "Conv", 1).dims[0] = -5, Kind::Invalid, "negative dimension"),
    ("conv_valid", |m| constant(m, "Conv", 1).dims = vec![1; 99], Kind::Unsupported, "99 dimensions"),
    ("conv_valid", |m| constant(m, "Conv", 1).data_type = 8, Kind::Unsupported, "STRING"),
    ("conv_valid", |m| constant(m, "Conv", 1).data_type = 77, Kind::Invalid, "unknown type 77"),
    ("conv_valid", |m| constant(m, "Conv", 1).data_location = 1, Kind::Unsupported, "another file"),
    ("conv_valid", |m| constant(m, "Conv", 2).raw_data = Some(vec![]), Kind::Invalid, "0 bytes of contents"),
    ("conv_valid", |m| dimensions(m).dim[2] = DimensionProto::default(), Kind::Unsupported, "dynamic dimension"),
    ("conv_valid", |m| dimensions(m).dim[1].dim_value = Some(4), Kind::Invalid, "channels do not match"),
    ("conv_valid", |m| dimensions(m).dim[2].dim_value = Some(1 << 40), Kind::Invalid, "too large"),
    ("conv_valid", |m| dimensions(m).dim[2].dim_value = Some(3 << 19), Kind::Unsupported, "activations"),
    ("conv_valid", |m| m.graph.as_mut().unwrap().output[0].name = "y".into(), Kind::Invalid, "\"y\": read before"),
    ("conv_valid", |m| m.graph.as_mut().unwrap().output[0].name = "x".into(), Kind::Unsupported, "output is an input"),
    ("conv_valid", |m| m.graph.as_mut().unwrap().output.clear(), Kind::Invalid, "no output"),
    (
        "conv_transpose",
        |m| attribute(m, "ConvTranspose", "pads").ints = vec![i64::MIN; 4],
        Kind::Invalid,
        "out of range",
    ),
    ("maxpool", |m| attribute(m, "MaxPool", "kernel_shape").ints = vec![], Kind::Invalid, "kernel_shape has 0"),
    ("maxpool", |m| attribute(m, "MaxPool", "kernel_shape").ints = vec![99, 1], Kind::Invalid, "larger than the image"),
    ("gemm_transposed", |m| attribute(m, "Gemm", "transB").i = Some(0), Kind::Invalid, "dimensions do not match"),
    ("concat", |m| attribute(m, "Concat", "axis").i = Some(i64::MIN), Kind::Invalid, "axis -9223372036854775808"),
    ("concat", |m| attribute(m, "Concat", "axis").i = Some(2), Kind::Invalid, "differ outside of axis"),
    ("nhwc_flatten", |m| attribute(m, "Transpose", "perm").ints = vec![0, 1, 1, 2], Kind::Invalid, "not a permutation"),
    ("conv_batchnorm_relu", |m| constant(m, "BatchNormalization", 1).dims = vec![1], Kind::Invalid, "contents"),
    ("residual", |m| attribute(m, "Conv", "pads").ints = vec![0; 4], Kind::Invalid, "cannot be broadcast"),
    ("qdq_conv", |m| constant(m, "QuantizeLinear", 1).raw_data = Some(vec![0; 4]), Kind::Invalid, "invalid scale 0.0"),
    ("qdq_conv", |m| constant(m, "QuantizeLinear", 1).raw_data = Some(vec![0xFF; 4]), Kind::Invalid, "invalid scale"),
    ("qdq_conv", |m| constant(m, "QuantizeLinear", 2).dims = vec![1, 1, 2], Kind::Invalid, "bytes of contents"),
    (
        "qdq_conv",
        |m| constant(m, "QuantizeLinear", 2).data_type = DataType::Bool as i32,
        Kind::Unsupported,
        "zero point",
    ),
    ("qdq_gemm", |m| attribute(m, "DequantizeLinear", "block_size").i = Some(16), Kind::Unsupported, "blocks"),
    ("qoperator", |m| node(m, "QLinearConv").input.truncate(5), Kind::Invalid, "QLinearConv"),
];

#[test]
fn wrong_models_are_refused_with_a_reason() {
    let mut wrong = Vec::new();
    for (i, (model, change, kind, reason)) in CHANGES.iter().enumerate() {
        let mut proto = read(&case(model)).expect("a good model");
        change(&mut proto);
        match import_bytes("bad.onnx", &to_bytes(&proto)) {
            Ok(_) => wrong.push(format!("{i}: {model} is accepted, {reason:?} expected")),
            Err(error) => {
                let right = error.refusal().is_some_and(|r| r.kind == *kind) && error.to_string().contains(reason);
                if !right {
                    wrong.push(format!("{i}: {model}: {error}; {kind:?} {reason:?} expected"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), CHANGES.len(), wrong.join("\n"));
}

#[test]
fn files_that_are_not_protocol_buffers_are_refused() {
    let good = case("conv_valid");
    let whole = (0..good.len()).filter(|&end| import_bytes("cut.onnx", &good[..end]).is_ok());
    // The last field is an operator set that the model does not use.
    assert!(whole.count() <= 1);
    let error = import_bytes("noise.onnx", &[0x08, 9, 0xFF, 0xFF, 0xFF]).expect_err("noise");
    assert!(error.to_string().contains("not a readable ONNX file"), "{error}");
}

/// A small file that asks for much memory, and one with more operators than any network has.
#[test]
fn large_numbers_are_refused_at_once() {
    let mut many = read(&case("conv_valid")).expect("a good model");
    let graph = many.graph.as_mut().expect("a graph");
    graph.node = vec![NodeProto { op_type: "Relu".into(), output: vec!["y".into()], ..NodeProto::default() }; 70_000];
    let mut indices = read(&case("flatten_shape_gemm")).expect("a good model");
    let shape = constant(&mut indices, "Unsqueeze", 1);
    (shape.dims, shape.raw_data, shape.int64_data) = (vec![2 << 20], None, vec![1; 2 << 20]);
    for (model, reason) in [(many, "at most 65536"), (indices, "more than 1048576 indices")] {
        let error = import_bytes("large.onnx", &to_bytes(&model)).expect_err("too large");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

const SEEDS: u64 = 100;

#[test]
fn corrupt_files_never_panic() {
    for model in ["qdq_network", "flatten_shape_gemm", "split_concat", "qoperator", "slice", "maxpool_ceil", "swish"] {
        let good = case(model);
        import_bytes(model, &good).expect("a good model");
        for seed in 0..SEEDS {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut bad = good.clone();
            for _ in 0..1 << random.u8(..5) {
                let at = random.usize(2..bad.len());
                bad[at] = if random.bool() { random.u8(..8) } else { bad[at] ^ (1 << random.u8(..8)) };
            }
            let _ = import_bytes(model, &bad);
        }
    }
}

/// Numbers and names, rather than bytes, put where they do not belong: the file stays readable, so that the conversions
/// are reached.
#[test]
fn misplaced_numbers_never_panic() {
    for folder in tinderbox_tests::list(&Path::new(env!("CARGO_MANIFEST_DIR")).join("onnx/cases")) {
        let good = read(&std::fs::read(folder.join("model.onnx")).expect("a model")).expect("a good model");
        for seed in 0..SEEDS {
            let mut bad = good.clone();
            misplace(&mut bad, &mut fastrand::Rng::with_seed(seed));
            let _ = import_bytes("bad.onnx", &to_bytes(&bad));
        }
    }
}

fn misplace(model: &mut ModelProto, random: &mut fastrand::Rng) {
    const NUMBERS: [i64; 10] = [0, 1, 2, 3, -1, -2, 7, 1 << 31, i64::MAX, i64::MIN];
    let number = |random: &mut fastrand::Rng| NUMBERS[random.usize(..NUMBERS.len())];
    model.opset_import[0].version = random.i64(7..24);
    let graph = model.graph.as_mut().expect("a graph");
    for _ in 0..1 + random.u8(..3) {
        let node = random.usize(..graph.node.len());
        match random.u8(..6) {
            0 if !graph.initializer.is_empty() => {
                let i = random.usize(..graph.initializer.len());
                let dims = &mut graph.initializer[i].dims;
                match random.choice(0..dims.len()) {
                    Some(axis) => dims[axis] = number(random),
                    None => dims.push(1),
                }
            }
            1 => {
                let dims = graph.input[0].r#type.as_mut().and_then(|t| t.tensor_type.as_mut()?.shape.as_mut());
                let dims = &mut dims.expect("a shape").dim;
                let axis = random.usize(..dims.len());
                dims[axis].dim_value = Some(number(random));
            }
            2 => {
                let from = random.usize(..graph.node.len());
                let name = graph.node[from].output[0].clone();
                if let Some(i) = random.choice(0..graph.node[node].input.len()) {
                    graph.node[node].input[i] = name;
                }
            }
            3 => {
                let from = random.usize(..graph.node.len());
                graph.node[node].op_type = graph.node[from].op_type.clone();
            }
            4 => {
                let kept = random.usize(..=graph.node[node].input.len());
                graph.node[node].input.truncate(kept);
            }
            _ => {
                let attributes = &mut graph.node[node].attribute;
                if let Some(i) = random.choice(0..attributes.len()) {
                    attributes[i].i = attributes[i].i.map(|_| number(random));
                    attributes[i].ints.iter_mut().for_each(|n| *n = if random.bool() { number(random) } else { *n });
                }
            }
        }
    }
}
