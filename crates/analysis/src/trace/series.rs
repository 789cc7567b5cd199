//! Values of one neuron over time.

use bitspike::trace::PopulationTrace;

/// The potential of the neuron `chosen[column]` after each step.
pub(super) fn potentials(population: &PopulationTrace, column: usize) -> impl Iterator<Item = f32> + Clone {
    population.membrane.iter().skip(column).step_by(population.chosen.len().max(1)).copied()
}
