//! Classifier and `[CLS]` readout of a running sentence.

use super::SentenceRun;
use crate::arithmetic::Scaled;
use crate::encoder::Encoder;

/// What is read of a sentence step by step.
pub(super) struct Readout<'a> {
    encoder: &'a Encoder,
    value: Vec<f32>,
    pub(super) run: SentenceRun,
}

impl<'a> Readout<'a> {
    pub(super) fn new(encoder: &'a Encoder, run: SentenceRun) -> Self {
        Self { encoder, value: Vec::new(), run }
    }

    /// Notes the answer given the sums of the last layer's output population at `[CLS]`.
    pub(super) fn answer(&mut self, sums: Scaled<'_>) {
        self.run.steps += 1;
        self.encoder.classifier.apply(sums, &mut self.run.logits);
        let value: Vec<f32> = sums.values.iter().map(|&sum| sum * sums.scale).collect();
        let square = |x: f32| f64::from(x) * f64::from(x);
        let size: f64 = value.iter().map(|&x| square(x)).sum();
        let moved: f64 = value.iter().zip(&self.value).map(|(&x, &old)| square(x - old)).sum();
        let change = if self.value.is_empty() || size == 0.0 { 1.0 } else { (moved / size).sqrt() };
        self.run.change.push(change as f32);
        self.value = value;
    }

    /// Keeps one row: the last answer and change, and the sum of the spikes if they are counted.
    pub(super) fn keep_last(&mut self, populations: usize) {
        let run = &mut self.run;
        run.logits.drain(..run.logits.len() - self.encoder.config.num_labels);
        run.change.drain(..run.change.len() - 1);
        let Some((total, rest)) = run.spikes.split_at_mut_checked(populations) else { return };
        for row in rest.chunks_exact(populations) {
            total.iter_mut().zip(row).for_each(|(total, &n)| *total += n);
        }
        run.spikes.truncate(populations);
    }

    /// Forgets the steps after `step`.
    pub(super) fn end_at(&mut self, step: u32) {
        let run = &mut self.run;
        let (steps, keep) = (run.steps as usize, step as usize);
        run.logits.truncate(run.logits.len() / steps * keep);
        run.spikes.truncate(run.spikes.len() / steps * keep);
        run.change.truncate(keep);
        run.steps = step;
    }
}
