//! `accumulated` and `instantaneous`: every population fires at every step.
//!
//! A step runs through all layers without delay and nothing comes back from above, so that the order of work is free: population
//! after population takes a whole chunk of steps. What must know the whole sentence, attention, works head by head
//! ([`heads`]); everything else tile by tile, a tile being a few tokens ([`tile`]). State and spikes of a tile, or of a head,
//! then stay in a core's second-level cache, each weight is fetched once for many steps, and threads meet twice a layer. Where
//! answers alone are asked for of a classifier, `[CLS]` is a tile of its own, the only one of which the last layer computes more than keys and
//! values.

mod buffers;
mod heads;
mod layer;
mod pass;
mod sentence;
mod tile;

use self::pass::Chunk;
use self::sentence::{CHUNK, Sentence, Tiles};
use super::neurons::Step;
use super::readout::Readout;
use super::{Record, Sent, SentenceRun, Simulation, Wanted};
use crate::encoder::Encoder;
use crate::error::Result;

/// Most tokens of a tile.
const TILE: usize = 8;

/// Runs one sentence.
pub(super) fn run<R: Record>(
    encoder: &Encoder,
    currents: &[f32],
    simulation: &Simulation,
    wanted: Wanted<'_>,
    record: &mut R,
) -> Result<SentenceRun> {
    let tokens = currents.len() / encoder.config.hidden;
    let alone = encoder.readout.reads_first() && !encoder.layers.is_empty();
    let answers_only = wanted.answers_only && !wanted.sums && !wanted.sent && !R::ON && alone;
    let sizes = match (R::ON, answers_only) {
        // A record sees a whole population at a time.
        (true, _) => vec![tokens],
        (false, false) => tiles(tokens),
        (false, true) => [vec![1], tiles(tokens - 1)].concat(),
    };
    // Where an exit rule ends a sentence, nothing behind the exit may have been added up.
    let chunk =
        if wanted.exit.is_some() && (wanted.sent || wanted.sums) { 1 } else { CHUNK.min(simulation.time_steps) };
    let mut sentence = Sentence::new(encoder, currents, simulation, Tiles { sizes, answers_only, chunk });
    let widths = if wanted.sent { encoder.config.population_widths() } else { Vec::new() };
    let sent = widths.into_iter().map(|width| Sent::silent(width, false)).collect();
    let mut readout = Readout::new(encoder, wanted, SentenceRun { sent, ..SentenceRun::default() });
    let mut step = Step::rest(simulation, wanted.sums, R::ON);
    let (mut done, mut goes_on) = (0, true);
    while goes_on && done < simulation.time_steps {
        let count = chunk.min(simulation.time_steps - done);
        let steps: Vec<Step> =
            std::iter::successors(Some(step.next()), |step| Some(step.next())).take(count as usize).collect();
        let last = done + count == simulation.time_steps && !wanted.sums;
        goes_on = sentence.chunk(Chunk { done, steps: &steps, last }, &mut readout, record)?;
        done += count;
        step = steps[steps.len() - 1];
    }
    if wanted.sums {
        readout.run.sums = sentence.into_sums();
    }
    Ok(readout.run)
}

/// Tokens of each of the tiles that `tokens` tokens are divided into, nearly as many in each.
fn tiles(tokens: usize) -> Vec<usize> {
    let tile = tokens.div_ceil(tokens.div_ceil(TILE).max(1)).max(1);
    (0..tokens).step_by(tile).map(|first| tile.min(tokens - first)).collect()
}
