//! Tables in every form: one reader and one writer of CSV, TSV, JSON Lines and Parquet.
//!
//! A [`Source`] is opened as a [`Form`] into a [`Table`], whose columns are known then, and which gives one [`Row`] after the
//! other, as they arrive and in bounded memory: cells by column, with the line they come from. Columns that are not among those
//! of [`Table::select`] are not decoded. What a column means is for those to say who read it: the tasks of this crate, or
//! [`answers`](crate::answers). [`TableWriter`] goes the other way.
//!
//! | form | quoting | notes |
//! |---|---|---|
//! | `text` | none | a text a line, empty ones too; with [`ReadOptions::pair`] two with a tab between |
//! | `tsv` | none: fields are split at tabs, a quote is a character | as GLUE's official files |
//! | `csv` | RFC 4180 | a quote that is never closed, or has text behind it, is an error |
//! | `jsonl` | JSON | an object a line, or one array of objects; keys may differ from one to the next |
//! | `parquet` | - | every type; every codec but LZO, Zstandard with the feature `zstd` |
//!
//! What other programs write, and what becomes of it here, is listed in `docs/data.md`.
//!
//! In text forms a byte order mark and carriage returns at line ends are dropped, empty lines of tables are ignored, and UTF-16 and
//! invalid UTF-8 are errors with their line unless the [`Decoder`] replaces it. A record has at most
//! [`ReadOptions::longest`] bytes, and no more of it is ever in memory.
//!
//! ```
//! use bitspike_data::table::{Form, ReadOptions, Source, Table};
//!
//! let bytes = "id,review\n7,\"good, \"\"really\"\"\"\n";
//! let source = Source::Reader(Box::new(bytes.as_bytes()));
//! let mut table = Table::open(source, Form::Csv, &ReadOptions::strict())?;
//! table.select(&[1]);
//! let row = table.next().expect("a record")?;
//! assert_eq!((row.line, row.cells[0].text()), (2, "good, \"really\"".into()));
//! # Ok::<(), bitspike_data::Error>(())
//! ```

mod csv;
mod decoder;
mod disguise;
mod fields;
mod form;
mod json;
mod lines;
#[cfg(feature = "parquet")]
mod parquet;
mod reader;
mod row;
mod separator;
mod source;
mod tsv;
mod writer;

pub use decoder::Decoder;
pub use form::Form;
pub(crate) use lines::Lines;
pub use reader::Table;
pub use row::{Cell, Column, Columns, Kind, Row};
pub use source::{QuotedFields, ReadOptions, Source};
pub use writer::TableWriter;

/// What is said of Parquet by a build without it.
#[cfg(not(feature = "parquet"))]
const NO_PARQUET: &str = "another form, since this build has no Parquet: its feature `parquet` is off";

#[cfg(test)]
mod tests;
