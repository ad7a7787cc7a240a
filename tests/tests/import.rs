//! Every model of the conformance corpus and every collected model is imported, with the inputs and outputs it has.

use serde_json::Value;
use std::path::Path;
use tinderbox::{
    graph::{Graph, Kind, TensorId},
    import::import,
};
use tinderbox_tests::{conformance, json, list, models, shared};

#[test]
fn conformance_cases_have_the_inputs_and_outputs_of_their_description() {
    let cases = list(&conformance().join("cases"));
    let wrong: Vec<String> = cases.iter().filter_map(|case| check_case(case).err()).collect();
    assert_eq!(cases.len(), 484);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn check_case(case: &Path) -> Result<(), String> {
    let graph = import(&case.join("model.tflite")).map_err(|error| error.to_string())?;
    let meta = json(&case.join("meta.json"));
    check_side(&graph, &graph.inputs, &meta["inputs"]).map_err(|e| format!("{}: input {e}", case.display()))?;
    check_side(&graph, &graph.outputs, &meta["outputs"]).map_err(|e| format!("{}: output {e}", case.display()))
}

fn check_side(graph: &Graph, ids: &[TensorId], described: &Value) -> Result<(), String> {
    let described = described.as_array().ok_or("is not described")?;
    if described.len() != ids.len() {
        return Err(format!("count is {}, not {}", ids.len(), described.len()));
    }
    for (&id, wanted) in ids.iter().zip(described) {
        let tensor = &graph.tensors[id];
        let quant = tensor.quant.as_ref();
        let scale = quant.map(|q| q.scales[0]);
        let found = (Value::from(tensor.shape.clone()), Value::from(tensor.dtype.to_string()));
        let same = found == (wanted["shape"].clone(), wanted["type"].clone())
            && scale == wanted["quantization"]["scale"][0].as_f64().map(|scale| scale as f32)
            && quant.map(|q| i64::from(q.zero_points[0])) == wanted["quantization"]["zero_point"][0].as_i64();
        if !same {
            return Err(format!("{:?} is {found:?}, {scale:?}; wanted {wanted}", tensor.name));
        }
    }
    Ok(())
}

/// Models that are refused, and what the message must mention.
const REFUSED: &[(&str, &str)] = &[
    ("audio_preprocessor_float", "SignalWindow"),
    ("audio_preprocessor_int8", "SignalWindow"),
    ("ad_toycar_dynrange", "dynamic-range"),
    ("kws_ref_f32", "dynamic-range"),
];

#[test]
fn collected_models_are_imported_or_refused_with_a_reason() {
    let Some(shared) = shared() else { return };
    for path in models(&shared.join("data/models")) {
        let stem = path.file_stem().expect("a file").to_string_lossy();
        match (import(&path), REFUSED.iter().find(|(name, _)| *name == stem)) {
            (Ok(graph), None) => assert!(!graph.nodes.is_empty(), "{stem}"),
            (Err(error), Some((_, reason))) => {
                assert!(error.to_string().contains(reason), "{error}");
                assert_eq!(error.refusal().map(|r| r.kind), Some(Kind::Unsupported));
            }
            (Ok(_), Some(_)) => panic!("{stem} should be refused"),
            (Err(error), None) => panic!("{error}"),
        }
    }
}

#[test]
fn multiply_accumulates_are_those_of_the_published_models() {
    let Some(shared) = shared() else { return };
    let wanted = [
        ("kws_ref_int8", 2_656_768),
        ("ic_resnet8_int8", 12_501_632),
        ("vww_96_int8", 7_489_664),
        ("ad01_int8", 264_192),
        ("sww_ref_int8", 826_368),
    ];
    for (model, macs) in wanted {
        let path = shared.join("data/models/mlperf_tiny").join(model).with_extension("tflite");
        assert_eq!(import(&path).expect("a model").macs(), macs, "{model}");
    }
}

#[test]
fn resource_variables_become_variables_with_their_initial_contents() {
    let Some(shared) = shared() else { return };
    let graph = import(&shared.join("data/models/streaming/okay_nabu_int8.tflite")).expect("a model");
    assert_eq!(graph.variables.len(), 6);
    let count = |name| graph.nodes.iter().filter(|node| node.op.name() == name).count();
    assert_eq!((count("READ_VARIABLE"), count("ASSIGN_VARIABLE")), (6, 6));
    assert!(graph.variables.iter().all(|variable| variable.initial.is_some()));
}
