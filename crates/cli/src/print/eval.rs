//! Scores for people.

use std::io::Write;

use anyhow::Result;
use bitspike_analysis::counts::Counted;
use bitspike_analysis::in_time::{ComparedCounts, TimeScore};
use bitspike_analysis::score::Score;
use bitspike_data::Predictions;
use serde::Serialize;

use super::cost::print_operations;
use crate::trained::{LoopSummary, Parity};

/// The score of one split, as `--json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct Scored {
    #[serde(flatten)]
    pub(crate) score: Score,
    #[serde(skip)]
    pub(crate) predictions: Predictions,
    /// How the fixed points of a student with feedback were found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) feedback: Option<LoopSummary>,
    /// A packed model beside its run, with `--against`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parity: Option<Parity>,
}

pub(crate) fn print(scores: &[Scored], primary: &str, out: &mut dyn Write) -> Result<()> {
    for Scored { score, feedback, parity, .. } in scores {
        let name = &score.model;
        writeln!(out, "{name}  {} {}  {} examples  {:.1} s", score.task, score.split, score.examples, score.seconds)?;
        for (metric, value) in &score.metrics {
            writeln!(out, "  {metric:<12} {value:.4}")?;
        }
        if score.metrics.is_empty() {
            writeln!(out, "  no labels: nothing to score (see --predictions and --submission)")?;
        }
        if let Some(rate) = score.mean_rate {
            writeln!(out, "  {:<12} {rate:.4}", "firing rate")?;
        }
        if let Some(loops) = feedback {
            print_loops(loops, out)?;
        }
        if let Some(parity) = parity {
            print_parity(parity, out)?;
        }
        let of_lines = score.dynamics.iter().filter_map(|line| line.counted.as_ref());
        for counted in score.counted.iter().chain(of_lines) {
            let Counted { dynamics, time_steps, mean_steps, neurobench, total } = counted;
            let ended = mean_steps.map_or(String::new(), |steps| format!(", {steps:.2} steps taken"));
            writeln!(out, "{dynamics}, T = {time_steps}{ended}: a mean sentence")?;
            print_operations(neurobench, total, score.examples, out)?;
        }
        if !score.dynamics.is_empty() {
            in_time(&score.dynamics, primary, out)?;
        }
    }
    Ok(())
}

/// Scores along simulations, as a table.
fn in_time(scores: &[TimeScore], primary: &str, out: &mut dyn Write) -> Result<()> {
    writeln!(
        out,
        "  {:<14} {:>5} {:>10} {:>10} {:>9} {:>13} {:>8} {:>9}",
        "dynamics", "T", primary, "agreement", "rate", "spikes/token", "steps", "seconds"
    )?;
    for score in scores {
        let metric = score.metrics.get(primary).map_or("-".into(), |value| format!("{value:.4}"));
        let agreement = score.agreement.map_or("-".into(), |value| format!("{value:.4}"));
        let steps = score.mean_steps.unwrap_or(f64::from(score.time_steps));
        writeln!(
            out,
            "  {:<14} {:>5} {metric:>10} {agreement:>10} {:>9.4} {:>13.0} {steps:>8.2} {:>9.1}",
            score.dynamics.name(),
            score.time_steps,
            score.mean_rate,
            score.spikes_per_token,
            score.seconds
        )?;
        if let Some(ComparedCounts { compared, different }) = score.counts {
            writeln!(out, "  {compared} spike counts compared with the quantised equilibrium: {different} differ")?;
        }
    }
    Ok(())
}

/// How the fixed points of a student with feedback were found.
#[cfg(feature = "train")]
fn print_loops(loops: &LoopSummary, out: &mut dyn Write) -> Result<()> {
    let LoopSummary { batches, iterations, worst_residual, unconverged, spectral_radius } = loops;
    let mean = *iterations as f64 / (*batches).max(1) as f64;
    write!(out, "  fixed points: {mean:.1} evaluations each, relative residual up to {worst_residual:.1e}")?;
    writeln!(out, ", {unconverged} of {batches} batches not converged")?;
    if let Some(radius) = spectral_radius {
        let meaning = if *radius < 1.0 { "unique nearby" } else { "not assured to be unique" };
        let what = "spectral radius of the loop's Jacobian";
        writeln!(out, "  {what} about {radius:.2}: the fixed point is {meaning}")?;
    }
    Ok(())
}

/// A packed model beside its run.
#[cfg(feature = "train")]
fn print_parity(parity: &Parity, out: &mut dyn Write) -> Result<()> {
    let Parity { counts, different_counts, worst_logit, different_labels, .. } = parity;
    let labels = format!("{different_labels} labels");
    writeln!(out, "  against the run: {different_counts} of {counts} spike counts differ, {labels},")?;
    Ok(writeln!(out, "    logits by up to {worst_logit:.1e}")?)
}

#[cfg(not(feature = "train"))]
fn print_loops(loops: &LoopSummary, _: &mut dyn Write) -> Result<()> {
    match *loops {}
}

#[cfg(not(feature = "train"))]
fn print_parity(parity: &Parity, _: &mut dyn Write) -> Result<()> {
    match *parity {}
}
