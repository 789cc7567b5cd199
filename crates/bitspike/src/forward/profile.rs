//! Where a run's time goes.

use std::time::{Duration, Instant};

use crate::forward::windows::Watch;

/// A kind of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Table rows, their sum and its norm.
    Embedding,
    /// Products of counts with codes.
    Products,
    /// Scores, softmax and weighted values.
    Attention,
    /// Residual sums and layer norms, with the neurons behind them.
    Norms,
    /// GELU, with the neurons behind it.
    Gelu,
    /// Neurons of keys, values and contexts, and counts as bytes.
    Neurons,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Embedding, Self::Products, Self::Attention, Self::Norms, Self::Gelu, Self::Neurons];

    /// A name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedding => "embedding",
            Self::Products => "products",
            Self::Attention => "attention",
            Self::Norms => "norms",
            Self::Gelu => "gelu",
            Self::Neurons => "neurons",
        }
    }
}

/// Time by operator.
#[derive(Debug, Clone)]
pub struct Profile {
    spent: [Duration; Operator::ALL.len()],
    since: Instant,
}

impl Default for Profile {
    fn default() -> Self {
        Self { spent: Default::default(), since: Instant::now() }
    }
}

impl Profile {
    /// Time spent on `operator`.
    pub fn spent(&self, operator: Operator) -> Duration {
        self.spent[operator as usize]
    }

    /// Time spent on all.
    pub fn total(&self) -> Duration {
        self.spent.iter().sum()
    }

    /// Adds the times of another profile.
    pub fn add(&mut self, other: &Self) {
        self.spent.iter_mut().zip(&other.spent).for_each(|(spent, &more)| *spent += more);
    }
}

impl Watch for Profile {
    const COUNTS: bool = false;

    fn counts(&mut self, _: usize, _: usize, _: usize, _: &[f32]) {}

    fn restart(&mut self) {
        self.since = Instant::now();
    }

    fn lap(&mut self, operator: Operator) {
        let now = Instant::now();
        self.spent[operator as usize] += now - self.since;
        self.since = now;
    }
}
