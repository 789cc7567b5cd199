//! The training of one cell: by the sweep itself, or apart from it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bitspike_run::progress::{Level, Observer};
use bitspike_run::run::{Counters, RunFolder};

use super::checked::Checked;
use super::grid::Cell;
use super::measure::ended;
use super::plan::SweepPlan;
use crate::distill::{Inputs, Job};
use crate::error::{Error, Result};
use crate::training::EndReason;

/// Folder of the cell `name` of the sweep in `folder`.
pub(super) fn cell_folder(folder: &Path, name: &str) -> PathBuf {
    folder.join("cells").join(name)
}

/// A cell that was trained, and is claimed until this is dropped.
pub(super) struct TrainedCell {
    pub(super) folder: RunFolder,
    pub(super) reason: EndReason,
    pub(super) counters: Counters,
    _lock: File,
}

/// What a cell is trained from, and for how long.
pub(super) struct CellTraining<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) cell: &'a Cell,
    /// Its folder.
    pub(super) path: &'a Path,
    pub(super) from: Option<&'a Path>,
    pub(super) max_time: Option<Duration>,
    pub(super) stop: &'a AtomicBool,
}

impl CellTraining<'_> {
    /// Trains the cell, from its checkpoint where it has one. One that was trained and not measured, since the program was killed,
    /// its record removed, or it was trained apart, is not trained again.
    pub(super) fn run(&self, observer: &mut dyn Observer) -> Result<TrainedCell> {
        let Self { inputs, cell, path, from, max_time, stop } = *self;
        let resume = path.join("model.json").exists();
        let folder = if resume { RunFolder::open(path)? } else { RunFolder::create(path)? };
        let _lock = folder.lock()?;
        if resume && folder.recipe()?.changes(&cell.recipe).iter().any(|change| !change.is_of_the_run()) {
            let message = "holds a run of another recipe; remove it to train this cell anew";
            return Err(Error::folder(path, message));
        }
        if let Some((reason, counters)) = ended(&folder)? {
            return Ok(TrainedCell { folder, reason, counters, _lock });
        }
        let (reason, counters) = {
            let job = Job { from, resume, max_time, stop, ..Job::new(&cell.recipe, &folder) };
            let mut done = inputs.distil(&job, observer)?;
            for text in done.warnings() {
                done.run.say(observer, Level::Warn, text)?;
            }
            (done.run.outcome.reason, done.run.outcome.counters)
        };
        Ok(TrainedCell { folder, reason, counters, _lock })
    }
}

/// Trains the cell `name` of the sweep in `folder`, apart from the process that leads the sweep: by itself, or beside other cells, on
/// any machine that sees the folder and what the sweep is distilled from. The sweep measures it when it is resumed.
///
/// # Errors
/// If there is no such sweep or cell, its teacher or data are others than those that it was begun with, or training fails.
pub fn train_apart(
    folder: &Path,
    name: &str,
    cell_time: Option<Duration>,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<EndReason> {
    let SweepPlan { inputs: paths, digest: known, task, grid, recipe, .. } = SweepPlan::read(folder)?;
    let cells = grid.cells(&recipe)?;
    let Some(cell) = cells.iter().find(|cell| cell.name == name) else {
        return Err(Error::Mismatch(format!("{}: has no cell `{name}`", folder.display())));
    };
    let Checked { inputs, digest, earlier_digest, .. } = Checked::new(&paths, task, &cells)?;
    if ![digest, earlier_digest].contains(&known) {
        let message = format!(
            "{} or {} does not hold here what the sweep in {} was begun with",
            paths.teacher.display(),
            paths.data.display(),
            folder.display()
        );
        return Err(Error::Mismatch(message));
    }
    let path = cell_folder(folder, name);
    let training =
        CellTraining { inputs: &inputs, cell, path: &path, from: paths.from.as_deref(), max_time: cell_time, stop };
    Ok(training.run(observer)?.reason)
}
