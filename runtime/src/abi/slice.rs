//! A constant slice with a layout that C can write.

use core::marker::PhantomData;

/// `len` constant elements at `data`. Borrowed for `'a`: in firmware, flash that never changes.
#[repr(C)]
pub struct Slice<'a, T> {
    data: *const T,
    len: usize,
    lifetime: PhantomData<&'a [T]>,
}

impl<'a, T> Slice<'a, T> {
    /// The same elements, in C's layout.
    pub const fn new(elements: &'a [T]) -> Self {
        Self { data: elements.as_ptr(), len: elements.len(), lifetime: PhantomData }
    }

    /// No elements.
    pub const fn empty() -> Self {
        Self::new(&[])
    }

    /// The elements. A null pointer stands for an empty slice.
    #[inline]
    pub fn get(&self) -> &'a [T] {
        if self.data.is_null() {
            return &[];
        }
        // SAFETY: Built by `new` from a live slice, or written by C, where `tbx_init`'s contract is that every slice of
        // a program points at `len` constant, aligned elements that outlive the model.
        unsafe { core::slice::from_raw_parts(self.data, self.len) }
    }
}

impl<T> Clone for Slice<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Slice<'_, T> {}

// SAFETY: a `Slice` is a shared reference to constant elements.
unsafe impl<T: Sync> Sync for Slice<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Send for Slice<'_, T> {}
