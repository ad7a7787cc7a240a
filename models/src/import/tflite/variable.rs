//! Variables: resources that the model reads and assigns by name, and operators' own state.

use super::{
    build::Builder,
    file::{Model, Operator, Subgraph, read},
    tensor,
};
use crate::graph::{Op, Refusal, TensorId, Variable, ensure};
use std::{collections::HashMap, sync::Arc};
use tinderbox_tflite::{BuiltinOperator, BuiltinOptionsRef};

/// Container and name.
type Key<'a> = (&'a str, &'a str);

/// The model's named variables.
#[derive(Default)]
pub(super) struct Resources<'a> {
    /// What each of the file's handle tensors stands for.
    handles: HashMap<i32, Key<'a>>,
    /// Contents assigned by initialisation.
    initial: HashMap<Key<'a>, Arc<[u8]>>,
    /// The graph's tensor of each variable that has been met.
    tensors: HashMap<Key<'a>, TensorId>,
}

impl<'a> Builder<'_, 'a> {
    /// VAR_HANDLE: () -> handle.
    pub(super) fn var_handle(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let (handle, key) = handle(operator)?;
        self.model.budget.spend(key.0.len() + key.1.len())?;
        self.resources.handles.insert(handle, key);
        Ok(())
    }

    /// CALL_ONCE: a subgraph that assigns constants to variables.
    pub(super) fn call_once(&mut self, operator: &Operator<'a>) -> Result<(), Refusal> {
        let Some(BuiltinOptionsRef::CallOnceOptions(options)) = &operator.options else {
            return Err(Refusal::invalid("options are missing or of the wrong type"));
        };
        let index = read(options.init_subgraph_index())?;
        let model = self.model;
        let graph = usize::try_from(index).ok().filter(|&i| i > 0).and_then(|i| model.subgraphs.get(i));
        let graph = graph.ok_or_else(|| Refusal::invalid(format!("subgraph {index} is out of range")))?;
        let mut handles = HashMap::new();
        for operator in &graph.operators {
            match operator.kind {
                BuiltinOperator::VarHandle => {
                    let (handle, key) = handle(operator)?;
                    handles.insert(handle, key);
                }
                BuiltinOperator::AssignVariable => {
                    ensure!(operator.inputs.len() == 2, "an assignment needs 2 inputs");
                    let key = handles.get(&operator.inputs[0]).copied();
                    let key = key.ok_or_else(|| Refusal::invalid("an assignment to what is no variable"))?;
                    let contents = constant(model, graph, operator.inputs[1])?;
                    self.resources.initial.insert(key, contents);
                }
                _ => {
                    let what = format!("{} while variables are initialised is not supported", operator.name);
                    return Err(Refusal::unsupported(what).help("initialise variables with constants"));
                }
            }
        }
        Ok(())
    }

    /// READ_VARIABLE: handle -> value.
    pub(super) fn read_variable(&mut self, operator: &Operator) -> Result<(), Refusal> {
        let (&[handle], &[value]) = (&operator.inputs[..], &operator.outputs[..]) else {
            return Err(Refusal::invalid("1 input and 1 output expected"));
        };
        let value = self.tensor(value)?;
        let variable = self.variable(handle, value)?;
        self.push(operator.index, Op::ReadVariable, vec![Some(variable)], vec![value])
    }

    /// ASSIGN_VARIABLE: handle, value -> ().
    pub(super) fn assign_variable(&mut self, operator: &Operator) -> Result<(), Refusal> {
        let (&[handle, value], []) = (&operator.inputs[..], &operator.outputs[..]) else {
            return Err(Refusal::invalid("2 inputs and no output expected"));
        };
        let value = self.tensor(value)?;
        let variable = self.variable(handle, value)?;
        self.push(operator.index, Op::AssignVariable, vec![Some(variable), Some(value)], vec![])
    }

    /// The tensor of the variable behind a handle; it looks like the first value read from or assigned to it.
    fn variable(&mut self, handle: i32, like: TensorId) -> Result<TensorId, Refusal> {
        let key = self.resources.handles.get(&handle).copied();
        let key = key.ok_or_else(|| Refusal::invalid(format!("tensor {handle} is not the handle of a variable")))?;
        if let Some(&id) = self.resources.tensors.get(&key) {
            return Ok(id);
        }
        let mut tensor = self.graph.tensors[like].clone();
        (tensor.name, tensor.data) = (key.1.to_owned(), None);
        let initial = self.resources.initial.get(&key).cloned();
        if let Some(found) = initial.as_ref().map(|data| data.len()).filter(|&found| found != tensor.bytes()) {
            let what = format!("initialised with {found} bytes, but its shape is {:?}", tensor.shape);
            return Err(Refusal::invalid(what).on(&tensor));
        }
        self.graph.tensors.push(tensor);
        let id = self.graph.tensors.len() - 1;
        self.add_variable(Variable { tensor: id, initial })?;
        self.resources.tensors.insert(key, id);
        Ok(id)
    }

    /// Makes variables of the state tensors among an operator's inputs.
    pub(super) fn register_state(&mut self, operator: &Operator, inputs: &[Option<TensorId>]) -> Result<(), Refusal> {
        for (&index, id) in operator.inputs.iter().zip(inputs) {
            let Some(id) = *id else { continue };
            if read(self.main.tensors[index as usize].is_variable())? {
                if self.graph.variables.iter().any(|v| v.tensor == id) {
                    let what = "state is shared with another operator";
                    return Err(Refusal::unsupported(what).on(&self.graph.tensors[id]));
                }
                self.add_variable(Variable { tensor: id, initial: None })?;
            }
        }
        Ok(())
    }
}

fn handle<'a>(operator: &Operator<'a>) -> Result<(i32, Key<'a>), Refusal> {
    let Some(BuiltinOptionsRef::VarHandleOptions(options)) = operator.options else {
        return Err(Refusal::invalid("options are missing or of the wrong type"));
    };
    let &[handle] = &operator.outputs[..] else { return Err(Refusal::invalid("1 output expected")) };
    let key = (read(options.container())?.unwrap_or_default(), read(options.shared_name())?.unwrap_or_default());
    Ok((handle, key))
}

/// The contents of a constant of another subgraph.
fn constant(model: &Model, graph: &Subgraph, index: i32) -> Result<Arc<[u8]>, Refusal> {
    let record = usize::try_from(index).ok().and_then(|i| graph.tensors.get(i));
    let record = record.ok_or_else(|| Refusal::invalid(format!("tensor index {index} out of range")))?;
    let tensor = tensor::shaped(record, tensor::name(record, index as usize, &model.budget), &model.budget)?;
    let contents = tensor::contents(record, &tensor, model, &mut Default::default())?;
    contents.ok_or_else(|| Refusal::unsupported("a variable's initial value must be constant").on(&tensor))
}
