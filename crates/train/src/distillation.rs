//! One distillation, from what it reads to its end: what `bitspike distil` does once and `bitspike sweep` for every cell.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use bitspike::config::StudentConfig;
use bitspike_data::TaskSpec;
use bitspike::tokenizer::Tokenizer;
use bitspike_data::{choose, encode_text};
use bitspike_train::distill::{Distiller, Texts, check};
use bitspike_train::feedback::LoopSummary;
use bitspike_run::progress::Fanout;
use bitspike_run::recipe::{Recipe, StageKind};
use bitspike_run::run::{Description, FORMAT, RunFolder};
use bitspike_train::teacher::Teacher;
use bitspike_train::training::{Controls, Outcome, Sizes, train};
use burn::tensor::Device;

use crate::commands::training::{RunArgs, splits};

/// What students are distilled from.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) task: TaskSpec,
    pub(crate) teacher: Teacher,
    pub(crate) tokenizer: Tokenizer,
    data: PathBuf,
    corpus: Option<PathBuf>,
    device: Device,
}

/// One student to distil.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    pub(crate) recipe: &'a Recipe,
    /// Where it goes, claimed by the caller.
    pub(crate) folder: &'a RunFolder,
    /// Another run, whose student it starts from.
    pub(crate) from: Option<&'a Path>,
    /// How it is shown and bounded, and whether it goes on from the folder's checkpoint.
    pub(crate) run: &'a RunArgs,
    /// Set to stop it with a checkpoint.
    pub(crate) stop: &'a AtomicBool,
}

/// A distillation that has ended.
pub(crate) struct Distilled {
    pub(crate) outcome: Outcome,
    /// Whoever followed it.
    pub(crate) observer: Fanout,
    /// How the fixed points of a student with feedback were solved, forward and backward.
    solves: (LoopSummary, LoopSummary),
}

impl Inputs {
    /// Loads the teacher of `folder` and its tokeniser.
    ///
    /// # Errors
    /// If either is missing or damaged, or the two do not fit.
    pub(crate) fn load(teacher: &Path, data: &Path, corpus: Option<&Path>, task: TaskSpec) -> Result<Self> {
        let device = Device::flex();
        let tokenizer_folder = teacher;
        let teacher = Teacher::load(teacher, &device)?;
        let tokenizer = Tokenizer::load(tokenizer_folder)?;
        tokenizer.check_vocab(teacher.config.vocab_size)?;
        Ok(Self { task, teacher, tokenizer, data: data.into(), corpus: corpus.map(Into::into), device })
    }

    /// Reads the texts that `recipe` trains and is scored on.
    ///
    /// # Errors
    /// If data is missing or bad, or a corpus is given that no stage reads.
    pub(crate) fn texts(&self, recipe: &Recipe) -> Result<Texts> {
        let max_length = recipe.data.max_length;
        let splits = splits(&self.task, &self.data, &self.tokenizer, max_length)?;
        let corpus = match &self.corpus {
            Some(path) => encode_text(path, &self.tokenizer, max_length)?,
            None => Vec::new(),
        };
        if self.corpus.is_some() && !recipe.stage.iter().any(|stage| stage.kind == StageKind::General) {
            bail!("--corpus is for `general` stages, and the recipe has none; leave it out or add one");
        }
        Ok(Texts { train: choose(splits.train, recipe.data.limit, recipe.seed), dev: splits.dev, corpus })
    }

    /// The student that `recipe` describes, once recipe, task, teacher and `texts` are found to fit together.
    ///
    /// # Errors
    /// If they do not.
    pub(crate) fn check(&self, recipe: &Recipe, texts: &Texts) -> Result<StudentConfig> {
        Ok(check(recipe, &self.task, &self.teacher, texts)?)
    }

    /// Distils one student.
    ///
    /// # Errors
    /// If the parts do not fit together, training diverges, or a file cannot be written.
    pub(crate) fn distil(&self, job: &Job<'_>) -> Result<Distilled> {
        let Job { recipe, folder, run, .. } = job;
        let texts = self.texts(recipe)?;
        let sizes = (texts.train.len(), texts.dev.len());
        let parts = ((*recipe).clone(), self.task.clone());
        let mut distiller = Distiller::new(parts, self.teacher.clone(), texts, (*folder).clone(), &self.device)?;
        let student = distiller.student().config.clone();
        let resume = if run.resume && folder.last().exists() { Some(distiller.restore()?) } else { None };
        if let (None, Some(from)) = (&resume, job.from) {
            distiller.start_from(&RunFolder::open(from)?)?;
        }
        if resume.is_none() {
            let (task, max_length) = (self.task.clone(), recipe.data.max_length);
            let description = Description { format: FORMAT.into(), student: student.clone(), task, max_length };
            folder.describe(recipe, &description, &self.tokenizer)?;
        }
        let mut observer = run.observer(&folder.metrics(), resume.as_ref(), summary(&student))?;
        let controls = Controls {
            name: format!("distil {}", self.task.name),
            stages: recipe.stage.clone(),
            batch_size: recipe.data.batch_size,
            run: recipe.run.clone(),
            max_time: run.max_time(),
            stop: job.stop,
            resume,
            sizes: Sizes { parameters: distiller.parameters(), train: sizes.0, dev: sizes.1 },
        };
        let outcome = train(&mut distiller, &controls, &mut observer).context("distillation")?;
        Ok(Distilled { outcome, observer, solves: distiller.solves() })
    }
}

impl Distilled {
    /// What the user should know of the solves, a line each.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let solves = [("fixed points", self.solves.0), ("gradients through a fixed point", self.solves.1)];
        let unconverged = solves.into_iter().filter(|(_, solves)| solves.unconverged > 0);
        let warning = |(what, solves): (&str, LoopSummary)| {
            format!(
                "{} of {} {what} did not meet their tolerance (largest relative residual {:.1e}); lower \
                 `student.feedback.spectral_norm` or raise `max_iterations`",
                solves.unconverged, solves.batches, solves.worst_residual
            )
        };
        unconverged.map(warning).collect()
    }
}

/// A student in one line.
fn summary(student: &StudentConfig) -> String {
    format!(
        "{} layers, D={}, {} bit, {} neurons, T={}",
        student.layers,
        student.hidden,
        student.weight_bits,
        if student.signed { "signed" } else { "unsigned" },
        student.time_steps
    )
}
