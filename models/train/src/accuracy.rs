//! How often a classifier is right: overall, for each class and for each group of examples.

use serde::{Deserialize, Serialize};

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Examples.
    pub examples: usize,
    /// Those classified rightly.
    pub correct: usize,
    /// The same in percent; 0 where there are no examples.
    pub percent: f64,
}

impl Share {
    fn count(&mut self, correct: bool) {
        self.examples += 1;
        self.correct += usize::from(correct);
        self.percent = 100.0 * self.correct as f64 / self.examples as f64;
    }
}

/// What came of a set of examples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// All examples.
    pub overall: Share,
    /// By the class that an example belongs to.
    pub classes: Vec<Share>,
    /// By the group that an example belongs to; empty without groups.
    pub groups: Vec<Share>,
    /// Examples of class `i` that were taken for class `j`.
    pub confusion: Vec<Vec<usize>>,
}

impl Accuracy {
    /// Compares what was said with what is; a group per example, or none at all.
    pub fn new(said: &[usize], labels: &[usize], groups: &[usize]) -> Self {
        let classes = said.iter().chain(labels).max().map_or(0, |class| class + 1);
        let mut accuracy = Self {
            classes: vec![Share::default(); classes],
            groups: vec![Share::default(); groups.iter().max().map_or(0, |group| group + 1)],
            confusion: vec![vec![0; classes]; classes],
            ..Self::default()
        };
        for (i, (said, label)) in said.iter().zip(labels).enumerate() {
            accuracy.overall.count(said == label);
            accuracy.classes[*label].count(said == label);
            accuracy.confusion[*label][*said] += 1;
            if let Some(group) = groups.get(i) {
                accuracy.groups[*group].count(said == label);
            }
        }
        accuracy
    }

    /// The class, or group, that lost most from `before` to here, in points: (`class 3`, 4.1).
    pub fn worst_loss(&self, before: &Self) -> Option<(String, f64)> {
        let losses = |kind: &'static str, before: &[Share], after: &[Share]| {
            let loss = |(i, (b, a)): (usize, (&Share, &Share))| (format!("{kind} {i}"), b.percent - a.percent);
            before.iter().zip(after).enumerate().map(loss).collect::<Vec<_>>()
        };
        let mut all = losses("class", &before.classes, &self.classes);
        all.extend(losses("group", &before.groups, &self.groups));
        all.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// The class that a row of outputs names: the largest, or of a single output whether it is above one half.
pub fn class(outputs: &[f32]) -> usize {
    if let [probability] = outputs {
        return usize::from(*probability > 0.5);
    }
    let larger = |best: usize, i: usize| if outputs[i] > outputs[best] { i } else { best };
    (1..outputs.len()).fold(0, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let accuracy = Accuracy::new(&[0, 1, 1, 0], &[0, 1, 0, 0], &[0, 0, 1, 1]);
        assert_eq!((accuracy.overall.correct, accuracy.overall.percent), (3, 75.0));
        assert_eq!(accuracy.confusion, [[2, 1], [0, 1]]);
        assert_eq!(accuracy.groups[1].percent, 50.0);
    }

    #[test]
    fn the_worst_loss_is_found() {
        let before = Accuracy::new(&[0, 1, 1], &[0, 1, 1], &[]);
        let after = Accuracy::new(&[0, 1, 0], &[0, 1, 1], &[]);
        assert_eq!(after.worst_loss(&before), Some(("class 1".into(), 50.0)));
    }
}
