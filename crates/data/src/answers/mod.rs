//! Classifying texts and writing the answers beside them, in any form of [`table`](crate::table) to any other.
//!
//! [`classify_stream`] is for a table or a stream, [`classify_texts`] for texts that are all there. Records are read on a thread of
//! their own and classified a chunk at a time, so that what has arrived is answered while more is awaited, and memory does not
//! grow with the number of texts.
//!
//! ```no_run
//! use bitspike::Model;
//! use bitspike_data::TaskSpec;
//! use bitspike_data::answers::{AnswerOptions, TextColumns, Texts, classify_stream};
//! use bitspike_data::table::{Decoder, Form, Source};
//!
//! let model = Model::load("sst2.safetensors")?;
//! let task = TaskSpec::of_model(&model.header().task)?;
//! let texts = Texts {
//!     source: Source::File("reviews.csv".into()),
//!     form: Form::Csv,
//!     columns: TextColumns::new(&task, Some("review"), None)?,
//!     decoder: Decoder::any(false, "convert it to UTF-8"),
//! };
//! let options = AnswerOptions::new(Form::Jsonl);
//! let summary = classify_stream(&model, texts, &mut std::io::stdout(), &options, &mut |_| {})?;
//! eprintln!("{} texts", summary.texts);
//! # Ok::<(), bitspike_data::Error>(())
//! ```

mod header;
mod model;
mod options;
mod output;
mod people;
mod queue;
mod stream;

pub use header::TextColumns;
pub use model::{Classifier, Said};
pub use options::{AnswerOptions, OnError};
pub use output::{answer_names, free_name};
pub use stream::{Progress, Summary, Texts, classify_stream, classify_texts};

#[cfg(test)]
mod tests;
