//! What no output needs is dropped.

use super::{Graph, Node, Op, TensorId};

impl Graph {
    /// Drops nodes, variables and tensors that neither an output nor a living variable depends on. A valid graph stays
    /// valid; tensor ids change.
    pub fn prune(&mut self) {
        let mut needed = vec![false; self.tensors.len()];
        self.outputs.iter().chain(&self.inputs).for_each(|&id| needed[id] = true);
        // An assignment lives if its variable is read; its value may need further nodes, and so on until nothing changes.
        let mut alive = vec![false; self.nodes.len()];
        loop {
            let before = alive.iter().filter(|&&a| a).count();
            for (node, alive) in self.nodes.iter().zip(&mut alive).rev() {
                *alive = *alive || is_needed(node, &needed);
                if *alive {
                    node.inputs.iter().flatten().for_each(|&id| needed[id] = true);
                }
            }
            if alive.iter().filter(|&&a| a).count() == before {
                break;
            }
        }
        let mut alive = alive.into_iter();
        self.nodes.retain(|_| alive.next() == Some(true));
        self.variables.retain(|v| needed[v.tensor]);
        self.nodes.iter().flat_map(|n| &n.outputs).for_each(|&id| needed[id] = true);
        self.renumber(&needed);
    }

    fn renumber(&mut self, needed: &[bool]) {
        let mut next = 0;
        let new: Vec<TensorId> = needed
            .iter()
            .map(|&keep| {
                next += usize::from(keep);
                next.saturating_sub(1)
            })
            .collect();
        let mut keep = needed.iter();
        self.tensors.retain(|_| keep.next() == Some(&true));
        for node in &mut self.nodes {
            node.inputs.iter_mut().flatten().chain(&mut node.outputs).for_each(|id| *id = new[*id]);
        }
        self.inputs.iter_mut().chain(&mut self.outputs).for_each(|id| *id = new[*id]);
        self.variables.iter_mut().for_each(|v| v.tensor = new[v.tensor]);
    }
}

fn is_needed(node: &Node, needed: &[bool]) -> bool {
    match node.op {
        Op::AssignVariable => node.inputs[0].is_some_and(|id| needed[id]),
        _ => node.outputs.iter().any(|&id| needed[id]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{DType, Tensor, Unary, Variable};

    /// x -> h -> y; h is kept in a variable that nobody reads; a dead node hangs on h.
    fn graph(read: bool) -> Graph {
        let tensor = |name: &str| {
            let (name, shape) = (name.into(), vec![4]);
            Tensor { name, shape, dtype: DType::F32, quant: None, data: None, bits: 32 }
        };
        let node = |name: &str, op, inputs: &[TensorId], outputs: &[TensorId]| {
            let (inputs, outputs) = (inputs.iter().copied().map(Some).collect(), outputs.to_vec());
            Node { name: name.into(), op, inputs, outputs }
        };
        let relu = Op::Unary(Unary::Relu);
        let second = if read { Op::ReadVariable } else { relu.clone() };
        let nodes = vec![
            node("h", relu.clone(), &[0], &[1]),
            node("dead", relu, &[1], &[2]),
            node("y", second, &[if read { 4 } else { 1 }], &[3]),
            node("assign", Op::AssignVariable, &[4, 1], &[]),
        ];
        let tensors = ["x", "h", "dead", "y", "state"].map(tensor).to_vec();
        let variables = vec![Variable { tensor: 4, initial: None }];
        Graph { name: "g".into(), tensors, nodes, inputs: vec![0], outputs: vec![3], variables }
    }

    fn pruned(read: bool) -> (Vec<String>, Vec<String>) {
        let mut graph = graph(read);
        graph.validate().expect("valid before");
        graph.prune();
        graph.validate().expect("valid after");
        let names = graph.nodes.iter().map(|n| n.name.clone()).collect();
        (names, graph.tensors.iter().map(|t| t.name.clone()).collect())
    }

    #[test]
    fn an_assignment_lives_as_long_as_its_variable_is_read() {
        assert_eq!(pruned(true).0, ["h", "y", "assign"]);
        assert_eq!(pruned(true).1, ["x", "h", "y", "state"]);
        assert_eq!(pruned(false).0, ["h", "y"]);
        assert_eq!(pruned(false).1, ["x", "h", "y"]);
    }
}
