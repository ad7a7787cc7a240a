//! Bytes that several views may share.
//!
//! Rings overlap in time, and an operator may write where it reads, so views are slices of `Cell`s: shared, writable,
//! and free of aliasing assumptions, without `unsafe`.

use core::cell::Cell;

/// The memory of a [`Network`](crate::network::Network): as large as the program's `ARENA_BYTES` and aligned.
#[repr(C, align(16))]
pub struct Arena<const BYTES: usize>([u8; BYTES]);

const _: () = assert!(align_of::<Arena<0>>() == crate::program::ARENA_ALIGN);

impl<const BYTES: usize> Arena<BYTES> {
    /// Zeros, so that a static one takes no flash.
    pub const fn new() -> Self {
        Self([0; BYTES])
    }

    /// All of it.
    pub fn cells(&mut self) -> Cells<'_> {
        Cell::from_mut(self.0.as_mut_slice()).as_slice_of_cells()
    }
}

impl<const BYTES: usize> Default for Arena<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

/// A view of arena bytes.
pub type Cells<'a> = &'a [Cell<u8>];

/// `len` cells from `offset`; `None` if they are not all there.
#[inline]
pub fn view(cells: Cells<'_>, offset: usize, len: usize) -> Option<Cells<'_>> {
    cells.get(offset..)?.get(..len)
}

/// Copies as many bytes as both have.
#[inline]
pub fn copy(from: Cells<'_>, to: Cells<'_>) {
    crate::abi::bytes::copy(from, to);
}

/// Sets as many cells as both have.
#[inline]
pub fn store(from: &[u8], to: Cells<'_>) {
    crate::abi::bytes::store(from, to);
}

/// An element type of the arena: a number, little-endian, at any alignment.
pub trait Element: Copy + sealed::Number {
    /// Size in bytes.
    const BYTES: usize;
    /// Element `index` of a view, or `None` past its end.
    fn get(cells: Cells<'_>, index: usize) -> Option<Self>;
    /// All elements of a view.
    fn all(cells: Cells<'_>) -> impl ExactSizeIterator<Item = Self> + Clone;
    /// Stores element `index`; `None` past the view's end.
    fn set(cells: Cells<'_>, index: usize, value: Self) -> Option<()>;
}

mod sealed {
    /// A type without padding, of which any bytes are a value.
    pub trait Number {}
}

macro_rules! element {
    ($($type:ty),*) => { $(
        impl sealed::Number for $type {}

        impl Element for $type {
            const BYTES: usize = size_of::<$type>();

            #[inline]
            fn get(cells: Cells<'_>, index: usize) -> Option<Self> {
                let cells = cells.get(index.checked_mul(Self::BYTES)?..)?.first_chunk::<{ size_of::<$type>() }>()?;
                Some(<$type>::from_le_bytes(crate::abi::bytes::load(cells)))
            }

            #[inline]
            fn all(cells: Cells<'_>) -> impl ExactSizeIterator<Item = Self> + Clone {
                cells.as_chunks().0.iter().map(|cells| <$type>::from_le_bytes(crate::abi::bytes::load(cells)))
            }

            #[inline]
            fn set(cells: Cells<'_>, index: usize, value: Self) -> Option<()> {
                let cells = cells.get(index.checked_mul(Self::BYTES)?..)?.first_chunk::<{ size_of::<$type>() }>()?;
                crate::abi::bytes::save(value.to_le_bytes(), cells);
                Some(())
            }
        }
    )* };
}

element!(i8, u8, i16, u16, i32, i64, f32);
