//! Classifying or embedding texts and writing the answers beside them, in any form of [`table`](crate::table) to any other.
//!
//! [`classify_stream`] and [`embed_stream`] are for a table or a stream, [`classify_texts`] and [`embed_texts`] for texts that are all
//! there; [`answer_each`] is for those who write nothing. Records are read on a thread of
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

mod embedder;
mod header;
mod matrix;
mod model;
mod options;
mod output;
mod people;
mod queue;
mod sink;
mod stream;
mod vectors;

pub use embedder::Embedder;
pub use header::TextColumns;
pub use model::{Classifier, Said};
pub use options::{AnswerOptions, OnError};
pub use output::{answer_names, free_name};
pub use sink::Told;
pub use stream::{Progress, Summary, Texts, answer_each, classify_stream, classify_texts};
pub use vectors::{VectorForm, VectorOptions, Vectors, embed_stream, embed_texts};

#[cfg(test)]
mod tests;
