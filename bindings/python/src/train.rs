//! Recipes, distillations and sweeps.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bitspike_data::{CustomTarget, CustomTask, StatedClasses, TaskSpec};
use bitspike_hub::Registry;
use bitspike_run::RunFolder;
use bitspike_run::recipe::Recipe;
use bitspike_train::distill::{Inputs, Job, settle};
use bitspike_train::sweep::{Bounds, Grid, Paths, Request, Sweep, train_apart};
use pyo3::prelude::*;

use crate::engine::threads;
use crate::fault::{self, Fault, Kind, Result};
use crate::follow::follow;

/// What made a run, for the record.
const PROGRAM: &str = concat!("bitspike ", env!("CARGO_PKG_VERSION"), ", Python");

/// The recipe of that name, file or JSON with some values set, as JSON and as TOML.
#[pyfunction]
pub(crate) fn recipe(name: Option<PathBuf>, json: Option<String>, set: Vec<String>) -> PyResult<(String, String)> {
    let read = || -> Result<Recipe> {
        match json {
            Some(json) => Ok(of_json(&json)?.with(&set)?),
            None => Recipe::load(name.as_deref(), &set).map_err(unknown),
        }
    };
    let recipe = read()?;
    Ok((fault::json(&recipe)?, recipe.to_toml()))
}

/// Names of the recipes that are compiled in.
#[pyfunction]
pub(crate) fn recipes() -> Vec<&'static str> {
    bitspike_run::recipe::names().collect()
}

/// A recipe that cannot be read is not found.
fn unknown(error: bitspike_run::Error) -> Fault {
    use bitspike_run::Error;
    match error {
        Error::Checkpoint { .. } | Error::Io { .. } => Fault::new(Kind::NotFound, format!("recipe {error}")),
        error => error.into(),
    }
}

fn of_json(json: &str) -> Result<Recipe> {
    serde_json::from_str(json).map_err(|error| Fault::new(Kind::Option, format!("recipe: {error}")))
}

/// What a student learns, and from what.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Learnt {
    /// One of GLUE's tasks, or the name of a task of the user's own; none goes on with that of a run.
    task: Option<String>,
    /// Columns of that task: of the text, the second text and the label.
    text: Option<String>,
    text_pair: Option<String>,
    label: Option<String>,
    /// Its classes in order; those of the training split where there are none.
    labels: Option<Vec<String>>,
    regression: bool,
    data: PathBuf,
    teacher: PathBuf,
    corpus: Option<PathBuf>,
    /// Answers to learn from instead of the teacher's own, a row a text.
    soft_labels: Option<PathBuf>,
    start_from: Option<PathBuf>,
    /// Which output of the teacher is which class.
    classes: Option<String>,
}

impl Learnt {
    fn task(&self) -> Result<Option<TaskSpec>> {
        let Some(name) = self.task.clone() else { return Ok(None) };
        let (Some(first), Some(label)) = (self.text.clone(), self.label.clone()) else {
            return Ok(Some(TaskSpec::glue(&name)?));
        };
        let target = match (self.regression, self.labels.clone()) {
            (true, _) => CustomTarget::DiscoverScores,
            (false, None) => CustomTarget::DiscoverClasses,
            (false, Some(labels)) => CustomTarget::Classes(labels),
        };
        let task = CustomTask { name, first, second: self.text_pair.clone(), label, target, metrics: Vec::new() };
        Ok(Some(task.resolve(&self.data)?))
    }

    /// That of a folder, or of a name in the hub's cache.
    fn teacher(&self) -> Result<PathBuf> {
        if self.teacher.exists() {
            return Ok(self.teacher.clone());
        }
        let name = self.teacher.to_string_lossy();
        Registry::from_env().teacher(&name)?.ok_or_else(|| {
            let expected = "the folder of a Hugging Face BERT, or OWNER/NAME of one in the hub's cache";
            Fault::at(Kind::NotFound, "teacher", expected, format!("`{name}`"))
        })
    }

    fn classes(&self) -> Result<Option<StatedClasses>> {
        Ok(self.classes.as_deref().map(StatedClasses::from_str).transpose()?)
    }
}

fn no_task() -> Fault {
    Fault::at(Kind::Option, "task", "the name of a task or a bitspike.data.Task", "None")
}

fn seconds(minutes: Option<f64>, place: &str) -> Result<Option<Duration>> {
    let read = |minutes: f64| match minutes > 0.0 && minutes <= 1e7 {
        true => Ok(Duration::from_secs_f64(minutes * 60.0)),
        false => Err(Fault::at(Kind::Option, place, "more than 0 minutes", minutes)),
    };
    minutes.map(read).transpose()
}

/// Distils a student of `recipe`, as JSON, into the folder `out`; returns how it ended, as JSON, and what should be known of the student.
#[pyfunction]
#[pyo3(signature = (recipe, set, learnt, out, resume, max_minutes, threads, on_event))]
#[allow(clippy::too_many_arguments, reason = "one call from Python")]
pub(crate) fn distil(
    py: Python<'_>,
    recipe: Option<String>,
    set: Vec<String>,
    learnt: Learnt,
    out: PathBuf,
    resume: bool,
    max_minutes: Option<f64>,
    threads: Option<i64>,
    on_event: Option<Bound<'_, PyAny>>,
) -> PyResult<(String, Vec<String>)> {
    let threads = self::threads(threads)?;
    let max_time = seconds(max_minutes, "max_minutes")?;
    follow(py, threads, on_event, move |observer, stop| {
        let recipe = recipe.as_deref().map(|json| Ok::<_, Fault>(of_json(json)?.with(&set)?)).transpose()?;
        let task = learnt.task()?;
        // What is wrong with the call leaves no folder behind.
        let asked = match resume {
            true => None,
            false => Some((recipe.clone().unwrap_or_default(), task.clone().ok_or_else(no_task)?)),
        };
        let folder = if resume { RunFolder::open(&out)? } else { RunFolder::create(&out)? };
        let _lock = folder.lock()?;
        let (recipe, task) = match asked {
            Some(asked) => asked,
            None => {
                let known = || Ok::<_, Fault>(Recipe::load(Some(&folder.path().join("recipe.toml")), &set)?);
                let recipe = recipe.map_or_else(known, Ok)?;
                let task = settle(&folder, &recipe, task.as_ref())?;
                (recipe, task)
            }
        };
        let classes = learnt.classes()?;
        let mut inputs =
            Inputs::load(&learnt.teacher()?, &learnt.data, learnt.corpus.as_slice(), task, classes.as_ref())?;
        if let Some(table) = &learnt.soft_labels {
            inputs = inputs.with_soft_labels(table)?;
        }
        let job = Job {
            from: learnt.start_from.as_deref(),
            resume,
            program: PROGRAM,
            max_time,
            stop,
            ..Job::new(&recipe, &folder)
        };
        let done = inputs.distil(&job, observer)?;
        Ok((fault::json(&done.run.outcome)?, done.warnings()))
    })
}

/// Runs a new sweep over `recipe` into the folder `out`, or goes on with the one there; returns what was found, as JSON. With
/// `begin_only` no cell is run: the folder says then what there is to do.
#[pyfunction]
#[pyo3(signature = (recipe, set, over, seeds, learnt, out, resume, retry_failed, begin_only, max_minutes, cell_minutes, threads, on_event))]
#[allow(clippy::too_many_arguments, reason = "one call from Python")]
pub(crate) fn sweep(
    py: Python<'_>,
    recipe: Option<String>,
    set: Vec<String>,
    over: Vec<String>,
    seeds: Vec<u64>,
    learnt: Option<Learnt>,
    out: PathBuf,
    resume: bool,
    retry_failed: bool,
    begin_only: bool,
    max_minutes: Option<f64>,
    cell_minutes: Option<f64>,
    threads: Option<i64>,
    on_event: Option<Bound<'_, PyAny>>,
) -> PyResult<String> {
    let threads = self::threads(threads)?;
    let bounds = Bounds {
        max_time: seconds(max_minutes, "max_minutes")?,
        cell_time: seconds(cell_minutes, "cell_minutes")?,
        keep_checkpoints: false,
    };
    follow(py, threads, on_event, move |observer, stop| {
        let mut sweep = match (resume, learnt) {
            (true, _) => again(&out, retry_failed)?,
            (false, Some(learnt)) => {
                let recipe = recipe.as_deref().map(of_json).transpose()?.unwrap_or_default().with(&set)?;
                let grid = Grid::new(None, &over, &seeds, &recipe)?;
                let task = learnt.task()?.ok_or_else(no_task)?;
                let (teacher, map) = (learnt.teacher()?, learnt.classes()?);
                let Learnt { data, corpus, soft_labels, start_from: from, .. } = learnt;
                let inputs = Paths { teacher, data, corpus, soft_labels, from, map };
                Sweep::new(&out, Request { recipe, grid, inputs, task }, &set)?
            }
            (false, None) => return Err(no_task()),
        };
        let stopped = AtomicBool::new(true);
        sweep.run(&bounds, if begin_only { &stopped } else { stop }, observer)?;
        fault::json(&sweep.findings())
    })
}

/// Trains the cell `name` of the sweep in the folder `out`, which measures it when it goes on; returns how training ended.
#[pyfunction]
pub(crate) fn sweep_cell(
    py: Python<'_>,
    out: PathBuf,
    name: String,
    cell_minutes: Option<f64>,
    threads: Option<i64>,
) -> PyResult<&'static str> {
    let threads = self::threads(threads)?;
    let cell_time = seconds(cell_minutes, "cell_minutes")?;
    follow(py, threads, None, move |observer, stop| Ok(train_apart(&out, &name, cell_time, stop, observer)?.name()))
}

/// The sweep in the folder, as it was begun.
fn again(out: &Path, retry_failed: bool) -> Result<Sweep> {
    let plan = bitspike_train::sweep::SweepPlan::read(out)?;
    let request = Request { recipe: plan.recipe, grid: plan.grid, inputs: plan.inputs, task: plan.task };
    Ok(Sweep::resume(out, request, retry_failed)?)
}
