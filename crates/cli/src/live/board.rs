//! What is known of a run, folded from its events.

use std::collections::{BTreeMap, VecDeque};

use bitspike_run::progress::{Event, Level, LoopStep};

/// Messages kept for the view.
const MESSAGES: usize = 64;

/// Smoothing of the figures in the table: weight of the past after one step.
const PAST: f64 = 0.95;

/// Points that a loss curve holds before neighbours are merged.
const POINTS: usize = 1024;

/// Everything a display shows.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// The fields of [`Event::Start`].
    pub(super) run: String,
    pub(super) stages: Vec<String>,
    pub(super) total_steps: u64,
    /// The stage that reported last.
    pub(super) stage: String,
    pub(super) now: Option<Now>,
    /// Smoothed losses, in the order of [`Now::losses`].
    pub(super) smoothed: [Smooth; 4],
    pub(super) curve: Curve,
    /// The primary metric and its value by step, for each split.
    pub(super) scores: BTreeMap<String, Vec<(f64, f64)>>,
    pub(super) primary: String,
    pub(super) best: Option<Best>,
    /// Firing rate of each population at the last evaluation, in natural order (`layer 2` before `layer 10`).
    pub(super) rates: Vec<(String, f64)>,
    /// Step and place of the latest checkpoint of each kind.
    pub(super) checkpoints: BTreeMap<String, (u64, String)>,
    pub(super) messages: VecDeque<(Level, String)>,
    /// Warnings and errors, to be repeated when the screen is given back.
    pub(super) alarms: Vec<(Level, String)>,
    pub(super) end: Option<End>,
}

/// The latest step.
#[derive(Debug, Clone)]
pub(super) struct Now {
    pub(super) step: u64,
    pub(super) epoch: f64,
    /// Total, hidden, attention, prediction.
    pub(super) losses: [Option<f64>; 4],
    pub(super) rate: Option<f64>,
    pub(super) feedback: Option<LoopStep>,
    pub(super) learning_rate: f64,
    pub(super) grad_norm: f64,
    pub(super) examples_per_second: f64,
    pub(super) tokens_per_second: f64,
    pub(super) elapsed_s: f64,
    pub(super) eta_s: f64,
}

/// The best evaluation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Best {
    pub(super) split: String,
    pub(super) step: u64,
    pub(super) value: f64,
}

/// How the run ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct End {
    pub(super) reason: String,
    pub(super) step: u64,
    pub(super) elapsed_s: f64,
    pub(super) best: Option<f64>,
    pub(super) best_step: Option<u64>,
}

/// Names of [`Now::losses`].
pub(super) const LOSSES: [&str; 4] = ["loss", "hidden", "attention", "prediction"];

impl Board {
    /// Takes note of `event`.
    pub(super) fn fold(&mut self, event: &Event) {
        match event {
            Event::Start { run, stages, total_steps, resumed_at, .. } => {
                self.run = printable(run);
                self.stages = stages.iter().map(|stage| printable(stage)).collect();
                self.total_steps = *total_steps;
                self.end = None;
                if let Some(step) = resumed_at {
                    self.message(Level::Info, &format!("resumed after step {step}"));
                }
            }
            Event::Step {
                stage,
                step,
                total_steps,
                epoch,
                loss,
                hidden,
                attention,
                prediction,
                rate,
                feedback,
                learning_rate,
                grad_norm,
                examples_per_second,
                tokens_per_second,
                elapsed_s,
                eta_s,
                nonzero: _,
                threshold_change: _,
            } => {
                self.enter(stage);
                self.total_steps = *total_steps;
                let losses = [Some(*loss), *hidden, *attention, *prediction];
                for (smooth, loss) in self.smoothed.iter_mut().zip(losses) {
                    smooth.push(loss);
                }
                self.curve.push(*step as f64, *loss, self.smoothed[0].mean());
                self.now = Some(Now {
                    step: *step,
                    epoch: *epoch,
                    losses,
                    rate: *rate,
                    feedback: *feedback,
                    learning_rate: *learning_rate,
                    grad_norm: *grad_norm,
                    examples_per_second: *examples_per_second,
                    tokens_per_second: *tokens_per_second,
                    elapsed_s: *elapsed_s,
                    eta_s: *eta_s,
                });
            }
            Event::Eval { stage, step, split, metrics, primary, best, rates, .. } => {
                self.enter(stage);
                self.primary = printable(primary);
                let split = printable(split);
                if let Some(&value) = metrics.get(primary) {
                    self.scores.entry(split.clone()).or_default().push((*step as f64, value));
                    if *best {
                        self.best = Some(Best { split, step: *step, value });
                    }
                }
                if !rates.is_empty() {
                    self.rates = rates.iter().map(|(name, &rate)| (printable(name), rate)).collect();
                    self.rates.sort_by_cached_key(|(name, _)| natural(name));
                }
            }
            Event::Checkpoint { step, kind, path } => {
                self.checkpoints.insert(printable(kind), (*step, printable(path)));
            }
            Event::Message { level, text } => {
                self.message(*level, text);
            }
            Event::End { reason, step, elapsed_s, best, best_step, primary } => {
                self.primary = printable(primary);
                self.end = Some(End {
                    reason: printable(reason),
                    step: *step,
                    elapsed_s: *elapsed_s,
                    best: *best,
                    best_step: *best_step,
                });
            }
        }
    }

    /// The split whose scores the chart shows: that of the best checkpoint, else the first by name.
    pub(super) fn charted_split(&self) -> Option<&str> {
        let best = self.best.as_ref().map(|best| best.split.as_str());
        best.or_else(|| self.scores.keys().next().map(String::as_str))
    }

    /// Losses of different stages are different sums, so smoothing starts afresh with each stage.
    fn enter(&mut self, stage: &str) {
        let stage = printable(stage);
        if self.stage != stage {
            self.stage = stage;
            self.smoothed = Default::default();
        }
    }

    fn message(&mut self, level: Level, text: &str) {
        let text = printable(text);
        if level != Level::Info && self.alarms.len() < MESSAGES {
            self.alarms.push((level, text.clone()));
        }
        if self.messages.len() == MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back((level, text));
    }
}

/// A mean that forgets: each step the past keeps [`PAST`] of its weight. Values that are not finite are passed over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Smooth {
    sum: f64,
    weight: f64,
}

impl Smooth {
    fn push(&mut self, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.sum = PAST * self.sum + (1.0 - PAST) * value;
            self.weight = PAST * self.weight + (1.0 - PAST);
        }
    }

    /// The mean, if there was a value.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

/// A loss by step in bounded memory: when it is full, neighbours are merged, so every point stands for equally many
/// steps.
#[derive(Debug)]
pub(super) struct Curve {
    /// Finished points: step, mean loss, smoothed loss at that step.
    points: Vec<(f64, f64, f64)>,
    /// Finite values summed for the point to come, and their number.
    sum: f64,
    count: u32,
    /// Values in each finished point.
    span: u32,
}

impl Default for Curve {
    fn default() -> Self {
        Self { points: Vec::new(), sum: 0.0, count: 0, span: 1 }
    }
}

impl Curve {
    fn push(&mut self, step: f64, loss: f64, smoothed: Option<f64>) {
        let Some(smoothed) = smoothed.filter(|_| loss.is_finite()) else { return };
        self.sum += loss;
        self.count += 1;
        if self.count < self.span {
            return;
        }
        self.points.push((step, self.sum / f64::from(self.count), smoothed));
        (self.sum, self.count) = (0.0, 0);
        if self.points.len() == POINTS {
            self.points =
                self.points.chunks_exact(2).map(|pair| (pair[1].0, (pair[0].1 + pair[1].1) / 2.0, pair[1].2)).collect();
            self.span = self.span.saturating_mul(2);
        }
    }

    /// Step and mean loss of each point.
    pub(super) fn raw(&self) -> Vec<(f64, f64)> {
        self.points.iter().map(|&(step, loss, _)| (step, loss)).collect()
    }

    /// Step and smoothed loss of each point.
    pub(super) fn smooth(&self) -> Vec<(f64, f64)> {
        self.points.iter().map(|&(step, _, loss)| (step, loss)).collect()
    }
}

/// `text` on one line and without control characters: names and paths may hold what would steer the terminal.
pub(super) fn printable(text: &str) -> String {
    text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Sort key that compares runs of digits by value.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = vec![(String::new(), 0_u64)];
    let mut in_number = false;
    for c in name.chars() {
        let (text, number) = parts.last_mut().expect("never empty");
        match c.to_digit(10) {
            Some(digit) => {
                *number = number.saturating_mul(10).saturating_add(u64::from(digit));
                in_number = true;
            }
            None if in_number => {
                parts.push((c.to_string(), 0));
                in_number = false;
            }
            None => text.push(c),
        }
    }
    parts
}

#[cfg(test)]
mod tests;
