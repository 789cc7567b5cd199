//! A few tokens of a layer: all that needs nothing of other tokens.

use std::ops::Range;

use super::buffers::{Buffers, add};
use super::heads::Head;
use super::pass::Pass;
use crate::arithmetic::{Scaled, gelu, vectorised};
use crate::encoder::{Projection, Sums};
use crate::error::Result;
use crate::forward::Record;
use crate::forward::neurons::{Input, Neurons, Step, Train};

/// Rows of a product, at most, where a step has fewer: the sums of so many rows of the feed-forward layer leave room for its
/// state in a second-level cache.
const ROWS: usize = 32;

/// What a tile of a layer keeps from step to step.
#[derive(Debug)]
pub(super) struct Tile {
    /// Which of the sentence's.
    tokens: Range<usize>,
    /// Sums of the input's spikes and of those behind attention, `[tokens, D]`: what the norms add.
    input: Vec<f32>,
    attended: Vec<f32>,
    /// Sums of products `[tokens, D]`, of the feed-forward layer `[tokens, F]`.
    query: Vec<f32>,
    attention_output: Vec<f32>,
    intermediate: Vec<f32>,
    output: Vec<f32>,
    /// In the order of [`crate::config::LAYER_POPULATIONS`].
    pub(super) neurons: [Neurons; 6],
}

impl Tile {
    /// At rest.
    pub(super) fn new(pass: &Pass<'_>, tokens: Range<usize>) -> Self {
        let (config, thresholds) = (&pass.encoder.config, pass.layer.thresholds);
        let (narrow, broad) = (tokens.len() * config.hidden, tokens.len() * config.intermediate);
        let mean = if pass.accumulated { Input::Mean } else { Input::Current };
        let population = |kind: usize, size, input| Neurons::at_rest((thresholds[kind], config.signed), size, input);
        Self {
            tokens,
            input: vec![0.0; narrow],
            attended: vec![0.0; narrow],
            query: vec![0.0; narrow],
            attention_output: vec![0.0; narrow],
            intermediate: vec![0.0; broad],
            output: vec![0.0; narrow],
            neurons: [
                population(0, narrow, Input::Current),
                population(1, narrow, Input::Current),
                population(2, narrow, mean),
                population(3, narrow, mean),
                population(4, broad, mean),
                population(5, narrow, mean),
            ],
        }
    }
}

/// What [`Pass::map`] reads and writes.
struct Through<'a> {
    map: &'a Projection,
    /// Threshold of the neurons that send the spikes.
    theta: f32,
    spikes: &'a Train,
    /// Sums `[tokens, rows of the map]` of the steps so far; of one row where a step stands for itself.
    sums: &'a mut [f32],
    /// Whether a step stands for itself.
    direct: bool,
    work: &'a mut Sums,
    current: &'a mut [f32],
}

/// One token at one step.
struct Row<'a> {
    /// Its number in the trains.
    row: usize,
    token: usize,
    local: usize,
    step: Step,
    /// What its neurons receive.
    current: &'a mut [f32],
}

impl Pass<'_> {
    /// The spikes of a tile's keys and values.
    pub(super) fn keys_and_values<R: Record>(
        &self,
        tile: &mut Tile,
        buffers: &mut Buffers,
        record: &mut R,
    ) -> Result<()> {
        let (layer, tokens, theta) = (self.layer, tile.tokens.len(), self.threshold);
        let Buffers { x, key, value, sums, row_sums, row: current, .. } = buffers;
        // Keys and values are affine: the difference of their sums is the map of the step's spikes.
        for (kind, map, train) in [(0, &layer.key, key), (1, &layer.value, value)] {
            let through = Through { map, theta, spikes: x, sums: row_sums, direct: true, work: sums, current };
            let neurons = &mut tile.neurons[kind];
            self.map(kind, tokens, through, |row| self.fire((kind, neurons, train), tokens, row, record))?;
        }
        Ok(())
    }

    /// The queries of a tile.
    pub(super) fn queries(&self, tile: &mut Tile, buffers: &mut Buffers) -> Result<()> {
        let (map, theta) = (&self.layer.query, self.threshold);
        let Buffers { x, queries, sums, row: current, .. } = buffers;
        let through = Through { map, theta, spikes: x, sums: &mut tile.query, direct: false, work: sums, current };
        // What is not finite here is not finite behind attention.
        self.map(2, tile.tokens.len(), through, |row| {
            queries[row.row * map.rows()..][..map.rows()].copy_from_slice(row.current);
            true
        })
    }

    /// The rest of the layer.
    pub(super) fn after_attention<R: Record>(
        &self,
        tile: &mut Tile,
        buffers: &mut Buffers,
        heads: &[Head],
        record: &mut R,
    ) -> Result<()> {
        let layer = self.layer;
        let (first, tokens) = (tile.tokens.start, tile.tokens.len());
        let Tile { input, attended, neurons, .. } = tile;
        let [_, _, context_neurons, attention_neurons, feed_forward_neurons, output_neurons] = neurons;
        let [_, _, context_theta, attention_theta, feed_forward_theta, _] = layer.thresholds;
        let Buffers { x, context, attention, feed_forward, output, sums, row: current, .. } = buffers;

        for (local, &step) in self.chunk.steps.iter().enumerate() {
            for token in 0..tokens {
                let current = &mut current[..self.encoder.config.hidden];
                vectorised!(|| gather(heads, (local, first + token), current));
                let row = Row { row: local * tokens + token, token, local, step, current };
                if !self.fire((2, context_neurons, context), tokens, row, record) {
                    return Err(self.not_finite(2, local));
                }
            }
        }

        let (map, theta) = (&layer.attention_output, context_theta);
        let products = &mut tile.attention_output;
        let through = Through { map, theta, spikes: context, sums: products, direct: false, work: sums, current };
        self.map(3, tokens, through, |row| {
            let residual = Scaled { values: self.add(input, x, &row), scale: self.scale(self.threshold, row.step) };
            layer.attention_norm.rows(row.current, residual);
            self.fire((3, attention_neurons, attention), tokens, row, record)
        })?;

        let (map, theta) = (&layer.intermediate, attention_theta);
        let products = &mut tile.intermediate;
        let through = Through { map, theta, spikes: attention, sums: products, direct: false, work: sums, current };
        self.map(4, tokens, through, |row| {
            vectorised!(|| row.current.iter_mut().for_each(|x| *x = gelu(*x)));
            self.fire((4, feed_forward_neurons, feed_forward), tokens, row, record)
        })?;

        let (map, theta) = (&layer.output, feed_forward_theta);
        let products = &mut tile.output;
        let through = Through { map, theta, spikes: feed_forward, sums: products, direct: false, work: sums, current };
        self.map(5, tokens, through, |row| {
            let residual =
                Scaled { values: self.add(attended, attention, &row), scale: self.scale(attention_theta, row.step) };
            layer.output_norm.rows(row.current, residual);
            self.fire((5, output_neurons, output), tokens, row, record)
        })
    }

    /// Maps the spikes of a chunk, products of several steps at once, and hands each row to `use_row`, step after step, which
    /// says whether what population `kind` receives is finite.
    fn map(
        &self,
        kind: usize,
        tokens: usize,
        through: Through<'_>,
        mut use_row: impl FnMut(Row<'_>) -> bool,
    ) -> Result<()> {
        let Through { map, theta, spikes, sums, direct, work, current } = through;
        let width = map.rows();
        let group = (ROWS / tokens).max(1);
        for first in (0..self.chunk.steps.len()).step_by(group) {
            let steps = first..self.chunk.steps.len().min(first + group);
            map.of_spikes(self.encoder.kernels, spikes.both(), steps.start * tokens..steps.end * tokens, work);
            for local in steps {
                let step = self.chunk.steps[local];
                let factors = if direct { (0.0, theta) } else { (self.keep(step), self.scale(theta, step)) };
                for token in 0..tokens {
                    let sums = &mut sums[if direct { 0 } else { token * width }..][..width];
                    let current = &mut current[..width];
                    map.step(work, (local - first) * tokens + token, factors, sums, current);
                    if !use_row(Row { row: local * tokens + token, token, local, step, current }) {
                        return Err(self.not_finite(kind, local));
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the row's spikes in `train` to the sums of its token, and returns them.
    fn add<'a>(&self, sums: &'a mut [f32], train: &Train, row: &Row<'_>) -> &'a [f32] {
        let width = row.current.len();
        let (keep, sums) = (self.keep(row.step), &mut sums[row.token * width..][..width]);
        let spikes = train.rows(row.row..row.row + 1);
        vectorised!(|| add(keep, sums, spikes));
        sums
    }

    /// The neurons of one token take a step.
    fn fire<R: Record>(
        &self,
        (kind, neurons, train): (usize, &mut Neurons, &mut Train),
        tokens: usize,
        row: Row<'_>,
        record: &mut R,
    ) -> bool {
        let finite = train.fire(row.row, neurons, row.token * row.current.len(), row.current, row.step);
        if R::ON && row.token + 1 == tokens {
            let spikes = train.rows(row.row + 1 - tokens..row.row + 1);
            record.step(self.population + kind, self.chunk.done + row.local as u32 + 1, spikes, &neurons.recorded);
        }
        finite
    }
}

/// What all heads found for a token at a step.
#[inline(always)]
fn gather(heads: &[Head], (local, token): (usize, usize), out: &mut [f32]) {
    for (head, out) in heads.iter().zip(out.chunks_exact_mut(out.len() / heads.len())) {
        out.iter_mut().zip(head.row(local, token)).for_each(|(to, &from)| *to = from);
    }
}
