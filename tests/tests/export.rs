//! What is exported is imported as it was.

use tinderbox::{
    export,
    graph::{Graph, TensorId},
    import::{import, import_bytes},
};
use tinderbox_tests::{conformance, list};

/// `graph` with its tensors in the order of their first use: that is all that a file may change.
fn in_order_of_use(mut graph: Graph) -> Graph {
    let ids = |ids: &[Option<TensorId>]| ids.iter().flatten().copied().collect::<Vec<_>>();
    let mut order = graph.inputs.clone();
    order.extend(graph.nodes.iter().flat_map(|node| [ids(&node.inputs), node.outputs.clone()].concat()));
    let mut new = vec![None; graph.tensors.len()];
    let mut tensors = vec![];
    for id in order {
        if new[id].is_none() {
            new[id] = Some(tensors.len());
            tensors.push(graph.tensors[id].clone());
        }
    }
    let renumber = |id: &mut TensorId| *id = new[*id].expect("every tensor is used");
    for node in &mut graph.nodes {
        node.inputs.iter_mut().flatten().chain(&mut node.outputs).for_each(renumber);
    }
    graph.inputs.iter_mut().chain(&mut graph.outputs).for_each(renumber);
    graph.variables.iter_mut().for_each(|v| renumber(&mut v.tensor));
    graph.variables.sort_by_key(|v| v.tensor);
    Graph { tensors, ..graph }
}

#[test]
fn every_conformance_case_survives() {
    for case in list(&conformance().join("cases")) {
        let graph = import(&case.join("model.tflite")).unwrap();
        let again = import_bytes(&graph.name, &export::to_bytes(&graph)).unwrap_or_else(|error| panic!("{error}"));
        assert!(in_order_of_use(graph) == in_order_of_use(again), "{} changed", case.display());
    }
}

#[test]
fn a_failed_export_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.tflite");
    let graph = import(&list(&conformance().join("cases"))[0].join("model.tflite")).unwrap();
    export::export(&graph, &path).unwrap();
    let before = std::fs::read(&path).unwrap();
    // A folder cannot be replaced by a file.
    assert!(export::export(&graph, folder.path()).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(list(folder.path()), [path]);
}
