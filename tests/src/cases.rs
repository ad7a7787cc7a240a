//! The cases of the conformance corpus: a model, values for its inputs, and the outputs that they must give.

use crate::{conformance, json, list};
use std::path::{Path, PathBuf};
use tinderbox::graph::Graph;
use tinderbox::import::import;
use tinderbox::run::npy::{self, Array};

/// The folders of all cases, sorted; `CASES` names another place to take them from.
pub fn folders() -> Vec<PathBuf> {
    list(&std::env::var_os("CASES").map_or_else(|| conformance().join("cases"), PathBuf::from))
}

/// One case.
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// The model.
    pub graph: Graph,
    /// Variables keep their contents from one inference to the next.
    pub keep_state: bool,
    /// Per input of the model, its values: (N, ..).
    inputs: Vec<Array>,
    /// Per output of the model, the values that are right: (N, ..).
    outputs: Vec<Array>,
}

impl Case {
    /// Reads the case in `folder`, which must be complete.
    pub fn load(folder: &Path) -> Self {
        let graph = import(&folder.join("model.tflite")).unwrap_or_else(|error| panic!("{error}"));
        let meta = json(&folder.join("meta.json"));
        Self {
            name: folder.file_name().expect("a folder").to_string_lossy().into_owned(),
            keep_state: meta["state_reset_before_each_input"] == false,
            inputs: arrays(folder, "input", graph.inputs.len()),
            outputs: arrays(folder, "output", graph.outputs.len()),
            graph,
        }
    }

    /// The bytes of every input, per inference.
    pub fn inferences(&self) -> Vec<Vec<&[u8]>> {
        (0..self.count()).map(|n| self.inputs.iter().map(|array| self.slice(array, n)).collect()).collect()
    }

    /// What is wrong with the outputs `found`, the bytes of every output per inference.
    pub fn difference(&self, found: &[Vec<Vec<u8>>]) -> Option<String> {
        for (n, found) in found.iter().enumerate() {
            for (i, (found, array)) in found.iter().zip(&self.outputs).enumerate() {
                let wanted = self.slice(array, n);
                let element = array.dtype.bytes();
                let differs = |at: &usize| found.chunks(element).nth(*at) != wanted.chunks(element).nth(*at);
                let wrong: Vec<usize> = (0..wanted.len() / element).filter(differs).collect();
                if let Some(at) = wrong.first() {
                    let byte = at * element;
                    return Some(format!(
                        "inference {n}, output {i}: {} of {} elements differ, first element {at}: {:?}, not {:?}",
                        wrong.len(),
                        wanted.len() / element,
                        &found[byte..][..element],
                        &wanted[byte..][..element],
                    ));
                }
            }
        }
        (found.len() != self.count()).then(|| format!("{} inferences, not {}", found.len(), self.count()))
    }

    fn count(&self) -> usize {
        self.inputs[0].shape[0]
    }

    fn slice<'a>(&self, array: &'a Array, inference: usize) -> &'a [u8] {
        let bytes = array.data.len() / self.count();
        &array.data[inference * bytes..][..bytes]
    }
}

/// `STEM.npy` if there is one, else `STEM0.npy` and so on.
fn arrays(folder: &Path, stem: &str, count: usize) -> Vec<Array> {
    let file = |i: usize| if count == 1 { format!("{stem}.npy") } else { format!("{stem}{i}.npy") };
    (0..count).map(|i| npy::read(&folder.join(file(i))).unwrap_or_else(|error| panic!("{error}"))).collect()
}
