//! The short account of a trace.

use std::fmt;

use bitspike::Dynamics;
use bitspike::neuron::Code;
use bitspike::trace::{RateAt, Trace};
use bitspike::vector::cosine;
use serde::Serialize;

/// The form of [`Summary`]; a change that readers could stumble over gets another number.
const FORMAT: &str = "bitspike-trace-1";

/// Where a trace comes from and what the model answered.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Origin {
    pub model: String,
    pub text: String,
    pub text2: Option<String>,
    /// Text of each token, from `[CLS]` on.
    pub tokens: Vec<String>,
    pub dynamics: Dynamics,
    /// How counts are handed on.
    pub code: Code,
    /// `T`: steps of a window, which are those of the trace unless spikes are digits.
    pub window: u32,
    pub beta: f32,
    /// `soft` or `hard`.
    pub reset: String,
    /// Whether neurons fire -1 too, and so have two thresholds, at half of theta.
    pub signed: bool,
    /// After the last step.
    pub answer: Reading,
    /// Of `phased` with the same number of steps.
    pub phased: Reading,
    /// Whether the text was longer than the model reads.
    pub truncated: bool,
}

/// What `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Summary {
    /// `bitspike-trace-1`
    pub format: &'static str,
    pub model: String,
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text2: Option<String>,
    /// Text of each token, from `[CLS]` on.
    pub tokens: Vec<String>,
    pub dynamics: &'static str,
    /// How counts are handed on: `unary`, `digits` or `naf`.
    pub code: &'static str,
    /// Steps of the trace.
    pub time_steps: u32,
    /// `T`: the largest count of a window.
    pub window: u32,
    pub beta: f32,
    /// `soft` or `hard`.
    pub reset: String,
    /// Whether neurons fire -1 too.
    pub signed: bool,
    /// After the last step.
    pub answer: Reading,
    /// Of the equilibrium.
    pub phased: Reading,
    /// In the order of computation.
    pub populations: Vec<PopulationSummary>,
}

/// What the model says of the text at some point.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reading {
    /// None where the model gives a score or a vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// A value a class, the score, or a vector before it is brought to length 1.
    pub logits: Vec<f32>,
}

/// One population at the end of the trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct PopulationSummary {
    pub name: String,
    pub width: usize,
    pub theta: f32,
    /// Mean of `|a[T]|`.
    pub rate: f64,
    /// Mean of `a[T]`.
    pub signed_rate: f64,
    /// Mean of `|a*|`.
    pub equilibrium_rate: f64,
    /// Root of the mean of `(a[T] - a*)^2`.
    pub rms_distance: f64,
    /// Maximum of `|a[T] - a*|`.
    pub max_distance: f64,
}

impl Summary {
    pub(super) fn new(origin: &Origin, trace: &Trace, rates: &[Vec<RateAt>]) -> Self {
        let populations = trace.populations.iter().zip(rates).map(|(population, rates)| {
            let end = rates.last().copied().unwrap_or_default();
            PopulationSummary {
                name: population.name.clone(),
                width: population.width,
                theta: population.theta,
                rate: end.mean_absolute,
                signed_rate: end.mean,
                equilibrium_rate: population.equilibrium_rate(),
                rms_distance: end.rms_distance,
                max_distance: end.max_distance,
            }
        });
        Self {
            format: FORMAT,
            model: origin.model.clone(),
            text: origin.text.clone(),
            text2: origin.text2.clone(),
            tokens: origin.tokens.clone(),
            dynamics: origin.dynamics.name(),
            code: origin.code.name(),
            time_steps: trace.time_steps,
            window: origin.window,
            beta: origin.beta,
            reset: origin.reset.clone(),
            signed: origin.signed,
            answer: origin.answer.clone(),
            phased: origin.phased.clone(),
            populations: populations.collect(),
        }
    }
}

/// For people: a line a population.
impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tokens, steps) = (self.tokens.len(), self.time_steps);
        let in_code = match self.window == steps {
            true => String::new(),
            false => format!(", {} in {steps} steps", self.code),
        };
        writeln!(out, "{}, T = {}{in_code}, {tokens} tokens: {}", self.dynamics, self.window, self.tokens.join(" "))?;
        let longest = self.populations.iter().map(|p| p.name.len()).max().unwrap_or(0).max("population".len());
        writeln!(
            out,
            "{:<longest$}  {:>8}  {:>11}  {:>12}  {:>12}",
            "population", "rate", "equilibrium", "rms distance", "max distance"
        )?;
        for p in &self.populations {
            writeln!(
                out,
                "{:<longest$}  {:>8.4}  {:>11.4}  {:>12.5}  {:>12.5}",
                p.name, p.rate, p.equilibrium_rate, p.rms_distance, p.max_distance
            )?;
        }
        let verdict = match (&self.answer.label, &self.phased.label) {
            (Some(label), Some(phased)) if label == phased => "; the same answer".to_owned(),
            (Some(_), Some(_)) => "; another answer".to_owned(),
            _ if self.answer.is_vector() => {
                format!("; cosine {:.4}", cosine(&self.answer.logits, &self.phased.logits))
            }
            _ => String::new(),
        };
        writeln!(out, "{}: {}   phased: {}{verdict}", self.dynamics, self.answer, self.phased)
    }
}

impl Reading {
    /// Whether it is that of a model that embeds.
    fn is_vector(&self) -> bool {
        self.label.is_none() && self.logits.len() > 1
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logits: Vec<String> = self.logits.iter().map(|x| format!("{x:.3}")).collect();
        match &self.label {
            Some(label) => write!(f, "{label} ({})", logits.join(", ")),
            None if self.is_vector() => write!(f, "a vector of {} values", logits.len()),
            None => f.write_str(&logits.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests;
