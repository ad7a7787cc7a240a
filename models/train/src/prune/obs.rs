//! Optimal brain surgeon: least squares under the removal of columns.
//!
//! For a layer with inputs X and wanted results T, the weights W that minimise |X W - T|^2 follow from the Gram matrices
//! H = X'X and X'T alone. Removing a set of columns B from them costs w' M w, with M the inverse of the block B of H's
//! inverse and w the weights there, if the others are adjusted (Hassibi and Stork, "Second order derivatives for network
//! pruning", 1993); the inverse without B follows by a low-rank update. Everything is in f64.

use nalgebra::DMatrix;

/// Gram matrices of a layer: columns are its inputs and, last, a constant one for the bias.
#[derive(Clone, Debug)]
pub struct Gram {
    /// X'X, of so many columns.
    pub inputs: DMatrix<f64>,
    /// X'T.
    pub targets: DMatrix<f64>,
    /// Sum of the squares of T, about its mean.
    pub energy: f64,
}

impl Gram {
    /// Weights for the columns that are `active`; zero elsewhere. Rows are columns of X, columns those of T in `outputs`.
    pub fn solve(&self, active: &[usize], outputs: std::ops::Range<usize>) -> DMatrix<f64> {
        let square = DMatrix::from_fn(active.len(), active.len(), |i, j| self.inputs[(active[i], active[j])]);
        let right = DMatrix::from_fn(active.len(), outputs.len(), |i, j| self.targets[(active[i], outputs.start + j)]);
        let solution =
            square.cholesky().map_or_else(|| DMatrix::zeros(active.len(), outputs.len()), |f| f.solve(&right));
        let mut weights = DMatrix::zeros(self.inputs.nrows(), outputs.len());
        for (i, row) in active.iter().enumerate() {
            (0..outputs.len()).for_each(|j| weights[(*row, j)] = solution[(i, j)]);
        }
        weights
    }

    /// The inverse of X'X, row by row.
    pub fn inverse(&self) -> Vec<f64> {
        // Symmetric: rows are columns.
        let factors = self.inputs.clone().cholesky().expect("a ridge makes it positive definite");
        factors.inverse().as_slice().to_vec()
    }
}

/// Some outputs of a layer from which columns are taken, always the same from all of them.
#[derive(Clone, Debug)]
pub struct Surgeon {
    columns: usize,
    /// The inverse of X'X without the removed columns.
    inverse: Vec<f64>,
    /// Per output, the weight of each column.
    weights: Vec<Vec<f64>>,
}

impl Surgeon {
    /// Starts from the best weights with all columns.
    pub fn new(gram: &Gram, inverse: Vec<f64>, outputs: std::ops::Range<usize>) -> Self {
        let columns = gram.inputs.nrows();
        let target = |column: usize, output: usize| gram.targets[(column, output)];
        let weight = |row: usize, output: usize| {
            let row = &inverse[row * columns..][..columns];
            row.iter().enumerate().map(|(column, h)| h * target(column, output)).sum()
        };
        let weights = outputs.map(|output| (0..columns).map(|row| weight(row, output)).collect()).collect();
        Self { columns, inverse, weights }
    }

    /// How much the squared error grows when `block` is removed.
    pub fn loss(&self, block: &[usize]) -> f64 {
        let factors = self.factors(block);
        let of_output = |weights: &Vec<f64>| {
            let mut w: Vec<f64> = block.iter().map(|column| weights[*column]).collect();
            forward(&factors, &mut w);
            w.iter().map(|x| x * x).sum::<f64>()
        };
        self.weights.iter().map(of_output).sum()
    }

    /// Removes `block` and adjusts what remains.
    pub fn remove(&mut self, block: &[usize]) {
        let factors = self.factors(block);
        let n = self.columns;
        // With M = L L', rows of L^-1 times the block's rows of the inverse.
        let mut rows = vec![vec![0.0; n]; block.len()];
        for column in 0..n {
            let mut part: Vec<f64> = block.iter().map(|row| self.inverse[row * n + column]).collect();
            forward(&factors, &mut part);
            part.into_iter().zip(&mut rows).for_each(|(x, row)| row[column] = x);
        }
        for weights in &mut self.weights {
            let mut w: Vec<f64> = block.iter().map(|column| weights[*column]).collect();
            forward(&factors, &mut w);
            for (w, row) in w.iter().zip(&rows) {
                weights.iter_mut().zip(row).for_each(|(to, x)| *to -= w * x);
            }
            block.iter().for_each(|column| weights[*column] = 0.0);
        }
        for i in (0..n).filter(|i| rows.iter().any(|row| row[*i] != 0.0)) {
            let to = &mut self.inverse[i * n..][..n];
            for row in &rows {
                let factor = row[i];
                to.iter_mut().zip(row).for_each(|(to, x)| *to -= factor * x);
            }
        }
        for removed in block {
            self.inverse[removed * n..][..n].fill(0.0);
            (0..n).for_each(|row| self.inverse[row * n + removed] = 0.0);
        }
    }

    /// Cholesky factor, row by row, of the block of the inverse.
    fn factors(&self, block: &[usize]) -> Vec<Vec<f64>> {
        let mut factors: Vec<Vec<f64>> = Vec::with_capacity(block.len());
        for (i, row) in block.iter().enumerate() {
            let mut line: Vec<f64> =
                block[..=i].iter().map(|column| self.inverse[row * self.columns + column]).collect();
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| line[k] * if j == i { line[k] } else { factors[j][k] }).sum();
                line[j] = match j == i {
                    true => (line[j] - dot).max(f64::MIN_POSITIVE).sqrt(),
                    false => (line[j] - dot) / factors[j][j],
                };
            }
            factors.push(line);
        }
        factors
    }
}

/// Solves L x = b in place.
fn forward(factors: &[Vec<f64>], b: &mut [f64]) {
    for (i, row) in factors.iter().enumerate() {
        let dot: f64 = (0..i).map(|k| row[k] * b[k]).sum();
        b[i] = (b[i] - dot) / row[i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random inputs of `columns` columns, and two targets.
    fn gram(columns: usize) -> Gram {
        let mut random = fastrand::Rng::with_seed(7);
        let x = DMatrix::from_fn(4 * columns, columns, |_, _| random.f64() - 0.5);
        let t = DMatrix::from_fn(4 * columns, 2, |_, _| random.f64() - 0.5);
        Gram { inputs: x.transpose() * &x, targets: x.transpose() * &t, energy: t.norm_squared() }
    }

    /// The squared error less a constant: w'Hw - 2 w'R.
    fn error(gram: &Gram, weights: &DMatrix<f64>) -> f64 {
        (weights.transpose() * &gram.inputs * weights).trace() - 2.0 * (weights.transpose() * &gram.targets).trace()
    }

    #[test]
    fn losses_are_what_solving_anew_costs() {
        let gram = gram(12);
        let mut surgeon = Surgeon::new(&gram, gram.inverse(), 0..2);
        let mut active: Vec<usize> = (0..12).collect();
        for block in [[2, 3], [8, 9], [0, 1]] {
            let before = error(&gram, &gram.solve(&active, 0..2));
            active.retain(|column| !block.contains(column));
            let after = gram.solve(&active, 0..2);
            assert!((surgeon.loss(&block) - (error(&gram, &after) - before)).abs() < 1e-9);
            surgeon.remove(&block);
            for (i, weights) in surgeon.weights.iter().enumerate() {
                (0..12).for_each(|column| assert!((weights[column] - after[(column, i)]).abs() < 1e-9));
            }
        }
    }
}
