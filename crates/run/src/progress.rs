//! What a training run reports while it runs, and who listens.
//!
//! The training loop hands every [`Event`] to one [`Observer`]; a [`Fanout`] passes it on to several, such as the
//! [`MetricsLog`] on disk and a view on the terminal. Steps are counted from 1 over the whole run, across stages and
//! across interruptions, so that the events of a resumed run continue those before it.
//!
//! ```
//! use bitspike_run::progress::{Event, Fanout, Level, Observer, Silent};
//!
//! let mut observer = Fanout(vec![Box::new(Silent)]);
//! observer.on_event(&Event::Message { level: Level::Info, text: "teacher loaded".into() })?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod metrics_log;
mod number;

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

pub use metrics_log::{MetricsLog, read_events};

/// How much an [`Event::Message`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing; nothing to do.
    Info,
    /// The run goes on, but probably not as intended.
    Warn,
    /// The run cannot go on, or part of its result is lost.
    Error,
}

/// Solves of one step of a student with feedback.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoopStep {
    /// Evaluations of the loop map until its fixed point.
    pub forward_iterations: u32,
    /// Relative residual there.
    #[serde(with = "number::plain")]
    pub forward_residual: f64,
    /// Vector-Jacobian products until the gradient.
    pub backward_iterations: u32,
    /// Relative residual there.
    #[serde(with = "number::plain")]
    pub backward_residual: f64,
    /// Whether both met their tolerances.
    pub converged: bool,
}

/// One thing that happened in a training run.
///
/// In JSON each event is an object whose `event` field names the variant in snake case. Numbers that JSON cannot
/// express are written as the strings `"NaN"`, `"inf"` and `"-inf"`, so that a diverged loss stays visible in the log;
/// a field that is `None` is left out. Note that two events that hold a NaN never compare equal, as two NaNs do not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run begins, or goes on after an interruption.
    Start {
        /// Command and task, such as `distil sst2`.
        run: String,
        /// Names of the stages in the order in which they run.
        stages: Vec<String>,
        /// Optimiser steps of all stages together.
        total_steps: u64,
        /// Number of trainable scalars.
        trainable_parameters: u64,
        /// Examples in the training split.
        train_examples: u64,
        /// Examples in the development split.
        dev_examples: u64,
        /// Last step of the checkpoint that the run goes on from; `None` for a fresh run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resumed_at: Option<u64>,
    },
    /// One optimiser step was taken.
    Step {
        /// Stage that the step belongs to.
        stage: String,
        /// Number of the step, 1-based over the whole run.
        step: u64,
        /// Optimiser steps of all stages together.
        total_steps: u64,
        /// Passes over the training split within the stage, fractional.
        epoch: f64,
        /// Total loss, weighted sum of the parts below.
        #[serde(with = "number::plain")]
        loss: f64,
        /// Loss between hidden states, where the stage has it.
        #[serde(default, with = "number::option", skip_serializing_if = "Option::is_none")]
        hidden: Option<f64>,
        /// Loss between attention scores, where the stage has it.
        #[serde(default, with = "number::option", skip_serializing_if = "Option::is_none")]
        attention: Option<f64>,
        /// Loss between predictions, or against the labels, where the stage has it.
        #[serde(default, with = "number::option", skip_serializing_if = "Option::is_none")]
        prediction: Option<f64>,
        /// Firing rate, mean over the populations, in 0..=1, where it was measured.
        #[serde(default, with = "number::option", skip_serializing_if = "Option::is_none")]
        rate: Option<f64>,
        /// Share of counts that are not 0, weighted by fan-out, where a target holds it.
        #[serde(default, with = "number::option", skip_serializing_if = "Option::is_none")]
        nonzero: Option<f64>,
        /// What the controller of that target adds to the logarithms of thresholds.
        #[serde(default, with = "number::option", skip_serializing_if = "Option::is_none")]
        threshold_change: Option<f64>,
        /// How the fixed point of a student with feedback and its gradient were solved.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        feedback: Option<LoopStep>,
        /// Learning rate that the step used.
        #[serde(with = "number::plain")]
        learning_rate: f64,
        /// Euclidean norm of the gradient of all parameters before clipping.
        #[serde(with = "number::plain")]
        grad_norm: f64,
        /// Training examples per second of late.
        #[serde(with = "number::plain")]
        examples_per_second: f64,
        /// Tokens per second of late, padding not counted.
        #[serde(with = "number::plain")]
        tokens_per_second: f64,
        /// Seconds of training since the run began, time before a resume included.
        #[serde(with = "number::plain")]
        elapsed_s: f64,
        /// Estimated seconds until the last step.
        #[serde(with = "number::plain")]
        eta_s: f64,
    },
    /// The student was scored on a held-out split.
    Eval {
        /// Stage during which it was scored.
        stage: String,
        /// Steps taken so far.
        step: u64,
        /// Split, such as `dev` or `dev_mismatched`.
        split: String,
        /// Value of each metric by name.
        #[serde(with = "number::map")]
        metrics: BTreeMap<String, f64>,
        /// Name of the metric that decides which checkpoint is best; a key of `metrics`.
        primary: String,
        /// Whether this is the best value of the run so far.
        best: bool,
        /// Firing rate in 0..=1 of each population by name.
        #[serde(with = "number::map")]
        rates: BTreeMap<String, f64>,
        /// Seconds of training since the run began.
        #[serde(with = "number::plain")]
        elapsed_s: f64,
    },
    /// A checkpoint lies complete on disk.
    Checkpoint {
        /// Steps that it contains.
        step: u64,
        /// `last` or `best`.
        kind: String,
        /// Where it lies.
        path: String,
    },
    /// Text for the user.
    Message {
        /// How much it matters.
        level: Level,
        /// The text, one line.
        text: String,
    },
    /// The run is over, for now or for good.
    End {
        /// `finished`, `time budget`, `interrupted` or `diverged`.
        reason: String,
        /// Steps taken.
        step: u64,
        /// Seconds of training since the run began.
        #[serde(with = "number::plain")]
        elapsed_s: f64,
        /// Best value of the primary metric, if the student was ever scored.
        #[serde(default, with = "number::option", skip_serializing_if = "Option::is_none")]
        best: Option<f64>,
        /// Step at which it was reached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        best_step: Option<u64>,
        /// Name of the primary metric.
        primary: String,
    },
}

impl Event {
    /// The step that the event reports on, for those that a run resumed from an earlier step reports again
    /// ([`Event::Step`], [`Event::Eval`], [`Event::Checkpoint`]); `None` for the others.
    pub fn repeated_step(&self) -> Option<u64> {
        match self {
            Self::Step { step, .. } | Self::Eval { step, .. } | Self::Checkpoint { step, .. } => Some(*step),
            Self::Start { .. } | Self::Message { .. } | Self::End { .. } => None,
        }
    }
}

/// A run that is about to begin or to go on, for those who show it.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// One line about what runs, such as `6 layers, D=384, 1.58 bit, signed neurons, T=16`.
    pub summary: &'a str,
    /// What it reported before it was interrupted; empty for a new run.
    pub history: &'a [Event],
}

/// Someone who follows a run, or several one after another.
pub trait Observer {
    /// Takes note of the run whose events follow.
    ///
    /// # Errors
    /// As [`Observer::on_event`].
    fn on_run(&mut self, _about: &About<'_>) -> io::Result<()> {
        Ok(())
    }

    /// Takes note of `event`.
    ///
    /// # Errors
    /// When what happened could not be recorded, for instance because the disk is full. The training loop should stop
    /// then: a run without its record is lost work. Observers that merely display swallow their own failures.
    fn on_event(&mut self, event: &Event) -> io::Result<()>;
}

impl<O: Observer + ?Sized> Observer for Box<O> {
    fn on_run(&mut self, about: &About<'_>) -> io::Result<()> {
        (**self).on_run(about)
    }

    fn on_event(&mut self, event: &Event) -> io::Result<()> {
        (**self).on_event(event)
    }
}

/// Passes every event to each of several observers, in order.
#[derive(Default)]
pub struct Fanout(
    /// The observers.
    pub Vec<Box<dyn Observer>>,
);

impl Fanout {
    /// All of them are told, also after one failed; its error is the first.
    fn each(&mut self, mut tell: impl FnMut(&mut dyn Observer) -> io::Result<()>) -> io::Result<()> {
        let outcomes: Vec<_> = self.0.iter_mut().map(|observer| tell(observer)).collect();
        outcomes.into_iter().collect()
    }
}

impl Observer for Fanout {
    fn on_run(&mut self, about: &About<'_>) -> io::Result<()> {
        self.each(|observer| observer.on_run(about))
    }

    /// Passes `event` on to all observers, also after one of them failed.
    ///
    /// # Errors
    /// The first error of any observer.
    fn on_event(&mut self, event: &Event) -> io::Result<()> {
        self.each(|observer| observer.on_event(event))
    }
}

/// Ignores every event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn on_event(&mut self, _: &Event) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    /// Notes the text of each message and fails if told to.
    struct Probe(Rc<RefCell<Vec<String>>>, Option<&'static str>);

    impl Observer for Probe {
        fn on_event(&mut self, event: &Event) -> io::Result<()> {
            self.0.borrow_mut().push(format!("{event:?}"));
            self.1.map_or(Ok(()), |text| Err(io::Error::other(text)))
        }
    }

    #[test]
    fn fanout_reaches_all_observers_and_returns_the_first_error() {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let probe = |error| Box::new(Probe(seen.clone(), error)) as Box<dyn Observer>;
        let mut fanout = Fanout(vec![probe(None), probe(Some("first")), Box::new(Silent), probe(Some("second"))]);
        let event = Event::Message { level: Level::Warn, text: "hello".into() };
        let error = fanout.on_event(&event).unwrap_err();
        assert_eq!(error.to_string(), "first");
        assert_eq!(*seen.borrow(), vec![format!("{event:?}"); 3]);
    }

    #[test]
    fn json_names_the_event_and_leaves_out_what_is_absent() {
        let event = Event::End {
            reason: "time budget".into(),
            step: 7,
            elapsed_s: 1.5,
            best: None,
            best_step: None,
            primary: "accuracy".into(),
        };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(json, r#"{"event":"end","reason":"time budget","step":7,"elapsed_s":1.5,"primary":"accuracy"}"#);
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }

    #[test]
    fn only_step_eval_and_checkpoint_are_repeated_by_a_resumed_run() {
        let checkpoint = Event::Checkpoint { step: 9, kind: "last".into(), path: "run/last".into() };
        assert_eq!(checkpoint.repeated_step(), Some(9));
        assert_eq!(Event::Message { level: Level::Info, text: String::new() }.repeated_step(), None);
    }
}
