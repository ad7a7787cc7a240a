//! What `run --dump` and `diff` see of an inference: every tensor, as the corpus says that it must be.

use tinderbox::compile::{Error, Options, compile};
use tinderbox::diff::first_difference;
use tinderbox::lower::{InputMode, Kernels};
use tinderbox::passes::{Pass, Passes};
use tinderbox::plan::{self, Grouping};
use tinderbox::run::tensors::{Contents, contents};
use tinderbox_tests::cases::{Case, folders};
use tinderbox_tests::json;
use tinderbox_tflite::{ModelRef, ReadAsRoot};

/// Every tensor, with all channels computed; `None` where an operator is not supported.
fn tensors(case: &Case, options: Options) -> Option<Vec<Option<Contents>>> {
    let image = match compile(&case.graph, &Options { passes: Passes::without(&[Pass::Channels]), ..options }) {
        Ok(image) => image,
        Err(Error::Lower(_)) => return None,
        Err(error) => panic!("{}: {error}", case.name),
    };
    Some(contents(&case.graph, &image, &case.inferences(), case.keep_state).unwrap_or_else(|e| panic!("{e}")))
}

/// The corpus has TensorFlow's checksums. Its LSTM differs from TensorFlow Lite Micro's, which makes these tensors so, each
/// being the model's output instead.
const BY_TFLM: [(&str, &str, &str); 4] = [
    ("net_lstm_classifier_00_T28_i12_u32_1layers", "tfl.unidirectional_sequence_lstm", "67f36b58"),
    ("net_lstm_classifier_01_T16_i6_u20_2layers", "tfl.unidirectional_sequence_lstm", "891d4ade"),
    ("net_lstm_classifier_01_T16_i6_u20_2layers", "tfl.unidirectional_sequence_lstm1", "87eaa196"),
    ("net_lstm_classifier_01_T16_i6_u20_2layers", "tfl.strided_slice", "c6380bd5"),
];

#[test]
fn tensors_have_the_checksums_of_the_corpus() {
    let (mut checked, mut cases) = (0, 0);
    for folder in folders() {
        let meta = json(&folder.join("meta.json"));
        // The checksums are TensorFlow's, which differs from the reference in some cases.
        let (Some(rows), false) = (meta["op_output_crc32_input0"].as_array(), folder.join("output_tf.npy").exists())
        else {
            continue;
        };
        let case = Case::load(&folder);
        let Some(contents) = tensors(&case, Options::default()) else { continue };
        let bytes = std::fs::read(folder.join("model.tflite")).unwrap();
        let names = names(&bytes).unwrap();
        cases += 1;
        for row in rows {
            let name = &names[row["tensor"].as_u64().unwrap() as usize];
            let Some(id) = case.graph.tensors.iter().position(|tensor| tensor.name == *name) else { continue };
            let size = case.graph.tensors[id].bytes();
            let Some(contents) = contents[id].as_ref().filter(|contents| contents.made == size) else { continue };
            let found = format!("{:08x}", crc32fast::hash(&contents.data[..size]));
            let by_tflm = BY_TFLM.iter().find(|(of, tensor, _)| *of == case.name && tensor == name);
            let expected = by_tflm.map_or_else(|| row["crc32"].as_str().unwrap(), |(.., checksum)| checksum);
            assert_eq!(expected, found, "{}: `{name}`", case.name);
            checked += 1;
        }
    }
    eprintln!("{checked} tensors of {cases} cases");
    assert!(cases > 10 && checked > 10 * cases / 2);
}

/// The names of the file's tensors.
fn names(bytes: &[u8]) -> Result<Vec<String>, tinderbox_tflite::Error> {
    let subgraphs = ModelRef::read_as_root(bytes)?.subgraphs()?.expect("subgraphs");
    let tensors = subgraphs.get(0).expect("a subgraph")?.tensors()?.expect("tensors");
    tensors.iter().map(|tensor| Ok(tensor?.name()?.unwrap_or_default().to_owned())).collect()
}

#[test]
fn rings_rows_and_fast_kernels_change_no_tensor() {
    for folder in
        folders().into_iter().filter(|f| f.file_name().is_some_and(|n| n.to_string_lossy().starts_with("net_")))
    {
        let case = Case::load(&folder);
        let plan = plan::Options { grouping: Grouping::Single, no_fresh_rows: true };
        let Some(plain) = tensors(&case, Options { plan, ..Options::default() }) else { continue };
        for input_mode in [InputMode::Whole, InputMode::Rows] {
            let kernels = Kernels::Armv7em;
            let planned = tensors(&case, Options { kernels, input_mode, ..Options::default() }).unwrap();
            let (difference, compared) = first_difference(&case.graph, &planned, &plain, 0.0);
            assert!(difference.is_none() && compared > 0, "{}: {}", case.name, difference.unwrap());
        }
    }
}
