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
