//! The memory of a pass: what each tile of tokens works on, and the keys and values of the whole pack.

use std::ops::Range;

use crate::arithmetic::{Attention, Scaled};
use crate::encoder::{Counted, Encoder, Projection};
use crate::error::Result;
use crate::forward::watch::Watch;
use crate::kernels::{CountsRef, Kernels, pack_counts, padded};
use crate::parallel;

/// Counts of some tokens of one population as the kernels read them.
#[derive(Debug, Default)]
pub(super) struct Counts {
    data: Vec<i8>,
    sums: Vec<i32>,
}

/// What a product needs besides its operands.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) kernels: Kernels,
    factors: Vec<f32>,
}

impl Counts {
    /// Takes over the counts `[tokens, width]`.
    pub(super) fn pack(&mut self, kernels: Kernels, counts: &[f32], width: usize) {
        let tokens = counts.len() / width;
        self.data.resize(tokens * padded(width), 0);
        self.sums.resize(tokens, 0);
        pack_counts(kernels, counts, width, &mut self.data, &mut self.sums);
    }

    /// `map` of these counts, which are given as they were packed, with what each stands for.
    pub(super) fn through(&self, map: &Projection, plain: Scaled<'_>, work: &mut Work, out: &mut Vec<f32>) {
        out.resize(self.sums.len() * map.rows(), 0.0);
        let packed = CountsRef { data: &self.data, sums: &self.sums };
        let counted = Counted { packed, plain: plain.values };
        map.of_counts(work.kernels, counted, plain.scale, &mut work.factors, out);
    }
}

/// Buffers of a tile, kept from pack to pack.
#[derive(Debug)]
pub(super) struct Tile<W> {
    /// Which tokens of the pack.
    pub(super) rows: Range<usize>,
    pub(super) work: Work,
    /// Output counts of the layer below, plain and packed.
    pub(super) x: Vec<f32>,
    pub(super) x_counts: Counts,
    pub(super) query: Vec<f32>,
    /// Of contexts, then of parts of `attention`.
    pub(super) counts: Counts,
    pub(super) current: Vec<f32>,
    pub(super) attention: Vec<f32>,
    pub(super) inner: Vec<f32>,
    pub(super) inner_counts: Counts,
    pub(super) attend: Attention,
    pub(super) watch: W,
}

/// Keys and values, or memory for them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeysValues<T> {
    pub(super) keys: T,
    pub(super) values: T,
}

/// Memory of a pass, kept from pack to pack: once it has grown to the longest pack nothing is allocated any more but lists of
/// tiles.
#[derive(Debug)]
pub(crate) struct Workspace<W = ()> {
    tiles: Vec<Tile<W>>,
    /// What a watch starts as.
    fresh: W,
    /// Tiles in use, and tokens of each but the last.
    used: usize,
    per_tile: usize,
    width: usize,
    /// Keys and values of the whole pack, of this layer and of the next.
    here: KeysValues<Vec<f32>>,
    next: KeysValues<Vec<f32>>,
}

impl<W: Watch> Default for Workspace<W> {
    fn default() -> Self {
        Self::watched_by(W::default())
    }
}

impl<W: Watch> Workspace<W> {
    /// A workspace each of whose tiles is watched by one such as `fresh`.
    pub(crate) fn watched_by(fresh: W) -> Self {
        let (here, next) = Default::default();
        Self { tiles: Vec::new(), fresh, used: 0, per_tile: 0, width: 0, here, next }
    }

    /// Tells every watch that work begins.
    pub(crate) fn restart(&mut self) {
        self.tiles.iter_mut().for_each(|tile| tile.watch.restart());
    }

    /// What was watched, tile by tile; the watches start anew.
    pub(crate) fn take_watches(&mut self) -> Vec<W> {
        self.tiles.iter_mut().map(|tile| std::mem::replace(&mut tile.watch, self.fresh.clone())).collect()
    }

    /// Divides `tokens` tokens into tiles, at most `threads` of them.
    pub(super) fn divide(&mut self, encoder: &Encoder, tokens: usize, threads: usize) {
        self.width = encoder.config.hidden;
        self.per_tile = tokens.div_ceil(threads.clamp(1, tokens.max(1))).max(1);
        self.used = tokens.div_ceil(self.per_tile);
        while self.tiles.len() < self.used {
            self.tiles.push(Tile {
                rows: 0..0,
                work: Work { kernels: encoder.kernels, factors: Vec::new() },
                x: Vec::new(),
                x_counts: Counts::default(),
                query: Vec::new(),
                current: Vec::new(),
                counts: Counts::default(),
                attention: Vec::new(),
                inner: Vec::new(),
                inner_counts: Counts::default(),
                attend: Attention::default(),
                watch: self.fresh.clone(),
            });
        }
        for (i, tile) in self.tiles.iter_mut().enumerate() {
            tile.rows = i * self.per_tile..tokens.min((i + 1) * self.per_tile);
        }
        for values in [&mut self.here, &mut self.next] {
            values.keys.resize(tokens * self.width, 0.0);
            values.values.resize(tokens * self.width, 0.0);
        }
    }

    /// The tiles in use.
    pub(super) fn tiles(&self) -> &[Tile<W>] {
        &self.tiles[..self.used]
    }

    /// What was computed for the next layer is now read.
    pub(super) fn rise(&mut self) {
        std::mem::swap(&mut self.here, &mut self.next);
    }

    /// Calls `f` with every tile, the keys and values of this layer, and the tile's part of those of the next, on as many
    /// threads as there are tiles.
    pub(super) fn each(
        &mut self,
        f: impl Fn(&mut Tile<W>, KeysValues<&[f32]>, KeysValues<&mut [f32]>) -> Result<()> + Send + Sync,
    ) -> Result<()> {
        let here = KeysValues { keys: self.here.keys.as_slice(), values: self.here.values.as_slice() };
        let size = self.per_tile * self.width;
        let parts = self.next.keys.chunks_mut(size).zip(self.next.values.chunks_mut(size));
        let tiles = self.tiles[..self.used].iter_mut().zip(parts).collect();
        let run = |(tile, (keys, values)): (&mut Tile<W>, _)| f(tile, here, KeysValues { keys, values });
        parallel::map(tiles, 1, run).into_iter().collect()
    }
}
