//! One distillation, from what it reads to its end.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bitspike::config::StudentConfig;
use bitspike::error::explain;
use bitspike::tokenizer::Tokenizer;
use bitspike_analysis::digest::{of_examples, sha256};
use bitspike_data::{Labels, StatedClasses, TaskSpec, encode_text};
use bitspike_run::origin::{self, Origin, Source};
use bitspike_run::progress::{Level, Observer};
use bitspike_run::recipe::{DataRecipe, Recipe, StageKind};
use bitspike_run::run::{Description, FORMAT, RunFolder, forget_before, is_kept};
use burn::tensor::Device;

use super::distiller::{Distiller, Setup, Solves};
use super::divergence::{advice, restored};
use super::first_look::first_look;
use super::fits::check;
use crate::digest::{of_predecessor, of_run, of_teacher};
use crate::error::{Error, Result};
use crate::feedback::LoopSummary;
use crate::predecessor::Predecessor;
use crate::resume::{again, phrases, same_origin};
use crate::soft::SoftLabels;
use crate::teacher::Teacher;
use crate::texts::{Reading, Texts, length};
use crate::training::{Controls, EndReason, LastEnd, Log, Logged, last_end, train_logged};

/// What students are distilled from.
///
/// ```no_run
/// # use bitspike_data::TaskSpec;
/// # use bitspike_run::{progress::Silent, recipe::Recipe, run::RunFolder};
/// # use bitspike_train::distill::{Inputs, Job};
/// let inputs = Inputs::load("teacher".as_ref(), "SST-2".as_ref(), &[], TaskSpec::glue("sst2")?, None)?;
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
    /// The teacher's folder, and its digest.
    source: Source,
    data: PathBuf,
    /// Files of texts for `general` and `embedding` stages, and their columns of texts where those are stated.
    corpus: Vec<PathBuf>,
    columns: Vec<String>,
    /// What should be said of the teacher's classes.
    note: Option<String>,
    /// Why the teacher's outputs are not the task's classes, if they are not.
    mismatch: Option<String>,
    /// What is said of the training examples instead of the teacher's own answers.
    soft: Option<SoftLabels>,
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
    /// Another student that it starts from: the folder of a run, or a packed model. A run that goes on before its first checkpoint starts from the one that it was
    /// begun with.
    pub from: Option<&'a Path>,
    /// Name, version and commit of the program, for the record.
    pub program: &'a str,
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
    /// Whether the student never spikes, as far as some of dev tell.
    pub silent: bool,
}

impl<'a> Job<'a> {
    /// A new run of `recipe` in `folder`, which nothing stops.
    pub fn new(recipe: &'a Recipe, folder: &'a RunFolder) -> Self {
        static NEVER: AtomicBool = AtomicBool::new(false);
        let program = concat!("bitspike ", env!("CARGO_PKG_VERSION"));
        Self {
            recipe,
            folder,
            name: None,
            summary: None,
            from: None,
            program,
            resume: false,
            max_time: None,
            stop: &NEVER,
        }
    }
}

impl Inputs {
    /// Loads the teacher of the folder `teacher`, its outputs in the order of the task's classes ([`Teacher::answer_for`]), and its
    /// tokeniser. The data in `data`, and texts for `general` and `embedding` stages in `corpus`, are read for each student.
    ///
    /// # Errors
    /// If either is missing or damaged, the two do not fit, or the `classes` that are stated cannot be.
    pub fn load(
        teacher: &Path,
        data: &Path,
        corpus: &[PathBuf],
        task: TaskSpec,
        classes: Option<&StatedClasses>,
    ) -> Result<Self> {
        let device = Device::flex();
        let path = teacher;
        let (mut teacher, tokenizer) = Teacher::with_tokenizer(path, &device)?;
        teacher.check_types(&tokenizer, task.second.is_some()).map_err(|e| e.during(path.display().to_string()))?;
        teacher = teacher.for_task(&task, path)?;
        let (note, mismatch) = match teacher.answer_for(&task, classes) {
            Ok(note) => (note.map(|note| format!("teacher {}: {note}", path.display())), None),
            Err(error) => {
                let error = error.during(format!("teacher {}", path.display()));
                if classes.is_some() {
                    return Err(error);
                }
                // Hidden states can be learnt from it all the same.
                (None, Some(explain(&error)))
            }
        };
        let source = of_teacher(path, &teacher);
        let (data, corpus, columns) = (data.into(), corpus.to_vec(), Vec::new());
        Ok(Self { task, teacher, tokenizer, source, data, corpus, columns, note, mismatch, soft: None, device })
    }

    /// The same with the texts of a corpus in these columns of its tables, instead of those whose names say so.
    pub fn with_corpus_columns(self, columns: Vec<String>) -> Self {
        Self { columns, ..self }
    }

    /// The task as `recipe` has it, of vectors with the lengths that it says.
    fn task_of(&self, recipe: &Recipe) -> Result<TaskSpec> {
        if !self.task.target.is_embedding() {
            if !recipe.student.prefixes.is_empty() || recipe.student.pooling.is_some() {
                let message = "`student.pooling` and `student.prefixes` are of students that embed: give --task embed, or leave them out";
                return Err(Error::Mismatch(message.into()));
            }
            return Ok(self.task.clone());
        }
        let normalize = self.teacher.sentence.unwrap_or_default().normalize;
        Ok(TaskSpec::embedding(normalize, recipe.student.prefixes.clone())?)
    }

    /// The same with the answers of the table at `path` ([`crate::soft`]) instead of the teacher's own. Hidden states and attention are the
    /// teacher's still; stages that compare neither do not run it.
    ///
    /// # Errors
    /// As [`SoftLabels::read`]; [`Error::Mismatch`] if the task is of vectors, which no table of answers has.
    pub fn with_soft_labels(self, path: &Path) -> Result<Self> {
        if self.task.target.is_embedding() {
            let message = "a student that embeds learns from its teacher's vectors: leave out --soft-labels";
            return Err(Error::Mismatch(message.into()));
        }
        let soft = Some(SoftLabels::read(path, &self.task)?);
        Ok(Self { soft, ..self })
    }

    /// One line about the teacher's classes for the user, where there is something to say.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Tokens that the teacher's tokeniser allows of a text, where it says so.
    pub(crate) fn most_tokens(&self) -> Option<usize> {
        self.tokenizer.max_length()
    }

    /// Refuses a teacher of other classes for a recipe that learns from its answers.
    fn answers(&self, recipe: &Recipe) -> Result<()> {
        let learns = recipe.stage.iter().any(|stage| stage.loss_weights().prediction > 0.0);
        match &self.mismatch {
            Some(mismatch) if learns && self.soft.is_none() => Err(Error::Mismatch(mismatch.clone())),
            _ => Ok(()),
        }
    }

    /// What a student that reads `texts` is made from.
    fn origin(&self, texts: &Texts, from: Option<Source>, program: &str) -> Origin {
        Origin {
            format: origin::FORMAT.into(),
            program: program.into(),
            model: self.source.clone(),
            data: self.data.clone(),
            train: of_examples(&texts.train),
            dev: of_examples(&texts.dev),
            corpus: (!texts.corpus.is_empty()).then(|| of_examples(&texts.corpus)),
            from,
        }
    }

    /// Reads the texts that `recipe` trains and is scored on.
    ///
    /// # Errors
    /// If data is missing or bad, or a corpus is given that no stage reads.
    pub fn texts(&self, recipe: &Recipe) -> Result<Texts> {
        let (max_length, _) = length(&self.tokenizer, recipe.data.max_length)?;
        // A stage that learns from the teacher alone needs no labels.
        let labelled =
            recipe.stage.iter().any(|stage| stage.kind != StageKind::General && stage.loss_weights().label > 0.0);
        let labels = if labelled { Labels::Required } else { Labels::Optional };
        if self.task.target.is_embedding() {
            if recipe.data.dev.is_some() {
                let message = "`data.dev`: a student that embeds is scored on pairs with scores, which its corpus has not; leave it out";
                return Err(Error::Mismatch(message.into()));
            }
            let texts =
                Texts::of_vectors(&self.task, (&self.corpus, &self.columns), &self.data, &self.tokenizer, max_length)?;
            return Ok(texts.limited(recipe.data.limit, recipe.seed));
        }
        let reading = Reading { max_length, labels, dev: recipe.data.dev, soft: self.soft.as_ref() };
        let texts = Texts::read(&self.task, &self.data, &self.tokenizer, &reading)?;
        let windows = self.corpus.iter().map(|path| encode_text(path, &self.tokenizer, max_length));
        let corpus: Vec<_> = windows.collect::<Result<Vec<_>, _>>()?.concat();
        if !corpus.is_empty() && !recipe.stage.iter().any(|stage| stage.kind == StageKind::General) {
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
        self.answers(recipe)?;
        let (max_length, _) = length(&self.tokenizer, recipe.data.max_length)?;
        check(&with_length(recipe, max_length), &self.task_of(recipe)?, &self.teacher, texts)
    }

    /// One digest of teacher, `texts` and the run to start from.
    ///
    /// # Errors
    /// If that run has no checkpoint.
    pub(crate) fn digest(&self, texts: &Texts, from: Option<&RunFolder>) -> Result<String> {
        let Origin { model, train, dev, corpus, from, .. } = self.origin(texts, from.map(of_run).transpose()?, "");
        let parts = [
            Some(model.sha256),
            Some(train.sha256),
            Some(dev.sha256),
            corpus.map(|it| it.sha256),
            from.map(|it| it.sha256),
        ];
        let parts: Vec<String> = parts.into_iter().map(Option::unwrap_or_default).collect();
        Ok(sha256(parts.join(" ")))
    }

    /// Distils one student into the job's folder. A run that has finished is left as it is ([`Logged::had_finished`]).
    ///
    /// # Errors
    /// If the parts do not fit together, training diverges, or a file cannot be written; if the run that goes on was made from
    /// something else.
    pub fn distil(&self, job: &Job<'_>, observer: &mut dyn Observer) -> Result<Distilled> {
        let Job { recipe, folder, .. } = *job;
        let texts = self.texts(recipe)?;
        let student = self.check(recipe, &texts)?;
        let from = job.from.map(Predecessor::open).transpose()?;
        let mut origin = self.origin(&texts, from.as_ref().map(of_predecessor).transpose()?, job.program);
        let mut notes: Vec<(Level, String)> = self.note.iter().map(|note| (Level::Info, note.clone())).collect();
        let (max_length, shorter) = length(&self.tokenizer, recipe.data.max_length)?;
        notes.extend(texts.notes.iter().cloned().chain(shorter).map(|note| (Level::Info, note)));
        let begun = if job.resume { Origin::read(folder.path())? } else { None };
        let end = if job.resume { last_end(&folder.metrics())? } else { None };
        if job.resume {
            notes.extend(same_origin(folder.path(), &origin)?);
            if let Some(end) = end.clone().filter(LastEnd::is_finished) {
                let run = Logged::before(end, self.task.primary().to_string());
                return Ok(Distilled { run, solves: Solves::default(), silent: false });
            }
        }
        if !job.resume {
            notes.extend(first_look(&self.teacher, &self.tokenizer, &self.task, &texts.dev, &self.device)?);
        }
        let task = self.task_of(recipe)?;
        let setup = Setup {
            recipe: with_length(recipe, max_length),
            task: task.clone(),
            teacher: self.teacher.clone(),
            texts,
            folder: folder.clone(),
        };
        let mut distiller = Distiller::new(setup, &self.device)?;
        let changes = if job.resume { folder.recipe()?.changes(recipe) } else { Vec::new() };
        let resume = match job.resume && is_kept(&folder.last()) {
            true => restored(&mut distiller, end.as_ref(), &changes, &mut notes)?,
            false => None,
        };
        if !changes.is_empty() {
            notes.push((Level::Info, format!("goes on with other settings: {}", phrases(&changes))));
            folder.write_recipe(recipe)?;
        }
        if resume.is_none() {
            let from = match (from, begun.and_then(|begun| begun.from)) {
                (Some(from), _) => Some(from),
                // It was stopped before its first checkpoint.
                (None, Some(source)) => Some(again(&source)?),
                (None, None) => None,
            };
            if let Some(from) = from {
                notes.push((Level::Info, distiller.start_from(&from)?));
                origin.from = Some(of_predecessor(&from)?);
            }
            let description =
                Description { format: FORMAT.into(), student: student.clone(), task: task.clone(), max_length };
            if !job.resume || Origin::read(folder.path())?.is_some() {
                origin.write(folder.path())?;
            }
            folder.describe(recipe, &description, &self.tokenizer)?;
        }
        let controls = Controls {
            name: job.name.clone().unwrap_or_else(|| format!("distil {}", self.task.name)),
            summary: job.summary.clone().unwrap_or_else(|| summary(&student)),
            stages: recipe.stage.clone(),
            batch_size: recipe.data.batch_size,
            run: recipe.run.clone(),
            max_time: job.max_time,
            stop: job.stop,
            resume,
            notes,
        };
        // A run that ended before its first checkpoint leaves its log to the next one.
        let log = Log { path: &folder.metrics(), goes_on: job.resume || folder.metrics().exists() };
        let run = train_logged(&mut distiller, &controls, log, observer)
            .map_err(|e| e.advising(|step| advice(&distiller, recipe, step)).during("distillation"))?;
        if run.outcome.reason == EndReason::Finished {
            forget_before(&folder.last())?;
        }
        Ok(Distilled { run, solves: distiller.solves(), silent: distiller.is_silent() })
    }
}

impl Distilled {
    /// What the user should know of the solves and of the student, a line each.
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
        let silent = self.silent.then(|| {
            "the student is silent: no neuron sends a spike, so that every answer is the same; lower `student.thresholds`".to_owned()
        });
        unconverged.map(warning).chain(silent).collect()
    }
}

/// A student in one line.
fn summary(student: &StudentConfig) -> String {
    format!(
        "{} layers, D={}, {} bit, {}",
        student.layers,
        student.hidden,
        student.weight_bits,
        student.code.describe(student.signed, student.time_steps)
    )
}

/// The recipe with another length of texts.
fn with_length(recipe: &Recipe, max_length: usize) -> Recipe {
    let data = DataRecipe { max_length, ..recipe.data.clone() };
    Recipe { data, ..recipe.clone() }
}
