//! The arithmetic: one file per operator family. The portable kernels here are the specification; kernels for an
//! instruction set live in that set's folder and equal them bit for bit.

pub mod add;
pub mod arithmetic;
#[allow(unsafe_code)]
pub mod armv7em;
pub mod cast;
pub mod compare;
pub mod conv;
pub mod elementwise;
pub mod float;
pub mod fully_connected;
#[cfg(feature = "std")]
#[allow(unsafe_code)]
pub mod host;
pub mod integer;
pub mod l2_normalization;
pub mod lookup;
pub mod lstm;
pub mod matmul;
pub mod movement;
pub mod mul;
pub mod pool;
pub mod quantize;
pub mod reduce;
pub mod resize;
pub mod softmax;
pub mod sparse;
pub mod svdf;
pub mod top_k;
pub mod window;

/// The kernels that this build has: `armv7em` (beside the portable ones) or `portable`. A kernel of a set that is not there
/// runs as its portable twin, slower and with the same result.
pub const SET: &core::ffi::CStr = if cfg!(tbx_dsp) { c"armv7em" } else { c"portable" };

/// Declares a kernel's scalars: a struct for those who write and read them, a run of `i32` in the program.
macro_rules! params {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$field_doc])* pub $field: i32,)* }

        impl $name {
            /// The names of the scalars, in their order in the program.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            /// The scalars, in that order.
            pub fn words(&self) -> [i32; Self::FIELDS.len()] {
                [$(self.$field),*]
            }

            #[allow(dead_code)]
            #[inline]
            pub(crate) fn read(step: &crate::step::Step<'_>) -> Option<Self> {
                Some(Self::from(*step.params()?))
            }
        }

        impl From<[i32; $name::FIELDS.len()]> for $name {
            #[inline]
            fn from([$($field),*]: [i32; $name::FIELDS.len()]) -> Self {
                Self { $($field),* }
            }
        }
    };
}
pub(crate) use params;
