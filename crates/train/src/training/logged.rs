//! A run with its log on disk.

use std::path::Path;

use bitspike_run::progress::{About, Event, Level, MetricsLog, Observer, read_events};
use bitspike_run::run::Counters;

use super::controls::{Controls, EndReason, Outcome};
use super::learner::Learner;
use super::session::{DIVERGED, train};
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
    /// None of a run that had ended before, to which nothing is added.
    log: Option<MetricsLog>,
}

/// How the run that `log` is of ended last: the step and the reason; none of one that was killed, or is under way.
///
/// # Errors
/// If the log cannot be read.
pub fn last_end(log: &Path) -> Result<Option<LastEnd>> {
    if !log.exists() {
        return Ok(None);
    }
    let (events, _) = read_events(log).map_err(|source| Error::Log { action: "read the log of this run", source })?;
    // What is said after the end is still after it.
    let last = events.into_iter().rev().find(|event| !matches!(event, Event::Message { .. }));
    Ok(match last {
        Some(Event::End { reason, step, elapsed_s, best, best_step, primary }) => {
            let counters = Counters { step, elapsed_s, best, best_step, best_dynamics: None };
            Some(LastEnd { reason, counters, primary })
        }
        _ => None,
    })
}

/// The end of a run, from its log.
#[derive(Debug, Clone, PartialEq)]
pub struct LastEnd {
    /// `finished`, `time budget`, `interrupted` or `diverged`.
    pub reason: String,
    /// Where, and the best model.
    pub counters: Counters,
    /// The metric that decided.
    pub primary: String,
}

impl LastEnd {
    /// Whether all steps were taken.
    pub fn is_finished(&self) -> bool {
        self.reason == EndReason::Finished.name()
    }

    /// Whether the loss or a gradient stopped being a number.
    pub fn is_diverged(&self) -> bool {
        self.reason == DIVERGED
    }
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
    Ok(Logged { outcome, log: Some(both.log) })
}

impl Logged {
    /// A run that had finished before, and is left as it is.
    pub(crate) fn before(end: LastEnd, primary: String) -> Self {
        let primary = if end.primary.is_empty() { primary } else { end.primary };
        Self { outcome: Outcome { reason: EndReason::Finished, counters: end.counters, primary }, log: None }
    }

    /// Whether the run had finished before, and nothing was done.
    pub fn had_finished(&self) -> bool {
        self.log.is_none()
    }

    /// Adds a line of text for the user, in the log and to `observer`; to `observer` alone where the run had finished before.
    ///
    /// # Errors
    /// If the log cannot be written.
    pub fn say(&mut self, observer: &mut dyn Observer, level: Level, text: String) -> Result<()> {
        let event = Event::Message { level, text };
        let logged = self.log.as_mut().map_or(Ok(()), |log| log.on_event(&event));
        let said = logged.and(observer.on_event(&event));
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
