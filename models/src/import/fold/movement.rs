//! Constants rearranged. The rules have checked every shape, so all indices are inside.

use crate::graph::Tensor;
use std::sync::Arc;

/// Strides in elements of a dense tensor.
fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as isize;
    }
    strides
}

/// The elements at `offset + sum(index * strides)` for every index below `shape`, in order.
fn walk(x: &Tensor, offset: isize, shape: &[usize], strides: &[isize]) -> Option<Vec<u8>> {
    let (data, width) = (x.data.as_ref()?, x.dtype.bytes());
    let count: usize = shape.iter().product();
    let mut out = Vec::with_capacity(count * width);
    let (mut index, mut at) = (vec![0; shape.len()], offset);
    for _ in 0..count {
        let start = at as usize * width;
        out.extend_from_slice(data.get(start..start + width)?);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * shape[axis] as isize;
            index[axis] = 0;
        }
    }
    Some(out)
}

pub(super) fn transpose(x: &Tensor, perm: &[usize]) -> Option<Vec<u8>> {
    let from = strides(&x.shape);
    let shape: Vec<_> = perm.iter().map(|&axis| x.shape[axis]).collect();
    walk(x, 0, &shape, &perm.iter().map(|&axis| from[axis]).collect::<Vec<_>>())
}

pub(super) fn slice(x: &Tensor, begin: &[usize], size: &[usize], stride: &[isize]) -> Option<Vec<u8>> {
    let from = strides(&x.shape);
    let offset = begin.iter().zip(&from).map(|(&begin, from)| begin as isize * from).sum();
    walk(x, offset, size, &from.iter().zip(stride).map(|(from, stride)| from * stride).collect::<Vec<_>>())
}

/// Parts side by side along an axis; parts that lack the axis have length 1 there.
pub(super) fn join(parts: &[&Tensor], y: &Tensor, axis: usize) -> Option<Vec<u8>> {
    let rows: usize = y.shape[..axis].iter().product();
    let mut out = Vec::with_capacity(y.bytes());
    for row in 0..rows {
        for part in parts {
            let length = part.bytes() / rows;
            out.extend_from_slice(part.data.as_ref()?.get(row * length..(row + 1) * length)?);
        }
    }
    Some(out)
}

/// The inverse of `join`.
pub(super) fn cut(x: &Tensor, parts: &[&Tensor], axis: usize) -> Option<Vec<Arc<[u8]>>> {
    let rows: usize = x.shape[..axis].iter().product();
    let data = x.data.as_ref()?;
    let mut out: Vec<Vec<u8>> = vec![Vec::new(); parts.len()];
    let mut rest = &data[..];
    for _ in 0..rows {
        for (part, out) in parts.iter().zip(&mut out) {
            let (head, tail) = rest.split_at_checked(part.bytes() / rows)?;
            out.extend_from_slice(head);
            rest = tail;
        }
    }
    Some(out.into_iter().map(Arc::from).collect())
}

pub(super) fn gather(x: &Tensor, indices: &Tensor, axis: usize) -> Option<Vec<u8>> {
    let rows: usize = x.shape[..axis].iter().product();
    let width = x.shape[axis + 1..].iter().product::<usize>() * x.dtype.bytes();
    let (data, indices) = (x.data.as_ref()?, indices.integers()?);
    let mut out = Vec::with_capacity(rows * indices.len() * width);
    for row in 0..rows {
        for &index in &indices {
            let start = (row * x.shape[axis] + index as usize) * width;
            out.extend_from_slice(data.get(start..start + width)?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::DType;

    fn bytes(shape: &[usize]) -> Tensor {
        let data: Vec<u8> = (0..shape.iter().product::<usize>() as u8).collect();
        let (name, shape) = (String::new(), shape.to_vec());
        Tensor { name, shape, dtype: DType::U8, quant: None, data: Some(data.into()), bits: 8 }
    }

    #[test]
    fn slices_and_transposes_walk_by_strides() {
        assert_eq!(slice(&bytes(&[2, 4]), &[1, 3], &[1, 2], &[1, -2]), Some(vec![7, 5]));
        assert_eq!(transpose(&bytes(&[2, 3]), &[1, 0]), Some(vec![0, 3, 1, 4, 2, 5]));
    }

    #[test]
    fn what_is_cut_can_be_joined() {
        let (x, parts) = (bytes(&[2, 3]), [bytes(&[2, 1]), bytes(&[2, 2])]);
        let cut = cut(&x, &[&parts[0], &parts[1]], 1).unwrap();
        assert_eq!((&cut[0][..], &cut[1][..]), (&[0, 3][..], &[1, 2, 4, 5][..]));
        let [mut a, mut b] = parts;
        (a.data, b.data) = (Some(cut[0].clone()), Some(cut[1].clone()));
        assert_eq!(join(&[&a, &b], &x, 1).as_deref(), x.data.as_deref());
    }
}
