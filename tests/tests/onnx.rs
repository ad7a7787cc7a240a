//! ONNX models: small ones against ONNX Runtime's outputs (`onnx/generate.py` makes both), collected ones against their
//! data. Quantized models run in integers and differ by a unit of the output where TensorFlow Lite Micro rounds otherwise.

use std::path::{Path, PathBuf};
use tinderbox::compile::{Error, Options, compile};
use tinderbox::graph::{DType, Graph};
use tinderbox::import::import;
use tinderbox::run::{host, npy};
use tinderbox_tests::{json, list, shared};

fn cases() -> Vec<PathBuf> {
    list(&Path::new(env!("CARGO_MANIFEST_DIR")).join("onnx/cases"))
}

fn name(folder: &Path) -> String {
    folder.file_name().expect("a folder").to_string_lossy().into_owned()
}

#[test]
fn outputs_are_those_of_onnx_runtime() {
    let mut wrong = vec![];
    for folder in cases() {
        let graph = import(&folder.join("model.onnx")).unwrap_or_else(|error| panic!("{error}"));
        let tolerance = json(&folder.join("case.json"))["tolerance"].as_f64().expect("a tolerance");
        // Roundings of floats on top of whole units.
        let tolerance = unit(&graph).map_or(tolerance, |unit| f64::from(unit) * (tolerance + 1e-3));
        match difference(&graph, &folder.join("input.npy"), &folder.join("output.npy")) {
            Ok(found) if found <= tolerance => {}
            Ok(found) => wrong.push(format!("{}: differs by {found}, allowed is {tolerance}", name(&folder))),
            Err(error) => wrong.push(format!("{}: {error}", name(&folder))),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The scale of an output that is dequantized in the end.
fn unit(graph: &Graph) -> Option<f32> {
    let last = graph.nodes.last()?;
    let quant = graph.tensors[last.inputs[0]?].quant.as_ref()?;
    (last.op.name() == "DEQUANTIZE").then_some(quant.scales[0])
}

/// The largest difference between the outputs of a run on the host and those wanted.
fn difference(graph: &Graph, inputs: &Path, outputs: &Path) -> Result<f64, Error> {
    let array = npy::read(inputs).expect("an array");
    let found = run(graph, &array.data)?;
    let wanted = npy::read(outputs).expect("an array");
    let wanted = numbers(wanted.dtype, &wanted.data);
    assert_eq!(found.len(), wanted.len(), "{}", outputs.display());
    let differences = found.iter().zip(&wanted).map(|(a, b)| f64::from((a - b).abs()));
    Ok(differences.fold(0.0, f64::max))
}

/// All outputs of a model with one input and one output, in a row.
fn run(graph: &Graph, inputs: &[u8]) -> Result<Vec<f32>, Error> {
    let image = compile(graph, &Options::default())?;
    let rows: Vec<Vec<&[u8]>> = inputs.chunks(graph.tensors[graph.inputs[0]].bytes()).map(|row| vec![row]).collect();
    let found = host::run(&image, &rows, false).unwrap_or_else(|stopped| panic!("{stopped}"));
    let dtype = graph.tensors[graph.outputs[0]].dtype;
    Ok(found.iter().flat_map(|outputs| numbers(dtype, &outputs[0])).collect())
}

fn numbers(dtype: DType, bytes: &[u8]) -> Vec<f32> {
    match dtype {
        DType::F32 => bytes.as_chunks().0.iter().map(|&x| f32::from_le_bytes(x)).collect(),
        DType::U8 => bytes.iter().map(|&x| f32::from(x)).collect(),
        other => panic!("an output of {other}"),
    }
}

#[test]
fn quantized_models_run_in_integers() {
    let quantized = cases().into_iter().filter(|folder| name(folder).starts_with('q'));
    for folder in quantized {
        let graph = import(&folder.join("model.onnx")).unwrap_or_else(|error| panic!("{error}"));
        let (first, last) = (graph.nodes[0].op.name(), graph.nodes[graph.nodes.len() - 1].op.name());
        assert_eq!((first, last), ("QUANTIZE", "DEQUANTIZE"), "{}", name(&folder));
        let inner = graph.nodes[1..graph.nodes.len() - 1].iter();
        let mut ids = inner.flat_map(|node| node.inputs.iter().flatten().chain(&node.outputs));
        assert!(ids.all(|&id| graph.tensors[id].dtype != DType::F32), "{}: floats inside", name(&folder));
    }
}

#[test]
fn nothing_is_transposed_at_run_time() {
    // Here the file's own order is asked for.
    let moved = ["flatten_output", "sequence_last_step", "softmax_in_file_order"];
    for folder in cases().into_iter().filter(|folder| !moved.contains(&&name(folder)[..])) {
        let graph = import(&folder.join("model.onnx")).unwrap_or_else(|error| panic!("{error}"));
        let moves = |op: &&str| ["TRANSPOSE", "GATHER"].contains(op);
        assert_eq!(graph.nodes.iter().map(|node| node.op.name()).find(moves), None, "{}", name(&folder));
    }
}

#[test]
fn collected_models_give_their_golden_outputs() {
    let Some(shared) = shared() else { return };
    // The quantized one was made from the second; its probabilities differ from it by less than this.
    let models = [
        ("magicwand5_f32", "magicwand5_f32", 1e-5),
        ("micro_kws_m_static_fp32", "micro_kws_m_fp32", 1e-5),
        ("micro_kws_m_static_qoperator", "micro_kws_m_fp32", 0.05),
    ];
    for (model, golden, tolerance) in models {
        let graph = import(&shared.join("data/models/onnx").join(model).with_extension("onnx")).expect("a model");
        let golden = shared.join("data/golden").join(golden);
        let found = difference(&graph, &golden.join("input.npy"), &golden.join("output.npy"));
        let found = found.unwrap_or_else(|error| panic!("{model}: {error}"));
        assert!(found <= tolerance, "{model} differs by {found}");
    }
}

#[test]
fn gestures_are_told_apart() {
    let Some(shared) = shared() else { return };
    let graph = import(&shared.join("data/models/onnx/magicwand5_f32.onnx")).expect("a model");
    let (mut right, mut all) = (0, 0);
    for (class, path) in list(&shared.join("data/gestures/magicwand5/test")).iter().enumerate() {
        let recordings = recordings(&std::fs::read_to_string(path).expect("a readable file"));
        let scores = run(&graph, &recordings).unwrap_or_else(|error| panic!("{error}"));
        for scores in scores.chunks(5) {
            let best = (0..5).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
            right += usize::from(best == Some(class));
            all += 1;
        }
    }
    assert_eq!((right, all), (22, 25));
}

/// A table of three accelerations, up to 4 g, and three rates of turn, up to 2000 degrees a second, both ways: from 0 to 1
/// each, as the model was trained.
fn recordings(table: &str) -> Vec<u8> {
    let numbers = table.lines().skip(1).flat_map(|line| line.split(',').zip([4.0, 4.0, 4.0, 2000.0, 2000.0, 2000.0]));
    let scaled = |(text, range): (&str, f32)| {
        let number: f32 = text.trim().parse().expect("a number");
        ((number + range) / (2.0 * range)).to_le_bytes()
    };
    numbers.flat_map(scaled).collect()
}
