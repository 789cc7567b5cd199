//! Spikes and products of the layer that works.

use crate::config::StudentConfig;
use crate::encoder::Sums;
use crate::forward::Sent;
use crate::forward::neurons::Train;

/// The chunk's spikes of a tile, row `step * tokens + token`, and scratch memory.
#[derive(Debug)]
pub(super) struct Buffers {
    pub(super) tokens: usize,
    /// The layer's input.
    pub(super) x: Train,
    /// `[steps * tokens, D]`
    pub(super) queries: Vec<f32>,
    pub(super) key: Train,
    pub(super) value: Train,
    pub(super) context: Train,
    pub(super) attention: Train,
    pub(super) feed_forward: Train,
    pub(super) output: Train,
    pub(super) sums: Sums,
    /// Sums of one row that are not kept.
    pub(super) row_sums: Vec<f32>,
    pub(super) row: Vec<f32>,
}

impl Buffers {
    /// Room for `steps` steps.
    pub(super) fn new(config: &StudentConfig, tokens: usize, steps: usize) -> Self {
        let train = |width| Train::new(steps * tokens, width);
        let d = config.hidden;
        Self {
            tokens,
            x: train(d),
            queries: vec![0.0; steps * tokens * d],
            key: train(d),
            value: train(d),
            context: train(d),
            attention: train(d),
            feed_forward: train(config.intermediate),
            output: train(d),
            sums: Sums::default(),
            row_sums: vec![0.0; d],
            row: vec![0.0; d.max(config.intermediate)],
        }
    }

    /// The populations of the layer.
    fn populations(&self) -> [&Train; 6] {
        [&self.key, &self.value, &self.context, &self.attention, &self.feed_forward, &self.output]
    }

    /// Spikes of each population of the layer at step `local` of the chunk.
    pub(super) fn fired(&self, local: usize) -> [u64; 6] {
        self.populations().map(|train| train.fired(local * self.tokens..(local + 1) * self.tokens))
    }

    /// Adds the spikes of each neuron in a chunk of `steps` steps.
    pub(super) fn add_sent(&self, steps: usize, sent: &mut [Sent]) {
        for (train, sent) in self.populations().into_iter().zip(sent) {
            sent.add_spikes(train.rows(0..steps * self.tokens));
        }
    }

    /// The layer's output becomes the input of the next.
    pub(super) fn rise(&mut self) {
        std::mem::swap(&mut self.x, &mut self.output);
    }
}

/// `sums <- keep * sums + spikes`
#[inline(always)]
pub(super) fn add(keep: f32, sums: &mut [f32], spikes: &[i8]) {
    for (sum, &s) in sums.iter_mut().zip(spikes) {
        *sum = keep * *sum + f32::from(s);
    }
}
