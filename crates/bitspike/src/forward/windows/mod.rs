//! `phased` where the count identity holds: every population's whole window at once, as counts.
//!
//! This is what the engine runs. A *pack* is one or more sentences, one after another, without padding. Its tokens are divided
//! into *tiles*, one a thread; only attention looks beyond a tile, at the keys and values of the whole sentence, so that threads
//! meet once a layer. Each token is computed by itself: neither packs nor tiles change a bit of any result.
//!
//! A classifier reads `[CLS]`. Where nobody watches the counts, the last layer therefore computes keys and values of all
//! tokens, and everything else at each sentence's first token alone. A vector is read of all tokens.
//!
//! Populations are numbered in the order of computation: 0 is the embedding's, `1 + 6 l + k` is of kind `k` in layer `l`, so that
//! `6 l` is the one which layer `l` reads.

mod tile;

use std::ops::Range;

use self::tile::{KeysValues, Tile};
use super::Sentences;
use super::timing::Operator;
use super::watch::Watch;
use crate::arithmetic::{AttentionInputs, Scaled, gelu, vectorised};
use crate::encoder::{Encoder, Norm};
use crate::error::Result;
use crate::neuron::{Equilibrium, NeuronConfig};

pub(crate) use self::tile::Workspace;

/// Most tokens whose feed-forward values are held at a time: they and the layer's weights fit a core's second-level cache.
const FEED_FORWARD_TOKENS: usize = 32;

/// A pack on its way through an encoder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows<'a> {
    pub(crate) encoder: &'a Encoder,
    /// `T`
    pub(crate) time_steps: u32,
    pub(crate) pack: Sentences<'a>,
}

impl Windows<'_> {
    /// Runs the pack in up to `threads` tiles and hands the counts of the last layer at each sentence's `[CLS]`, `[D]`, or what
    /// they are pooled to, to `answer`, in the order of the sentences.
    ///
    /// # Errors
    /// If a current is not finite.
    pub(crate) fn run<W: Watch>(
        &self,
        threads: usize,
        workspace: &mut Workspace<W>,
        mut answer: impl FnMut(Scaled<'_>),
    ) -> Result<()> {
        let (d, layers) = (self.encoder.config.hidden, self.encoder.layers.len());
        workspace.divide(self.encoder, self.pack.currents.len() / d, threads);
        workspace.each(|tile, _, next| self.embed(tile, next))?;
        for index in 0..layers {
            workspace.rise();
            workspace.each(|tile, here, next| self.layer(index, tile, here, next))?;
        }
        if !self.encoder.readout.reads_first() {
            let mut pool = self.encoder.readout.pool(d);
            let mut rows = workspace.tiles().iter().flat_map(|tile| tile.x.chunks_exact(d));
            for &length in self.pack.lengths {
                rows.by_ref().take(length).for_each(|row| pool.add(row));
                answer(self.scaled(6 * layers, pool.finish()));
            }
            return Ok(());
        }
        for tile in workspace.tiles() {
            for (number, start) in self.starts(&tile.rows).enumerate() {
                let row = if W::COUNTS { start - tile.rows.start } else { number };
                answer(self.scaled(6 * layers, &tile.x[row * d..][..d]));
            }
        }
        Ok(())
    }

    /// The embedding population, and queries, keys and values of the first layer.
    fn embed<W: Watch>(&self, tile: &mut Tile<W>, next: KeysValues<&mut [f32]>) -> Result<()> {
        let d = self.encoder.config.hidden;
        tile.x.clear();
        tile.x.extend_from_slice(&self.pack.currents[tile.rows.start * d..tile.rows.end * d]);
        self.fire(0, &mut tile.x, &mut tile.watch)?;
        self.prepare(0, tile, next)
    }

    /// Layer `index` from its queries, keys and values on, and queries, keys and values of the next.
    fn layer<W: Watch>(
        &self,
        index: usize,
        tile: &mut Tile<W>,
        here: KeysValues<&[f32]>,
        next: KeysValues<&mut [f32]>,
    ) -> Result<()> {
        self.context(index, tile, here)?;
        self.attention_output(index, tile)?;
        self.feed_forward(index, tile)?;
        if index + 1 < self.encoder.layers.len() { self.prepare(index + 1, tile, next) } else { Ok(()) }
    }

    /// The contexts of layer `index`: attention of the tile's queries over the keys and values of their sentences.
    fn context<W: Watch>(&self, index: usize, tile: &mut Tile<W>, here: KeysValues<&[f32]>) -> Result<()> {
        let (width, heads) = (self.encoder.config.hidden, self.encoder.config.heads);
        let Tile { rows, query, current, attend, .. } = tile;
        current.resize(query.len(), 0.0);
        let (mut first, mut done) = (0, 0);
        for &length in self.pack.lengths {
            let sentence = first..first + length;
            first = sentence.end;
            let asked = if self.is_narrow::<W>(index) { sentence.start..sentence.start + 1 } else { sentence.clone() };
            let count = asked.end.min(rows.end).saturating_sub(asked.start.max(rows.start));
            if count > 0 {
                let mine = done * width..(done + count) * width;
                done += count;
                let whole = sentence.start * width..sentence.end * width;
                let key = self.scaled(1 + 6 * index, &here.keys[whole.clone()]);
                let value = self.scaled(2 + 6 * index, &here.values[whole]);
                let query = &query[mine.clone()];
                let relative = self.encoder.relative(0, asked.start.max(rows.start) - sentence.start);
                let inputs = AttentionInputs { query, key, value, width, heads, relative };
                attend.attend(inputs, &mut current[mine]);
            }
        }
        tile.watch.lap(Operator::Attention);
        self.fire(3 + 6 * index, &mut tile.current, &mut tile.watch)?;
        tile.counts.pack(tile.work.kernels, &tile.current, width);
        tile.watch.lap(Operator::Neurons);
        Ok(())
    }

    /// `attention = N(LN(W context + b + x))`
    fn attention_output<W: Watch>(&self, index: usize, tile: &mut Tile<W>) -> Result<()> {
        let layer = &self.encoder.layers[index];
        let context = self.scaled(3 + 6 * index, &tile.current);
        tile.counts.through(&layer.attention_output, context, &mut tile.work, &mut tile.attention);
        tile.watch.lap(Operator::Products);
        let x = self.scaled(6 * index, &tile.x);
        self.norm_and_fire(4 + 6 * index, &mut tile.attention, x, &layer.attention_norm, &mut tile.watch)?;
        tile.watch.lap(Operator::Norms);
        Ok(())
    }

    /// `x = N(LN(W N(gelu(W attention + b)) + b + attention))`, a few tokens at a time.
    fn feed_forward<W: Watch>(&self, index: usize, tile: &mut Tile<W>) -> Result<()> {
        let (d, f) = (self.encoder.config.hidden, self.encoder.config.intermediate);
        let layer = &self.encoder.layers[index];
        let (attention, inner) = (4 + 6 * index, 5 + 6 * index);
        let count = tile.x.len() / d;
        let parts = count.div_ceil(FEED_FORWARD_TOKENS).max(1);
        let per_part = count.div_ceil(parts).max(1);
        for first in (0..count).step_by(per_part) {
            let part = first * d..count.min(first + per_part) * d;
            let attended = &tile.attention[part.clone()];
            tile.counts.pack(tile.work.kernels, attended, d);
            tile.watch.lap(Operator::Neurons);
            let attended = self.scaled(attention, attended);
            tile.counts.through(&layer.intermediate, attended, &mut tile.work, &mut tile.inner);
            tile.watch.lap(Operator::Products);
            self.gelu_and_fire(inner, &mut tile.inner, &mut tile.watch)?;
            tile.watch.lap(Operator::Gelu);
            tile.inner_counts.pack(tile.work.kernels, &tile.inner, f);
            tile.watch.lap(Operator::Neurons);
            let spikes = self.scaled(inner, &tile.inner);
            tile.inner_counts.through(&layer.output, spikes, &mut tile.work, &mut tile.current);
            tile.x[part].copy_from_slice(&tile.current);
            tile.watch.lap(Operator::Products);
        }
        let residual = self.scaled(attention, &tile.attention);
        self.norm_and_fire(6 + 6 * index, &mut tile.x, residual, &layer.output_norm, &mut tile.watch)?;
        tile.watch.lap(Operator::Norms);
        Ok(())
    }

    /// Keys, values and queries of layer `index`, of the counts that the tile holds of the population below.
    fn prepare<W: Watch>(&self, index: usize, tile: &mut Tile<W>, next: KeysValues<&mut [f32]>) -> Result<()> {
        let (layer, d) = (&self.encoder.layers[index], self.encoder.config.hidden);
        let x = 6 * index;
        tile.x_counts.pack(tile.work.kernels, &tile.x, d);
        tile.watch.lap(Operator::Neurons);
        for (population, map, out) in [(x + 1, &layer.key, next.keys), (x + 2, &layer.value, next.values)] {
            tile.x_counts.through(map, self.scaled(x, &tile.x), &mut tile.work, &mut tile.current);
            tile.watch.lap(Operator::Products);
            self.fire(population, &mut tile.current, &mut tile.watch)?;
            out.copy_from_slice(&tile.current);
            tile.watch.lap(Operator::Neurons);
        }
        if self.is_narrow::<W>(index) {
            let mut kept = 0;
            for token in self.starts(&tile.rows) {
                let row = (token - tile.rows.start) * d;
                tile.x.copy_within(row..row + d, kept);
                kept += d;
            }
            tile.x.truncate(kept);
            tile.x_counts.pack(tile.work.kernels, &tile.x, d);
            tile.watch.lap(Operator::Neurons);
        }
        tile.x_counts.through(&layer.query, self.scaled(x, &tile.x), &mut tile.work, &mut tile.query);
        tile.watch.lap(Operator::Products);
        Ok(())
    }

    /// Whether layer `index` is computed at each sentence's `[CLS]` alone: the last, if unwatched and nothing else is read.
    fn is_narrow<W: Watch>(&self, index: usize) -> bool {
        !W::COUNTS && index + 1 == self.encoder.layers.len() && self.encoder.readout.reads_first()
    }

    /// The first tokens of the sentences that begin among the tokens `rows` of the pack.
    fn starts(&self, rows: &Range<usize>) -> impl Iterator<Item = usize> {
        let Range { start, end } = *rows;
        let starts = self.pack.lengths.iter().scan(0, |next, &length| Some(std::mem::replace(next, *next + length)));
        starts.skip_while(move |&token| token < start).take_while(move |&token| token < end)
    }

    fn threshold(&self, population: usize) -> f32 {
        match population.checked_sub(1) {
            Some(number) => self.encoder.layers[number / 6].thresholds[number % 6],
            None => self.encoder.embedding_threshold,
        }
    }

    /// Counts of a population, each of which stands for `theta/T`.
    fn scaled<'c>(&self, population: usize, values: &'c [f32]) -> Scaled<'c> {
        Scaled { values, scale: self.threshold(population) / self.time_steps as f32 }
    }

    /// `x <- N(x)`
    fn fire<W: Watch>(&self, population: usize, x: &mut [f32], watch: &mut W) -> Result<()> {
        self.fire_after(population, x, watch, counts)
    }

    /// `x <- N(gelu(x))`
    fn gelu_and_fire<W: Watch>(&self, population: usize, x: &mut [f32], watch: &mut W) -> Result<()> {
        let compared = self.encoder.layers[(population - 1) / 6].gelu.as_ref();
        let compared = compared.filter(|_| self.time_steps == self.encoder.config.time_steps);
        self.fire_after(
            population,
            x,
            watch,
            #[inline(always)]
            |neuron, x| match compared {
                Some(compared) => {
                    let finite =
                        x.iter().fold(0, |worst, x| (x.to_bits() & 0x7fff_ffff).max(worst)) < f32::INFINITY.to_bits();
                    compared.count(x);
                    finite
                }
                None => {
                    x.iter_mut().for_each(|x| *x = gelu(*x));
                    counts(neuron, x)
                }
            },
        )
    }

    /// `x <- N(LN(x + residual))`
    fn norm_and_fire<W: Watch>(
        &self,
        population: usize,
        x: &mut [f32],
        residual: Scaled<'_>,
        norm: &Norm,
        watch: &mut W,
    ) -> Result<()> {
        self.fire_after(
            population,
            x,
            watch,
            #[inline(always)]
            |neuron, x| {
                let mut finite = true;
                for (x, values) in x.chunks_exact_mut(norm.width()).zip(residual.values.chunks_exact(norm.width())) {
                    norm.row(x, Scaled { values, ..residual });
                    finite &= counts(neuron, x);
                }
                finite
            },
        )
    }

    /// Replaces values by counts of `population` as `f` says, which tells whether all currents were finite, and shows them.
    #[inline(always)]
    fn fire_after<W: Watch>(
        &self,
        population: usize,
        x: &mut [f32],
        watch: &mut W,
        f: impl FnOnce(&Equilibrium, &mut [f32]) -> bool,
    ) -> Result<()> {
        let (levels, time_steps, signed) = (self.encoder.config.code, self.time_steps, self.encoder.config.signed);
        let neuron = Equilibrium::new(NeuronConfig { levels, time_steps, signed, theta: self.threshold(population) })?;
        let finite = vectorised!(|| f(&neuron, x));
        if !finite {
            return Err(self.encoder.not_finite(population, 1));
        }
        if W::COUNTS {
            let config = &self.encoder.config;
            let width = if population % 6 == 5 { config.intermediate } else { config.hidden };
            watch.counts(population, width, x);
        }
        Ok(())
    }
}

/// Replaces currents by counts; false if one was not finite.
#[inline(always)]
fn counts(neuron: &Equilibrium, row: &mut [f32]) -> bool {
    let mut worst = 0;
    for x in row.iter_mut() {
        worst = worst.max(x.to_bits() & 0x7fff_ffff);
        *x = neuron.count_as_float(*x);
    }
    worst < f32::INFINITY.to_bits()
}
