//! What `bench` measured, for people.

use std::io::Write;

use anyhow::Result;
use bitspike_analysis::bench::Bench;

pub(crate) fn print(report: &Bench, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}  {}, T = {}, kernels {}", report.model, report.dynamics, report.time_steps, report.isa)?;
    writeln!(
        out,
        "\n{:<16} {:>7} {:>9} {:>9} {:>9} {:>13} {:>11} {:>9}",
        "batch", "threads", "p50 ms", "p99 ms", "best ms", "sentences/s", "tokens/s", "GMAC/s"
    )?;
    for s in &report.scenarios {
        writeln!(
            out,
            "{:<16} {:>7} {:>9.3} {:>9.3} {:>9.3} {:>13.1} {:>11.0} {:>9.1}",
            s.name, s.threads, s.p50_ms, s.p99_ms, s.best_ms, s.sentences_per_s, s.tokens_per_s, s.gmac_per_s
        )?;
    }
    if let Some(batch) = &report.operators_of {
        let line: Vec<String> =
            report.operators.iter().map(|s| format!("{} {:.0} %", s.operator, 100.0 * s.share)).collect();
        writeln!(out, "\ntime by operator of {batch}, one thread: {}", line.join(", "))?;
    }
    if let Some(kernels) = &report.kernels {
        writeln!(out)?;
        for line in kernels.lines() {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
