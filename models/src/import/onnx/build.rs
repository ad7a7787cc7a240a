//! Nodes of the file to a graph, in the file's order.

use super::{
    context::Type,
    layout,
    node::Node,
    table, tensor,
    value::{Value, View, image_axes},
};
use crate::{
    graph::{DType, Graph, Op, Place, Refusal, Tensor, TensorId, ensure},
    import::{Budget, fold},
};
use std::collections::{HashMap, HashSet};
use tinderbox_onnx::{TensorProto, ValueInfoProto};

/// The largest number of inputs, or of outputs, of a graph.
const MAX_IO: usize = 1024;

/// A graph in the making.
pub(super) struct Builder<'f> {
    pub(super) graph: Graph,
    pub(super) opset: i64,
    pub(super) nodes: &'f [Node],
    /// The nodes that read each value, in order, once for every time they do.
    readers: HashMap<&'f str, Vec<usize>>,
    /// Values that are images because of what they reach.
    pub(super) images: HashSet<&'f str>,
    /// Names that the caller gets.
    results: HashSet<&'f str>,
    constants: HashMap<&'f str, &'f TensorProto>,
    values: HashMap<String, Value>,
    /// Nodes that have become part of one before them.
    taken: Vec<bool>,
    /// The file's node behind each of the graph's.
    origin: Vec<usize>,
    current: usize,
    pub(super) budget: &'f Budget,
}

/// What a file holds.
pub(super) struct File<'f> {
    pub(super) nodes: &'f [Node],
    pub(super) constants: &'f [TensorProto],
    pub(super) inputs: &'f [ValueInfoProto],
    pub(super) outputs: &'f [ValueInfoProto],
    pub(super) opset: i64,
    pub(super) budget: &'f Budget,
}

/// The graph, unproved, and where in the file each of its nodes comes from.
pub(super) fn build(file: &File) -> Result<(Graph, HashMap<String, Place>), Refusal> {
    let io = file.inputs.len().max(file.outputs.len());
    ensure!(io <= MAX_IO + file.constants.len(), "{io} inputs or outputs, at most {MAX_IO} are supported");
    written_once(file)?;
    let mut builder = Builder::new(file);
    let initialized: Vec<bool> =
        file.inputs.iter().map(|input| builder.constants.contains_key(&input.name[..])).collect();
    for (input, _) in file.inputs.iter().zip(initialized).filter(|(_, constant)| !constant) {
        builder.input(input).map_err(|refusal| blame(refusal, &input.name))?;
    }
    // Constants first: a node that becomes part of one before it may have its own in between.
    let (constants, others): (Vec<&Node>, Vec<_>) = file.nodes.iter().partition(|node| node.op == "Constant");
    for node in constants.into_iter().chain(others) {
        if !builder.taken[node.position] {
            builder.current = node.position;
            table::convert(&mut builder, node).map_err(|refusal| refusal.at(|| place(node)))?;
        }
    }
    for output in file.outputs {
        builder.output(&output.name).map_err(|refusal| blame(refusal, &output.name))?;
    }
    Ok(builder.finish())
}

/// Demands that every name stands for one value. Walks along the nodes rely on it: no value comes to depend on itself.
fn written_once(file: &File) -> Result<(), Refusal> {
    let constants = file.constants.iter().map(|constant| &constant.name[..]);
    let mut written: HashSet<&str> = constants.chain(file.inputs.iter().map(|input| &input.name[..])).collect();
    for node in file.nodes {
        // Empty names are of outputs that nobody wants.
        for name in node.outputs.iter().filter(|name| !name.is_empty()) {
            if !written.insert(name) {
                let refusal = Refusal::invalid("written twice, or an input or constant is written");
                return Err(blame(refusal, name).at(|| place(node)));
            }
        }
    }
    Ok(())
}

fn place(node: &Node) -> Place {
    Place { index: node.index, op: node.op.clone(), name: node.name.clone() }
}

fn blame(mut refusal: Refusal, name: &str) -> Refusal {
    refusal.tensor.get_or_insert_with(|| name.to_owned());
    refusal
}

impl<'f> Builder<'f> {
    fn new(file: &File<'f>) -> Self {
        let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (position, node) in file.nodes.iter().enumerate() {
            let named = node.inputs.iter().filter(|name| !name.is_empty());
            named.for_each(|name| readers.entry(name).or_default().push(position));
        }
        Self {
            graph: Graph::default(),
            opset: file.opset,
            nodes: file.nodes,
            readers,
            images: layout::images(file.nodes),
            results: file.outputs.iter().map(|output| &output.name[..]).collect(),
            constants: file.constants.iter().map(|constant| (&constant.name[..], constant)).collect(),
            values: HashMap::new(),
            taken: vec![false; file.nodes.len()],
            origin: Vec::new(),
            current: 0,
            budget: file.budget,
        }
    }

    fn input(&mut self, input: &ValueInfoProto) -> Result<(), Refusal> {
        let kind = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
        let kind = kind.ok_or_else(|| Refusal::unsupported("an input must be a tensor"))?;
        let open = || {
            Refusal::unsupported("dynamic dimension").help(
                "export the model with a fixed input shape, or fix it with onnxruntime.tools.make_dynamic_shape_fixed",
            )
        };
        let shape = kind.shape.as_ref().ok_or_else(open)?;
        let fixed = |(axis, dim): (usize, &Option<i64>)| match dim {
            Some(n) if *n > 0 => Ok(*n),
            // An open batch: one inference at a time.
            _ if axis == 0 => Ok(1),
            _ => Err(open()),
        };
        let dims: Vec<_> = shape.dim.iter().map(|dim| dim.dim_value).collect();
        let dims: Vec<i64> = dims.iter().enumerate().map(fixed).collect::<Result<_, _>>()?;
        let dtype = tensor::dtype(kind.elem_type)?;
        let shape = tensor::shape(&dims, dtype)?;
        ensure!(!self.values.contains_key(&input.name), "named twice");
        let mut value = Value::plain(0, shape);
        if self.images.contains(&input.name[..]) && image_axes(value.rank()).is_some() {
            value.axes[1..].rotate_left(1);
        }
        value.id = self.tensor(value.stored_shape(), &Type { dtype, quant: None })?;
        if dtype == DType::I8 || dtype == DType::U8 {
            value.view = View::Signed;
        }
        self.graph.inputs.push(value.id);
        self.define(&input.name, value)
    }

    fn output(&mut self, name: &str) -> Result<(), Refusal> {
        let value = self.value(name)?;
        let value = self.as_result(&value)?;
        self.graph.outputs.push(value.id);
        self.graph.tensors[value.id].name = self.clipped(name)?;
        Ok(())
    }

    /// Names the nodes, and tells where each comes from.
    fn finish(mut self) -> (Graph, HashMap<String, Place>) {
        self.name_tensors();
        let mut places = HashMap::new();
        for (i, node) in self.graph.nodes.iter_mut().enumerate() {
            node.name = self.graph.tensors[node.outputs[0]].name.clone();
            while places.contains_key(&node.name) {
                node.name += &format!("#{i}");
            }
            places.insert(node.name.clone(), place(&self.nodes[self.origin[i]]));
        }
        (std::mem::take(&mut self.graph), places)
    }

    /// Tensors that the file does not have are called after the node that they came with.
    fn name_tensors(&mut self) {
        let Graph { nodes, tensors, .. } = &mut self.graph;
        for (node, &origin) in nodes.iter().zip(&self.origin) {
            for &id in node.outputs.iter().filter(|&&id| tensors[id].name.is_empty()).collect::<Vec<_>>() {
                tensors[id].name = format!("{}#{id}", clip(&self.nodes[origin].name));
            }
        }
        let unnamed = tensors.iter_mut().enumerate().filter(|(_, tensor)| tensor.name.is_empty());
        unnamed.for_each(|(id, tensor)| tensor.name = format!("constant {id}"));
    }

    /// The value of this name.
    pub(super) fn value(&mut self, name: &str) -> Result<Value, Refusal> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        let Some(record) = self.constants.get(name) else {
            let what = "read before it is written: neither a constant, nor an input, nor the output of a node before";
            return Err(blame(Refusal::invalid(what), name));
        };
        let value = self.constant(record).map_err(|refusal| blame(refusal, name))?;
        self.values.insert(name.to_owned(), value.clone());
        Ok(value)
    }

    /// Whether all that a node reads beside `x` is known already.
    pub(super) fn knows_operands(&self, node: &Node, x: &str) -> bool {
        let known = |name: &str| self.values.contains_key(name) || self.constants.contains_key(name);
        node.inputs.iter().all(|name| name.is_empty() || name == x || known(name))
    }

    /// A constant of the file.
    pub(super) fn constant(&mut self, record: &TensorProto) -> Result<Value, Refusal> {
        let mut tensor = tensor::constant(record)?;
        self.budget.spend(tensor.bytes())?;
        tensor.name = self.clipped(&record.name)?;
        let shape = tensor.shape.clone();
        let is_raw = matches!(tensor.dtype, DType::I8 | DType::U8 | DType::I16);
        self.graph.tensors.push(tensor);
        let value = Value::plain(self.graph.tensors.len() - 1, shape);
        Ok(if is_raw { Value { view: View::Signed, ..value } } else { value })
    }

    /// Makes `value` known under a name of the file, if it has one.
    pub(super) fn define(&mut self, name: &str, value: Value) -> Result<(), Refusal> {
        if name.is_empty() {
            return Ok(());
        }
        let named = self.clipped(name)?;
        let tensor = &mut self.graph.tensors[value.id];
        if tensor.name.is_empty() {
            tensor.name = named;
        }
        self.values.insert(name.to_owned(), value);
        Ok(())
    }

    /// A new tensor; it gets its name when a value is defined by it.
    pub(super) fn tensor(&mut self, shape: Vec<usize>, kind: &Type) -> Result<TensorId, Refusal> {
        tensor::shape(&shape.iter().map(|&n| n as i64).collect::<Vec<_>>(), kind.dtype)?;
        let Type { dtype, quant } = kind.clone();
        let bits = 8 * dtype.bytes() as u8;
        self.graph.tensors.push(Tensor { name: String::new(), shape, dtype, quant, data: None, bits });
        Ok(self.graph.tensors.len() - 1)
    }

    /// Adds a node, or, where all it reads is constant, its results.
    pub(super) fn push(
        &mut self,
        op: Op,
        inputs: Vec<Option<TensorId>>,
        outputs: Vec<TensorId>,
    ) -> Result<(), Refusal> {
        let node = crate::graph::Node { name: String::new(), op, inputs, outputs };
        self.graph.nodes.push(node);
        let last = self.graph.nodes.len() - 1;
        match fold::evaluate(&self.graph, last, |bytes| self.budget.affords(bytes))? {
            None => self.origin.push(self.current),
            Some(results) => {
                let node = self.graph.nodes.pop().expect("it was just pushed");
                for (id, data) in node.outputs.into_iter().zip(results) {
                    self.graph.tensors[id].data = Some(data);
                }
            }
        }
        Ok(())
    }

    /// The only node that reads a value which the caller does not get.
    pub(super) fn only_reader(&self, name: &str) -> Option<&'f Node> {
        match self.readers.get(name).map(Vec::as_slice) {
            Some([reader]) if !self.results.contains(name) => Some(&self.nodes[*reader]),
            _ => None,
        }
    }

    /// Marks a node as part of the current one.
    pub(super) fn take(&mut self, node: &Node) {
        self.taken[node.position] = true;
    }

    fn clipped(&self, name: &str) -> Result<String, Refusal> {
        let name = clip(name);
        self.budget.spend(name.len())?;
        Ok(name.to_owned())
    }
}

/// Names come from the file, which may hold anything.
fn clip(name: &str) -> &str {
    name.char_indices().nth(200).map_or(name, |(end, _)| &name[..end])
}
