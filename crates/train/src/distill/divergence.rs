//! Ways on after a divergence.

use bitspike_run::progress::Level;
use bitspike_run::recipe::{Change, Recipe};
use bitspike_run::run::{Counters, counters, load_kept};

use super::distiller::Distiller;
use crate::error::Result;
use crate::resume::same_step;
use crate::training::{LastEnd, Learner, stage_steps};

/// Goes back to the folder's last checkpoint, or before it where the step from there is what diverged: to the best student, or to the
/// beginning.
pub(super) fn restored(
    distiller: &mut Distiller,
    end: Option<&LastEnd>,
    changes: &[Change],
    notes: &mut Vec<(Level, String)>,
) -> Result<Option<Counters>> {
    let folder = distiller.folder().clone();
    let (weights, note) = load_kept(&folder.last())?;
    notes.extend(note.map(|note| (Level::Warn, note)));
    let last = counters(&weights)?;
    drop(weights);
    if !same_step(end, &last, changes) {
        return distiller.restore().map(Some);
    }
    let best = folder.best().exists().then(|| counters(&folder.weights()?)).transpose()?;
    let why = "the step from the last checkpoint diverges at any learning rate";
    match best.filter(|best| best.step < last.step) {
        Some(best) => {
            distiller.restore_best()?;
            notes.push((Level::Info, format!("{why}: goes on from the best student, of step {}", best.step)));
            Ok(Some(best))
        }
        None => {
            notes.push((Level::Info, format!("{why}, and there is none before it: begins again")));
            Ok(None)
        }
    }
}

/// What to do after a divergence at `step`.
pub(super) fn advice(distiller: &Distiller, recipe: &Recipe, step: u64) -> String {
    if !distiller.folder().last().exists() {
        return "; no checkpoint was written: start again with a lower `learning_rate` or `clip_norm`, in the same --out if you like"
            .into();
    }
    let mut begin = 0;
    let stage = recipe.stage.iter().enumerate().position(|(i, stage)| {
        begin += stage_steps(stage, distiller.stage_examples(i), recipe.data.batch_size).1;
        step <= begin
    });
    let stage = stage.unwrap_or(recipe.stage.len() - 1);
    let rate = recipe.stage[stage].learning_rate / 10.0;
    format!(
        "; the last checkpoint is kept: go on from it with the same command and `--resume --set \
         stage.{stage}.learning_rate={rate:?}`, or start a new run in another --out"
    )
}
