//! A layer at work on a chunk of steps.

use crate::encoder::{Encoder, Layer};
use crate::error::Error;
use crate::forward::neurons::Step;

/// Steps that are taken together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk<'a> {
    /// Steps done before.
    pub(super) done: u32,
    pub(super) steps: &'a [Step],
    /// Whether no layer need keep anything for later ones.
    pub(super) last: bool,
}

/// A layer at work on a chunk of steps.
pub(super) struct Pass<'a> {
    pub(super) encoder: &'a Encoder,
    pub(super) layer: &'a Layer,
    /// Number of the layer's first population.
    pub(super) population: usize,
    /// Threshold of the population that it reads.
    pub(super) threshold: f32,
    pub(super) chunk: Chunk<'a>,
    pub(super) accumulated: bool,
}

impl Pass<'_> {
    /// What a sum of spikes is multiplied by: `theta / W[t]` where operators see rates, else `theta`.
    pub(super) fn scale(&self, theta: f32, step: Step) -> f32 {
        if self.accumulated { theta / step.weight } else { theta }
    }

    /// What is kept of a sum from the step before: `beta`, or nothing where operators see the spikes of one step.
    pub(super) fn keep(&self, step: Step) -> f32 {
        if self.accumulated { step.beta } else { 0.0 }
    }

    /// Says that what population `kind` of the layer receives at step `local` of the chunk is no number.
    pub(super) fn not_finite(&self, kind: usize, local: usize) -> Error {
        self.encoder.not_finite(self.population + kind, self.chunk.done + local as u32 + 1)
    }
}
