//! What a model is, before its weights: the teacher's `config.json` and the student's configuration.

mod bert;
mod family;
mod feedback;
mod populations;
mod refused;
mod student;
mod task;

pub use bert::{BertConfig, HiddenAct, ProblemType};
pub use family::Family;
pub use feedback::{Feedback, Solver};
pub use populations::{LAYER_POPULATIONS, population_names, projections};
pub use refused::{ADAPTER, REFUSED, is_adapter};
pub use student::StudentConfig;
pub use task::{MAX_CLASSES, Pooling, Target, Task, check_names, preview, steers};

use crate::error::{Error, Result};

/// Largest sizes that a config may name. They are far above any BERT; beyond them a file is damaged or hostile, and a size must
/// be refused before it is multiplied or allocated.
mod cap {
    /// Of width and feed-forward width, which are the columns of matrices: as many as integer products are proved for.
    pub(super) const COLUMNS: usize = crate::kernels::MAX_COLUMNS;
    pub(super) const LAYERS: usize = 1 << 10;
    pub(super) const VOCABULARY: usize = 1 << 24;
    pub(super) const POSITIONS: usize = 1 << 20;
    pub(super) const TYPES: usize = 1 << 10;
    pub(super) const LABELS: usize = 1 << 16;
    /// Weights in all; where an address has 32 bits, so many that every product of sizes below fits one.
    pub(super) const WEIGHTS: u64 = if usize::BITS < 64 { i32::MAX as u64 / 4 } else { 10_000_000_000 };
}

/// The sizes that teacher and student share, with the name each has in its config.
struct Sizes<'a> {
    hidden: (&'a str, usize),
    heads: (&'a str, usize),
    intermediate: (&'a str, usize),
    layers: (&'a str, usize),
    vocabulary: (&'a str, usize),
    positions: (&'a str, usize),
    types: (&'a str, usize),
}

impl Sizes<'_> {
    fn validate(&self) -> Result<()> {
        within(self.hidden, cap::COLUMNS)?;
        within(self.heads, cap::COLUMNS)?;
        within(self.intermediate, cap::COLUMNS)?;
        within(self.layers, cap::LAYERS)?;
        within(self.vocabulary, cap::VOCABULARY)?;
        within(self.positions, cap::POSITIONS)?;
        within(self.types, cap::TYPES)?;
        if !self.hidden.1.is_multiple_of(self.heads.1) {
            let expected = format!("a divisor of {} = {}", self.hidden.0, self.hidden.1);
            return Err(Error::invalid(self.heads.0, expected, self.heads.1));
        }
        let weights = self.encoder_weights() + self.table_weights();
        if weights > cap::WEIGHTS {
            return Err(Error::invalid("the model's sizes", format!("at most {} weights", cap::WEIGHTS), weights));
        }
        Ok(())
    }

    /// `N * (4 D^2 + 2 D F)`; cannot overflow within the caps.
    fn encoder_weights(&self) -> u64 {
        let [d, f, n] = [self.hidden.1, self.intermediate.1, self.layers.1].map(|size| size as u64);
        n * (4 * d * d + 2 * d * f)
    }

    /// `D` times the rows of the three embedding tables.
    fn table_weights(&self) -> u64 {
        self.hidden.1 as u64 * (self.vocabulary.1 + self.positions.1 + self.types.1) as u64
    }
}

fn within((name, value): (&str, usize), cap: usize) -> Result<()> {
    if (1..=cap).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(name, format!("1 to {cap}"), value))
}

fn positive(name: &str, value: f32) -> Result<()> {
    if value > 0.0 && value <= 1.0 {
        return Ok(());
    }
    Err(Error::invalid(name, "a number in (0, 1] that f32 can hold", value))
}

#[cfg(test)]
mod tests;
