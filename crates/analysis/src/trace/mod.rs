//! A text in time: the spikes of every neuron, how the rates converge, as tables and as a picture.
//!
//! | table | columns |
//! |---|---|
//! | rates | population, t, mean_absolute_rate, mean_rate, rms_distance, max_distance |
//! | membrane | population, token, token_text, neuron, t, potential, theta, spike |
//! | spikes | population, token, neuron, t, sign; a row a spike, by population, then step |
//!
//! `t` counts from 1, tokens and neurons from 0. JSON holds the same columns grouped by population, beside the summary.

#[cfg(feature = "arrow")]
mod arrow;
mod json;
mod neurons;
mod panels;
mod picture;
mod record;
mod series;
mod summary;
mod traced;
mod write;

#[cfg(test)]
mod fixture;

#[cfg(feature = "arrow")]
pub use arrow::ArrowTable;
pub use record::{TraceOptions, trace};
pub use summary::{Origin, PopulationSummary, Reading, Summary};
pub use traced::TracedText;
pub use write::TableFormat;
