//! Watching a simulation.

/// Sees every step of every population of one sentence.
pub trait Record {
    /// Whether anything is recorded at all; where not, nothing is prepared for it.
    const ON: bool = true;

    /// Population number `population` (see [`crate::config::population_names`]) after step `step` (from 1): the spikes
    /// `[L, width]` and the potentials that they left.
    fn step(&mut self, population: usize, step: u32, spikes: &[i8], potentials: &[f32]);
}

/// Records nothing.
impl Record for () {
    const ON: bool = false;

    fn step(&mut self, _population: usize, _step: u32, _spikes: &[i8], _potentials: &[f32]) {}
}
