//! A running sentence.

use super::buffers::Buffers;
use super::layer::LayerState;
use super::pass::{Chunk, Pass};
use crate::arithmetic::Scaled;
use crate::encoder::{Encoder, Pool};
use crate::error::Result;
use crate::forward::neurons::{Input, Neurons};
use crate::forward::readout::Readout;
use crate::forward::{Dynamics, Record, Simulation};

/// Most steps that a population takes before the next one follows.
pub(super) const CHUNK: u32 = 8;

/// How a sentence is divided.
#[derive(Debug)]
pub(super) struct Tiles {
    /// Tokens of every tile.
    pub(super) sizes: Vec<usize>,
    /// Whether the last layer works on the first tile alone, once its keys and values are there, and spikes are not counted.
    pub(super) answers_only: bool,
    /// Most steps that are taken together.
    pub(super) chunk: u32,
}

/// A running sentence.
pub(super) struct Sentence<'a> {
    encoder: &'a Encoder,
    currents: &'a [f32],
    simulation: &'a Simulation,
    tiles: Tiles,
    /// The embedding population, tile by tile.
    embedding: Vec<Neurons>,
    /// What each layer keeps, from its first step on, and to its last unless sums are asked for.
    layers: Vec<Option<LayerState>>,
    /// Spikes and products of the layer that works, tile by tile; every layer uses the same memory.
    buffers: Vec<Buffers>,
    /// Spikes of a chunk, `[steps, populations]`; empty where they are not counted.
    spikes: Vec<u64>,
    /// Sums of the last layer's output at `[CLS]`, or at every token where all are pooled.
    answer: Vec<f32>,
    pool: Pool,
}

impl<'a> Sentence<'a> {
    pub(super) fn new(encoder: &'a Encoder, currents: &'a [f32], simulation: &'a Simulation, tiles: Tiles) -> Self {
        let config = &encoder.config;
        let kind = (encoder.embedding_threshold, config.signed);
        let steps = tiles.chunk as usize;
        Self {
            encoder,
            currents,
            simulation,
            embedding: tiles.sizes.iter().map(|m| Neurons::at_rest(kind, m * config.hidden, Input::Current)).collect(),
            layers: encoder.layers.iter().map(|_| None).collect(),
            buffers: tiles.sizes.iter().map(|&tokens| Buffers::new(config, tokens, steps)).collect(),
            tiles,
            spikes: Vec::new(),
            answer: vec![0.0; if encoder.readout.reads_first() { config.hidden } else { currents.len() }],
            pool: encoder.readout.pool(config.hidden),
        }
    }

    /// Takes a chunk of steps; says whether the sentence goes on.
    pub(super) fn chunk<R: Record>(
        &mut self,
        chunk: Chunk<'_>,
        readout: &mut Readout<'_>,
        record: &mut R,
    ) -> Result<bool> {
        let (encoder, d) = (self.encoder, self.encoder.config.hidden);
        let Chunk { done, steps, last } = chunk;
        let populations = 1 + 6 * encoder.layers.len();
        let counted = if self.tiles.answers_only { 0 } else { steps.len() * populations };
        self.spikes.clear();
        self.spikes.resize(counted, 0);
        let spikes = &mut self.spikes;

        let mut embedded = self.currents;
        for ((neurons, buffers), &tokens) in self.embedding.iter_mut().zip(&mut self.buffers).zip(&self.tiles.sizes) {
            let (currents, rest) = embedded.split_at(tokens * d);
            embedded = rest;
            for (local, &step) in steps.iter().enumerate() {
                let rows = local * tokens..(local + 1) * tokens;
                for (row, current) in rows.clone().zip(currents.chunks_exact(d)) {
                    if !buffers.x.fire(row, neurons, (row - rows.start) * d, current, step) {
                        return Err(encoder.not_finite(0, done + local as u32 + 1));
                    }
                }
                if let Some(spikes) = spikes.get_mut(local * populations) {
                    *spikes += buffers.x.fired(rows.clone());
                }
                if let Some(sent) = readout.run.sent.first_mut() {
                    sent.add_spikes(buffers.x.rows(rows.clone()));
                }
                record.step(0, done + local as u32 + 1, buffers.x.rows(rows), &neurons.recorded);
            }
        }

        let mut threshold = encoder.embedding_threshold;
        let accumulated = self.simulation.dynamics == Dynamics::Accumulated;
        for (i, (layer, state)) in encoder.layers.iter().zip(&mut self.layers).enumerate() {
            // Tiles that work on more than keys and values.
            let Tiles { sizes, answers_only, .. } = &self.tiles;
            let asked = if *answers_only && i + 1 == encoder.layers.len() { 1 } else { sizes.len() };
            let pass = Pass { encoder, layer, population: 1 + 6 * i, threshold, chunk, accumulated };
            let buffers = &mut self.buffers;
            let kept = state.get_or_insert_with(|| LayerState::new(&pass, sizes, asked));
            kept.chunk(&pass, buffers, asked, record)?;
            for (local, spikes) in spikes.chunks_exact_mut(populations).enumerate() {
                for buffers in buffers.iter() {
                    let fired = buffers.fired(local).into_iter();
                    spikes[pass.population..].iter_mut().zip(fired).for_each(|(total, fired)| *total += fired);
                }
            }
            if !readout.run.sent.is_empty() {
                let sent = &mut readout.run.sent[pass.population..][..6];
                buffers.iter().for_each(|buffers| buffers.add_sent(steps.len(), sent));
            }
            buffers.iter_mut().for_each(Buffers::rise);
            threshold = layer.thresholds[5];
            if last {
                // The next layer takes over the memory while the caches still hold it.
                *state = None;
            }
        }

        for (local, &step) in steps.iter().enumerate() {
            let mut sums = self.answer.chunks_exact_mut(d);
            for (buffers, &tokens) in self.buffers.iter().zip(&self.tiles.sizes) {
                let first = local * tokens;
                // `[CLS]` alone, where that is all that is read.
                let sums = sums.by_ref().take(tokens).flatten();
                for (sum, &s) in sums.zip(buffers.x.rows(first..first + tokens)) {
                    *sum = step.beta * *sum + f32::from(s);
                }
            }
            let values = self.pool.of(&self.answer);
            let spikes = self.spikes.get(local * populations..(local + 1) * populations).unwrap_or_default();
            if !readout.answer(Scaled { values, scale: threshold / step.weight }, spikes)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The sums of every population, `[L, width]` each.
    pub(super) fn into_sums(self) -> Vec<Vec<f32>> {
        let embedding = self.embedding.into_iter().flat_map(|neurons| neurons.sums).collect();
        let mut sums = vec![embedding];
        for layer in self.layers {
            let first = sums.len();
            sums.resize(first + 6, Vec::new());
            for tile in layer.into_iter().flat_map(|layer| layer.tiles) {
                let all = sums[first..].iter_mut().zip(tile.neurons);
                all.for_each(|(sums, neurons)| sums.extend_from_slice(&neurons.sums));
            }
        }
        sums
    }
}
