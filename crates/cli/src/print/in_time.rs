//! Scores along simulations.

use std::io::{self, Write};

use bitspike_analysis::in_time::{ComparedCounts, TimeScore};

/// Prints the scores as a table.
pub(crate) fn print(scores: &[TimeScore], primary: &str, out: &mut impl Write) -> io::Result<()> {
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
