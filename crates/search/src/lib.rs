//! Search by meaning: an index of the vectors of texts in one file, and the texts whose vectors are nearest to a question's.
//!
//! A [`Builder`] collects vectors and writes the file, [`Index`] opens it and answers. [`add_texts`] embeds the texts of a table on the
//! way, and [`ask`] embeds questions.
//!
//! ```no_run
//! use bitspike::Model;
//! use bitspike_search::{Access, Builder, Index, Kept, Mark, Search, Settings};
//!
//! let model = Model::load("models/embed-ternary/model.safetensors")?;
//! let texts = ["a fine film", "how to boil an egg", "a dull film"];
//! let mut builder = Builder::new(Mark::of("embed-ternary", &model), model.header().student.hidden, Settings::default())?;
//! for (text, vector) in texts.iter().zip(model.embed(texts)?) {
//!     builder.push(&vector.values, Kept { text, id: None })?;
//! }
//! builder.write("films.index".as_ref())?;
//!
//! let index = Index::open("films.index".as_ref(), Access::Loaded)?;
//! let question = model.embed(["a good movie"])?.remove(0);
//! let hits = index.search(&question.values, 2, Search::default())?;
//! assert_eq!(index.text(hits[0].number)?, Some("a fine film"));
//! # Ok::<(), bitspike_search::Error>(())
//! ```
//!
//! # How
//!
//! Scores are cosines. Up to [`EXACT`] texts every vector is looked at, and the best are the best. With more there is a graph of near
//! neighbours beside the vectors (hierarchical navigable small worlds, Malkov and Yashunin 2016), which finds nearly all of them and
//! looks at few; texts that were added after it was built are looked at one by one, and [`Search::exact`] looks at all. Of equal scores the text that was added first comes first: an answer depends on the index alone.
//!
//! The file is described in `docs/embed-texts.md`. What it says is believed once its checksum is right, and bounded even then.

mod builder;
mod error;
mod file;
mod graph;
mod index;
mod rows;
mod texts;
mod top;

pub use builder::{Builder, Kept, Settings, Written};
pub use error::{Error, Result};
pub use file::{FORMAT_VERSION, MAGIC, Mark};
pub use index::{Access, Index, Report, Search};
pub use rows::Precision;
pub use texts::{Asked, Corpus, add_texts, ask};
pub use top::Hit;

/// Texts from which an index has a graph, unless it is built otherwise.
pub const EXACT: usize = 100_000;
