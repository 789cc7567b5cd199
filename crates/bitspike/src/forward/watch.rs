//! Watching a window that is computed at once.

use super::timing::{Operator, Timing};

/// Sees what happens in a tile: the counts of every population where [`Watch::COUNTS`], and the end of every operation.
pub(crate) trait Watch: Clone + Default + Send {
    /// Whether counts are to be shown.
    const COUNTS: bool = false;

    /// The counts `[rows, width]` of the next tokens of a population.
    fn counts(&mut self, _population: usize, _width: usize, _counts: &[f32]) {}

    /// The tile begins to work.
    fn restart(&mut self) {}

    /// The tile worked on `operator` since the last call.
    fn lap(&mut self, _operator: Operator) {}
}

/// Watches nothing.
impl Watch for () {}

/// Watches the time.
impl Watch for Timing {
    fn restart(&mut self) {
        Timing::restart(self);
    }

    fn lap(&mut self, operator: Operator) {
        Timing::lap(self, operator);
    }
}
