//! Classifier and `[CLS]` readout of a running sentence.

use super::exit::Streak;
use super::{Rows, SentenceRun, Wanted};
use crate::arithmetic::Scaled;
use crate::encoder::Encoder;
use crate::error::Result;

/// What is read of a sentence step by step.
pub(super) struct Readout<'a> {
    encoder: &'a Encoder,
    rows: Rows<'a>,
    exit: Option<Streak>,
    /// The value that was read after the step before.
    value: Vec<f32>,
    /// Whether the last row stays: if not, the next step replaces it.
    kept: bool,
    pub(super) run: SentenceRun,
}

impl<'a> Readout<'a> {
    pub(super) fn new(encoder: &'a Encoder, wanted: Wanted<'a>, run: SentenceRun) -> Self {
        let exit = wanted.exit.map(Streak::new);
        Self { encoder, rows: wanted.rows, exit, value: Vec::new(), kept: true, run }
    }

    /// Notes the answer after one more step, given the sums of the last layer's output population at `[CLS]`, or what those of all
    /// tokens are pooled to, and the spikes of every population in that step (none where they are not counted); says whether the sentence goes on.
    ///
    /// # Errors
    /// If an output is not finite.
    pub(super) fn answer(&mut self, sums: Scaled<'_>, spikes: &[u64]) -> Result<bool> {
        let classes = self.encoder.config.num_labels;
        let run = &mut self.run;
        run.steps += 1;
        if !self.kept {
            run.logits.truncate(run.logits.len() - classes);
            run.change.pop();
        }
        let first = run.logits.len();
        self.encoder.readout.apply(sums, &mut run.logits);
        let logits = &run.logits[first..];
        self.encoder.check_answer(logits)?;

        let value: Vec<f32> = sums.values.iter().map(|&sum| sum * sums.scale).collect();
        let square = |x: f32| f64::from(x) * f64::from(x);
        let size: f64 = value.iter().map(|&x| square(x)).sum();
        let moved: f64 = value.iter().zip(&self.value).map(|(&x, &old)| square(x - old)).sum();
        let change = if self.value.is_empty() || size == 0.0 { 1.0 } else { (moved / size).sqrt() } as f32;
        let settled = self.exit.as_mut().is_some_and(|streak| streak.settles(logits, change));
        run.change.push(change);
        self.value = value;

        match run.spikes.len().checked_sub(spikes.len()).filter(|_| !self.kept) {
            Some(last) => run.spikes[last..].iter_mut().zip(spikes).for_each(|(sum, &n)| *sum += n),
            None => run.spikes.extend_from_slice(spikes),
        }
        self.kept = self.rows.has(run.steps);
        Ok(!settled)
    }
}
