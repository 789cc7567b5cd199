//! What `teacher` and `distil` share: reading the splits, the observers of a run, its end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result};
use bitspike_data::{self, Split, TaskSpec};
use bitspike::tokenizer::Tokenizer;
use bitspike_data::{Encoded, encode};
use bitspike_run::progress::{Event, Fanout, Level, MetricsLog, Observer, read_events};
use bitspike_run::run::Counters;
use bitspike_train::training::{EndReason, Outcome};

use super::threads::Threads;
use crate::live;

/// How a run is shown and bounded.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Go on with the run in the output folder from its last checkpoint
    #[arg(long)]
    pub(crate) resume: bool,
    /// Stop cleanly with the best model after this many minutes
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    pub(crate) max_minutes: Option<f64>,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t)]
    pub(crate) display: live::Display,
    #[command(flatten)]
    pub(crate) threads: Threads,
}

pub(crate) fn minutes(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("expected a number of minutes, found `{text}`"))?;
    if value > 0.0 && value <= 1e6 { Ok(value) } else { Err("expected more than 0 minutes".to_owned()) }
}

impl RunArgs {
    /// The time budget.
    pub(crate) fn max_time(&self) -> Option<Duration> {
        self.max_minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0))
    }

    /// Whoever follows a run: the log on disk, and the screen. `summary` is one line about what runs.
    pub(crate) fn observer(&self, metrics: &Path, resume: Option<&Counters>, summary: String) -> Result<Fanout> {
        let history = match self.resume && metrics.exists() {
            true => read_events(metrics).context("read the metrics of the run")?.0,
            false => Vec::new(),
        };
        let log = match self.resume {
            // A run that was stopped before its first checkpoint starts again from step 0.
            true => MetricsLog::resume(metrics, resume.map_or(0, |counters| counters.step)),
            false => MetricsLog::create(metrics),
        };
        let log = log.with_context(|| format!("open {}", metrics.display()))?;
        let setup = live::Setup {
            summary,
            device: format!("CPU, {} threads", rayon::current_num_threads()),
            every: None,
            history,
            interrupted: Some(Arc::new(AtomicBool::new(false))),
        };
        Ok(Fanout(vec![Box::new(log), live::observer(self.display, setup)]))
    }
}

/// Training and dev examples of a task.
pub(crate) struct Splits {
    pub(crate) train: Vec<Encoded>,
    pub(crate) dev: Vec<Encoded>,
}

/// Reads and tokenises a task's training and dev splits.
pub(crate) fn splits(task: &TaskSpec, data: &Path, tokenizer: &Tokenizer, max_length: usize) -> Result<Splits> {
    let read = |split| -> Result<Vec<Encoded>> { Ok(encode(&bitspike_data::load(task, data, split)?, tokenizer, max_length)) };
    Ok(Splits { train: read(Split::Train)?, dev: read(Split::Dev)? })
}

/// Says how a run ended and what to do next.
pub(crate) fn report_end(outcome: &Outcome, observer: &mut dyn Observer, next: &str) -> Result<()> {
    let text = match (outcome.reason, outcome.counters.best) {
        (EndReason::Interrupted, _) => "interrupted; go on with the same command and --resume".to_owned(),
        (_, Some(best)) => {
            let at = outcome.counters.best_step.unwrap_or_default();
            format!("best {} {best:.4} at step {at}; {next}", outcome.primary)
        }
        (_, None) => next.to_owned(),
    };
    observer.on_event(&Event::Message { level: Level::Info, text }).context("write the log")
}
