//! What `verify` found, for people.

use std::io::Write;

use anyhow::Result;
use bitspike_analysis::shipped::{Difference, MeasuredModel, Verified};
use bitspike_hub::METRICS;

/// Differences printed at most; the rest is counted.
const SHOWN: usize = 20;

pub(crate) fn print(verified: &Verified, out: &mut dyn Write) -> Result<()> {
    let Verified { model, compared, differences, measured, .. } = verified;
    let MeasuredModel { data, scores, spikes, .. } = measured;
    let task = &measured.model.task;
    writeln!(out, "{model}: {task} {}, {} examples, {} tokens", data.split, data.examples, data.tokens)?;
    for (metric, value) in scores {
        writeln!(out, "  {metric:<12} {value:.4}")?;
    }
    writeln!(out, "  {:<12} {:.4}", "firing rate", spikes.mean_rate)?;
    writeln!(out, "  {:<12} {}", "spikes", spikes.total)?;
    if differences.is_empty() {
        writeln!(out, "exact: all {compared} values are those of {METRICS}")?;
    }
    for Difference { what, recorded, found } in differences.iter().take(SHOWN) {
        let shown =
            |value: &Option<serde_json::Value>| value.as_ref().map_or("nothing".to_owned(), ToString::to_string);
        writeln!(out, "  {what}: recorded {}, found {}", shown(recorded), shown(found))?;
    }
    if differences.len() > SHOWN {
        writeln!(out, "  and {} more", differences.len() - SHOWN)?;
    }
    Ok(())
}
