//! `phased` where the count identity holds: every population's whole window at once, as counts.
//!
//! This is what the engine runs. A *pack* is one or more sentences, one after another, without padding. Its tokens are divided
//! into *tiles*, one a thread; only attention looks beyond a tile, at the keys and values of the whole sentence, so that threads
//! meet once a layer. Each token is computed by itself: neither packs nor tiles change a bit of any result.
//!
//! An answer is read at `[CLS]`. Where nobody watches the counts, the last layer therefore computes keys and values of all
//! tokens, and everything else at each sentence's first token alone.

use std::ops::Range;

use rayon::prelude::*;

use super::not_finite;
use crate::arithmetic::{Attention, gelu, wide};
use crate::encoder::{Counted, Encoder, Norm, Projection};
use crate::error::{Error, Result};
use crate::forward::Operator;
use crate::kernels::{CountsRef, Kernels, pack_counts, padded};
use crate::neuron::{Equilibrium, NeuronConfig};

/// Most tokens whose feed-forward values are held at a time: they and the layer's weights fit a core's second-level cache.
const FEED_FORWARD_TOKENS: usize = 32;

/// Sees what happens in a tile: the counts of every population where [`Watch::COUNTS`], and the end of every operation.
pub(crate) trait Watch: Default + Send {
    /// Whether counts are to be shown.
    const COUNTS: bool;

    /// The counts `[rows, width]` of tokens `first..` of the pack.
    fn counts(&mut self, population: usize, first: usize, width: usize, counts: &[f32]);

    /// The tile begins to work.
    fn restart(&mut self) {}

    /// The tile worked on `operator` since the last call.
    fn lap(&mut self, _operator: Operator) {}
}

/// Watches nothing.
impl Watch for () {
    const COUNTS: bool = false;

    fn counts(&mut self, _: usize, _: usize, _: usize, _: &[f32]) {}
}

/// Counts of some tokens of one population as the kernels read them.
#[derive(Debug, Default)]
struct Counts {
    data: Vec<i8>,
    sums: Vec<i32>,
}

impl Counts {
    /// Takes over the counts `[tokens, width]`.
    fn pack(&mut self, kernels: Kernels, counts: &[f32], width: usize) {
        let tokens = counts.len() / width;
        self.data.resize(tokens * padded(width), 0);
        self.sums.resize(tokens, 0);
        pack_counts(kernels, counts, width, &mut self.data, &mut self.sums);
    }

    /// `map` of these counts.
    fn through(&self, map: &Projection, plain: &[f32], scale: f32, work: &mut Work, out: &mut Vec<f32>) {
        out.resize(self.sums.len() * map.rows(), 0.0);
        let packed = CountsRef { data: &self.data, sums: &self.sums };
        map.of_counts(work.kernels, Counted { packed, plain }, scale, &mut work.factors, out);
    }
}

/// Buffers of a tile, kept from pack to pack.
#[derive(Debug)]
struct Tile<W> {
    work: Work,
    /// Output counts of the layer below, plain and packed.
    x: Vec<f32>,
    x_counts: Counts,
    query: Vec<f32>,
    current: Vec<f32>,
    counts: Counts,
    attention: Vec<f32>,
    attention_counts: Counts,
    inner: Vec<f32>,
    inner_counts: Counts,
    attend: Attention,
    watch: W,
}

/// What a product needs besides its operands.
#[derive(Debug)]
struct Work {
    kernels: Kernels,
    factors: Vec<f32>,
}

impl<W: Watch> Tile<W> {
    fn new(kernels: Kernels) -> Self {
        Self {
            work: Work { kernels, factors: Vec::new() },
            x: Vec::new(),
            x_counts: Counts::default(),
            query: Vec::new(),
            current: Vec::new(),
            counts: Counts::default(),
            attention: Vec::new(),
            attention_counts: Counts::default(),
            inner: Vec::new(),
            inner_counts: Counts::default(),
            attend: Attention::default(),
            watch: W::default(),
        }
    }
}

/// Memory of [`run`], kept from call to call: once it has grown to the longest pack nothing is allocated any more.
#[derive(Debug)]
pub(crate) struct Workspace<W = ()> {
    tiles: Vec<Tile<W>>,
    /// Keys and values of the whole pack, of this layer and of the next.
    keys: [Vec<f32>; 2],
    values: [Vec<f32>; 2],
}

impl<W> Default for Workspace<W> {
    fn default() -> Self {
        Self { tiles: Vec::new(), keys: Default::default(), values: Default::default() }
    }
}

impl<W: Watch> Workspace<W> {
    /// Tells every watch that work begins.
    pub(crate) fn restart(&mut self) {
        self.tiles.iter_mut().for_each(|tile| tile.watch.restart());
    }

    /// What was watched, tile by tile; the watches start anew.
    pub(crate) fn take_watches(&mut self) -> Vec<W> {
        self.tiles.iter_mut().map(|tile| std::mem::take(&mut tile.watch)).collect()
    }
}

/// A pack: the currents of the embedding population `[M, D]` and the lengths of its sentences.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pack<'a> {
    pub(crate) embedded: &'a [f32],
    pub(crate) lengths: &'a [usize],
}

/// Runs a pack on `threads` tiles and hands the counts of the last layer at each sentence's `[CLS]`, `[D]`, and their scale to
/// `answer`, in the order of the sentences.
///
/// # Errors
/// If a current is not finite.
pub(crate) fn run<W: Watch>(
    encoder: &Encoder,
    time_steps: u32,
    pack: Pack<'_>,
    threads: usize,
    workspace: &mut Workspace<W>,
    mut answer: impl FnMut(&[f32], f32),
) -> Result<()> {
    let d = encoder.config.hidden;
    let tokens = pack.embedded.len() / d;
    let neurons = Neurons { time_steps, signed: encoder.config.signed };
    let per_tile = tokens.div_ceil(threads.clamp(1, tokens.max(1)));
    let tiles = tokens.div_ceil(per_tile.max(1));
    let Workspace { tiles: memory, keys, values } = workspace;
    while memory.len() < tiles {
        memory.push(Tile::new(encoder.kernels));
    }
    let memory = &mut memory[..tiles];
    for buffer in keys.iter_mut().chain(values.iter_mut()) {
        buffer.resize(tokens * d, 0.0);
    }
    let ([keys, next_keys], [values, next_values]) = (keys, values);
    let (mut here, mut next) = ((keys, values), (next_keys, next_values));
    let rows = |tile: usize| tile * per_tile..tokens.min((tile + 1) * per_tile);
    let run = Run { encoder, neurons, pack };
    on_all(memory, (next.0, next.1), per_tile * d, |i, tile, kv| run.embed(tile, rows(i), kv))?;
    for layer in 0..encoder.layers.len() {
        std::mem::swap(&mut here, &mut next);
        let (keys, values) = (here.0.as_slice(), here.1.as_slice());
        on_all(memory, (next.0, next.1), per_tile * d, |i, tile, kv| {
            run.layer(layer, tile, rows(i), (keys, values), kv)
        })?;
    }
    let scale = neurons.scale(encoder.layers.last().map_or(encoder.embedding_threshold, |layer| layer.thresholds[5]));
    for (i, tile) in memory.iter().enumerate() {
        let rows = rows(i);
        // As many rows as the tile has sentences that begin in it, or all.
        let narrow = run.answers_only::<W>(encoder.layers.len());
        for (number, start) in run.starts(&rows).enumerate() {
            let row = if narrow { number } else { start - rows.start };
            answer(&tile.x[row * d..][..d], scale);
        }
    }
    Ok(())
}

/// Calls `f` with every tile and its part of keys and values, on as many threads as there are tiles.
fn on_all<W: Watch>(
    tiles: &mut [Tile<W>],
    (keys, values): (&mut [f32], &mut [f32]),
    size: usize,
    f: impl Fn(usize, &mut Tile<W>, (&mut [f32], &mut [f32])) -> Result<()> + Sync,
) -> Result<()> {
    match tiles {
        [] => Ok(()),
        [one] => f(0, one, (keys, values)),
        _ => {
            let parts = keys.par_chunks_mut(size).zip(values.par_chunks_mut(size));
            tiles.par_iter_mut().zip(parts).enumerate().try_for_each(|(i, (tile, kv))| f(i, tile, kv))
        }
    }
}

/// The neurons of a model but their thresholds.
#[derive(Debug, Clone, Copy)]
struct Neurons {
    time_steps: u32,
    signed: bool,
}

impl Neurons {
    fn at(self, theta: f32) -> Result<Equilibrium> {
        Equilibrium::new(NeuronConfig { time_steps: self.time_steps, signed: self.signed, theta })
    }

    /// `theta/T`
    fn scale(self, theta: f32) -> f32 {
        theta / self.time_steps as f32
    }
}

/// Replaces currents by counts; false if one was not finite.
#[inline(always)]
fn fire(neuron: &Equilibrium, row: &mut [f32]) -> bool {
    let mut worst = 0;
    for x in row.iter_mut() {
        worst = worst.max(x.to_bits() & 0x7fff_ffff);
        *x = neuron.count_as_float(*x);
    }
    worst < f32::INFINITY.to_bits()
}

struct Run<'a> {
    encoder: &'a Encoder,
    neurons: Neurons,
    pack: Pack<'a>,
}

impl Run<'_> {
    /// Whether layer number `count`, counted from 1, is computed at each sentence's `[CLS]` alone: the last, if unwatched.
    fn answers_only<W: Watch>(&self, count: usize) -> bool {
        !W::COUNTS && count > 0 && count == self.encoder.layers.len()
    }

    /// The first tokens of the sentences that begin among the tokens `rows` of the pack.
    fn starts(&self, rows: &Range<usize>) -> impl Iterator<Item = usize> {
        let Range { start, end } = *rows;
        let starts = self.pack.lengths.iter().scan(0, |next, &length| Some(std::mem::replace(next, *next + length)));
        starts.skip_while(move |&token| token < start).take_while(move |&token| token < end)
    }

    /// The embedding population, and queries, keys and values of the first layer.
    fn embed<W: Watch>(&self, tile: &mut Tile<W>, rows: Range<usize>, next: (&mut [f32], &mut [f32])) -> Result<()> {
        let d = self.encoder.config.hidden;
        let neuron = self.neurons.at(self.encoder.embedding_threshold)?;
        tile.x.clear();
        tile.x.extend_from_slice(&self.pack.embedded[rows.start * d..rows.end * d]);
        self.fire(&neuron, &mut tile.x, 0)?;
        self.finish(None, tile, rows, next)
    }

    /// Layer `index` from its keys and values on, and queries, keys and values of the next.
    fn layer<W: Watch>(
        &self,
        index: usize,
        tile: &mut Tile<W>,
        rows: Range<usize>,
        kv: (&[f32], &[f32]),
        next: (&mut [f32], &mut [f32]),
    ) -> Result<()> {
        let config = &self.encoder.config;
        let (d, f, epsilon) = (config.hidden, config.intermediate, config.layer_norm_eps);
        let layer = &self.encoder.layers[index];
        let [key, value, context, attention, inner, out] = layer.thresholds;
        let scale = |theta| self.neurons.scale(theta);
        let x_scale = scale(self.threshold_below(index));
        let population = |kind: usize| 1 + 6 * index + kind;
        let count = tile.x.len() / d;

        tile.current.resize(count * d, 0.0);
        self.attend(index, tile, rows.clone(), kv, (scale(key), scale(value)));
        tile.watch.lap(Operator::Attention);
        self.fire(&self.neurons.at(context)?, &mut tile.current, population(2))?;
        if W::COUNTS {
            tile.watch.counts(population(2), rows.start, d, &tile.current);
        }
        tile.counts.pack(tile.work.kernels, &tile.current, d);
        tile.watch.lap(Operator::Neurons);

        let map = &layer.attention_output;
        tile.counts.through(map, &tile.current, scale(context), &mut tile.work, &mut tile.attention);
        tile.watch.lap(Operator::Products);
        let neuron = self.neurons.at(attention)?;
        let residual = (tile.x.as_slice(), x_scale);
        self.norm_and_fire(&mut tile.attention, residual, &layer.attention_norm, epsilon, &neuron, population(3))?;
        tile.watch.lap(Operator::Norms);
        if W::COUNTS {
            tile.watch.counts(population(3), rows.start, d, &tile.attention);
        }

        let neuron = self.neurons.at(inner)?;
        let parts = count.div_ceil(FEED_FORWARD_TOKENS).max(1);
        let per_part = count.div_ceil(parts).max(1);
        for first in (0..count).step_by(per_part) {
            let part = first..count.min(first + per_part);
            let attended = &tile.attention[part.start * d..part.end * d];
            tile.attention_counts.pack(tile.work.kernels, attended, d);
            tile.watch.lap(Operator::Neurons);
            tile.attention_counts.through(
                &layer.intermediate,
                attended,
                scale(attention),
                &mut tile.work,
                &mut tile.inner,
            );
            tile.watch.lap(Operator::Products);
            self.gelu_and_fire(&mut tile.inner, &neuron, population(4))?;
            tile.watch.lap(Operator::Gelu);
            if W::COUNTS {
                tile.watch.counts(population(4), rows.start + part.start, f, &tile.inner);
            }
            tile.inner_counts.pack(tile.work.kernels, &tile.inner, f);
            tile.watch.lap(Operator::Neurons);
            tile.inner_counts.through(&layer.output, &tile.inner, scale(inner), &mut tile.work, &mut tile.current);
            tile.x[part.start * d..part.end * d].copy_from_slice(&tile.current[..part.len() * d]);
            tile.watch.lap(Operator::Products);
        }
        let residual = (tile.attention.as_slice(), scale(attention));
        self.norm_and_fire(&mut tile.x, residual, &layer.output_norm, epsilon, &self.neurons.at(out)?, population(5))?;
        tile.watch.lap(Operator::Norms);
        self.finish(Some(index), tile, rows, next)
    }

    /// The threshold of the population that layer `index` reads.
    fn threshold_below(&self, index: usize) -> f32 {
        match index.checked_sub(1) {
            Some(below) => self.encoder.layers[below].thresholds[5],
            None => self.encoder.embedding_threshold,
        }
    }

    /// Shows the output of layer `done` (or of the embedding), and computes what the next layer needs of it.
    fn finish<W: Watch>(
        &self,
        done: Option<usize>,
        tile: &mut Tile<W>,
        rows: Range<usize>,
        (keys, values): (&mut [f32], &mut [f32]),
    ) -> Result<()> {
        let d = self.encoder.config.hidden;
        let index = done.map_or(0, |done| done + 1);
        if W::COUNTS {
            tile.watch.counts(6 * index, rows.start, d, &tile.x);
        }
        let Some(layer) = self.encoder.layers.get(index) else { return Ok(()) };
        tile.x_counts.pack(tile.work.kernels, &tile.x, d);
        tile.watch.lap(Operator::Neurons);
        let scale = self.neurons.scale(self.threshold_below(index));
        for (kind, map, out) in [(0, &layer.key, keys), (1, &layer.value, values)] {
            tile.x_counts.through(map, &tile.x, scale, &mut tile.work, &mut tile.current);
            tile.watch.lap(Operator::Products);
            let population = 1 + 6 * index + kind;
            self.fire(&self.neurons.at(layer.thresholds[kind])?, &mut tile.current, population)?;
            if W::COUNTS {
                tile.watch.counts(population, rows.start, d, &tile.current);
            }
            out.copy_from_slice(&tile.current);
            tile.watch.lap(Operator::Neurons);
        }
        if self.answers_only::<W>(index + 1) {
            let mut kept = 0;
            for token in self.starts(&rows) {
                let row = token - rows.start;
                tile.x.copy_within(row * d..(row + 1) * d, kept);
                kept += d;
            }
            tile.x.truncate(kept);
            tile.x_counts.pack(tile.work.kernels, &tile.x, d);
            tile.watch.lap(Operator::Neurons);
        }
        tile.x_counts.through(&layer.query, &tile.x, scale, &mut tile.work, &mut tile.query);
        tile.watch.lap(Operator::Products);
        Ok(())
    }

    /// Attention of the tile's queries in layer `index` over the keys and values of their sentences.
    fn attend<W: Watch>(
        &self,
        index: usize,
        tile: &mut Tile<W>,
        rows: Range<usize>,
        (keys, values): (&[f32], &[f32]),
        scales: (f32, f32),
    ) {
        let (d, heads) = (self.encoder.config.hidden, self.encoder.config.heads);
        let Tile { query, current, attend, .. } = tile;
        let narrow = self.answers_only::<W>(index + 1);
        let (mut first, mut done) = (0, 0);
        for &length in self.pack.lengths {
            let sentence = first..first + length;
            first = sentence.end;
            let asked = if narrow { sentence.start..sentence.start + 1 } else { sentence.clone() };
            let count = asked.end.min(rows.end).saturating_sub(asked.start.max(rows.start));
            if count > 0 {
                let mine = done * d..(done + count) * d;
                done += count;
                let whole = sentence.start * d..sentence.end * d;
                let inputs = (&query[mine.clone()], &keys[whole.clone()], &values[whole]);
                attend.attend(inputs, scales, (d, heads), &mut current[mine]);
            }
        }
    }

    fn fire(&self, neuron: &Equilibrium, currents: &mut [f32], population: usize) -> Result<()> {
        let finite = wide(
            #[inline(always)]
            || fire(neuron, currents),
        );
        self.checked(finite, population)
    }

    fn gelu_and_fire(&self, currents: &mut [f32], neuron: &Equilibrium, population: usize) -> Result<()> {
        let finite = wide(
            #[inline(always)]
            || {
                currents.iter_mut().for_each(|x| *x = gelu(*x));
                fire(neuron, currents)
            },
        );
        self.checked(finite, population)
    }

    /// `x <- N(LN(x + scale * residual))`
    fn norm_and_fire(
        &self,
        x: &mut [f32],
        (residual, scale): (&[f32], f32),
        norm: &Norm,
        epsilon: f32,
        neuron: &Equilibrium,
        population: usize,
    ) -> Result<()> {
        let width = norm.gain.len();
        let finite = wide(
            #[inline(always)]
            || {
                let mut finite = true;
                for (x, residual) in x.chunks_exact_mut(width).zip(residual.chunks_exact(width)) {
                    norm.apply(x, (residual, scale), epsilon);
                    finite &= fire(neuron, x);
                }
                finite
            },
        );
        self.checked(finite, population)
    }

    fn checked(&self, finite: bool, population: usize) -> Result<(), Error> {
        if finite { Ok(()) } else { Err(not_finite(self.encoder, population, 1)) }
    }
}
