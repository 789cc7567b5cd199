//! A run as plain lines: for log files, pipes, and terminals that show no live view.

use std::io::{self, Write};
use std::time::Duration;

use bitspike_run::progress::{Event, Level, Observer};

use super::Setup;
use super::board::{Board, printable};
use bitspike_analysis::number::{compact, duration, grouped, per_second, scientific};

/// Longest time between two step lines, by the clock of the events.
const PAUSE: Duration = Duration::from_secs(10);

/// Escape sequences of the lines; all empty without colour.
#[derive(Clone, Copy)]
struct Ink {
    dim: &'static str,
    good: &'static str,
    warn: &'static str,
    error: &'static str,
    reset: &'static str,
}

impl Ink {
    fn new(colour: bool) -> Self {
        if colour {
            Self { dim: "\x1b[2m", good: "\x1b[1;32m", warn: "\x1b[33m", error: "\x1b[1;31m", reset: "\x1b[0m" }
        } else {
            Self { dim: "", good: "", warn: "", error: "", reset: "" }
        }
    }

    fn message(&self, level: Level, text: &str) -> String {
        let (ink, label) = match level {
            Level::Info => return text.to_owned(),
            Level::Warn => (self.warn, "warning: "),
            Level::Error => (self.error, "error: "),
        };
        format!("{ink}{label}{}{text}", self.reset)
    }
}

/// Writes events as lines.
///
/// A step line shows the losses and the rate as means over the steps since the line before, everything else as of its
/// own step. When the writer fails, as a closed pipe does, the rest is dropped and the run goes on.
pub(super) struct Plain<W> {
    writer: Option<W>,
    ink: Ink,
    quiet: bool,
    every: Option<u64>,
    about: Vec<String>,
    board: Board,
    stage: String,
    sums: Sums,
    /// Step and time of the last step line.
    last: Option<(u64, f64)>,
}

impl<W: Write> Plain<W> {
    /// Lines to `writer`; with `quiet`, warnings and errors alone.
    pub(super) fn new(writer: W, colour: bool, quiet: bool, setup: &Setup) -> Self {
        let about = [&setup.summary, &setup.device].into_iter().map(|text| printable(text));
        let mut board = Board::default();
        setup.history.iter().for_each(|event| board.fold(event));
        Self {
            writer: Some(writer),
            ink: Ink::new(colour),
            quiet,
            every: setup.every.map(|every| every.max(1)),
            about: about.filter(|text| !text.is_empty()).collect(),
            board,
            stage: String::new(),
            sums: Sums::default(),
            last: None,
        }
    }

    /// Writes one line.
    pub(super) fn line(&mut self, text: &str) {
        if let Some(writer) = &mut self.writer
            && writer.write_all(format!("{text}\n").as_bytes()).and_then(|()| writer.flush()).is_err()
        {
            self.writer = None;
        }
    }

    fn start(&mut self, event: &Event) {
        let Event::Start { run, stages, total_steps, trainable_parameters, train_examples, dev_examples, resumed_at } =
            event
        else {
            return;
        };
        self.last = None;
        self.sums = Sums::default();
        let [steps, parameters, train, dev] =
            [total_steps, trainable_parameters, train_examples, dev_examples].map(|n| grouped(*n));
        self.line(&format!("{}: {} ({steps} steps)", printable(run), printable(&stages.join(", "))));
        self.line(&format!("{parameters} trainable parameters, {train} training and {dev} development examples"));
        for text in self.about.clone() {
            self.line(&text);
        }
        if let Some(step) = resumed_at {
            self.line(&format!("resumed after step {step}"));
        }
    }

    /// Writes a step line if one is due.
    fn step(&mut self) {
        let Some(now) = self.board.now.clone() else { return };
        if self.stage != self.board.stage {
            self.stage.clone_from(&self.board.stage);
            self.sums = Sums::default();
            let place = self.board.stages.iter().position(|stage| *stage == self.stage);
            let place = place.map_or(String::new(), |i| format!(" ({}/{})", i + 1, self.board.stages.len()));
            self.line(&format!("stage {}{place}", self.stage));
        }
        self.sums.add(now.losses, now.rate);
        let every = self.every.unwrap_or_else(|| self.board.total_steps.div_ceil(50).max(1));
        let due = match self.last {
            None => true,
            Some((_, at)) => now.step.is_multiple_of(every) || now.elapsed_s - at >= PAUSE.as_secs_f64(),
        };
        if !due && now.step < self.board.total_steps {
            return;
        }
        let width = self.board.total_steps.to_string().len();
        let mut text = format!("step {:>width$}/{}", now.step, self.board.total_steps);
        text += &format!("  epoch {:.2}", now.epoch);
        let [loss, parts @ ..] = self.sums.losses.map(Mean::value);
        text += &format!("  loss {}", compact(loss.unwrap_or(f64::NAN), 5));
        let parts: Vec<_> = ["hid", "att", "pred"]
            .iter()
            .zip(parts)
            .filter_map(|(name, part)| Some(format!("{name} {}", compact(part?, 5))))
            .collect();
        if !parts.is_empty() {
            text += &format!(" ({})", parts.join(" "));
        }
        if let Some(rate) = self.sums.rate.value() {
            text += &format!("  rate {rate:.2}");
        }
        if let Some(feedback) = now.feedback {
            text += &format!("  loop {}+{}", feedback.forward_iterations, feedback.backward_iterations);
            if !feedback.converged {
                text += " not converged";
            }
        }
        text += &format!("  lr {}", scientific(now.learning_rate));
        text += &format!("  {:>4} ex/s", per_second(now.examples_per_second));
        text += &format!("  left {}", duration(now.eta_s));
        self.line(&text);
        self.sums = Sums::default();
        self.last = Some((now.step, now.elapsed_s));
    }

    fn eval(&mut self, event: &Event) {
        let Event::Eval { step, split, metrics, primary, best, rates, .. } = event else { return };
        let mut text = format!("{}  step {step}", printable(split));
        let first = metrics.get_key_value(primary);
        let rest = metrics.iter().filter(|(name, _)| *name != primary);
        for (i, (name, value)) in first.into_iter().chain(rest).enumerate() {
            text += &format!("  {} {value:.4}", printable(name));
            if i == 0 && *best {
                text += &format!(" {}(best){}", self.ink.good, self.ink.reset);
            }
        }
        if !rates.is_empty() {
            text += &format!("  rate {:.2}", rates.values().sum::<f64>() / rates.len() as f64);
        }
        self.line(&text);
    }
}

impl<W: Write> Observer for Plain<W> {
    fn on_event(&mut self, event: &Event) -> io::Result<()> {
        self.board.fold(event);
        if self.quiet && !matches!(event, Event::Message { level: Level::Warn | Level::Error, .. }) {
            return Ok(());
        }
        match event {
            Event::Start { .. } => self.start(event),
            Event::Step { .. } => self.step(),
            Event::Eval { .. } => self.eval(event),
            Event::Checkpoint { step, kind, path } => {
                let text = format!("checkpoint  step {step}  {} {}", printable(kind), printable(path));
                self.line(&format!("{}{text}{}", self.ink.dim, self.ink.reset));
            }
            Event::Message { level, text } => self.line(&self.ink.message(*level, &printable(text))),
            Event::End { .. } => {
                for text in summary(&self.board) {
                    self.line(&text);
                }
            }
        }
        Ok(())
    }
}

/// What stays to be read after a run: how it ended, its best score, where its checkpoints lie.
pub(super) fn summary(board: &Board) -> Vec<String> {
    let run = if board.run.is_empty() { "run" } else { &board.run };
    let (how, step, elapsed) = match (&board.end, &board.now) {
        (Some(end), _) => (end.reason.as_str(), end.step, end.elapsed_s),
        (None, Some(now)) => ("stopped before its end", now.step, now.elapsed_s),
        (None, None) => ("stopped before its first step", 0, 0.0),
    };
    let total = if board.total_steps > 0 { format!("/{}", board.total_steps) } else { String::new() };
    let mut lines = vec![format!("{run}: {how}, step {step}{total}, {}", duration(elapsed))];
    let best = board.best.as_ref();
    let value = board.end.as_ref().and_then(|end| end.best).or(best.map(|best| best.value));
    if let Some(value) = value {
        let step = board.end.as_ref().and_then(|end| end.best_step).or(best.map(|best| best.step));
        let split = best.map_or(String::new(), |best| format!("{} ", best.split));
        let step = step.map_or(String::new(), |step| format!(" at step {step}"));
        lines.push(format!("best {split}{} {value:.4}{step}", board.primary));
    }
    for (kind, (step, path)) in &board.checkpoints {
        lines.push(format!("{kind} checkpoint (step {step}): {path}"));
    }
    lines
}

/// The summary with the warnings and errors that the live view showed and took with it.
pub(super) fn farewell(board: &Board, colour: bool) -> Vec<String> {
    let ink = Ink::new(colour);
    let mut lines = summary(board);
    lines.extend(board.alarms.iter().map(|(level, text)| ink.message(*level, text)));
    lines
}

/// Sums since the last step line.
#[derive(Default, Clone, Copy)]
struct Sums {
    losses: [Mean; 4],
    rate: Mean,
}

impl Sums {
    fn add(&mut self, losses: [Option<f64>; 4], rate: Option<f64>) {
        for (mean, loss) in self.losses.iter_mut().zip(losses) {
            mean.add(loss);
        }
        self.rate.add(rate);
    }
}

/// A running mean of the values that are there; NaN if one of them is.
#[derive(Default, Clone, Copy)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

#[cfg(test)]
mod tests;
