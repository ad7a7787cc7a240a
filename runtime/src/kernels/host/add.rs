//! Elementwise addition.

use super::sums::Sums;
use super::{LANES, Work, on_best};
use crate::kernels::armv7em::add::{Add, element};
use crate::step::Step;

/// As [`armv7em::add`](crate::kernels::armv7em::add::add_s8), many elements at a time.
pub fn add_s8(step: &Step<'_>) -> Option<()> {
    on_best(Addition(step))
}

struct Addition<'s, 'a>(&'s Step<'a>);

impl Work for Addition<'_, '_> {
    type Result = Option<()>;

    #[inline(always)]
    fn run<S: Sums>(self) -> Option<()> {
        let Self(step) = self;
        let p = Add::read(step)?;
        for y in step.output_rows()? {
            let (a, b, out) = (step.input_row(0, y)?, step.input_row(1, y)?, step.output_row(0, y)?);
            let (chunks, rest) = out.as_chunks::<LANES>();
            for ((out, a), b) in chunks.iter().zip(a.as_chunks::<LANES>().0).zip(b.as_chunks::<LANES>().0) {
                let mut sums = [0; LANES];
                for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                    *sum = element(&p, a.get() as i8, b.get() as i8) as u8;
                }
                out.iter().zip(sums).for_each(|(cell, sum)| cell.set(sum));
            }
            let done = LANES * chunks.len();
            for ((out, a), b) in rest.iter().zip(a.get(done..)?).zip(b.get(done..)?) {
                out.set(element(&p, a.get() as i8, b.get() as i8) as u8);
            }
        }
        Some(())
    }
}
