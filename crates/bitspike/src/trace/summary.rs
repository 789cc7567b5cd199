//! A population's spikes, added up over the steps.

use super::PopulationTrace;

/// What the neurons of a population sent in all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Spikes of either sign, over all tokens and steps.
    pub spikes: u64,
    /// Of each token: spikes of either sign a neuron and step.
    pub rates: Vec<f64>,
    /// After each step: spikes of either sign a neuron and step up to there, over all tokens.
    pub rates_in_time: Vec<f64>,
    /// `[L][neurons]`: net count of each of the first neurons.
    pub counts: Vec<Vec<i32>>,
}

impl PopulationTrace {
    /// Adds up the spikes over the steps, of `tokens` tokens; with the counts of the first `neurons` neurons.
    ///
    /// ```
    /// # use bitspike::trace::PopulationTrace;
    /// let population = PopulationTrace {
    ///     name: "embedding".into(),
    ///     width: 2,
    ///     theta: 1.0,
    ///     spikes: vec![1, -1, 0, -1],
    ///     membrane: vec![],
    ///     chosen: vec![],
    ///     equilibrium: vec![0.5, -1.0],
    /// };
    /// let summary = population.summary(1, 2);
    /// assert_eq!((summary.spikes, summary.counts), (3, vec![vec![1, -2]]));
    /// assert_eq!((summary.rates, summary.rates_in_time), (vec![0.75], vec![1.0, 0.75]));
    /// ```
    pub fn summary(&self, tokens: usize, neurons: usize) -> Summary {
        let width = self.width;
        let mut counts = vec![vec![0; neurons.min(width)]; tokens];
        let (mut spikes, mut rates_in_time, mut so_far) = (vec![0u64; tokens], Vec::new(), 0u64);
        for step in self.spikes.chunks_exact((tokens * width).max(1)) {
            for ((row, counts), spikes) in step.chunks_exact(width.max(1)).zip(&mut counts).zip(&mut spikes) {
                counts.iter_mut().zip(row).for_each(|(count, &spike)| *count += i32::from(spike));
                *spikes += row.iter().filter(|&&spike| spike != 0).count() as u64;
            }
            so_far = spikes.iter().sum();
            rates_in_time.push(so_far as f64 / ((rates_in_time.len() + 1) * tokens * width) as f64);
        }
        let slots = (rates_in_time.len() * width).max(1) as f64;
        Summary { spikes: so_far, rates: spikes.iter().map(|&n| n as f64 / slots).collect(), rates_in_time, counts }
    }
}
