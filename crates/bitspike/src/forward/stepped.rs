//! `accumulated` and `instantaneous`: every population fires at every step.
//!
//! A step runs through all layers without delay and nothing comes back from above, so that the order of work is free: population
//! after population takes a whole chunk of steps. What must know the whole sentence, attention, works head by head
//! ([`heads`]); everything else tile by tile, a tile being a few tokens ([`tile`]). State and spikes of a tile, or of a head,
//! then stay in a core's second-level cache, each weight is fetched once for many steps, and threads meet twice a layer. Where
//! answers alone are asked for, `[CLS]` is a tile of its own, the only one of which the last layer computes more than keys and
//! values.

mod heads;
mod tile;

use rayon::prelude::*;

use self::heads::Head;
use self::tile::{Buffers, Tile};
use super::neurons::{Input, Neurons, Step};
use super::{Dynamics, Readout, Record, Sent, SentenceRun, Simulation, Wanted, add_rows, not_finite};
use crate::arithmetic::wide;
use crate::encoder::{Encoder, Layer, Norm};
use crate::error::Result;

/// Most steps that a population takes before the next one follows.
const CHUNK: u32 = 8;

/// Most tokens of a tile.
const TILE: usize = 8;

/// Runs one sentence.
pub(super) fn run<R: Record>(
    encoder: &Encoder,
    embedded: &[f32],
    simulation: &Simulation,
    options: Wanted,
    record: &mut R,
) -> Result<SentenceRun> {
    let tokens = embedded.len() / encoder.config.hidden;
    let answers_only = options.answers_only && !options.sums && !options.sent && !R::ON && !encoder.layers.is_empty();
    let tiles = match (R::ON, answers_only) {
        // A record sees a whole population at a time.
        (true, _) => vec![tokens],
        (false, false) => tiles(tokens),
        (false, true) => [vec![1], tiles(tokens - 1)].concat(),
    };
    let mut sentence = Sentence::new(encoder, embedded, simulation, (tiles, answers_only));
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

/// Tokens of each of the tiles that `tokens` tokens are divided into, nearly as many in each.
fn tiles(tokens: usize) -> Vec<usize> {
    let tile = tokens.div_ceil(tokens.div_ceil(TILE).max(1)).max(1);
    (0..tokens).step_by(tile).map(|first| tile.min(tokens - first)).collect()
}

impl Readout<'_> {
    /// Keeps one row: the last answer and change, and the sum of the spikes if they are counted.
    fn keep_last(&mut self, populations: usize) {
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
    /// Tokens of every tile.
    sizes: Vec<usize>,
    /// Whether the last layer works on the first tile alone, once its keys and values are there, and spikes are not counted.
    answers_only: bool,
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
    /// At rest; tiles of `sizes` tokens, of which the first `asked` ask.
    fn new(encoder: &Encoder, layer: &Layer, (sizes, asked): (&[usize], usize), accumulated: bool) -> Self {
        let config = &encoder.config;
        let lengths = (sizes.iter().sum(), sizes[..asked].iter().sum());
        let tokens = sizes.iter().scan(0, |next, &size| {
            *next += size;
            Some(*next - size..*next)
        });
        Self {
            tiles: tokens.map(|tokens| Tile::new(encoder, layer, tokens, accumulated)).collect(),
            heads: (0..config.heads).map(|_| Head::new(lengths, config.hidden / config.heads)).collect(),
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
    fn new(
        encoder: &'a Encoder,
        embedded: &'a [f32],
        simulation: &'a Simulation,
        (sizes, answers_only): (Vec<usize>, bool),
    ) -> Self {
        let config = &encoder.config;
        let kind = (encoder.embedding_threshold, config.signed);
        let steps = CHUNK.min(simulation.time_steps) as usize;
        Self {
            encoder,
            embedded,
            simulation,
            answers_only,
            embedding: sizes.iter().map(|m| Neurons::at_rest(kind, m * config.hidden, Input::Current)).collect(),
            layers: encoder.layers.iter().map(|_| None).collect(),
            buffers: sizes.iter().map(|&tokens| Buffers::new(config, tokens, steps)).collect(),
            sizes,
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
        let counted = if self.answers_only { 0 } else { steps.len() * populations };
        readout.run.spikes.resize(first + counted, 0);
        let spikes = &mut readout.run.spikes[first..];

        let mut embedded = self.embedded;
        for ((neurons, buffers), &tokens) in self.embedding.iter_mut().zip(&mut self.buffers).zip(&self.sizes) {
            let (currents, rest) = embedded.split_at(tokens * d);
            embedded = rest;
            for (local, &step) in steps.iter().enumerate() {
                let rows = local * tokens..(local + 1) * tokens;
                for (row, current) in rows.clone().zip(currents.chunks_exact(d)) {
                    if !buffers.x.fire(row, neurons, (row - rows.start) * d, current, step) {
                        return Err(not_finite(encoder, 0, done + local as u32 + 1));
                    }
                }
                if let Some(spikes) = spikes.get_mut(local * populations) {
                    *spikes += buffers.x.fired(rows.clone());
                }
                if let Some(sent) = readout.run.sent.first_mut() {
                    add_rows(buffers.x.rows(rows.clone()), &mut sent.spikes, |s| u32::from(s != 0));
                }
                record.step(0, done + local as u32 + 1, buffers.x.rows(rows), &neurons.recorded);
            }
        }

        let mut threshold = encoder.embedding_threshold;
        let accumulated = self.simulation.dynamics == Dynamics::Accumulated;
        for (i, (layer, state)) in encoder.layers.iter().zip(&mut self.layers).enumerate() {
            // Tiles that work on more than keys and values.
            let asked = if self.answers_only && i + 1 == encoder.layers.len() { 1 } else { self.sizes.len() };
            let rest = || LayerState::new(encoder, layer, (&self.sizes, asked), accumulated);
            let LayerState { tiles, heads } = state.get_or_insert_with(rest);
            let pass = Pass { encoder, layer, population: 1 + 6 * i, threshold, done, steps, accumulated };
            let buffers = &mut self.buffers;
            pass.tiles(tiles, buffers, record, Part::BeforeAttention { asked })?;
            heads.par_iter_mut().enumerate().for_each(|(i, head)| pass.attend(head, i, buffers));
            pass.tiles(&mut tiles[..asked], buffers, record, Part::AfterAttention { heads })?;
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
            let row = local * self.sizes[0];
            for (sum, &s) in self.answer.iter_mut().zip(first.x.rows(row..row + 1)) {
                *sum = step.beta * *sum + f32::from(s);
            }
            readout.answer(&self.answer, threshold / step.weight);
        }
        Ok(())
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

/// What of a layer is worked on.
#[derive(Clone, Copy)]
enum Part<'a> {
    /// Keys and values, and queries of the first `asked` tiles.
    BeforeAttention { asked: usize },
    /// All that follows what the heads found.
    AfterAttention { heads: &'a [Head] },
}

impl Pass<'_> {
    /// Works on all of `tiles`.
    fn tiles<R: Record>(
        &self,
        tiles: &mut [Tile],
        buffers: &mut [Buffers],
        record: &mut R,
        part: Part<'_>,
    ) -> Result<()> {
        fn work<R: Record>(
            pass: &Pass<'_>,
            (i, tile, buffers): (usize, &mut Tile, &mut Buffers),
            record: &mut R,
            part: Part<'_>,
        ) -> Result<()> {
            match part {
                Part::BeforeAttention { asked } => {
                    pass.keys_and_values(tile, buffers, record)?;
                    if i < asked { pass.queries(tile, buffers) } else { Ok(()) }
                }
                Part::AfterAttention { heads } => pass.after_attention(tile, buffers, heads, record),
            }
        }
        if R::ON {
            let mut all = tiles.iter_mut().zip(buffers).enumerate();
            return all.try_for_each(|(i, (tile, buffers))| work(self, (i, tile, buffers), record, part));
        }
        let all = tiles.par_iter_mut().zip(buffers).enumerate();
        all.try_for_each(|(i, (tile, buffers))| work(self, (i, tile, buffers), &mut (), part))
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
