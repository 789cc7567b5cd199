//! One fine-tuning, from what it reads to its end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bitspike::atomic_file;
use bitspike_data::TaskSpec;
use bitspike_run::progress::Observer;
use bitspike_run::recipe::{RunRecipe, Stage};
use bitspike_run::run::claim;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::finetuner::{Finetuner, Settings, Setup};
use crate::error::{Error, Result};
use crate::teacher::Teacher;
use crate::texts::Texts;
use crate::training::{Controls, EndReason, Log, Logged, train_logged};

/// How a teacher was or is to be made, in `finetune.json` beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Folder of the encoder to start from.
    pub model: PathBuf,
    /// What it learns.
    pub task: TaskSpec,
    /// Seed and batches.
    pub settings: Settings,
    /// Training examples, chosen by the seed; 0 means all.
    pub limit: usize,
    /// Epochs, learning rate, decay.
    pub stage: Stage,
}

/// A fine-tuning that is asked for.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// What decides the teacher.
    pub plan: &'a Plan,
    /// Folder (or file) with the task's data.
    pub data: &'a Path,
    /// Folder of the fine-tuned teacher.
    pub out: &'a Path,
    /// How often to evaluate and to write checkpoints.
    pub run: RunRecipe,
    /// Whether to go on with the run in `out`.
    pub resume: bool,
    /// Time after which it ends with the best teacher so far.
    pub max_time: Option<Duration>,
    /// Set to stop it with a checkpoint.
    pub stop: &'a AtomicBool,
}

impl Job<'_> {
    /// Whether numbers are within their ranges.
    ///
    /// # Errors
    /// If one is not; it is named by its flag, with what was expected.
    pub fn check(&self) -> Result<()> {
        let Plan { settings, stage, .. } = self.plan;
        let Stage { epochs, learning_rate, warmup, weight_decay, .. } = *stage;
        let (evals, minutes) = (self.run.evals_per_epoch, self.run.checkpoint_minutes);
        let batch = settings.batch_size;
        let unit = |x: f64| (0.0..1.0).contains(&x);
        let ranges = [
            ("epochs", epochs > 0.0 && epochs <= 1e4, "a number in (0, 10000]", epochs.to_string()),
            (
                "learning-rate",
                learning_rate > 0.0 && unit(learning_rate),
                "a number in (0, 1)",
                learning_rate.to_string(),
            ),
            ("warmup", unit(warmup), "a number in [0, 1)", warmup.to_string()),
            ("weight-decay", unit(weight_decay), "a number in [0, 1)", weight_decay.to_string()),
            ("batch-size", (1..=65_536).contains(&batch), "1 to 65536", batch.to_string()),
            ("max-length", settings.max_length >= 3, "3 or more", settings.max_length.to_string()),
            ("evals-per-epoch", evals > 0.0 && evals.is_finite(), "a positive number", evals.to_string()),
            ("checkpoint-minutes", minutes >= 0.0, "0 or more", minutes.to_string()),
        ];
        match ranges.into_iter().find(|(_, within, ..)| !within) {
            None => Ok(()),
            Some((flag, _, expected, found)) => {
                Err(bitspike::Error::invalid(format!("--{flag}"), expected, found).into())
            }
        }
    }

    /// Writes the plan of a new run, or checks that a resumed one has the same.
    fn settle(&self) -> Result<()> {
        let path = self.out.join("finetune.json");
        if !self.resume {
            let text = serde_json::to_string_pretty(self.plan).expect("a plan is JSON");
            return Ok(atomic_file::write(&path, |file| file.write_all(text.as_bytes()))?);
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|e| Error::io("read", &path, e).during(format!("{}: no run to resume", self.out.display())))?;
        let earlier: Plan = serde_json::from_str(&text).map_err(|e| Error::damaged(&path, e))?;
        match earlier == *self.plan {
            true => Ok(()),
            false => Err(Error::Mismatch(format!(
                "--resume goes on with what {} says, and this command asks for something else; leave the changes out, or start \
                 a new run in another --out",
                path.display()
            ))),
        }
    }
}

/// Fine-tunes the teacher of `job`.
///
/// # Errors
/// If numbers are out of range, the parts do not fit together, the folder holds another model, training diverges, or a file
/// cannot be written.
pub fn finetune(job: &Job<'_>, observer: &mut dyn Observer) -> Result<Logged> {
    job.check()?;
    let Job { plan, out, .. } = *job;
    let holds = |name: &str| out.join(name).exists();
    if !job.resume && (holds("last.safetensors") || holds("model.safetensors")) {
        return Err(Error::folder(out, "already holds a model; go on with --resume, or choose another --out"));
    }
    let _lock = claim(out)?;
    let (teacher, tokenizer) = Teacher::with_tokenizer(&plan.model, &Device::flex().autodiff())?;
    let Settings { seed, batch_size, max_length } = plan.settings;
    let texts = Texts::of_task(&plan.task, job.data, &tokenizer, max_length)?.limited(plan.limit, seed);
    job.settle()?;
    let (task, settings) = (plan.task.clone(), plan.settings.clone());
    let mut finetuner = Finetuner::new(Setup { teacher, tokenizer, task, texts, settings, folder: out.into() })?;
    let resume = if job.resume && finetuner.last().exists() { Some(finetuner.restore()?) } else { None };
    let controls = Controls {
        name: format!("teacher {}", plan.task.name),
        summary: format!("{}, learning rate {:e}", plan.model.display(), plan.stage.learning_rate),
        stages: vec![plan.stage.clone()],
        batch_size,
        run: job.run.clone(),
        max_time: job.max_time,
        stop: job.stop,
        resume,
    };
    let log = Log { path: &out.join("metrics.jsonl"), goes_on: job.resume };
    let run = train_logged(&mut finetuner, &controls, log, observer).map_err(|e| e.during("fine-tuning"))?;
    if run.outcome.reason == EndReason::Finished {
        finetuner.finish()?;
    }
    Ok(run)
}
