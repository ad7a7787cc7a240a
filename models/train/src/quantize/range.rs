//! The range of values that each tensor takes.

use crate::data::Inputs;
use crate::engine::{Hook, Network, Value, elements, value};
use tinderbox::graph::TensorId;

/// Examples that run at once.
const BATCH: usize = 50;

/// Bins of a histogram.
const BINS: usize = 2048;

/// How a range comes from what was observed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// All that was seen.
    MinMax,
    /// This share of the values, in percent, less the same at both ends.
    Percentile(f64),
    /// The range with the least mean squared error of quantizing to 8 bits.
    Mse,
}

/// Least and largest value, zero among them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Range {
    /// Not above zero.
    pub min: f32,
    /// Not below zero.
    pub max: f32,
}

impl Range {
    /// The range that contains both.
    pub fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// The range of some numbers and zero.
    pub fn of(numbers: &[f32]) -> Self {
        numbers.iter().fold(Self::default(), |range, x| range.union(Self { min: *x, max: *x }))
    }
}

/// The range of every tensor that is not constant, over all examples.
pub fn observe(network: &Network, examples: &Inputs, method: Method) -> Vec<Range> {
    let mut extremes = Extremes(vec![Range::default(); network.graph.tensors.len()]);
    run(network, examples, &mut extremes);
    if method == Method::MinMax {
        return extremes.0;
    }
    let mut histograms = Histograms { counts: vec![vec![]; extremes.0.len()], ranges: extremes.0 };
    run(network, examples, &mut histograms);
    let choose = |(range, counts): (&Range, &Vec<u64>)| match method {
        _ if counts.is_empty() => *range,
        Method::Percentile(percent) => percentile(*range, counts, percent),
        _ => least_error(*range, counts),
    };
    histograms.ranges.iter().zip(&histograms.counts).map(choose).collect()
}

/// Runs all examples, batch by batch.
pub(crate) fn run(network: &Network, examples: &Inputs, hook: &mut dyn Hook) {
    for start in (0..examples.len()).step_by(BATCH) {
        let batch = start..examples.len().min(start + BATCH);
        let count = batch.len();
        network.run(vec![value(examples.take(batch), count, network.device())], hook);
    }
}

struct Extremes(Vec<Range>);

impl Hook for Extremes {
    fn value(&mut self, tensor: TensorId, value: Value) -> Value {
        self.0[tensor] = self.0[tensor].union(Range::of(&elements(&value)));
        value
    }
}

struct Histograms {
    ranges: Vec<Range>,
    counts: Vec<Vec<u64>>,
}

impl Hook for Histograms {
    fn value(&mut self, tensor: TensorId, value: Value) -> Value {
        let Range { min, max } = self.ranges[tensor];
        let counts = &mut self.counts[tensor];
        counts.resize(BINS, 0);
        let bins_per_unit = BINS as f32 / (max - min).max(f32::MIN_POSITIVE);
        for x in elements(&value) {
            counts[(((x - min) * bins_per_unit) as usize).min(BINS - 1)] += 1;
        }
        value
    }
}

/// Drops bins at both ends that hold less than their share of the values.
fn percentile(range: Range, counts: &[u64], percent: f64) -> Range {
    let total: u64 = counts.iter().sum();
    let spare = (total as f64 * (100.0 - percent) / 200.0) as u64;
    let dropped = |bins: &mut dyn Iterator<Item = &u64>| {
        let mut seen = 0;
        bins.take_while(|count| {
            seen += **count;
            seen <= spare
        })
        .count()
    };
    let width = (range.max - range.min) / BINS as f32;
    let min = range.min + width * dropped(&mut counts.iter()) as f32;
    let max = range.max - width * dropped(&mut counts.iter().rev()) as f32;
    Range { min: min.min(0.0), max: max.max(0.0) }
}

/// Tries ever smaller parts of the range.
fn least_error(range: Range, counts: &[u64]) -> Range {
    let candidates = (0..=70).map(|step| {
        let part = 1.0 - step as f32 / 100.0;
        Range { min: range.min * part, max: range.max * part }
    });
    candidates.min_by(|a, b| error(range, counts, *a).total_cmp(&error(range, counts, *b))).unwrap_or(range)
}

/// Mean squared error of the histogram's values quantized within `candidate`, and clipped outside of it.
fn error(range: Range, counts: &[u64], candidate: Range) -> f64 {
    let width = (range.max - range.min) / BINS as f32;
    let step = f64::from(candidate.max - candidate.min) / 255.0;
    let of_bin = |(bin, count): (usize, &u64)| {
        let centre = range.min + width * (bin as f32 + 0.5);
        let clipped = f64::from(centre - centre.clamp(candidate.min, candidate.max));
        *count as f64 * if clipped == 0.0 { step * step / 12.0 } else { clipped * clipped }
    };
    counts.iter().enumerate().map(of_bin).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand values around each of the first bins and one far away.
    fn outlier() -> (Range, Vec<u64>) {
        let mut counts = vec![0; BINS];
        counts[..BINS / 2].fill(1000);
        counts[BINS - 1] = 1;
        (Range { min: 0.0, max: 2.0 }, counts)
    }

    #[test]
    fn an_outlier_is_clipped() {
        let (range, counts) = outlier();
        assert!((least_error(range, &counts).max - 1.0).abs() < 0.05);
        assert!((percentile(range, &counts, 99.9).max - 1.0).abs() < 0.01);
    }

    #[test]
    fn a_full_range_stays() {
        let range = Range { min: -1.0, max: 1.0 };
        assert_eq!(percentile(range, &[1000; BINS], 100.0), range);
        assert!(least_error(range, &[1000; BINS]).max > 0.95);
    }
}
