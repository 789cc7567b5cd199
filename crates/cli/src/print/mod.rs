//! What commands print of the values that the libraries give.

mod quickstart;
mod sweep;

pub(crate) use quickstart::quickstart;
pub(crate) use sweep::{SweepView, findings as sweep_findings, plan as sweep_plan};

/// Prints a value as JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    use std::io::Write;
    Ok(writeln!(std::io::stdout().lock(), "{}", serde_json::to_string_pretty(value)?)?)
}
