//! A run with its log on disk.

use std::path::Path;

use bitspike_run::progress::{About, Event, Level, MetricsLog, Observer, read_events};

use super::controls::{Controls, Outcome};
use super::learner::Learner;
use super::session::train;
use crate::error::{Error, Result};

/// The log of a run, `metrics.jsonl`.
#[derive(Debug, Clone, Copy)]
pub struct Log<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// Whether it goes on, also where the run was stopped before its first checkpoint and begins again.
    pub goes_on: bool,
}

/// A run that has ended, whose log is still open.
#[derive(Debug)]
pub struct Logged {
    /// How it ended.
    pub outcome: Outcome,
    log: MetricsLog,
}

/// [`train`]s with every event in `log` too.
///
/// # Errors
/// As [`train`], and if the log cannot be read or written.
pub fn train_logged<L: Learner>(
    learner: &mut L,
    controls: &Controls<'_>,
    log: Log<'_>,
    observer: &mut dyn Observer,
) -> Result<Logged> {
    let failed = |action| move |source| Error::Log { action, source };
    let history = match log.goes_on && log.path.exists() {
        true => read_events(log.path).map_err(failed("read the log of this run"))?.0,
        false => Vec::new(),
    };
    let opened = match log.goes_on {
        // A run that was stopped before its first checkpoint starts again from step 0.
        true => MetricsLog::resume(log.path, controls.resume.as_ref().map_or(0, |counters| counters.step)),
        false => MetricsLog::create(log.path),
    };
    let log = opened.map_err(failed("open the log of this run"))?;
    let about = About { summary: &controls.summary, history: &history };
    observer.on_run(&about).map_err(failed("show this run"))?;
    let mut both = Both { log, observer };
    let outcome = train(learner, controls, &mut both)?;
    Ok(Logged { outcome, log: both.log })
}

impl Logged {
    /// Adds a line of text for the user, in the log and to `observer`.
    ///
    /// # Errors
    /// If the log cannot be written.
    pub fn say(&mut self, observer: &mut dyn Observer, level: Level, text: String) -> Result<()> {
        let event = Event::Message { level, text };
        let said = self.log.on_event(&event).and(observer.on_event(&event));
        said.map_err(|source| Error::Log { action: "write the log of this run", source })
    }
}

struct Both<'a> {
    log: MetricsLog,
    observer: &'a mut dyn Observer,
}

impl Observer for Both<'_> {
    fn on_event(&mut self, event: &Event) -> std::io::Result<()> {
        self.log.on_event(event).and(self.observer.on_event(event))
    }
}
