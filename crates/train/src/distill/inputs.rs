//! One distillation, from what it reads to its end.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bitspike::config::StudentConfig;
use bitspike::tokenizer::Tokenizer;
use bitspike_data::{TaskSpec, encode_text};
use bitspike_run::progress::Observer;
use bitspike_run::recipe::{Recipe, StageKind};
use bitspike_run::run::{Description, FORMAT, RunFolder};
use burn::tensor::Device;

use super::distiller::{Distiller, Setup, Solves};
use super::fits::check;
use crate::error::{Error, Result};
use crate::feedback::LoopSummary;
use crate::teacher::Teacher;
use crate::texts::Texts;
use crate::training::{Controls, Log, Logged, train_logged};

/// What students are distilled from.
///
/// ```no_run
/// # use bitspike_data::TaskSpec;
/// # use bitspike_run::{progress::Silent, recipe::Recipe, run::RunFolder};
/// # use bitspike_train::distill::{Inputs, Job};
/// let inputs = Inputs::load("teacher".as_ref(), "SST-2".as_ref(), None, TaskSpec::glue("sst2")?)?;
/// let recipe = Recipe::load(Some("recipes/sst2.toml".as_ref()), &["seed=7".into()])?;
/// let folder = RunFolder::create("runs/sst2".as_ref())?;
/// let done = inputs.distil(&Job::new(&recipe, &folder), &mut Silent)?;
/// println!("{:?}", done.run.outcome.counters.best);
/// # Ok::<(), bitspike_train::Error>(())
/// ```
#[derive(Debug)]
pub struct Inputs {
    /// What they learn.
    pub task: TaskSpec,
    /// What they learn from.
    pub teacher: Teacher,
    /// The teacher's tokeniser, and theirs.
    pub tokenizer: Tokenizer,
    data: PathBuf,
    corpus: Option<PathBuf>,
    device: Device,
}

/// One student to distil.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// Student, stages and seed.
    pub recipe: &'a Recipe,
    /// Where it goes, claimed by the caller.
    pub folder: &'a RunFolder,
    /// What it is called in its log; unless given, `distil` and the task.
    pub name: Option<String>,
    /// One line about it for who shows it; unless given, its shape.
    pub summary: Option<String>,
    /// Another run, whose student it starts from.
    pub from: Option<&'a Path>,
    /// Whether it goes on from the folder's last checkpoint, if there is one.
    pub resume: bool,
    /// Time after which it ends with the best student so far.
    pub max_time: Option<Duration>,
    /// Set to stop it with a checkpoint.
    pub stop: &'a AtomicBool,
}

/// A distillation that has ended.
#[derive(Debug)]
pub struct Distilled {
    /// How it ended, and its log.
    pub run: Logged,
    /// How the fixed points of a student with feedback were solved.
    pub solves: Solves,
}

impl<'a> Job<'a> {
    /// A new run of `recipe` in `folder`, which nothing stops.
    pub fn new(recipe: &'a Recipe, folder: &'a RunFolder) -> Self {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Self { recipe, folder, name: None, summary: None, from: None, resume: false, max_time: None, stop: &NEVER }
    }
}

/// The task of the run in `folder`, once it is found to be the run that is asked for: of `recipe` and, where one is named, of
/// `task`. What asks for something else is refused rather than half obeyed.
///
/// # Errors
/// If the run is of another recipe or task, or its files are damaged.
pub fn settle(folder: &RunFolder, recipe: &Recipe, task: Option<&TaskSpec>) -> Result<TaskSpec> {
    if folder.recipe()? != *recipe {
        return Err(Error::Mismatch(format!(
            "--resume goes on with the recipe in {}, and this command asks for another; leave the changes out, or start a new \
             run in another --out",
            folder.path().display()
        )));
    }
    let own = folder.description()?.task;
    match task.is_none_or(|task| *task == own) {
        true => Ok(own),
        false => {
            Err(Error::Mismatch(format!("--resume goes on with task {}, and this command names another", own.name)))
        }
    }
}

impl Inputs {
    /// Loads the teacher of the folder `teacher` and its tokeniser. The data in `data`, and plain text for `general` stages in
    /// `corpus`, are read for each student.
    ///
    /// # Errors
    /// If either is missing or damaged, or the two do not fit.
    pub fn load(teacher: &Path, data: &Path, corpus: Option<&Path>, task: TaskSpec) -> Result<Self> {
        let device = Device::flex();
        let (teacher, tokenizer) = Teacher::with_tokenizer(teacher, &device)?;
        Ok(Self { task, teacher, tokenizer, data: data.into(), corpus: corpus.map(Into::into), device })
    }

    /// Reads the texts that `recipe` trains and is scored on.
    ///
    /// # Errors
    /// If data is missing or bad, or a corpus is given that no stage reads.
    pub fn texts(&self, recipe: &Recipe) -> Result<Texts> {
        let max_length = recipe.data.max_length;
        let texts = Texts::of_task(&self.task, &self.data, &self.tokenizer, max_length)?;
        let corpus = match &self.corpus {
            Some(path) => encode_text(path, &self.tokenizer, max_length)?,
            None => Vec::new(),
        };
        if self.corpus.is_some() && !recipe.stage.iter().any(|stage| stage.kind == StageKind::General) {
            let message = "--corpus is for `general` stages, and the recipe has none; leave it out or add one";
            return Err(Error::Mismatch(message.into()));
        }
        Ok(Texts { corpus, ..texts.limited(recipe.data.limit, recipe.seed) })
    }

    /// The student that `recipe` describes, once recipe, task, teacher and `texts` are found to fit together.
    ///
    /// # Errors
    /// If they do not.
    pub fn check(&self, recipe: &Recipe, texts: &Texts) -> Result<StudentConfig> {
        check(recipe, &self.task, &self.teacher, texts)
    }

    /// Distils one student into the job's folder.
    ///
    /// # Errors
    /// If the parts do not fit together, training diverges, or a file cannot be written.
    pub fn distil(&self, job: &Job<'_>, observer: &mut dyn Observer) -> Result<Distilled> {
        let Job { recipe, folder, .. } = *job;
        let setup = Setup {
            recipe: recipe.clone(),
            task: self.task.clone(),
            teacher: self.teacher.clone(),
            texts: self.texts(recipe)?,
            folder: folder.clone(),
        };
        let mut distiller = Distiller::new(setup, &self.device)?;
        let student = distiller.student().config.clone();
        let resume = if job.resume && folder.last().exists() { Some(distiller.restore()?) } else { None };
        if let (None, Some(from)) = (&resume, job.from) {
            distiller.start_from(&RunFolder::open(from)?)?;
        }
        let summary = job.summary.clone().unwrap_or_else(|| summary(&student));
        if resume.is_none() {
            let (task, max_length) = (self.task.clone(), recipe.data.max_length);
            let description = Description { format: FORMAT.into(), student, task, max_length };
            folder.describe(recipe, &description, &self.tokenizer)?;
        }
        let controls = Controls {
            name: job.name.clone().unwrap_or_else(|| format!("distil {}", self.task.name)),
            summary,
            stages: recipe.stage.clone(),
            batch_size: recipe.data.batch_size,
            run: recipe.run.clone(),
            max_time: job.max_time,
            stop: job.stop,
            resume,
        };
        let log = Log { path: &folder.metrics(), goes_on: job.resume };
        let run = train_logged(&mut distiller, &controls, log, observer).map_err(|e| e.during("distillation"))?;
        Ok(Distilled { run, solves: distiller.solves() })
    }
}

impl Distilled {
    /// What the user should know of the solves, a line each.
    pub fn warnings(&self) -> Vec<String> {
        let Solves { forward, backward } = self.solves;
        let solves = [("fixed points", forward), ("gradients through a fixed point", backward)];
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
