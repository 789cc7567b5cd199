//! A text in time, in short.

use std::io::{self, Write};

use bitspike_analysis::trace::Summary;

/// Prints the account of a trace.
pub(crate) fn print(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
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
