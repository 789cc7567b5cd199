//! Runs the cells of a sweep.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bitspike_run::progress::{Event, Level, Observer};
use bitspike_run::run::RunFolder;
use bitspike_train::training::EndReason;
use burn::tensor::Device;

use super::budget::{Effort, estimates, next, until};
use super::grid::Cell;
use super::journal::{Journal, Status};
use super::measure::{Measured, ended, measure};
use super::{fronts, results};
use crate::commands::threads::Threads;
use crate::commands::training::RunArgs;
use crate::distillation::{Inputs, Job};
use crate::live::Display;
use crate::number::duration;
use crate::sweep::settings::Settings;

/// How a sweep is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Time for this session.
    pub(crate) max_time: Option<Duration>,
    /// Minutes of training after which a cell ends with what it has.
    pub(crate) cell_minutes: Option<f64>,
    pub(crate) display: Display,
    /// Keep the optimiser's state of finished cells.
    pub(crate) keep_checkpoints: bool,
}

/// A sweep whose cells have been checked.
#[derive(Debug)]
pub(crate) struct Sweep {
    pub(crate) folder: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) inputs: Inputs,
    /// As the command named it, or as `sweep.toml` does.
    pub(crate) from: Option<PathBuf>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) efforts: Vec<Effort>,
    pub(crate) journal: Journal,
}

/// How a cell ended.
enum Ended {
    /// Why training ended, and after how many steps.
    Finished(EndReason, u64, Box<Measured>),
    /// Stopped with a checkpoint after so many steps.
    Paused(u64),
}

impl Sweep {
    /// Folder of a cell.
    fn cell_folder(&self, i: usize) -> PathBuf {
        self.folder.join("cells").join(&self.cells[i].name)
    }

    /// Runs cells until all are done, the time is over or the user stops. A cell's failure is recorded and the next one runs.
    ///
    /// # Errors
    /// If the sweep's own files cannot be written.
    pub(crate) fn run(&mut self, bounds: Bounds) -> Result<()> {
        let started = Instant::now();
        let deadline = bounds.max_time.map(|limit| started + limit);
        let left = || bounds.max_time.map(|limit| limit.saturating_sub(started.elapsed()).as_secs_f64());
        while !crate::interrupt::requested() && left().is_none_or(|left| left > 0.0) {
            let known = estimates(&self.efforts, &self.journal);
            let Some(i) = next(&self.journal, &known, left()) else { break };
            self.announce(i, &known, bounds);
            let record = &mut self.journal.cells[i];
            (record.status, record.error) = (Status::Running, None);
            self.journal.write(&self.folder)?;
            let began = Instant::now();
            let ended = until(deadline, |stop| self.cell(i, bounds, stop));
            let record = &mut self.journal.cells[i];
            record.seconds += began.elapsed().as_secs_f64();
            match ended {
                Ok(Ended::Finished(reason, steps, measured)) => {
                    (record.status, record.steps) = (Status::Finished, steps.min(record.total_steps));
                    (record.ended, record.measured) = (Some(reason.name().into()), Some(*measured));
                }
                Ok(Ended::Paused(steps)) => {
                    (record.status, record.steps) = (Status::Paused, steps.min(record.total_steps));
                }
                Err(error) => {
                    let text = crate::message(&error);
                    eprintln!("bitspike: cell {} failed: {text}", record.name);
                    (record.status, record.error) = (Status::Failed, Some(text));
                }
            }
            let finished = record.status == Status::Finished;
            self.journal.write(&self.folder)?;
            self.publish()?;
            if finished && !bounds.keep_checkpoints {
                // Nothing resumes a finished cell, and the optimiser's state is three quarters of its folder.
                let last = self.cell_folder(i).join("last.safetensors");
                if self.cell_folder(i).join("best.safetensors").exists() && last.exists() {
                    std::fs::remove_file(&last).with_context(|| format!("remove {}", last.display()))?;
                }
            }
        }
        Ok(())
    }

    /// Writes `results.csv` and the fronts as far as they are known.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(crate) fn publish(&self) -> Result<()> {
        results::write_csv(&self.folder.join("results.csv"), &self.settings.grid, &self.cells, &self.journal)?;
        let groups = results::groups(&self.cells, &self.journal);
        fronts::write(&self.folder, &self.settings, &groups)
    }

    /// Trains, packs and measures a cell, from its checkpoint where it has one.
    fn cell(&self, i: usize, bounds: Bounds, stop: &AtomicBool) -> Result<Ended> {
        let (cell, path) = (&self.cells[i], self.cell_folder(i));
        let resume = path.join("model.json").exists();
        let folder = if resume { RunFolder::open(&path)? } else { RunFolder::create(&path)? };
        let _lock = folder.lock()?;
        if resume && folder.recipe()? != cell.recipe {
            bail!("{} holds a run of another recipe; remove it to train this cell anew", path.display());
        }
        // One that was trained and not measured, since the program was killed or its record removed, is not trained again.
        if let Some((reason, counters)) = ended(&folder, &Device::flex())? {
            let measured = measure(&self.inputs, &cell.recipe, &folder, &counters, &Device::flex())?;
            return Ok(Ended::Finished(reason, counters.step, Box::new(measured)));
        }
        // Time that the cell has used in earlier sessions counts.
        let max_minutes = bounds.cell_minutes.map(|minutes| minutes - self.journal.cells[i].seconds / 60.0);
        let run = RunArgs {
            resume,
            max_minutes: max_minutes.map(|minutes| minutes.max(1e-3)),
            display: bounds.display,
            threads: Threads::default(),
        };
        let job = Job { recipe: &cell.recipe, folder: &folder, from: self.from.as_deref(), run: &run, stop };
        let mut done = self.inputs.distil(&job)?;
        for text in done.warnings() {
            done.observer.on_event(&Event::Message { level: Level::Warn, text }).context("write the log")?;
        }
        let outcome = done.outcome;
        if outcome.reason == EndReason::Interrupted {
            return Ok(Ended::Paused(outcome.counters.step));
        }
        drop(done.observer);
        let measured = measure(&self.inputs, &cell.recipe, &folder, &outcome.counters, &Device::flex())?;
        Ok(Ended::Finished(outcome.reason, outcome.counters.step, Box::new(measured)))
    }

    /// Says which cell runs now and how long the rest takes.
    fn announce(&self, i: usize, known: &[Option<f64>], bounds: Bounds) {
        if bounds.display == Display::Quiet {
            return;
        }
        let (record, count) = (&self.journal.cells[i], self.cells.len());
        let verb = if record.status == Status::Pending { "cell" } else { "going on with cell" };
        let mut line = format!("sweep: {verb} {} of {count}, {}", i + 1, self.cells[i].name);
        if let Some(seconds) = known[i] {
            let rest: f64 = known.iter().flatten().sum();
            line.push_str(&format!(": about {}, all that is left about {}", duration(seconds), duration(rest)));
        }
        eprintln!("{line}");
    }

    /// The plan: axes, cells, what is done, how long the rest takes.
    pub(crate) fn plan(&self, list: bool, bounds: Bounds) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        let grid = &self.settings.grid;
        let sizes: Vec<String> = grid.axis.iter().map(|axis| axis.values.len().to_string()).collect();
        let seeds = grid.seeds.len();
        let product = sizes.into_iter().chain([format!("{seeds} {}", if seeds == 1 { "seed" } else { "seeds" })]);
        let cells = self.cells.len();
        let noun = if cells == 1 { "cell" } else { "cells" };
        let _ =
            writeln!(text, "{}: {cells} {noun} ({})", self.folder.display(), product.collect::<Vec<_>>().join(" x "));
        for axis in &grid.axis {
            let values: Vec<String> = (0..axis.values.len()).map(|i| axis.label(i)).collect();
            let _ = writeln!(text, "  {}: {}", axis.key, values.join(", "));
        }
        let seeds: Vec<String> = grid.seeds.iter().map(u64::to_string).collect();
        let _ = writeln!(text, "  seeds: {}", seeds.join(", "));
        let known = estimates(&self.efforts, &self.journal);
        if list {
            let width = self.cells.iter().map(|cell| cell.name.len()).max().unwrap_or(0);
            let _ = writeln!(text, "\n{:<width$} {:>9} {:>8} {:>10}", "cell", "status", "steps", "time left");
            for ((cell, record), seconds) in self.cells.iter().zip(&self.journal.cells).zip(&known) {
                let time = seconds.map_or_else(|| "?".to_owned(), duration);
                let (name, status, steps) = (&cell.name, record.status.name(), record.total_steps);
                let _ = writeln!(text, "{name:<width$} {status:>9} {steps:>8} {time:>10}");
            }
            text.push('\n');
        }
        let steps: u64 = self.journal.cells.iter().map(|record| record.total_steps).sum();
        let done = self.journal.count(Status::Finished);
        let failed = self.journal.count(Status::Failed);
        let _ = write!(text, "{done} of {cells} done");
        if failed > 0 {
            let _ = write!(text, ", {failed} failed (--retry-failed tries again)");
        }
        let rest: Option<f64> = known.iter().copied().sum();
        let _ = match rest {
            Some(rest) if rest > 0.0 => writeln!(text, "; about {} left", duration(rest)),
            Some(_) => writeln!(text),
            None => writeln!(text, "; {steps} steps in all; times are known after the first cell"),
        };
        if let (Some(rest), Some(limit)) = (rest, bounds.max_time)
            && rest > limit.as_secs_f64()
        {
            let _ = writeln!(
                text,
                "{} is enough for a part; --resume goes on with the rest",
                duration(limit.as_secs_f64())
            );
        }
        text
    }
}

/// Whether a new sweep can go into `folder`.
///
/// # Errors
/// If it holds a sweep or anything else.
pub(crate) fn vacant(folder: &Path) -> Result<()> {
    if Settings::path(folder).exists() {
        bail!("{} already holds a sweep; continue it with --resume, or choose another --out", folder.display());
    }
    if folder.exists() && !folder.is_dir() {
        bail!("--out {}: expected a folder, found a file", folder.display());
    }
    let Ok(entries) = folder.read_dir() else { return Ok(()) };
    for entry in entries {
        let name = entry.with_context(|| format!("read {}", folder.display()))?.file_name();
        if !name.to_string_lossy().starts_with('.') {
            bail!("{} holds {}, which is no sweep's; choose another --out", folder.display(), name.display());
        }
    }
    Ok(())
}
