//! What a layer keeps, and the order of its work.

use super::buffers::Buffers;
use super::heads::Head;
use super::pass::Pass;
use super::tile::Tile;
use crate::error::Result;
use crate::forward::Record;
use crate::parallel;

/// What a layer keeps from chunk to chunk.
pub(super) struct LayerState {
    pub(super) tiles: Vec<Tile>,
    heads: Vec<Head>,
}

impl LayerState {
    /// At rest; tiles of `sizes` tokens, of which the first `asked` ask.
    pub(super) fn new(pass: &Pass<'_>, sizes: &[usize], asked: usize) -> Self {
        let config = &pass.encoder.config;
        let (length, queries) = (sizes.iter().sum(), sizes[..asked].iter().sum());
        let tokens = sizes.iter().scan(0, |next, &size| {
            *next += size;
            Some(*next - size..*next)
        });
        Self {
            tiles: tokens.map(|tokens| Tile::new(pass, tokens)).collect(),
            heads: (0..config.heads).map(|_| Head::new(length, queries, config.hidden / config.heads)).collect(),
        }
    }

    /// Takes the chunk of steps, all of them at the first `asked` tiles and of the others keys and values.
    pub(super) fn chunk<R: Record>(
        &mut self,
        pass: &Pass<'_>,
        buffers: &mut [Buffers],
        asked: usize,
        record: &mut R,
    ) -> Result<()> {
        let Self { tiles, heads } = self;
        pass.tiles(tiles, buffers, record, Part::BeforeAttention { asked })?;
        let attend = |(i, head): (usize, &mut Head)| pass.attend(head, i, buffers);
        parallel::map(heads.iter_mut().enumerate().collect(), 1, attend);
        pass.tiles(&mut tiles[..asked], buffers, record, Part::AfterAttention { heads })
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
        let all = tiles.iter_mut().zip(buffers).enumerate().collect();
        let run =
            |(i, (tile, buffers)): (usize, (&mut Tile, &mut Buffers))| work(self, (i, tile, buffers), &mut (), part);
        parallel::map(all, 1, run).into_iter().collect()
    }
}
