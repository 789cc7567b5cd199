//! What became of each cell, in `sweep.json`: written whole after every change, read to go on.

use std::io::Write;
use std::path::{Path, PathBuf};

use bitspike::atomic_file;
use serde::{Deserialize, Serialize};

use super::figures::{CellFigures, plausible};
use super::grid::Cell;
use super::plan::{FORMAT, format_of};
use crate::error::{Error, Result};

/// All cells in the order in which they run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    /// Always the same in files of this version.
    format: String,
    /// A record a cell.
    pub(super) cells: Vec<Record>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Its folder within `cells`.
    pub(super) name: String,
    /// Its seed.
    pub(super) seed: u64,
    /// Its value on each axis, as text.
    pub(super) values: Vec<String>,
    /// How far it is.
    pub(super) status: Status,
    /// Steps taken, of so many.
    pub(super) steps: u64,
    /// See `steps`.
    pub(super) total_steps: u64,
    /// Wall seconds spent on it in all sessions.
    pub(super) seconds: f64,
    /// `finished`, or `time budget` where `--cell-minutes` ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// What it was measured for, once it is finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) measured: Option<CellFigures>,
}

/// How far a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Status {
    /// Not begun.
    Pending,
    /// Being trained or measured, or was when the program was killed.
    Running,
    /// Stopped with a checkpoint.
    Paused,
    /// Trained and measured.
    Finished,
    /// Ended by an error.
    Failed,
}

impl Status {
    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Journal {
    /// Of a sweep that has not begun; `steps` are those of each cell.
    pub(super) fn new(cells: &[Cell], steps: &[u64]) -> Self {
        let record = |(cell, &total_steps): (&Cell, &u64)| Record {
            name: cell.name.clone(),
            seed: cell.seed,
            values: cell.labels.clone(),
            status: Status::Pending,
            steps: 0,
            total_steps,
            seconds: 0.0,
            ended: None,
            error: None,
            measured: None,
        };
        Self { format: FORMAT.into(), cells: cells.iter().zip(steps).map(record).collect() }
    }

    fn path(folder: &Path) -> PathBuf {
        folder.join("sweep.json")
    }

    /// Reads the journal of the sweep in `folder`, where it was written already.
    ///
    /// # Errors
    /// If it is damaged, or not of these cells.
    pub(super) fn read(folder: &Path, cells: &[Cell], steps: &[u64]) -> Result<Self> {
        let path = Self::path(folder);
        let fresh = Self::new(cells, steps);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(fresh),
            text => text.map_err(|e| Error::io("read", &path, e))?,
        };
        let journal: Self = serde_json::from_str(&text).map_err(|e| Error::damaged(&path, e))?;
        format_of(&path, &journal.format)?;
        let same = |(a, b): (&Record, &Record)| {
            (&a.name, a.seed, &a.values, a.total_steps) == (&b.name, b.seed, &b.values, b.total_steps)
                && a.seconds.is_finite()
                && a.seconds >= 0.0
                && a.steps <= a.total_steps
                && (a.status == Status::Finished) == a.measured.is_some()
        };
        if journal.cells.len() != fresh.cells.len() || !journal.cells.iter().zip(&fresh.cells).all(same) {
            let message = "does not hold the cells of sweep.toml; remove it to have every cell looked at anew (trained cells \
                           are measured again, not trained)";
            return Err(Error::folder(&path, message));
        }
        for record in &journal.cells {
            let checked = record.measured.as_ref().map_or(Ok(()), plausible);
            checked.map_err(|e| e.during(format!("{}: cell {}", path.display(), record.name)))?;
        }
        Ok(journal)
    }

    /// Writes `sweep.json`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).expect("a journal is JSON");
        Ok(atomic_file::write(&Self::path(folder), |file| file.write_all(text.as_bytes()))?)
    }

    /// Cells of a status.
    pub(super) fn count(&self, status: Status) -> usize {
        self.cells.iter().filter(|record| record.status == status).count()
    }
}
