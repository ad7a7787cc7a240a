//! Every public model with stored outputs of TensorFlow Lite Micro, by the portable kernels and by the host's: integers are
//! equal, floats nearly so.

use std::path::{Path, PathBuf};
use tinderbox::compile::{Options, compile};
use tinderbox::graph::{DType, Graph};
use tinderbox::import::import;
use tinderbox::lower::Kernels;
use tinderbox::run::{host, npy};
use tinderbox_tests::{list, models, shared};

/// Models that are refused: their signal operators (window, FFT, filter bank, PCAN) are custom ones of TensorFlow Lite Micro.
const REFUSED: [&str; 2] = ["audio_preprocessor_float", "audio_preprocessor_int8"];

/// Sums of floats depend on their order.
const TOLERANCE: f32 = 1e-6;

#[test]
fn models_make_the_stored_outputs() {
    let Some(shared) = shared() else { return };
    let files = models(&shared.join("data/models"));
    for folder in list(&shared.join("data/golden")) {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let is_it = |file: &&PathBuf| file.file_stem().is_some_and(|stem| stem == name.as_str());
        let Some(model) = files.iter().find(is_it) else { continue };
        for kernels in [Kernels::Portable, Kernels::Host] {
            match outputs(model, &folder, kernels) {
                Ok((graph, found)) => {
                    assert!(!REFUSED.contains(&name.as_str()), "{name} runs: strike it off the list");
                    compare(&name, &graph, &folder, &found);
                }
                Err(refused) => {
                    assert!(REFUSED.contains(&name.as_str()), "{name}: {refused}");
                    assert!(refused.contains("no kernel") || refused.contains("not supported"), "{name}: {refused}");
                }
            }
        }
    }
}

/// The arrays whose file names begin so, in the model's order.
fn arrays(folder: &Path, prefix: &str) -> Vec<npy::Array> {
    let is_it = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix));
    list(folder).into_iter().filter(is_it).map(|path| npy::read(&path).expect("golden data")).collect()
}

/// Bytes of every output, all inferences one after the other; or why the model is refused.
fn outputs(model: &Path, folder: &Path, kernels: Kernels) -> Result<(Graph, Vec<Vec<u8>>), String> {
    let graph = import(model).map_err(|error| error.to_string())?;
    let image = compile(&graph, &Options { kernels, ..Options::default() }).map_err(|error| error.to_string())?;
    let inputs = arrays(folder, "input");
    let count = inputs[0].shape[0];
    let part = |array: &npy::Array, i: usize| {
        let bytes = array.data.len() / count;
        array.data[i * bytes..][..bytes].to_vec()
    };
    let parts: Vec<Vec<Vec<u8>>> = (0..count).map(|i| inputs.iter().map(|array| part(array, i)).collect()).collect();
    let inferences: Vec<Vec<&[u8]>> = parts.iter().map(|inputs| inputs.iter().map(Vec::as_slice).collect()).collect();
    let results = host::run(&image, &inferences, false).expect("the model runs");
    let all = |output: usize| results.iter().flat_map(|outputs| outputs[output].iter().copied()).collect();
    Ok((graph.clone(), (0..graph.outputs.len()).map(all).collect()))
}

fn compare(name: &str, graph: &Graph, folder: &Path, found: &[Vec<u8>]) {
    let expected = arrays(folder, "output");
    assert_eq!(found.len(), expected.len(), "{name}");
    for ((found, expected), output) in found.iter().zip(&expected).zip(&graph.outputs) {
        if graph.tensors[*output].dtype != DType::F32 {
            assert!(*found == expected.data, "{name}: `{}` differs", graph.tensors[*output].name);
            continue;
        }
        assert_eq!(found.len(), expected.data.len(), "{name}");
        for (a, b) in found.as_chunks::<4>().0.iter().zip(expected.data.as_chunks::<4>().0) {
            let (a, b) = (f32::from_le_bytes(*a), f32::from_le_bytes(*b));
            assert!((a - b).abs() <= TOLERANCE * b.abs().max(1.0), "{name}: {a} is not {b}");
        }
    }
}
