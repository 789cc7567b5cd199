//! Tasks, data and scores: the nine tasks of GLUE and a user's own.
//!
//! A [`TaskSpec`] says what is read and predicted, [`load`] reads a [`Split`] of it, [`check`] inspects a folder without
//! loading it, [`Metric`] scores, and [`write_submission`] writes what the GLUE server takes.
//!
//! | format | quoting | notes |
//! |---|---|---|
//! | `.tsv`, MRPC's `.txt` | none: fields are split at tabs, a quote is a character | as GLUE's official files |
//! | `.csv` | RFC 4180 | a quote that is never closed is an error |
//! | `.jsonl`, `.ndjson` | JSON | one object a line |
//! | `.parquet` | - | flat columns; uncompressed, Snappy or, with the feature `zstd`, Zstandard |
//!
//! In text formats a byte order mark and carriage returns at line ends are dropped, wholly empty lines are ignored, and
//! invalid UTF-8 or a NUL is an error with its line. Two tolerances are counted as `skipped`, both from GLUE itself: MNLI
//! pairs whose gold label is `-`, and lines of QQP with too few columns. Everything else that is wrong is an error.

mod builtin;
mod check;
mod custom;
mod dataset;
mod delimited;
mod encoded;
mod examples;
#[cfg(test)]
mod fixture;
mod json_lines;
mod lines;
mod locate;
mod metrics;
mod parquet_file;
mod plain_text;
mod predictions;
mod records;
mod split;
mod submission;
mod task;
mod tsv;

pub use builtin::GlueTask;
pub use check::{BadLine, LabelCount, Lengths, ScoreRange, SplitReport, TextReport, check, check_split};
pub use custom::{CustomTarget, CustomTask};
pub use dataset::{Dataset, load};
pub use delimited::LineStarts;
pub use encoded::{Encoded, choose, encode, encode_text, sorted_batches};
pub use examples::Example;
pub use metrics::{Metric, MetricValues};
pub use plain_text::read_plain_text;
pub use predictions::Predictions;
pub use split::Split;
pub use submission::{write_predictions, write_submission};
pub use task::TaskSpec;

pub use bitspike::Target;
