//! `accumulated` and `instantaneous`: every population fires at every step.
//!
//! A step runs through all layers without delay and nothing comes back from above, so that the order of work is free: population
//! after population takes a whole chunk of steps. What must know the whole sentence, attention, works head by head
//! ([`heads`]); everything else tile by tile, a tile being a few tokens ([`tile`]). State and spikes of a tile, or of a head,
//! then stay in a core's second-level cache, each weight is fetched once for many steps, and threads meet twice a layer.

mod heads;
mod tile;

use rayon::prelude::*;

use self::heads::Head;
use self::tile::{Buffers, Tile};
use super::neurons::{Input, Neurons, Step};
use super::{Dynamics, Options, Readout, Record, Sent, SentenceRun, Simulation, add_rows, not_finite};
use crate::arithmetic::wide;
use crate::error::Result;
use crate::model::{Encoder, Layer, Norm};

/// Most steps that a population takes before the next one follows.
const CHUNK: u32 = 8;

/// Most tokens of a tile.
const TILE: usize = 8;

/// Runs one sentence.
pub(super) fn run<R: Record>(
    encoder: &Encoder,
    embedded: &[f32],
    simulation: &Simulation,
    options: Options<'_>,
    record: &mut R,
) -> Result<SentenceRun> {
    // A record sees a whole population at a time.
    let tokens = embedded.len() / encoder.config.hidden;
    let tile = if R::ON { tokens } else { tokens.div_ceil(tokens.div_ceil(TILE)) };
    let mut sentence = Sentence::new(encoder, embedded, simulation, tile);
    let mut readout = Readout::new(encoder);
    if options.sent {
        let silent = |width| Sent { spikes: vec![0; width], active: Vec::new() };
        readout.run.sent = encoder.config.population_widths().into_iter().map(silent).collect();
    }
    let mut step = Step::rest(simulation, options.sums, R::ON);
    let mut done = 0;
    while done < simulation.time_steps {
        let count = CHUNK.min(simulation.time_steps - done);
        let steps: Vec<Step> =
            std::iter::successors(Some(step.next()), |step| Some(step.next())).take(count as usize).collect();
        let last = done + count == simulation.time_steps && !options.sums;
        sentence.chunk((done, &steps, last), &mut readout, record)?;
        done += count;
        step = steps[steps.len() - 1];
        if let Some(rule) = options.exit
            && let Some(exit) = rule.exit_step(&readout.run.logits, &readout.run.change)
        {
            readout.end_at(exit);
            break;
        }
        if options.last_only && options.exit.is_none() {
            readout.keep_last(1 + 6 * encoder.layers.len());
        }
    }
    if options.sums {
        readout.run.sums = sentence.into_sums();
    }
    Ok(readout.run)
}

impl Readout<'_> {
    /// Keeps one row: the last answer and change, and the sum of the spikes.
    fn keep_last(&mut self, populations: usize) {
        let run = &mut self.run;
        run.logits.drain(..run.logits.len() - self.encoder.config.num_labels);
        run.change.drain(..run.change.len() - 1);
        let (total, rest) = run.spikes.split_at_mut(populations);
        for row in rest.chunks_exact(populations) {
            total.iter_mut().zip(row).for_each(|(total, &n)| *total += n);
        }
        run.spikes.truncate(populations);
    }

    /// Forgets the steps after `step`.
    fn end_at(&mut self, step: u32) {
        let run = &mut self.run;
        let (steps, keep) = (run.steps as usize, step as usize);
        run.logits.truncate(run.logits.len() / steps * keep);
        run.spikes.truncate(run.spikes.len() / steps * keep);
        run.change.truncate(keep);
        run.steps = step;
    }
}

/// A running sentence.
struct Sentence<'a> {
    encoder: &'a Encoder,
    embedded: &'a [f32],
    simulation: &'a Simulation,
    /// Tokens of every tile but perhaps the last.
    tile: usize,
    /// The embedding population, tile by tile.
    embedding: Vec<Neurons>,
    /// What each layer keeps, from its first step on, and to its last unless sums are asked for.
    layers: Vec<Option<LayerState>>,
    /// Spikes and products of the layer that works, tile by tile; every layer uses the same memory.
    buffers: Vec<Buffers>,
    /// Sums of the last layer's output at `[CLS]`.
    answer: Vec<f32>,
}

/// What a layer keeps from chunk to chunk.
struct LayerState {
    tiles: Vec<Tile>,
    heads: Vec<Head>,
}

impl LayerState {
    /// At rest; `tile` tokens a tile but perhaps the last.
    fn new(encoder: &Encoder, layer: &Layer, (length, tile): (usize, usize), accumulated: bool) -> Self {
        let config = &encoder.config;
        let sizes = (0..length).step_by(tile).map(|first| tile.min(length - first));
        Self {
            tiles: sizes.map(|tokens| Tile::new(encoder, layer, tokens, accumulated)).collect(),
            heads: (0..config.heads).map(|_| Head::new(length, config.hidden / config.heads)).collect(),
        }
    }
}

/// A layer at work on a chunk of steps.
struct Pass<'a> {
    encoder: &'a Encoder,
    layer: &'a Layer,
    /// Number of the layer's first population.
    population: usize,
    /// Threshold of the population that it reads.
    threshold: f32,
    /// Steps done before the chunk.
    done: u32,
    steps: &'a [Step],
    accumulated: bool,
}

impl Pass<'_> {
    /// What a sum of spikes is multiplied by: `theta / W[t]` where operators see rates, else `theta`.
    fn scale(&self, theta: f32, step: Step) -> f32 {
        if self.accumulated { theta / step.weight } else { theta }
    }

    /// What is kept of a sum from the step before: `beta`, or nothing where operators see the spikes of one step.
    fn keep(&self, step: Step) -> f32 {
        if self.accumulated { step.beta } else { 0.0 }
    }
}

impl<'a> Sentence<'a> {
    fn new(encoder: &'a Encoder, embedded: &'a [f32], simulation: &'a Simulation, tile: usize) -> Self {
        let config = &encoder.config;
        let length = embedded.len() / config.hidden;
        let sizes: Vec<usize> = (0..length).step_by(tile).map(|first| tile.min(length - first)).collect();
        let kind = (encoder.embedding_threshold, config.signed);
        let steps = CHUNK.min(simulation.time_steps) as usize;
        Self {
            encoder,
            embedded,
            simulation,
            tile,
            embedding: sizes.iter().map(|m| Neurons::at_rest(kind, m * config.hidden, Input::Current)).collect(),
            layers: encoder.layers.iter().map(|_| None).collect(),
            buffers: sizes.iter().map(|&tokens| Buffers::new(config, tokens, steps)).collect(),
            answer: vec![0.0; config.hidden],
        }
    }

    /// Takes `steps` after the first `done`; if these are the `last`, no layer keeps anything.
    fn chunk<R: Record>(
        &mut self,
        (done, steps, last): (u32, &[Step], bool),
        readout: &mut Readout<'_>,
        record: &mut R,
    ) -> Result<()> {
        let (encoder, d) = (self.encoder, self.encoder.config.hidden);
        let populations = 1 + 6 * encoder.layers.len();
        let first = readout.run.spikes.len();
        readout.run.spikes.resize(first + steps.len() * populations, 0);
        let spikes = &mut readout.run.spikes[first..];

        let (length, tile) = (self.length(), self.tile);
        let currents = self.embedded.chunks(tile * d);
        for ((neurons, buffers), currents) in self.embedding.iter_mut().zip(&mut self.buffers).zip(currents) {
            let tokens = currents.len() / d;
            for (local, &step) in steps.iter().enumerate() {
                let rows = local * tokens..(local + 1) * tokens;
                for (row, current) in rows.clone().zip(currents.chunks_exact(d)) {
                    if !buffers.x.fire(row, neurons, (row - rows.start) * d, current, step) {
                        return Err(not_finite(encoder, 0, done + local as u32 + 1));
                    }
                }
                spikes[local * populations] += buffers.x.fired(rows.clone());
                if let Some(sent) = readout.run.sent.first_mut() {
                    add_rows(buffers.x.rows(rows.clone()), &mut sent.spikes, |s| u32::from(s != 0));
                }
                record.step(0, done + local as u32 + 1, buffers.x.rows(rows), &neurons.recorded);
            }
        }

        let mut threshold = encoder.embedding_threshold;
        let accumulated = self.simulation.dynamics == Dynamics::Accumulated;
        for (i, (layer, state)) in encoder.layers.iter().zip(&mut self.layers).enumerate() {
            let rest = || LayerState::new(encoder, layer, (length, tile), accumulated);
            let LayerState { tiles, heads } = state.get_or_insert_with(rest);
            let pass = Pass { encoder, layer, population: 1 + 6 * i, threshold, done, steps, accumulated };
            let buffers = &mut self.buffers;
            pass.tiles(tiles, buffers, record, None)?;
            heads.par_iter_mut().enumerate().for_each(|(i, head)| pass.attend(head, i, buffers, tile));
            pass.tiles(tiles, buffers, record, Some((heads, tile)))?;
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

        let first = &self.buffers[0];
        for (local, &step) in steps.iter().enumerate() {
            let row = local * self.tile.min(self.length());
            for (sum, &s) in self.answer.iter_mut().zip(first.x.rows(row..row + 1)) {
                *sum = step.beta * *sum + f32::from(s);
            }
            readout.answer(&self.answer, threshold / step.weight);
        }
        Ok(())
    }

    fn length(&self) -> usize {
        self.embedded.len() / self.encoder.config.hidden
    }

    /// The sums of every population, `[L, width]` each.
    fn into_sums(self) -> Vec<Vec<f32>> {
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

impl Pass<'_> {
    /// Works on all tiles: on what comes before attention, or, given the heads and the tokens of a tile, on the rest.
    fn tiles<R: Record>(
        &self,
        tiles: &mut [Tile],
        buffers: &mut [Buffers],
        record: &mut R,
        heads: Option<(&[Head], usize)>,
    ) -> Result<()> {
        fn work<R: Record>(
            pass: &Pass<'_>,
            (i, tile, buffers): (usize, &mut Tile, &mut Buffers),
            record: &mut R,
            heads: Option<(&[Head], usize)>,
        ) -> Result<()> {
            match heads {
                None => pass.before_attention(tile, buffers, record),
                Some((heads, size)) => pass.after_attention((tile, i * size), buffers, heads, record),
            }
        }
        if R::ON {
            let mut all = tiles.iter_mut().zip(buffers).enumerate();
            return all.try_for_each(|(i, (tile, buffers))| work(self, (i, tile, buffers), record, heads));
        }
        let all = tiles.par_iter_mut().zip(buffers).enumerate();
        all.try_for_each(|(i, (tile, buffers))| work(self, (i, tile, buffers), &mut (), heads))
    }
}

/// `x <- LN(x + scale * residual)`, row by row.
pub(super) fn residual_norm(x: &mut [f32], (residual, scale): (&[f32], f32), norm: &Norm, epsilon: f32) {
    let width = norm.gain.len();
    wide(
        #[inline(always)]
        || {
            for (x, residual) in x.chunks_exact_mut(width).zip(residual.chunks_exact(width)) {
                norm.apply(x, (residual, scale), epsilon);
            }
        },
    );
}
