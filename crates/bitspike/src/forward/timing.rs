//! Where a run's time goes.

use std::time::{Duration, Instant};

/// A kind of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "lowercase")]
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
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    /// A name in lower case.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Time by operator: what [`Model::profile`](crate::Model::profile) returns.
#[derive(Debug, Clone)]
pub struct Timing {
    spent: [Duration; Operator::ALL.len()],
    since: Instant,
}

impl Default for Timing {
    fn default() -> Self {
        Self { spent: Default::default(), since: Instant::now() }
    }
}

impl Timing {
    /// Time spent on `operator`.
    pub fn spent(&self, operator: Operator) -> Duration {
        self.spent[operator as usize]
    }

    /// Time spent on all.
    pub fn total(&self) -> Duration {
        self.spent.iter().sum()
    }

    /// Adds the times of another run.
    pub fn add(&mut self, other: &Self) {
        self.spent.iter_mut().zip(&other.spent).for_each(|(spent, &more)| *spent += more);
    }

    /// Work begins.
    pub(crate) fn restart(&mut self) {
        self.since = Instant::now();
    }

    /// The work since the last call was on `operator`.
    pub(crate) fn lap(&mut self, operator: Operator) {
        let now = Instant::now();
        self.spent[operator as usize] += now - self.since;
        self.since = now;
    }
}
