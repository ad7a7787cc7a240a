//! Records to a graph, in the file's order.

use super::{
    context::{Context, Converted},
    file::{MAX_RECORDS, Model, Operator, Subgraph},
    table,
    tensor::{self, Contents},
    variable::Resources,
};
use crate::{
    graph::{Graph, Node, Op, Place, Refusal, Tensor, TensorId, Variable, ensure},
    import::fold,
};
use std::{collections::HashSet, sync::Arc};
use tinderbox_tflite::BuiltinOperator;

/// The largest number of inputs, or of outputs, of a graph.
const MAX_IO: usize = 1024;

/// A graph in the making.
pub(super) struct Builder<'m, 'a> {
    pub(super) model: &'m Model<'a>,
    pub(super) main: &'m Subgraph<'a>,
    pub(super) graph: Graph,
    /// The graph's tensor for each of the file's that has been met.
    ids: Vec<Option<TensorId>>,
    contents: Contents,
    pub(super) resources: Resources<'a>,
    names: HashSet<String>,
    /// The file's operator behind each node.
    origin: Vec<usize>,
}

/// The graph of the first subgraph, unproved, and the file's operator behind each node.
pub(super) fn build(model: &Model) -> Result<(Graph, Vec<usize>), Refusal> {
    let main = model.subgraphs.first().ok_or_else(|| Refusal::invalid("the model has no subgraph"))?;
    let mut builder = Builder {
        model,
        main,
        graph: Graph::default(),
        ids: vec![None; main.tensors.len()],
        contents: Contents::default(),
        resources: Resources::default(),
        names: HashSet::new(),
        origin: Vec::new(),
    };
    let io = main.inputs.len().max(main.outputs.len());
    ensure!(io <= MAX_IO, "{io} inputs or outputs, at most {MAX_IO} are supported");
    for &index in &main.inputs {
        let id = builder.tensor(index)?;
        // The caller feeds it: contents in the file would be an example at best.
        builder.graph.tensors[id].data = None;
        builder.graph.inputs.push(id);
    }
    for operator in &main.operators {
        builder.operator(operator).map_err(|refusal| refusal.at(|| place(main, operator)))?;
    }
    for &index in &main.outputs {
        let id = builder.tensor(index)?;
        builder.graph.outputs.push(id);
    }
    Ok((builder.graph, builder.origin))
}

/// An operator and what it is called, for messages.
fn place(main: &Subgraph, operator: &Operator) -> Place {
    let output = operator.outputs.first().and_then(|&i| main.tensors.get(usize::try_from(i).ok()?));
    let name = output.and_then(|record| record.name().ok().flatten()).unwrap_or_default();
    Place { index: operator.index, op: operator.name.clone(), name: name.to_owned() }
}

impl<'a> Builder<'_, 'a> {
    /// The graph's tensor for one of the file's.
    pub(super) fn tensor(&mut self, index: i32) -> Result<TensorId, Refusal> {
        let count = self.main.tensors.len();
        let out_of_range = || Refusal::invalid(format!("tensor index {index} out of range: there are {count}"));
        let i = usize::try_from(index).ok().filter(|&i| i < count).ok_or_else(out_of_range)?;
        if let Some(id) = self.ids[i] {
            return Ok(id);
        }
        let tensor = self.convert_tensor(i)?;
        self.graph.tensors.push(tensor);
        let id = self.graph.tensors.len() - 1;
        self.ids[i] = Some(id);
        Ok(id)
    }

    fn convert_tensor(&mut self, index: usize) -> Result<Tensor, Refusal> {
        let record = &self.main.tensors[index];
        let name = tensor::name(record, index, &self.model.budget);
        let blame = |mut refusal: Refusal| {
            refusal.tensor = Some(name.clone());
            refusal
        };
        let mut tensor = tensor::shaped(record, name.clone(), &self.model.budget).map_err(blame)?;
        // A variable starts at zero, whatever is stored.
        if !record.is_variable().unwrap_or(false) {
            tensor.data = tensor::contents(record, &tensor, self.model, &mut self.contents).map_err(blame)?;
        }
        let packed = usize::from(tensor.bits) != 8 * tensor.dtype.bytes();
        if packed && tensor.data.is_none() {
            let kind = record.type_().map_or("this", |kind| kind.name());
            let what = format!("type {kind} is supported for constants only");
            return Err(blame(Refusal::unsupported(what)));
        }
        Ok(tensor)
    }

    fn operator(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        match operator.kind {
            BuiltinOperator::CallOnce => self.call_once(operator),
            BuiltinOperator::VarHandle => self.var_handle(operator),
            BuiltinOperator::ReadVariable => self.read_variable(operator),
            BuiltinOperator::AssignVariable => self.assign_variable(operator),
            _ => self.computation(operator),
        }
    }

    fn computation(&mut self, operator: &Operator) -> Result<(), Refusal> {
        let entry = table::entry(operator)?;
        let inputs = self.inputs(operator)?;
        let outputs = operator.outputs.iter().map(|&i| self.tensor(i)).collect::<Result<Vec<_>, _>>()?;
        self.register_state(operator, &inputs)?;
        let context = Context { model: self.model, graph: &self.graph, operator, inputs, outputs };
        let converted = (entry.convert)(&context);
        let outputs = context.outputs;
        match converted? {
            Converted::Constant(data) => self.set_constants(&outputs, vec![data]),
            Converted::Node(op, inputs) => self.push(operator.index, op, inputs, outputs),
        }
    }

    fn inputs(&mut self, operator: &Operator) -> Result<Vec<Option<TensorId>>, Refusal> {
        let input = |&i| if i == -1 { Ok(None) } else { self.tensor(i).map(Some) };
        operator.inputs.iter().map(input).collect()
    }

    /// Adds a node, or, where all it reads is constant, its results.
    pub(super) fn push(
        &mut self,
        index: usize,
        op: Op,
        inputs: Vec<Option<TensorId>>,
        outputs: Vec<TensorId>,
    ) -> Result<(), Refusal> {
        let name = self.unique(outputs.first().or(inputs.iter().flatten().next()).copied())?;
        self.graph.nodes.push(Node { name, op, inputs, outputs });
        self.origin.push(index);
        if let Some(results) =
            fold::evaluate(&self.graph, self.graph.nodes.len() - 1, |n| self.model.budget.affords(n))?
        {
            let node = self.graph.nodes.pop().expect("it was just pushed");
            self.origin.pop();
            self.set_constants(&node.outputs, results)?;
        }
        Ok(())
    }

    fn set_constants(&mut self, outputs: &[TensorId], results: Vec<Arc<[u8]>>) -> Result<(), Refusal> {
        for (&id, data) in outputs.iter().zip(results) {
            let tensor = &mut self.graph.tensors[id];
            ensure!(tensor.data.is_none() && !self.graph.inputs.contains(&id), "{:?} is written twice", tensor.name);
            tensor.data = Some(data);
        }
        Ok(())
    }

    /// Makes a variable of a tensor.
    pub(super) fn add_variable(&mut self, variable: Variable) -> Result<(), Refusal> {
        ensure!(self.graph.variables.len() < MAX_RECORDS >> 6, "too many variables");
        self.graph.variables.push(variable);
        Ok(())
    }

    fn unique(&mut self, tensor: Option<TensorId>) -> Result<String, Refusal> {
        let name = tensor.map_or("node", |id| &self.graph.tensors[id].name);
        self.model.budget.spend(2 * name.len())?;
        let numbered = (self.graph.nodes.len()..).map(|n| format!("{name}#{n}"));
        let unique = std::iter::once(name.to_owned()).chain(numbered).find(|name| !self.names.contains(name));
        let unique = unique.expect("there are endless numbers");
        self.names.insert(unique.clone());
        Ok(unique)
    }
}
