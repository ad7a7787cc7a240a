//! Values of inputs, outputs and all tensors, in NumPy's files: (N, tensor shape with or without its leading 1).

use super::{Failure, files};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tinderbox::graph::{Graph, Tensor};
use tinderbox::run::npy::{self, Array};
use tinderbox::run::npz;
use tinderbox::run::tensors::Contents;

/// One array per input, of the tensor's type and shape in one of these graphs of the same inputs.
pub(super) fn read_inputs(graphs: &[&Graph], paths: &[PathBuf]) -> Result<Vec<Array>, Failure> {
    let graph = graphs[0];
    if paths.len() != graph.inputs.len() {
        return Err(Failure::Refused(format!(
            "the model has {} inputs, {} files are given",
            graph.inputs.len(),
            paths.len()
        )));
    }
    let read = |(path, input): (&PathBuf, &usize)| {
        let array = npy::read(path).map_err(Failure::refused)?;
        let fits = |graph: &&Graph| expect_shape(path, &array, &graph.tensors[*input]).is_ok();
        if !graphs.iter().any(fits) {
            expect_shape(path, &array, &graph.tensors[*input])?;
        }
        Ok(array)
    };
    paths.iter().zip(&graph.inputs).map(read).collect()
}

fn expect_shape(path: &Path, array: &Array, tensor: &Tensor) -> Result<(), Failure> {
    let refused = |what: String| Err(Failure::Refused(format!("{}: {what}", path.display())));
    if array.dtype != tensor.dtype {
        return refused(format!("elements are {:?}, input `{}` is {:?}", array.dtype, tensor.name, tensor.dtype));
    }
    let given = array.shape.get(1..).unwrap_or_default();
    let without_one = tensor.shape.strip_prefix(&[1]).unwrap_or(&tensor.shape);
    if array.shape.is_empty() || given != tensor.shape && given != without_one {
        return refused(format!("shape is {:?}, input `{}` is (N, {:?})", array.shape, tensor.name, tensor.shape));
    }
    Ok(())
}

/// Per inference, or per frame, the bytes of every input.
pub(super) fn inferences<'a>(graph: &Graph, arrays: &'a [Array]) -> Result<Vec<Vec<&'a [u8]>>, Failure> {
    let bytes = |i: usize| graph.tensors[graph.inputs[i]].bytes();
    let counts: Vec<usize> = arrays.iter().enumerate().map(|(i, array)| array.data.len() / bytes(i)).collect();
    let count = counts.first().copied().unwrap_or(1);
    if counts.iter().any(|other| *other != count) {
        return Err(Failure::Refused("the inputs have different numbers of inferences".into()));
    }
    let inputs = |n: usize| (0..arrays.len()).map(|i| &arrays[i].data[n * bytes(i)..][..bytes(i)]).collect();
    Ok((0..count).map(inputs).collect())
}

/// Stacks an output's values: (N, tensor shape without its leading 1).
pub(super) fn write_output<'a>(
    path: &Path,
    tensor: &Tensor,
    values: impl ExactSizeIterator<Item = &'a Vec<u8>>,
) -> Result<(), Failure> {
    let shape = stacked(values.len(), tensor);
    let array = Array { shape, dtype: tensor.dtype, data: values.flatten().copied().collect() };
    Ok(files::replace(path, |file| npy::write(file, &array))?)
}

/// Writes what every tensor held, by name; a number tells tensors of one name apart.
pub(super) fn write_tensors(path: &Path, graph: &Graph, contents: &[Option<Contents>]) -> Result<(), Failure> {
    let mut arrays = BTreeMap::new();
    for (id, (tensor, contents)) in graph.tensors.iter().zip(contents).enumerate() {
        let Some(Contents { data, .. }) = contents else { continue };
        let shape = stacked(data.len() / tensor.bytes(), tensor);
        let array = Array { shape, dtype: tensor.dtype, data: data.clone() };
        let taken = arrays.contains_key(&tensor.name);
        let name = if taken { format!("{}#{id}", tensor.name) } else { tensor.name.clone() };
        arrays.insert(name, array);
    }
    Ok(files::replace(path, |file| npz::write(file, &arrays))?)
}

/// The shape of a tensor's values in several inferences.
fn stacked(inferences: usize, tensor: &Tensor) -> Vec<usize> {
    let shape = match tensor.shape.as_slice() {
        [1, rest @ ..] if !rest.is_empty() => rest,
        shape => shape,
    };
    [&[inferences], shape].concat()
}
