//! How far an autoencoder's outputs are from its inputs, and how well that tells the unusual from the usual.

use serde::Serialize;

/// Examples of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Kind {
    /// How many there are.
    pub examples: usize,
    /// Mean over them and their elements; 0 where there are none.
    pub mean_squared_error: f64,
}

/// The errors of some examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Errors {
    /// Examples labelled 0.
    pub normal: Kind,
    /// All others.
    pub anomalous: Kind,
    /// Area under the receiver operating characteristic: the probability that the error of an anomaly is larger than that
    /// of a normal example. `None` where either is missing.
    pub auc: Option<f64>,
}

/// What came of a set of examples.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Reconstruction {
    /// All examples.
    pub overall: Errors,
    /// By the group that an example belongs to; empty without groups.
    pub groups: Vec<Errors>,
}

impl Reconstruction {
    /// From the error and the label of every example; a group per example, or none at all.
    pub fn new(errors: &[f64], labels: &[usize], groups: &[usize]) -> Self {
        let all: Vec<(f64, bool)> = errors.iter().zip(labels).map(|(error, label)| (*error, *label != 0)).collect();
        let count = groups.iter().max().map_or(0, |group| group + 1);
        let of_group = |group: usize| {
            let members = all.iter().zip(groups).filter(|(_, of)| **of == group);
            members.map(|(example, _)| *example).collect()
        };
        Self { overall: Errors::of(all.clone()), groups: (0..count).map(|group| Errors::of(of_group(group))).collect() }
    }

    /// The group whose anomalies became hardest to tell from `before` to here, in points: (`group 3`, 4.1).
    pub fn worst_loss(&self, before: &Self) -> Option<(String, f64)> {
        let loss = |(i, (before, after)): (usize, (&Errors, &Errors))| {
            Some((format!("group {i}"), 100.0 * (before.auc? - after.auc?)))
        };
        let losses = before.groups.iter().zip(&self.groups).enumerate().filter_map(loss);
        losses.max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

impl Errors {
    /// Of examples with their error, and whether each is an anomaly.
    fn of(mut examples: Vec<(f64, bool)>) -> Self {
        let kind = |anomalous: bool| {
            let errors = examples.iter().filter(|example| example.1 == anomalous).map(|example| example.0);
            let (count, sum) = errors.fold((0, 0.0), |(count, sum), error| (count + 1, sum + error));
            Kind { examples: count, mean_squared_error: sum / count.max(1) as f64 }
        };
        let (normal, anomalous) = (kind(false), kind(true));
        examples.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { normal, anomalous, auc: auc(&examples) }
    }
}

/// By counting, for every anomaly, the normal examples of smaller error (Mann and Whitney, 1947); equal ones count half.
fn auc(sorted: &[(f64, bool)]) -> Option<f64> {
    let (mut normal, mut anomalous, mut won) = (0, 0, 0.0);
    for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
        let anomalies = equal.iter().filter(|example| example.1).count();
        let others = equal.len() - anomalies;
        won += anomalies as f64 * (normal as f64 + others as f64 / 2.0);
        (normal, anomalous) = (normal + others, anomalous + anomalies);
    }
    let pairs = normal * anomalous;
    (pairs > 0).then(|| won / pairs as f64)
}

/// Mean over the elements.
pub(crate) fn squared_error(wanted: &[f32], got: &[f32]) -> f64 {
    let squares = wanted.iter().zip(got).map(|(wanted, got)| f64::from(wanted - got).powi(2));
    squares.sum::<f64>() / wanted.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_counts_pairs() {
        // Of the six pairs of an anomaly and a normal example, four are in order and one is a tie.
        let errors = Reconstruction::new(&[0.1, 0.3, 0.5, 0.3, 0.9], &[0, 0, 0, 1, 2], &[0, 0, 0, 0, 1]);
        assert_eq!(errors.overall.auc, Some(4.5 / 6.0));
        assert_eq!((errors.overall.normal.examples, errors.overall.anomalous.examples), (3, 2));
        assert_eq!((errors.groups[0].auc, errors.groups[1].auc), (Some(0.5), None));
    }

    #[test]
    fn the_group_that_lost_most_is_found() {
        let [labels, groups] = [[0, 1, 0, 1], [0, 0, 1, 1]];
        let before = Reconstruction::new(&[0.1, 0.2, 0.1, 0.2], &labels, &groups);
        let after = Reconstruction::new(&[0.1, 0.2, 0.3, 0.2], &labels, &groups);
        assert_eq!(after.worst_loss(&before), Some(("group 1".into(), 100.0)));
    }
}
