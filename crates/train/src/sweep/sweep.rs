//! A sweep whose cells have been checked, and how they are run.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bitspike::atomic_file;
use bitspike::error::explain;
use bitspike_data::TaskSpec;
use bitspike_run::progress::Observer;
use bitspike_run::recipe::Recipe;
use bitspike_run::run::{RunFolder, claim, forget_before};
use burn::tensor::Device;

use super::axis::no_contradiction;
use super::budget::{Effort, estimates, next, until};
use super::cell::{CellTraining, TrainedCell, cell_folder};
use super::checked::Checked;
use super::figures::CellFigures;
use super::grid::{Cell, Grid};
use super::groups::groups;
use super::journal::{Journal, Status};
use super::measure::measure;
use super::observer::{CellStart, SweepObserver};
use super::outline::{AxisOutline, CellOutline, Findings, Outline};
use super::plan::{FORMAT, Paths, SweepPlan};
use super::{picture, tables};
use crate::distill::Inputs;
use crate::error::{Error, Result};
use crate::resume::unchanged;
use crate::training::EndReason;

/// A sweep that is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The recipe that the cells vary.
    pub recipe: Recipe,
    /// How they vary it.
    pub grid: Grid,
    /// What they are distilled from.
    pub inputs: Paths,
    /// What they learn.
    pub task: TaskSpec,
}

/// How much of a sweep is run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    /// Time for this session; a cell in work keeps its checkpoint.
    pub max_time: Option<Duration>,
    /// Time of training after which a cell ends with what it has.
    pub cell_time: Option<Duration>,
    /// Keep the optimiser's state of finished cells.
    pub keep_checkpoints: bool,
}

/// A sweep whose cells have been checked.
#[derive(Debug)]
pub struct Sweep {
    folder: PathBuf,
    plan: SweepPlan,
    /// Whether its folder is not made yet.
    fresh: bool,
    /// Whether `plan` is another than the folder holds.
    changed: bool,
    inputs: Inputs,
    /// As the request named it.
    from: Option<PathBuf>,
    cells: Vec<Cell>,
    efforts: Vec<Effort>,
    journal: Journal,
}

/// How a cell ended.
enum Ended {
    /// Why training ended, and after how many steps.
    Finished(EndReason, u64, Box<CellFigures>),
    /// Stopped with a checkpoint after so many steps.
    Paused(u64),
}

impl Sweep {
    /// A new sweep into `folder`; `fixed` are the overrides that the recipe came with, which no axis may undo.
    ///
    /// # Errors
    /// If the folder holds anything, or a cell does not fit what it is distilled from.
    pub fn new(folder: &Path, request: Request, fixed: &[String]) -> Result<Self> {
        vacant(folder)?;
        let Request { recipe, grid, inputs: paths, task } = request;
        no_contradiction(&grid.axis, fixed)?;
        let cells = grid.cells(&recipe)?;
        let Checked { inputs, digest, efforts, .. } = Checked::new(&paths, task.clone(), &cells)?;
        let plan = SweepPlan { format: FORMAT.into(), inputs: paths.absolute()?, digest, task, grid, recipe };
        let journal = Journal::new(&cells, &steps(&efforts));
        let folder = folder.into();
        Ok(Self { folder, plan, fresh: true, changed: false, inputs, from: paths.from, cells, efforts, journal })
    }

    /// The sweep in `folder`, once it is found to be the one that is asked for. What it is distilled from may lie elsewhere by
    /// now, and the settings of `run` (intervals of log, evaluations and checkpoints) may be others. Cells that failed are tried
    /// again if `retry_failed`.
    ///
    /// # Errors
    /// If there is none, it is another one, or its files or those it is distilled from have changed.
    pub fn resume(folder: &Path, request: Request, retry_failed: bool) -> Result<Self> {
        let mut plan = SweepPlan::read(folder)?;
        let place = folder.display();
        let refuse = |message: String| Err(Error::Mismatch(message));
        let Request { recipe, grid, inputs: paths, task } = request;
        let changes = plan.recipe.changes(&recipe);
        let changed = !changes.is_empty();
        let now = changes.iter().map(|change| format!("{}={}", change.key, change.is.as_deref().unwrap_or("nothing")));
        no_contradiction(&grid.axis, &now.collect::<Vec<_>>())?;
        unchanged(changes, false, folder)?;
        if grid != plan.grid {
            return refuse(format!(
                "--resume goes on with the grid in {place}, and this command asks for another; leave --over, --grid and --seeds \
                 out, or start a new sweep in another --out"
            ));
        }
        let known = &plan.inputs;
        if paths.corpus.is_some() != known.corpus.is_some() || paths.from.is_some() != known.from.is_some() {
            return refuse(format!(
                "the sweep in {place} was started without the --corpus or --from that this command names; leave it out"
            ));
        }
        if task != plan.task {
            let name = &plan.task.name;
            return refuse(format!("--resume goes on with task {name}, and this command names another"));
        }
        plan.recipe = recipe;
        let cells = plan.grid.cells(&plan.recipe)?;
        let Checked { inputs, digest, earlier_digest, efforts } = Checked::new(&paths, task, &cells)?;
        if ![digest, earlier_digest].contains(&plan.digest) {
            return refuse(format!(
                "{} or {} (or the corpus, or the run to start from) does not hold what the sweep in {place} was started with; \
                 give the same teacher and data, or start a new sweep in another --out",
                paths.teacher.display(),
                paths.data.display()
            ));
        }
        let mut journal = Journal::read(folder, &cells, &steps(&efforts))?;
        for record in journal.cells.iter_mut().filter(|record| retry_failed && record.status == Status::Failed) {
            (record.status, record.error) = (Status::Pending, None);
        }
        let folder = folder.into();
        Ok(Self { folder, plan, fresh: false, changed, inputs, from: paths.from, cells, efforts, journal })
    }

    /// How far it is and how long the rest takes.
    pub fn outline(&self) -> Outline {
        let known = estimates(&self.efforts, &self.journal);
        let grid = &self.plan.grid;
        let axes = grid.axis.iter().map(|axis| AxisOutline {
            key: axis.key.clone(),
            values: (0..axis.values.len()).map(|i| axis.label(i)).collect(),
        });
        let cells = self.journal.cells.iter().zip(&known).map(|(record, &seconds_left)| CellOutline {
            name: record.name.clone(),
            status: record.status,
            steps: record.total_steps,
            seconds_left,
        });
        Outline {
            folder: self.folder.clone(),
            axes: axes.collect(),
            seeds: grid.seeds.clone(),
            cells: cells.collect(),
            seconds_left: known.iter().copied().sum(),
        }
    }

    /// What it found so far.
    pub fn findings(&self) -> Findings {
        let failed = self.journal.cells.iter().filter(|record| record.status == Status::Failed);
        Findings {
            folder: self.folder.clone(),
            cells: self.cells.len(),
            finished: self.journal.count(Status::Finished),
            failed: failed.map(|record| record.name.clone()).collect(),
            keys: self.plan.grid.short_keys(),
            combinations: Findings::combinations(groups(&self.cells, &self.journal)),
        }
    }

    /// Runs cells until all are done, the time is over or `stop` is set, and writes what is found after each. A cell's failure is
    /// recorded and the next one runs.
    ///
    /// # Errors
    /// If another process runs the sweep, or the sweep's own files cannot be written.
    pub fn run(&mut self, bounds: &Bounds, stop: &AtomicBool, observer: &mut dyn SweepObserver) -> Result<()> {
        let _lock = claim(&self.folder)?;
        if self.fresh {
            // Looked at again, now that no other process can be about to do the same.
            vacant(&self.folder)?;
        }
        if std::mem::take(&mut self.fresh) || std::mem::take(&mut self.changed) {
            self.plan.write(&self.folder)?;
        }
        self.journal.write(&self.folder)?;
        observer.begins(&self.outline());
        let started = Instant::now();
        let deadline = bounds.max_time.map(|limit| started + limit);
        let left = || bounds.max_time.map(|limit| limit.saturating_sub(started.elapsed()).as_secs_f64());
        while !stop.load(Ordering::Relaxed) && left().is_none_or(|left| left > 0.0) {
            let known = estimates(&self.efforts, &self.journal);
            let Some(i) = next(&self.journal, &known, left()) else { break };
            let record = &mut self.journal.cells[i];
            observer.cell(&CellStart {
                name: &self.cells[i].name,
                number: i + 1,
                of: self.cells.len(),
                goes_on: record.status != Status::Pending,
                seconds: known[i],
                rest: known.iter().flatten().sum(),
            });
            (record.status, record.error) = (Status::Running, None);
            self.journal.write(&self.folder)?;
            let began = Instant::now();
            let ended = until(deadline, stop, |stop| self.cell(i, bounds, stop, &mut *observer));
            self.record(i, ended, began.elapsed(), observer);
            self.journal.write(&self.folder)?;
            self.publish()?;
            if self.journal.cells[i].status == Status::Finished && !bounds.keep_checkpoints {
                // Nothing resumes a finished cell, and the optimiser's state is three quarters of its folder.
                let run = RunFolder::unchecked(&self.cell_folder(i));
                if run.best().exists() && run.last().exists() {
                    std::fs::remove_file(run.last()).map_err(|e| Error::io("remove", run.last(), e))?;
                    forget_before(&run.last())?;
                }
            }
        }
        self.publish()
    }

    /// Writes `results.csv` and the fronts, `pareto.csv` and `pareto.svg`, as far as they are known.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn publish(&self) -> Result<()> {
        let grid = &self.plan.grid;
        let groups = groups(&self.cells, &self.journal);
        let about = format!("{}, {}", self.plan.task.name, self.folder.display());
        let picture = picture::draw(&groups, &grid.short_keys(), &about);
        let files = [
            ("results.csv", tables::results_csv(grid, &self.cells, &self.journal)),
            ("pareto.csv", tables::pareto_csv(grid, &groups)),
            ("pareto.svg", picture.into_bytes()),
        ];
        for (name, bytes) in files {
            atomic_file::write(&self.folder.join(name), |file| std::io::Write::write_all(file, &bytes))?;
        }
        Ok(())
    }

    /// Folder of a cell.
    fn cell_folder(&self, i: usize) -> PathBuf {
        cell_folder(&self.folder, &self.cells[i].name)
    }

    /// Notes how a cell ended.
    fn record(&mut self, i: usize, ended: Result<Ended>, took: Duration, observer: &mut dyn SweepObserver) {
        let record = &mut self.journal.cells[i];
        record.seconds += took.as_secs_f64();
        match ended {
            Ok(Ended::Finished(reason, steps, measured)) => {
                (record.status, record.steps) = (Status::Finished, steps.min(record.total_steps));
                (record.ended, record.measured) = (Some(reason.name().into()), Some(*measured));
            }
            Ok(Ended::Paused(steps)) => {
                (record.status, record.steps) = (Status::Paused, steps.min(record.total_steps));
            }
            Err(error) => {
                observer.failed(&record.name, &error);
                (record.status, record.error) = (Status::Failed, Some(explain(&error)));
            }
        }
    }

    /// Trains, packs and measures a cell, from its checkpoint where it has one.
    fn cell(&self, i: usize, bounds: &Bounds, stop: &AtomicBool, observer: &mut dyn Observer) -> Result<Ended> {
        let cell = &self.cells[i];
        // Time that the cell has used in earlier sessions counts.
        let used = self.journal.cells[i].seconds;
        let max_time = bounds.cell_time.map(|time| (time.as_secs_f64() - used).max(0.06));
        let training = CellTraining {
            inputs: &self.inputs,
            cell,
            path: &self.cell_folder(i),
            from: self.from.as_deref(),
            max_time: max_time.map(Duration::from_secs_f64),
            stop,
        };
        let trained = training.run(observer)?;
        let TrainedCell { folder, reason, counters, .. } = &trained;
        if *reason == EndReason::Interrupted {
            return Ok(Ended::Paused(counters.step));
        }
        let measured = measure(&self.inputs, &cell.recipe, folder, counters, &Device::flex())?;
        Ok(Ended::Finished(*reason, counters.step, Box::new(measured)))
    }
}

fn steps(efforts: &[Effort]) -> Vec<u64> {
    efforts.iter().map(|effort| effort.steps).collect()
}

/// Whether a new sweep can go into `folder`.
///
/// # Errors
/// If it holds a sweep or anything else.
pub fn vacant(folder: &Path) -> Result<()> {
    if SweepPlan::path(folder).exists() {
        let message = "already holds a sweep; continue it with --resume, or choose another --out";
        return Err(Error::folder(folder, message));
    }
    if folder.exists() && !folder.is_dir() {
        return Err(Error::Mismatch(format!("--out {}: expected a folder, found a file", folder.display())));
    }
    let Ok(entries) = folder.read_dir() else { return Ok(()) };
    for entry in entries {
        let name = entry.map_err(|e| Error::io("read", folder, e))?.file_name();
        if !name.to_string_lossy().starts_with('.') {
            let message = format!("holds {}, which is no sweep's; choose another --out", name.display());
            return Err(Error::folder(folder, message));
        }
    }
    Ok(())
}
