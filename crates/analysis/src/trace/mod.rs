//! A simulated sentence: what is said of it, as tables, and as a picture.

mod panels;
pub(crate) mod picture;
pub(crate) mod style;
pub(crate) mod tables;

#[cfg(test)]
mod fixture;

use std::io::{self, Write};

use bitspike::forward::Dynamics;
use bitspike::trace::{RateAt, Trace};
use rayon::prelude::*;
use serde::Serialize;

/// The form of [`Summary`]; a change that readers could stumble over gets another number.
pub(crate) const FORMAT: &str = "bitspike-trace-1";

/// Where a trace comes from and what the model answered.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The run's folder.
    pub(crate) model: String,
    pub(crate) text: String,
    pub(crate) text2: Option<String>,
    /// Text of each token, from `[CLS]` on.
    pub(crate) tokens: Vec<String>,
    pub(crate) dynamics: Dynamics,
    pub(crate) beta: f32,
    pub(crate) reset: String,
    /// Whether neurons fire -1 too, and so have two thresholds, at half of theta.
    pub(crate) signed: bool,
    /// Class names by index; empty where the model gives a score.
    pub(crate) labels: Vec<String>,
    /// After the last step.
    pub(crate) logits: Vec<f32>,
    /// Of `phased` with the same number of steps.
    pub(crate) phased_logits: Vec<f32>,
}

/// A trace with all that is computed from it.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) origin: Origin,
    pub(crate) trace: Trace,
    /// `[populations][T]`
    pub(crate) rates: Vec<Vec<RateAt>>,
    pub(crate) summary: Summary,
}

/// The short account, which `--json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) format: &'static str,
    pub(crate) model: String,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text2: Option<String>,
    pub(crate) tokens: Vec<String>,
    pub(crate) dynamics: &'static str,
    pub(crate) time_steps: u32,
    pub(crate) beta: f32,
    pub(crate) reset: String,
    pub(crate) signed: bool,
    /// After the last step.
    pub(crate) answer: Answer,
    /// Of the equilibrium.
    pub(crate) phased: Answer,
    /// In the order of computation.
    pub(crate) populations: Vec<PopulationSummary>,
}

/// What the model says of the text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Answer {
    /// None where the model gives a score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,
    /// A value a class, or the score.
    pub(crate) logits: Vec<f32>,
}

/// One population at the end of the trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PopulationSummary {
    pub(crate) name: String,
    pub(crate) width: usize,
    pub(crate) theta: f32,
    /// Mean of `|a[T]|`.
    pub(crate) rate: f64,
    /// Mean of `a[T]`.
    pub(crate) signed_rate: f64,
    /// Mean of `|a*|`.
    pub(crate) equilibrium_rate: f64,
    pub(crate) rms_distance: f64,
    pub(crate) max_distance: f64,
}

impl Answer {
    fn new(labels: &[String], logits: &[f32]) -> Self {
        // The first of equals, as in scoring.
        let best = logits.iter().enumerate().fold(None, |best: Option<(usize, f32)>, (i, &x)| match best {
            Some((_, most)) if x <= most => best,
            _ => Some((i, x)),
        });
        Self { label: best.and_then(|(i, _)| labels.get(i).cloned()), logits: logits.to_vec() }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let logits: Vec<String> = self.logits.iter().map(|x| format!("{x:.3}")).collect();
        match &self.label {
            Some(label) => write!(f, "{label} ({})", logits.join(", ")),
            None => f.write_str(&logits.join(", ")),
        }
    }
}

impl Report {
    /// Computes rates and distances of a trace.
    ///
    /// # Errors
    /// If the trace is not complete.
    pub(crate) fn new(origin: Origin, trace: Trace) -> bitspike::Result<Self> {
        trace.check()?;
        let rates: Vec<Vec<RateAt>> = trace.populations.par_iter().map(|p| p.rates(origin.beta)).collect();
        let populations = trace.populations.iter().zip(&rates).map(|(population, rates)| {
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
        let summary = Summary {
            format: FORMAT,
            model: origin.model.clone(),
            text: origin.text.clone(),
            text2: origin.text2.clone(),
            tokens: origin.tokens.clone(),
            dynamics: origin.dynamics.name(),
            time_steps: trace.time_steps,
            beta: origin.beta,
            reset: origin.reset.clone(),
            signed: origin.signed,
            answer: Answer::new(&origin.labels, &origin.logits),
            phased: Answer::new(&origin.labels, &origin.phased_logits),
            populations: populations.collect(),
        };
        Ok(Self { origin, trace, rates, summary })
    }

    /// Prints the summary for people.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let summary = &self.summary;
        let (tokens, steps) = (summary.tokens.len(), summary.time_steps);
        writeln!(out, "{}, T = {steps}, {tokens} tokens: {}", summary.dynamics, summary.tokens.join(" "))?;
        let longest = summary.populations.iter().map(|p| p.name.len()).max().unwrap_or(0).max("population".len());
        writeln!(
            out,
            "{:<longest$}  {:>8}  {:>11}  {:>12}  {:>12}",
            "population", "rate", "equilibrium", "rms distance", "max distance"
        )?;
        for p in &summary.populations {
            writeln!(
                out,
                "{:<longest$}  {:>8.4}  {:>11.4}  {:>12.5}  {:>12.5}",
                p.name, p.rate, p.equilibrium_rate, p.rms_distance, p.max_distance
            )?;
        }
        let verdict = match (&summary.answer.label, &summary.phased.label) {
            (Some(label), Some(phased)) if label == phased => "; the same answer",
            (Some(_), Some(_)) => "; another answer",
            _ => "",
        };
        writeln!(out, "{}: {}   phased: {}{verdict}", summary.dynamics, summary.answer, summary.phased)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_the_end_of_the_trace() {
        let report = fixture::report(64, 5, "a fine film");
        assert_eq!(report.summary.populations.len(), report.trace.populations.len());
        for (population, rates) in report.summary.populations.iter().zip(&report.rates) {
            assert_eq!(rates.len(), 64);
            assert_eq!(population.rms_distance, rates[63].rms_distance);
            // Constant currents: half a spike of the charge, so at most 1/(2T) from I/theta, and 1/(2T) from its rounding.
            assert!(population.max_distance <= 1.0 / 64.0 + 1e-6, "{}: {}", population.name, population.max_distance);
        }
        let mut text = Vec::new();
        report.print(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().count(), 2 + report.trace.populations.len() + 1, "{text}");
        let last = text.lines().last().unwrap();
        assert_eq!(last, "accumulated: positive (-0.500, 1.250)   phased: positive (-0.250, 1.000); the same answer");
    }

    #[test]
    fn answers_are_the_first_of_the_largest() {
        let labels = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(Answer::new(&labels, &[0.5, 2.0, 2.0]).label.as_deref(), Some("b"));
        assert_eq!(Answer::new(&labels, &[f32::NEG_INFINITY; 3]).label.as_deref(), Some("a"));
        let score = Answer::new(&[], &[3.25]);
        assert_eq!((score.label.clone(), score.to_string()), (None, "3.250".to_owned()));
    }
}
