//! The run of a model, and what the same recipe gives with other seeds.

use std::path::Path;

use anyhow::{Context, Result, bail};
use bitspike::model::{Model, Options};
use bitspike::format::{Packed, Packing};
use bitspike_run::progress::{Event, read_events};
use bitspike_run::recipe::Recipe;
use bitspike_run::run::{Checkpoint, RunFolder};
use serde::{Deserialize, Serialize};

use super::measure::{Subject, measure};
use super::metrics::Measured;
use crate::packed::FromRun;

/// Scores of one recipe with several seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seeds {
    /// All that were run, in order.
    pub(crate) seeds: Vec<u64>,
    /// The primary metric of each.
    pub(crate) scores: Vec<f64>,
    pub(crate) mean: f64,
    /// Standard deviation of the sample: `sqrt(sum (x - mean)^2 / (n - 1))`.
    pub(crate) deviation: f64,
}

impl Seeds {
    /// Of scores by seed.
    ///
    /// # Errors
    /// If there are fewer than two, or a seed twice.
    pub(crate) fn new(mut scored: Vec<(u64, f64)>) -> Result<Self> {
        scored.sort_by_key(|&(seed, _)| seed);
        if let Some(pair) = scored.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            bail!("--seeds-of: two runs have seed {}; a mean over seeds needs different ones", pair[0].0);
        }
        if scored.len() < 2 {
            bail!("--seeds-of: expected runs of other seeds than the model's own");
        }
        let (seeds, scores): (Vec<u64>, Vec<f64>) = scored.into_iter().unzip();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
        let deviation = (squares / (scores.len() - 1) as f64).sqrt();
        Ok(Self { seeds, scores, mean, deviation })
    }
}

/// A finished run and the model that it gives.
pub(crate) struct Run {
    pub(crate) recipe: Recipe,
    pub(crate) steps: u64,
    pub(crate) minutes: f64,
    /// Training examples.
    pub(crate) examples: u64,
    pub(crate) packed: FromRun,
}

impl Run {
    /// Reads the run in `folder` and packs it.
    ///
    /// # Errors
    /// If there is no run, it did not go to the end of its recipe, or it cannot be packed.
    pub(crate) fn open(folder: &Path, checkpoint: Checkpoint, packing: Packing) -> Result<Self> {
        let run = RunFolder::open(folder)?;
        let (events, _) = read_events(run.metrics()).context("read the metrics of the run")?;
        let started = events.iter().rev().find_map(|event| match event {
            Event::Start { total_steps, train_examples, .. } => Some((*total_steps, *train_examples)),
            _ => None,
        });
        let ended = events.iter().rev().find_map(|event| match event {
            Event::End { reason, step, elapsed_s, .. } => Some((reason, *step, *elapsed_s)),
            _ => None,
        });
        let (Some((total, examples)), Some((reason, steps, seconds))) = (started, ended) else {
            bail!("{}: the run has not ended; wait for it, or go on with --resume", folder.display());
        };
        if reason != "finished" || steps != total {
            bail!(
                "{}: the run ended at step {steps} of {total} ({}), and its recipe alone would not make this model; go on with \
                 --resume",
                folder.display(),
                reason.escape_debug()
            );
        }
        let packed = FromRun::pack(&run, checkpoint, packing)?;
        Ok(Self { recipe: run.recipe()?, steps, minutes: (seconds / 6.0).round() / 10.0, examples, packed })
    }

    /// Loads the packed model and measures it on `data`; with the tokens of each example.
    ///
    /// # Errors
    /// As [`measure`].
    pub(crate) fn measure(&self, data: &Path) -> Result<(Model, Measured, Vec<usize>)> {
        let FromRun { file, tokenizer, tokenizer_json, .. } = &self.packed;
        let model = Model::of(Packed::from_bytes(file.clone())?, tokenizer.clone(), &Options::default())?;
        let subject = Subject { model: &model, file, tokenizer: tokenizer_json.as_bytes() };
        let (measured, lengths) = measure(&subject, data)?;
        Ok((model, measured, lengths))
    }

    /// Refuses a run of another recipe than `other`'s, seeds and descriptions aside.
    pub(crate) fn same_recipe(&self, folder: &Path, other: &Self) -> Result<()> {
        let plain = |recipe: &Recipe| Recipe { seed: 0, description: String::new(), ..recipe.clone() };
        if plain(&self.recipe) != plain(&other.recipe) {
            bail!(
                "--seeds-of {}: its recipe differs in more than the seed; only runs of one recipe have a mean",
                folder.display()
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_of_the_sample() {
        let seeds = Seeds::new(vec![(44, 0.5), (42, 0.25), (43, 0.75)]).unwrap();
        assert_eq!((seeds.seeds.as_slice(), seeds.scores.as_slice()), (&[42, 43, 44][..], &[0.25, 0.75, 0.5][..]));
        assert_eq!((seeds.mean, seeds.deviation), (0.5, 0.25));
        assert!(Seeds::new(vec![(42, 0.5), (42, 0.5)]).unwrap_err().to_string().contains("two runs have seed 42"));
        assert!(Seeds::new(vec![(42, 0.5)]).is_err());
    }
}
