//! What became of each cell, in `sweep.json`: written whole after every change, read to go on.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike::atomic_file;
use serde::{Deserialize, Serialize};

use super::grid::Cell;
use super::measure::Measured;
use super::results::plausible;
use super::settings::FORMAT;

/// All cells in the order in which they run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    /// Always [`FORMAT`].
    format: String,
    pub(crate) cells: Vec<Record>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// Its folder within `cells`.
    pub(crate) name: String,
    pub(crate) seed: u64,
    /// Its value on each axis, as text.
    pub(crate) values: Vec<String>,
    pub(crate) status: Status,
    /// Steps taken, of so many.
    pub(crate) steps: u64,
    pub(crate) total_steps: u64,
    /// Wall seconds spent on it in all sessions.
    pub(crate) seconds: f64,
    /// `finished`, or `time budget` where `--cell-minutes` ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) measured: Option<Measured>,
}

/// How far a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
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
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }
}

impl Journal {
    /// Of a sweep that has not begun; `steps` are those of each cell.
    pub(crate) fn new(cells: &[Cell], steps: &[u64]) -> Self {
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
    pub(crate) fn read(folder: &Path, cells: &[Cell], steps: &[u64]) -> Result<Self> {
        let path = Self::path(folder);
        let fresh = Self::new(cells, steps);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(fresh),
            text => text.with_context(|| format!("read {}", path.display()))?,
        };
        let journal: Self = serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
        if journal.format != FORMAT {
            bail!("{}: expected format `{FORMAT}`, found `{}`", path.display(), journal.format);
        }
        let same = |(a, b): (&Record, &Record)| {
            (&a.name, a.seed, &a.values, a.total_steps) == (&b.name, b.seed, &b.values, b.total_steps)
                && a.seconds.is_finite()
                && a.seconds >= 0.0
                && a.steps <= a.total_steps
                && (a.status == Status::Finished) == a.measured.is_some()
        };
        if journal.cells.len() != fresh.cells.len() || !journal.cells.iter().zip(&fresh.cells).all(same) {
            bail!(
                "{} does not hold the cells of sweep.toml; remove it to have every cell looked at anew (trained cells are \
                 measured again, not trained)",
                path.display()
            );
        }
        for record in &journal.cells {
            let checked = record.measured.as_ref().map_or(Ok(()), plausible);
            checked.with_context(|| format!("{}: cell {}", path.display(), record.name))?;
        }
        Ok(journal)
    }

    /// Writes `sweep.json`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        Ok(atomic_file::write(&Self::path(folder), |file| file.write_all(text.as_bytes()))?)
    }

    /// Cells of a status.
    pub(crate) fn count(&self, status: Status) -> usize {
        self.cells.iter().filter(|record| record.status == status).count()
    }
}
