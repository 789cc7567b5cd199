//! A run that went to the end of its recipe, packed.

use std::path::Path;

use bitspike::format::{Packed, Packing};
use bitspike::{Model, Options};
use bitspike_run::FromRun;
use bitspike_run::progress::{Event, read_events};
use bitspike_run::recipe::Recipe;
use bitspike_run::run::{Checkpoint, RunFolder};

use super::measure::ModelFiles;
use crate::error::{Error, Result};

/// A finished run and the model that it gives.
pub(super) struct FinishedRun {
    pub(super) recipe: Recipe,
    pub(super) steps: u64,
    pub(super) minutes: f64,
    /// Training examples.
    pub(super) examples: u64,
    pub(super) packed: FromRun,
}

impl FinishedRun {
    /// Reads the run in `folder` and packs it.
    ///
    /// # Errors
    /// If there is no run, it did not go to the end of its recipe, or it cannot be packed.
    pub(super) fn open(folder: &Path, checkpoint: Checkpoint, packing: Packing) -> Result<Self> {
        let run = RunFolder::open(folder)?;
        let (events, _) = read_events(run.metrics()).map_err(|e| Error::io("read", run.metrics(), e))?;
        let started = events.iter().rev().find_map(|event| match event {
            Event::Start { total_steps, train_examples, .. } => Some((*total_steps, *train_examples)),
            _ => None,
        });
        let ended = events.iter().rev().find_map(|event| match event {
            Event::End { reason, step, elapsed_s, .. } => Some((reason, *step, *elapsed_s)),
            _ => None,
        });
        let (Some((total, examples)), Some((reason, steps, seconds))) = (started, ended) else {
            return Err(Error::unusable(folder, "the run has not ended; wait for it, or go on with --resume"));
        };
        if reason != "finished" || steps != total {
            let message = format!(
                "the run ended at step {steps} of {total} ({}), and its recipe alone would not make this model; go on with \
                 --resume",
                reason.escape_debug()
            );
            return Err(Error::unusable(folder, message));
        }
        let packed = FromRun::pack(&run, checkpoint, packing)?;
        Ok(Self { recipe: run.recipe()?, steps, minutes: (seconds / 6.0).round() / 10.0, examples, packed })
    }

    /// The packed model, ready to run.
    pub(super) fn model(&self) -> Result<Model> {
        Ok(Options::new().build(Packed::from_bytes(self.packed.file.clone())?, None)?)
    }

    /// What is shipped of it: the file holds its tokeniser.
    pub(super) fn files(&self) -> ModelFiles<'_> {
        ModelFiles { model: &self.packed.file, tokenizer: None }
    }

    /// Refuses a run of another recipe than `other`'s, seeds and descriptions aside.
    pub(super) fn same_recipe(&self, folder: &Path, other: &Self) -> Result<()> {
        let plain = |recipe: &Recipe| Recipe { seed: 0, description: String::new(), ..recipe.clone() };
        if plain(&self.recipe) == plain(&other.recipe) {
            return Ok(());
        }
        let message = "its recipe differs in more than the seed; only runs of one recipe have a mean";
        Err(Error::unusable(folder, message))
    }
}
