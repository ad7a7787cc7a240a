//! Block sparsity in the unit that the Armv7E-M kernels skip: two output channels by two consecutive inputs, one 32-bit
//! word of weights.

use super::obs::{Gram, Surgeon};
use crate::parallel;
use nalgebra::DMatrix;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Outputs and inputs of a block.
pub const BLOCK: [usize; 2] = [2, 2];

/// Weights of which the share `sparsity` of all blocks is zero, those whose loss costs least; the others are solved anew.
/// `None` if the layer has no whole blocks.
pub fn solve(gram: &Gram, sparsity: f64) -> Option<DMatrix<f64>> {
    let (columns, outputs) = (gram.inputs.nrows() - 1, gram.targets.ncols());
    if columns % BLOCK[1] != 0 || outputs % BLOCK[0] != 0 {
        return None;
    }
    let (pairs, blocks) = (outputs / BLOCK[0], columns / BLOCK[1]);
    let removed = (sparsity * (pairs * blocks) as f64).round() as usize;
    let inverse = gram.inverse();
    let orders = parallel::map(0..pairs, |pair| order(gram, inverse.clone(), pair, blocks));
    let counts = cheapest(&orders, removed);
    let solved = parallel::map(0..pairs, |pair| {
        let mut gone = vec![false; columns + 1];
        for (block, _) in &orders[pair][..counts[pair]] {
            gone[block * BLOCK[1]..][..BLOCK[1]].fill(true);
        }
        let active: Vec<usize> = (0..=columns).filter(|column| !gone[*column]).collect();
        gram.solve(&active, pair * BLOCK[0]..(pair + 1) * BLOCK[0])
    });
    Some(DMatrix::from_fn(columns + 1, outputs, |i, j| solved[j / BLOCK[0]][(i, j % BLOCK[0])]))
}

/// The blocks of a pair of outputs in the order of their removal, each with its loss.
fn order(gram: &Gram, inverse: Vec<f64>, pair: usize, blocks: usize) -> Vec<(usize, f64)> {
    let mut surgeon = Surgeon::new(gram, inverse, pair * BLOCK[0]..(pair + 1) * BLOCK[0]);
    let columns = |block: usize| [block * BLOCK[1], block * BLOCK[1] + 1];
    let mut left: Vec<usize> = (0..blocks).collect();
    let mut order = vec![];
    while !left.is_empty() {
        let losses = left.iter().map(|block| surgeon.loss(&columns(*block)));
        let least = losses.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((position, loss)) = least else { break };
        let block = left.swap_remove(position);
        surgeon.remove(&columns(block));
        order.push((block, loss));
    }
    order
}

/// How many blocks each pair gives, if always the cheapest next one is taken.
fn cheapest(orders: &[Vec<(usize, f64)>], removed: usize) -> Vec<usize> {
    // Losses are not negative, so that their bits are in the order of their values.
    let next = |pair: usize, count: usize| {
        let (_, loss) = orders[pair].get(count)?;
        Some(Reverse((loss.max(0.0).to_bits(), pair)))
    };
    let mut counts = vec![0; orders.len()];
    let mut heap: BinaryHeap<_> = (0..orders.len()).filter_map(|pair| next(pair, 0)).collect();
    for _ in 0..removed {
        let Some(Reverse((_, pair))) = heap.pop() else { break };
        counts[pair] += 1;
        heap.extend(next(pair, counts[pair]));
    }
    counts
}

/// Share of a layer's blocks that are not all zero; weights are rows of so many columns.
pub fn density(weights: &[f32], columns: usize) -> f64 {
    let rows: Vec<&[f32]> = weights.chunks_exact(columns).collect();
    let (mut all, mut kept) = (0, 0);
    for pair in rows.chunks(BLOCK[0]) {
        for start in (0..columns).step_by(BLOCK[1]) {
            let end = columns.min(start + BLOCK[1]);
            all += 1;
            kept += usize::from(pair.iter().any(|row| row[start..end].iter().any(|w| *w != 0.0)));
        }
    }
    f64::from(kept as u32) / f64::from(all.max(1) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four outputs that depend on inputs 0, 1 and 4, 5 of eight alone.
    fn gram() -> Gram {
        let mut random = fastrand::Rng::with_seed(3);
        let x = DMatrix::from_fn(64, 9, |_, j| if j == 8 { 1.0 } else { random.f64() - 0.5 });
        let w = DMatrix::from_fn(9, 4, |i, j| if [0, 1, 4, 5].contains(&i) { 1.0 + (i + j) as f64 } else { 0.0 });
        let t = &x * &w;
        Gram { inputs: x.transpose() * &x, targets: x.transpose() * &t, energy: 1.0 }
    }

    #[test]
    fn blocks_that_do_nothing_go_first() {
        let weights = solve(&gram(), 0.5).expect("whole blocks");
        for output in 0..4 {
            for input in 0..8 {
                let wanted = if [0, 1, 4, 5].contains(&input) { 1.0 + (input + output) as f64 } else { 0.0 };
                assert!((weights[(input, output)] - wanted).abs() < 1e-6, "{input} {output}");
            }
        }
    }

    #[test]
    fn the_share_is_met() {
        let weights = solve(&gram(), 0.75).expect("whole blocks");
        let rows: Vec<f32> = (0..4).flat_map(|j| (0..8).map(move |i| (i, j))).map(|at| weights[at] as f32).collect();
        assert_eq!(density(&rows, 8), 0.25);
    }
}
