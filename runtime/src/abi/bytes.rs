//! Bytes moved by the machine's own means: C's `memcpy`, which every target has, and loads and stores at any address.

use crate::arena::{Cells, Element};
use std::cell::Cell;

/// The bytes of some cells, read at once.
#[inline]
pub(crate) fn load<const N: usize>(cells: &[Cell<u8>; N]) -> [u8; N] {
    // SAFETY: cells have the layout of bytes, are valid for reads, and nobody writes meanwhile: they belong to one thread.
    unsafe { std::ptr::from_ref(cells).cast::<[u8; N]>().read() }
}

/// Sets some cells at once.
#[inline]
pub(crate) fn save<const N: usize>(bytes: [u8; N], cells: &[Cell<u8>; N]) {
    // SAFETY: as in `load`; `Cell` allows shared writes.
    unsafe { std::ptr::from_ref(cells).cast_mut().cast::<[u8; N]>().write(bytes) }
}

/// Copies as many bytes as both have.
#[inline]
pub(crate) fn copy(from: Cells<'_>, to: Cells<'_>) {
    let bytes = from.len().min(to.len());
    if from.as_ptr().addr().abs_diff(to.as_ptr().addr()) < bytes {
        return copy_overlapping(from, to);
    }
    // SAFETY: both are live views of at least `bytes` bytes, they do not overlap, and `Cell` allows shared writes.
    unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to.as_ptr().cast_mut(), bytes) }
}

/// First to last, one by one.
fn copy_overlapping(from: Cells<'_>, to: Cells<'_>) {
    for (from, to) in from.iter().zip(to) {
        to.set(from.get());
    }
}

/// Sets as many cells as both have.
#[inline]
pub(crate) fn store(from: &[u8], to: Cells<'_>) {
    let bytes = from.len().min(to.len());
    // SAFETY: both are live views of at least `bytes` bytes; nobody else writes to `from`, so that it does not overlap
    // cells; `Cell` allows shared writes.
    unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to.as_ptr().cast_mut().cast(), bytes) }
}

/// Numbers as the arena holds them.
#[inline]
pub(crate) fn of<T: Element>(values: &[T]) -> &[u8] {
    const { assert!(cfg!(target_endian = "little")) };
    // SAFETY: `Element` is sealed: its types have no padding. The view is as long as `values` and lives no longer.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}
