//! The invariants of a graph.

use super::{DType, Graph, Node, Op, Place, Quantization, Refusal, Tensor, TensorId, refusal::ensure, rules};

/// The largest number of dimensions of a tensor.
pub const MAX_RANK: usize = 8;

/// The largest sum of the sizes of all tensors that are not constant. No microcontroller comes near; a corrupt file may.
pub const MAX_ACTIVATION_BYTES: usize = 256 << 20;

impl Graph {
    /// Proves everything that later stages rely on: ids are in range; every tensor has one source and is written before
    /// it is read; shapes, types and quantization are what each operator demands; constants have the size of their
    /// shape; the whole is not absurdly large.
    pub fn validate(&self) -> Result<(), Refusal> {
        self.check_ids()?;
        self.check_order()?;
        self.check_tensors()?;
        self.check_size()?;
        self.check_variables()?;
        for (index, node) in self.nodes.iter().enumerate() {
            rules::check(self, node).map_err(|refusal| refusal.at(|| self.place(index)))?;
        }
        Ok(())
    }

    /// Where node `index` is, for messages.
    pub fn place(&self, index: usize) -> Place {
        let node = &self.nodes[index];
        Place { index, op: node.op.name().to_owned(), name: node.name.clone() }
    }

    fn check_ids(&self) -> Result<(), Refusal> {
        let nodes = self.nodes.iter().flat_map(|node| node.inputs.iter().flatten().chain(&node.outputs));
        let variables = self.variables.iter().map(|v| &v.tensor);
        let largest = nodes.chain(&self.inputs).chain(&self.outputs).chain(variables).max();
        let count = self.tensors.len();
        ensure!(largest.is_none_or(|&id| id < count), "tensor index {largest:?} is out of range: there are {count}");
        Ok(())
    }

    fn check_tensors(&self) -> Result<(), Refusal> {
        for (id, tensor) in self.tensors.iter().enumerate() {
            check_tensor(tensor).map_err(|refusal| {
                let user = self.nodes.iter().position(|n| n.outputs.contains(&id) || n.inputs.contains(&Some(id)));
                let refusal = refusal.on(tensor);
                user.map_or(refusal.clone(), |index| refusal.at(|| self.place(index)))
            })?;
        }
        Ok(())
    }

    fn check_size(&self) -> Result<(), Refusal> {
        let activations = self.tensors.iter().filter(|t| t.data.is_none());
        let total = activations.map(Tensor::bytes).fold(0usize, usize::saturating_add);
        if total <= MAX_ACTIVATION_BYTES {
            return Ok(());
        }
        let what = format!("the activations, {total} bytes, do not fit the limit of {MAX_ACTIVATION_BYTES}");
        Err(Refusal::unsupported(what).help("reduce the input's size"))
    }

    fn check_variables(&self) -> Result<(), Refusal> {
        let mut seen = vec![false; self.tensors.len()];
        for variable in &self.variables {
            let tensor = &self.tensors[variable.tensor];
            let size = variable.initial.as_ref().map_or(tensor.bytes(), |initial| initial.len());
            if tensor.data.is_some() || size != tensor.bytes() || std::mem::replace(&mut seen[variable.tensor], true) {
                return Err(Refusal::invalid("not a proper variable").on(tensor));
            }
        }
        for (index, node) in self.nodes.iter().enumerate() {
            for (slot, id) in node.inputs.iter().enumerate() {
                let Some(id) = *id else { continue };
                if seen[id] != is_state(node, slot) {
                    let what = if seen[id] { "state is read as data" } else { "state must be a variable tensor" };
                    return Err(Refusal::invalid(what).on(&self.tensors[id]).at(|| self.place(index)));
                }
            }
        }
        Ok(())
    }

    fn check_order(&self) -> Result<(), Refusal> {
        let mut sources = Sources::of(self)?;
        for (index, node) in self.nodes.iter().enumerate() {
            let place = |refusal: Refusal| refusal.at(|| self.place(index));
            node.inputs.iter().flatten().try_for_each(|&id| sources.read(self, id)).map_err(place)?;
            node.outputs.iter().try_for_each(|&id| sources.write(self, id)).map_err(place)?;
        }
        let mut listed = vec![false; self.tensors.len()];
        self.inputs.iter().for_each(|&id| listed[id] = true);
        for &id in &self.outputs {
            let tensor = &self.tensors[id];
            if tensor.data.is_some() {
                return Err(Refusal::unsupported("a graph output is constant: nothing to compute").on(tensor));
            } else if std::mem::replace(&mut listed[id], true) {
                return Err(Refusal::unsupported("a graph output is an input, or named twice").on(tensor));
            } else if !sources.written[id] {
                return Err(Refusal::invalid("graph output is never produced").on(tensor));
            }
        }
        ensure!(!self.outputs.is_empty(), "the graph has no output");
        Ok(())
    }
}

/// Whether an input of a node is state that survives the inference.
fn is_state(node: &Node, slot: usize) -> bool {
    match node.op {
        Op::ReadVariable | Op::AssignVariable => slot == 0,
        Op::Svdf { .. } => slot == 4,
        Op::UnidirectionalSequenceLstm { .. } => slot >= 13,
        _ => false,
    }
}

/// Which tensors have got their contents so far.
struct Sources {
    written: Vec<bool>,
}

impl Sources {
    /// Constants, inputs and variables have theirs from the start.
    fn of(graph: &Graph) -> Result<Self, Refusal> {
        let mut written: Vec<bool> = graph.tensors.iter().map(|t| t.data.is_some()).collect();
        for &id in graph.inputs.iter().chain(graph.variables.iter().map(|v| &v.tensor)) {
            if std::mem::replace(&mut written[id], true) {
                return Err(Refusal::invalid("an input must not be constant, nor named twice").on(&graph.tensors[id]));
            }
        }
        Ok(Self { written })
    }

    fn read(&self, graph: &Graph, id: TensorId) -> Result<(), Refusal> {
        if self.written[id] {
            return Ok(());
        }
        let later = graph.nodes.iter().any(|node| node.outputs.contains(&id));
        let what = match later {
            true => "read before it is written: the operators are out of order or form a cycle",
            false => "read but never written: it is neither constant, nor an input, nor any operator's output",
        };
        Err(Refusal::invalid(what).on(&graph.tensors[id]))
    }

    fn write(&mut self, graph: &Graph, id: TensorId) -> Result<(), Refusal> {
        if !std::mem::replace(&mut self.written[id], true) {
            return Ok(());
        }
        let what = match (graph.inputs.contains(&id), graph.tensors[id].data.is_some()) {
            (true, _) => "a graph input must not be written",
            (_, true) => "a constant must not be written",
            _ => "written twice",
        };
        Err(Refusal::invalid(what).on(&graph.tensors[id]))
    }
}

/// Whether the size in bytes fits 31 bits, and so does any product of some of the dimensions, even beside a zero.
pub(crate) fn is_sane(shape: &[usize], dtype: DType) -> bool {
    let bytes = shape.iter().try_fold(dtype.bytes(), |bytes, &n| bytes.checked_mul(n.max(1)));
    bytes.is_some_and(|bytes| bytes <= i32::MAX as usize)
}

fn check_tensor(tensor: &Tensor) -> Result<(), Refusal> {
    let rank = tensor.shape.len();
    if rank > MAX_RANK {
        return Err(Refusal::unsupported(format!("{rank} dimensions, at most {MAX_RANK} are supported")));
    }
    ensure!(is_sane(&tensor.shape, tensor.dtype), "too large: shape {:?}", tensor.shape);
    let bytes = tensor.bytes();
    match &tensor.data {
        Some(data) => ensure!(data.len() == bytes, "{} bytes of data for shape {:?}", data.len(), tensor.shape),
        None => ensure!(bytes > 0, "zero-size tensor: shape {:?}", tensor.shape),
    }
    let is_quantized = matches!(tensor.dtype, DType::I8 | DType::U8 | DType::I16);
    match &tensor.quant {
        Some(quant) => check_quantization(tensor, quant),
        None if is_quantized => Err(Refusal::invalid(format!("{} without scale", tensor.dtype))
            .help("quantized tensors need a scale and a zero point")),
        None => Ok(()),
    }
}

fn check_quantization(tensor: &Tensor, quant: &Quantization) -> Result<(), Refusal> {
    let (count, axis) = (quant.scales.len(), quant.axis);
    if count > 1 {
        if tensor.data.is_none() {
            return Err(Refusal::unsupported("per-channel scales on an activation are not supported"));
        }
        ensure!(axis < tensor.shape.len(), "quantized dimension {axis} is out of range");
        let n = tensor.shape[axis];
        ensure!(n == count, "number of scales, {count}, does not match dimension {axis}, which has {n}");
    }
    ensure!(count > 0 && quant.zero_points.len() == count, "{count} scales, {} zero points", quant.zero_points.len());
    for (channel, &scale) in quant.scales.iter().enumerate() {
        ensure!(scale.is_normal() && scale > 0.0, "invalid scale {scale:?} in channel {channel}");
    }
    let (low, high) = match tensor.dtype {
        DType::I8 => (-128, 127),
        DType::U8 => (0, 255),
        DType::I16 => (-32768, 32767),
        _ => (i32::MIN, i32::MAX),
    };
    match quant.zero_points.iter().find(|z| !(low..=high).contains(*z)) {
        Some(z) => Err(Refusal::invalid(format!("zero point {z} is out of range for {}", tensor.dtype))),
        None => Ok(()),
    }
}
