//! What the commands that train share: how a run is bounded and shown, and what is said at its end.

use std::time::Duration;

use anyhow::Result;
use bitspike_run::progress::{Level, Observer};
use bitspike_train::training::{EndReason, Logged};

use crate::args::Threads;
use crate::live;
use crate::output::{say, show};

/// How a run is shown and bounded.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Go on with the run in the output folder from its last checkpoint
    #[arg(long)]
    pub(crate) resume: bool,
    /// Stop cleanly with the best model after this many minutes
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    pub(crate) max_minutes: Option<f64>,
    /// Print how the run ended as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
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

    /// Says how the run ended and what to do next.
    pub(crate) fn report_end(&self, run: &mut Logged, observer: &mut dyn Observer, next: &str) -> Result<()> {
        let outcome = &run.outcome;
        let next = match run.had_finished() {
            true => format!("this run had finished, and nothing was changed; {next}"),
            false => next.to_owned(),
        };
        let text = match (outcome.reason, outcome.counters.best) {
            (EndReason::Interrupted, _) => "interrupted; go on with the same command and --resume".to_owned(),
            (_, Some(best)) => {
                let at = outcome.counters.best_step.unwrap_or_default();
                format!("best {} {best:.4} at step {at}; {next}", outcome.primary)
            }
            (_, None) => next,
        };
        match run.had_finished() {
            // No display was opened for it.
            true if self.display != live::Display::Quiet => say(text),
            true => {}
            false => run.say(observer, Level::Info, text)?,
        }
        if self.json { show(&run.outcome, true, |_, _| Ok(())) } else { Ok(()) }
    }
}
