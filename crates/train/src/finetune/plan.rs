//! One fine-tuning, from what it reads to its end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bitspike::atomic_file;
use bitspike_analysis::digest::of_examples;
use bitspike_data::{Labels, StatedClasses, TaskSpec};
use bitspike_run::origin::{self, Origin};
use bitspike_run::progress::{Level, Observer};
use bitspike_run::recipe::{Change, RunRecipe, Stage, changes};
use bitspike_run::run::{claim, counters, is_kept, load_kept};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::finetuner::{Finetuner, Settings, Setup};
use crate::digest::of_teacher;
use crate::error::{Error, Result};
use crate::resume::{phrases, same_origin, same_step, unchanged};
use crate::teacher::Teacher;
use crate::texts::{Reading, Texts, length};
use crate::training::{Controls, EndReason, LastEnd, Log, Logged, last_end, train_logged};

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
    /// Which output of the encoder's own classifier is which class, where it has to be stated.
    pub classes: Option<&'a StatedClasses>,
    /// How often to evaluate and to write checkpoints.
    pub run: RunRecipe,
    /// Name, version and commit of the program, for the record.
    pub program: &'a str,
    /// Whether to go on with the run in `out`.
    pub resume: bool,
    /// Time after which it ends with the best teacher so far.
    pub max_time: Option<Duration>,
    /// Set to stop it with a checkpoint.
    pub stop: &'a AtomicBool,
    /// Told what was read otherwise than the model's files say, a sentence each.
    pub note: fn(&str),
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

    /// Writes the plan.
    fn write_plan(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(self.plan).expect("a plan is JSON");
        Ok(atomic_file::write(&self.out.join("finetune.json"), |file| file.write_all(text.as_bytes()))?)
    }

    /// What this job has otherwise than the run in its folder, which it is to go on with.
    fn settle(&self, end: Option<&LastEnd>, known: bool) -> Result<Vec<Change>> {
        let path = self.out.join("finetune.json");
        let text = std::fs::read_to_string(&path)
            .map_err(|e| Error::io("read", &path, e).during(format!("{}: no run to resume", self.out.display())))?;
        let earlier: Plan = serde_json::from_str(&text).map_err(|e| Error::damaged(&path, e))?;
        let mut found = changes(&earlier, self.plan);
        // The encoder is known by its weights, wherever it lies by now.
        found.retain(|change| !(known && change.key == "model"));
        unchanged(found.clone(), end.is_some_and(LastEnd::is_diverged), self.out)?;
        Ok(found)
    }
}

/// Fine-tunes the teacher of `job`. A run that has finished is left as it is ([`Logged::had_finished`]).
///
/// # Errors
/// If numbers are out of range, the parts do not fit together, the folder holds another model, training diverges, or a file
/// cannot be written.
pub fn finetune(job: &Job<'_>, observer: &mut dyn Observer) -> Result<Logged> {
    job.check()?;
    let Job { plan, out, .. } = *job;
    let holds = |name: &str| out.join(name).exists();
    if !job.resume && (is_kept(&out.join("last.safetensors")) || holds("model.safetensors")) {
        return Err(Error::folder(out, "already holds a model; go on with --resume, or choose another --out"));
    }
    let _lock = claim(out)?;
    let (mut teacher, tokenizer) = Teacher::with_tokenizer(&plan.model, &Device::flex().autodiff())?;
    teacher.notes.iter().for_each(|note| (job.note)(note));
    teacher
        .check_types(&tokenizer, plan.task.second.is_some())
        .map_err(|e| e.during(plan.model.display().to_string()))?;
    let Settings { seed, batch_size, max_length, dev } = plan.settings;
    let (max_length, shorter) = length(&tokenizer, max_length)?;
    let reading = Reading { max_length, labels: Labels::Required, dev, soft: None };
    let texts = Texts::read(&plan.task, job.data, &tokenizer, &reading)?.limited(plan.limit, seed);
    let origin = Origin {
        format: origin::FORMAT.into(),
        program: job.program.into(),
        model: of_teacher(&plan.model, &teacher),
        data: job.data.into(),
        train: of_examples(&texts.train),
        dev: of_examples(&texts.dev),
        corpus: None,
        from: None,
    };
    let mut notes: Vec<(Level, String)> = own_classifier(&mut teacher, job)?.into_iter().collect();
    notes.extend(texts.notes.iter().cloned().chain(shorter).map(|note| (Level::Info, note)));
    let metrics = out.join("metrics.jsonl");
    let end = if job.resume { last_end(&metrics)? } else { None };
    let mut changed = Vec::new();
    if job.resume {
        changed = job.settle(end.as_ref(), Origin::read(out)?.is_some())?;
        notes.extend(same_origin(out, &origin)?);
        if let Some(end) = end.clone().filter(LastEnd::is_finished) {
            return Ok(Logged::before(end, plan.task.primary().to_string()));
        }
    } else {
        job.write_plan()?;
        origin.write(out)?;
    }
    let (task, settings) = (plan.task.clone(), Settings { max_length, ..plan.settings.clone() });
    let mut finetuner = Finetuner::new(Setup { teacher, tokenizer, task, texts, settings, folder: out.into() })?;
    let last = match job.resume && is_kept(&finetuner.last()) {
        true => {
            let (weights, note) = load_kept(&finetuner.last())?;
            notes.extend(note.map(|note| (Level::Warn, note)));
            Some(counters(&weights)?)
        }
        false => None,
    };
    let resume = match last {
        Some(last) if same_step(end.as_ref(), &last, &changed) => {
            let text = "the step from the last checkpoint diverges at any learning rate: begins again";
            notes.push((Level::Info, text.into()));
            None
        }
        Some(_) => Some(finetuner.restore()?),
        None => None,
    };
    if !changed.is_empty() {
        notes.push((Level::Info, format!("goes on with other settings: {}", phrases(&changed))));
        job.write_plan()?;
    }
    let controls = Controls {
        name: format!("teacher {}", plan.task.name),
        summary: format!("{}, learning rate {:e}", plan.model.display(), plan.stage.learning_rate),
        stages: vec![plan.stage.clone()],
        batch_size,
        run: job.run.clone(),
        max_time: job.max_time,
        stop: job.stop,
        resume,
        notes,
    };
    // A run that ended before its first checkpoint leaves its log to the next one.
    let log = Log { path: &metrics, goes_on: job.resume || metrics.exists() };
    let run = train_logged(&mut finetuner, &controls, log, observer)
        .map_err(|e| e.advising(|_| advice(&finetuner, plan)).during("fine-tuning"))?;
    if run.outcome.reason == EndReason::Finished {
        finetuner.finish()?;
    }
    Ok(run)
}

/// Brings a classifier that the encoder has into the order of the task's classes; one of another task is left behind, since a new one
/// learns faster. What should be said of it.
fn own_classifier(teacher: &mut Teacher, job: &Job<'_>) -> Result<Option<(Level, String)>> {
    let place = job.plan.model.display();
    match teacher.answer_for(&job.plan.task, job.classes) {
        Ok(note) => Ok(note.map(|note| (Level::Info, format!("{place}: {note}")))),
        Err(error) if job.classes.is_some() => Err(error.during(place.to_string())),
        Err(_) => {
            teacher.net.classifier = None;
            let text = format!("{place} has a classifier of another task; this one begins with a new one");
            Ok(Some((Level::Info, text)))
        }
    }
}

/// What to do after a divergence.
fn advice(finetuner: &Finetuner, plan: &Plan) -> String {
    match finetuner.last().exists() {
        true => format!(
            "; the last checkpoint is kept: go on from it with the same command and `--resume --learning-rate {:e}`, or start a new \
             run in another --out",
            plan.stage.learning_rate / 10.0
        ),
        false => "; no checkpoint was written: start again with a lower --learning-rate, in the same --out if you like"
            .into(),
    }
}
