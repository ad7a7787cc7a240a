//! Costs that explain measurements best.

use super::super::features::Features;
use ndarray::{Array1, Array2};
use std::collections::BTreeMap;

/// Measurements of one kernel.
#[derive(Default)]
pub(super) struct Fit {
    rows: Vec<(Features, f64)>,
}

impl Fit {
    pub(super) fn add(&mut self, features: Features, measured: f64) {
        self.rows.push((features, measured));
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The costs, none of them negative, and the largest relative error that they leave. Every measurement counts by its
    /// relative error.
    pub(super) fn solve(&self) -> (BTreeMap<String, f64>, f64) {
        let Some((first, _)) = self.rows.first() else { return Default::default() };
        let count = |row: usize, column: usize| {
            let (features, measured) = &self.rows[row];
            features[column].1 / measured.max(1.0)
        };
        let matrix = Array2::from_shape_fn((self.rows.len(), first.len()), |(row, column)| count(row, column));
        // Columns of one length: counts differ by orders of magnitude.
        let lengths: Vec<f64> = matrix.columns().into_iter().map(|c| c.dot(&c).sqrt().max(f64::MIN_POSITIVE)).collect();
        let scaled = Array2::from_shape_fn(matrix.dim(), |(row, column)| matrix[(row, column)] / lengths[column]);
        let ones = Array1::ones(self.rows.len());
        let (costs, _) = nnls::nnls(scaled.view(), ones.view());
        let worst = (scaled.dot(&costs) - &ones).iter().fold(0.0f64, |worst, error| worst.max(error.abs()));
        let rounded = |cost: f64| (cost * 1000.0).round() / 1000.0;
        let costs = costs.iter().zip(lengths).map(|(cost, length)| rounded(cost / length));
        (first.iter().map(|(name, _)| (*name).into()).zip(costs).collect(), worst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_found() {
        let mut fit = Fit::default();
        for (a, b) in [(1.0, 2.0), (3.0, 1.0), (5.0, 7.0), (2.0, 9.0)] {
            fit.add(vec![("a", a), ("b", b), ("c", a * b)], 4.0 * a + 0.5 * b);
        }
        let (costs, worst) = fit.solve();
        assert!((costs["a"] - 4.0).abs() < 0.01 && (costs["b"] - 0.5).abs() < 0.01 && costs["c"] < 0.01, "{costs:?}");
        assert!(worst < 0.001);
    }
}
