//! The figures of a trained cell, and the columns that they are printed in.

use serde::{Deserialize, Serialize};

use crate::error::Result;

/// What was measured. Everything but `last` and the two beside it is of the student that scored best on dev, which is the one that
/// is packed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellFigures {
    /// Name of the metric.
    pub metric: String,
    /// Its best value among the evaluations on dev; none where there was no evaluation or the value is no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<f64>,
    /// The step it was found at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_step: Option<u64>,
    /// Its value at the last evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<f64>,
    /// Mean firing rate of the populations and spikes of either sign per token at the last evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rate: Option<f64>,
    /// See `last_rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_spikes_per_token: Option<f64>,
    /// Mean firing rate of the populations, each weighing the same, on dev.
    pub rate: f64,
    /// Spikes of either sign per token, over all neurons and steps, on dev.
    pub spikes_per_token: f64,
    /// The packed model; none with feedback, which cannot be packed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<PackedStudent>,
}

/// The packed model of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedStudent {
    /// Size of the file.
    pub bytes: u64,
    /// Its own value of the metric on dev.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<f64>,
    /// Milliseconds that the engine takes for one sentence on one thread: median and best of repeated calls.
    pub latency_ms: f64,
    /// See `latency_ms`.
    pub latency_best_ms: f64,
    /// Tokens of that sentence, the one of median length of dev.
    pub latency_tokens: usize,
    /// Effective accumulates and multiply-accumulates of a mean sentence of dev, as `bitspike::count` counts them.
    pub operations: f64,
    /// Microjoules of a mean sentence under the constants of the profile `45nm`: of operations, and with bytes moved.
    pub energy_uj: f64,
    /// See `energy_uj`.
    pub energy_with_memory_uj: f64,
}

/// A measured quantity: its column, and how a cell's is read.
pub(super) struct Quantity {
    pub(super) name: &'static str,
    /// Heading of a table.
    pub(super) title: &'static str,
    pub(super) of: fn(&CellFigures) -> Option<f64>,
}

/// All quantities in the order of the columns.
pub(super) const QUANTITIES: [Quantity; 14] = [
    Quantity { name: "best", title: "best", of: |m| m.best },
    Quantity { name: "last", title: "last", of: |m| m.last },
    Quantity { name: "packed_metric", title: "packed", of: |m| packed(m)?.metric },
    Quantity { name: "packed_bytes", title: "bytes", of: |m| Some(packed(m)?.bytes as f64) },
    Quantity { name: "rate", title: "rate", of: |m| Some(m.rate) },
    Quantity { name: "spikes_per_token", title: "spikes/token", of: |m| Some(m.spikes_per_token) },
    Quantity { name: "last_rate", title: "last rate", of: |m| m.last_rate },
    Quantity { name: "last_spikes_per_token", title: "last spikes/token", of: |m| m.last_spikes_per_token },
    Quantity { name: "operations", title: "operations", of: |m| Some(packed(m)?.operations) },
    Quantity { name: "energy_uj", title: "uJ", of: |m| Some(packed(m)?.energy_uj) },
    Quantity { name: "energy_with_memory_uj", title: "uJ with memory", of: |m| Some(packed(m)?.energy_with_memory_uj) },
    Quantity { name: "latency_ms", title: "ms", of: |m| Some(packed(m)?.latency_ms) },
    Quantity { name: "latency_best_ms", title: "best ms", of: |m| Some(packed(m)?.latency_best_ms) },
    Quantity { name: "latency_tokens", title: "tokens", of: |m| Some(packed(m)?.latency_tokens as f64) },
];

/// Larger than anything that is measured, and small enough for the arithmetic of means and charts.
const LARGEST: f64 = 1e15;

/// Refuses numbers that no cell measures, from a file that was changed or a run that was.
///
/// # Errors
/// If a quantity is not finite, negative beyond a correlation of -1, or absurdly large; it is named.
pub(super) fn plausible(measured: &CellFigures) -> Result<()> {
    for quantity in &QUANTITIES {
        if let Some(value) = (quantity.of)(measured).filter(|value| !(-1.0..=LARGEST).contains(value)) {
            let expected = format!("a number from -1 to {LARGEST:e}");
            return Err(bitspike::Error::invalid(format!("`{}`", quantity.name), expected, value).into());
        }
    }
    Ok(())
}

fn packed(measured: &CellFigures) -> Option<&PackedStudent> {
    measured.packed.as_ref()
}
