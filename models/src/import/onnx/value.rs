//! A value of the file, and the tensor of the graph that stands for it.

use crate::graph::TensorId;
use std::rc::Rc;

/// What the file's operators see in a quantized tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// What its elements mean: reals behind a DequantizeLinear, floats, indices.
    Real,
    /// The stored integers, behind a QuantizeLinear.
    Signed,
    /// The stored integers plus 128: the file has UINT8 here, the graph INT8.
    Unsigned,
}

/// The file has images as NCHW, the graph as NHWC. A value may be stored with its axes in any order; operators say which
/// they need, and nothing is moved before one does.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) id: TensorId,
    /// In the file's order.
    pub(super) shape: Vec<usize>,
    /// For each axis of the tensor the file's axis; `None` for one of length 1 that the file does not have. Axes of the
    /// file that are not listed have length 1.
    pub(super) axes: Vec<Option<usize>>,
    /// Where an image was flattened: the file's column that each stored column holds. The value is then \[n, columns\],
    /// stored so.
    pub(super) columns: Option<Rc<[usize]>>,
    pub(super) view: View,
}

impl Value {
    /// Stored as the file has it.
    pub(super) fn plain(id: TensorId, shape: Vec<usize>) -> Self {
        let axes = (0..shape.len()).map(Some).collect();
        Self { id, shape, axes, columns: None, view: View::Real }
    }

    /// Another tensor of the same shape and order.
    pub(super) fn with(&self, id: TensorId) -> Self {
        Self { id, ..self.clone() }
    }

    /// Number of dimensions in the file.
    pub(super) fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The tensor's axis that holds the file's `axis`; `None` where it is not stored, its length being 1.
    pub(super) fn stored(&self, axis: usize) -> Option<usize> {
        self.axes.iter().position(|&a| a == Some(axis))
    }

    /// The file's axes longer than 1, as they are stored: where two values agree in it, nothing has to move.
    pub(super) fn order(&self) -> Vec<usize> {
        self.axes.iter().flatten().copied().filter(|&axis| self.shape[axis] != 1).collect()
    }

    /// With axes of length 1 in front, up to `rank` dimensions.
    pub(super) fn raised(&self, rank: usize) -> Self {
        let more = rank.saturating_sub(self.rank());
        let shape = [&vec![1; more], &self.shape[..]].concat();
        let axes = self.axes.iter().map(|axis| axis.map(|axis| axis + more)).collect();
        Self { shape, axes, ..self.clone() }
    }

    /// The tensor's shape.
    pub(super) fn stored_shape(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.map_or(1, |axis| self.shape[axis])).collect()
    }
}

/// How images are stored: rows, columns, channels. A sequence \[n, c, length\] has rows of one column.
pub(super) fn image_axes(rank: usize) -> Option<Vec<Option<usize>>> {
    match rank {
        3 => Some(vec![Some(0), Some(2), None, Some(1)]),
        4 => Some(vec![Some(0), Some(2), Some(3), Some(1)]),
        _ => None,
    }
}

/// As the file has it.
pub(super) fn file_axes(rank: usize) -> Vec<Option<usize>> {
    (0..rank).map(Some).collect()
}
