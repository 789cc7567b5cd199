//! How fast a run goes.

use std::time::Instant;

/// Throughput since the last log line, and smoothed over the run.
pub(super) struct Throughput {
    since: Instant,
    examples: usize,
    tokens: usize,
    steps: u64,
    seconds_per_step: Option<f64>,
}

impl Throughput {
    /// Of a run that begins at `since`.
    pub(super) fn from(since: Instant) -> Self {
        Self { since, examples: 0, tokens: 0, steps: 0, seconds_per_step: None }
    }

    /// Counts one more step.
    pub(super) fn add(&mut self, examples: usize, tokens: usize) {
        self.examples += examples;
        self.tokens += tokens;
        self.steps += 1;
    }

    /// Forgets a pause for an evaluation or a checkpoint.
    pub(super) fn restart(&mut self) {
        (self.since, self.examples, self.tokens, self.steps) = (Instant::now(), 0, 0, 0);
    }

    /// Examples and tokens a second since the last call, and smoothed seconds a step.
    pub(super) fn rates(&mut self) -> (f64, f64, f64) {
        let seconds = self.since.elapsed().as_secs_f64().max(1e-9);
        let rates = (self.examples as f64 / seconds, self.tokens as f64 / seconds);
        let now = seconds / self.steps.max(1) as f64;
        let smooth = self.seconds_per_step.map_or(now, |old| 0.8 * old + 0.2 * now);
        self.seconds_per_step = Some(smooth);
        self.restart();
        (rates.0, rates.1, smooth)
    }
}
