//! The best of many.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A text that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its place in the index, counted from 0 in the order in which texts were added.
    pub number: usize,
    /// Cosine of its vector and the question's.
    pub score: f32,
}

/// Greater is better: the higher score and, of equal ones, the smaller number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) score: f32,
    pub(crate) number: u32,
}

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then(other.number.cmp(&self.number))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The best so far, `k` of them at most.
#[derive(Debug, Clone)]
pub(crate) struct Top {
    k: usize,
    heap: BinaryHeap<Reverse<Ranked>>,
}

impl Top {
    pub(crate) fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::with_capacity(k.min(1 << 10) + 1) }
    }

    /// The worst that is kept, once there are as many as are wanted.
    pub(crate) fn bar(&self) -> Option<Ranked> {
        if self.heap.len() < self.k { None } else { self.heap.peek().map(|worst| worst.0) }
    }

    /// Whether it was good enough.
    #[inline]
    pub(crate) fn offer(&mut self, found: Ranked) -> bool {
        if self.k == 0 || self.bar().is_some_and(|worst| found < worst) {
            return false;
        }
        self.heap.push(Reverse(found));
        if self.heap.len() > self.k {
            self.heap.pop();
        }
        true
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        other.heap.into_iter().for_each(|found| {
            self.offer(found.0);
        });
        self
    }

    /// The best first.
    pub(crate) fn sorted(self) -> Vec<Ranked> {
        let mut all: Vec<Ranked> = self.heap.into_iter().map(|found| found.0).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        all
    }

    pub(crate) fn hits(self) -> Vec<Hit> {
        self.sorted().into_iter().map(|found| Hit { number: found.number as usize, score: found.score }).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_best_are_those_of_a_sort(scores in proptest::collection::vec(0_u8..5, 0..40), k in 0_usize..12, cut in 0_usize..40) {
            let all: Vec<Ranked> =
                scores.iter().zip(0..).map(|(&score, number)| Ranked { score: f32::from(score), number }).collect();
            let mut sorted = all.clone();
            sorted.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.number.cmp(&b.number)));
            sorted.truncate(k);
            let (mut first, mut second) = (Top::new(k), Top::new(k));
            for (i, &found) in all.iter().enumerate() {
                if i < cut { first.offer(found) } else { second.offer(found) };
            }
            prop_assert_eq!(second.merge(first).sorted(), sorted);
        }
    }
}
