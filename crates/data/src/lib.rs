//! Tasks, data and scores: the nine tasks of GLUE and a user's own; tables in and out.
//!
//! A [`TaskSpec`] says what is read and predicted, [`load`] reads a [`Split`] of it, [`check`] inspects a folder without
//! loading it, [`Metric`] scores, and [`write_submission`] writes what the GLUE server takes. [`answers`] classifies the texts
//! of a table, and [`table`] is the reader and writer of CSV, TSV, JSON Lines and Parquet under all of them.
//!
//! Of data for training everything that is wrong is an error with its line, but for two tolerances, both from GLUE itself, which
//! are counted as `skipped`: MNLI pairs whose gold label is `-`, and lines of QQP with too few columns.
//!
//! Features: `parquet` (default) reads and writes Parquet, through the crate of that name; `zstd` reads Zstandard pages of it,
//! through the C library. Without them a Parquet file is refused.

pub mod answers;
mod builtin;
mod check;
mod classes;
mod columns;
mod corpus;
mod custom;
mod dataset;
mod encoded;
mod error;
mod examples;
mod fingerprint;
#[cfg(test)]
mod fixture;
mod identifiers;
mod labels;
mod locate;
mod metrics;
mod names;
mod parts;
mod plain_text;
mod predictions;
mod records;
mod split;
mod submission;
pub mod table;
mod task;

pub use builtin::GlueTask;
pub use check::{BadLine, LabelCount, Lengths, ScoreRange, SplitReport, TextReport, check, check_split};
pub use classes::{ClassMap, StatedClasses, same_classes, split_names};
pub use corpus::read_corpus;
pub use custom::{CustomTarget, CustomTask};
pub use dataset::{Dataset, DevShare, load, load_dev, load_for_training, load_with};
pub use encoded::{Encoded, choose, encode, encode_text, sorted_batches};
pub use error::{Cause, Error, Place, Result};
pub use examples::Example;
pub use identifiers::RepeatedIds;
pub use labels::Labels;
pub use locate::table_files;
pub use metrics::{Metric, MetricValues, ranks};
pub use plain_text::read_plain_text;
pub use predictions::Predictions;
pub use split::Split;
pub use submission::{submission_path, write_predictions, write_submission};
pub use task::TaskSpec;

pub use bitspike::Target;
pub use bitspike::config::Pooling;
