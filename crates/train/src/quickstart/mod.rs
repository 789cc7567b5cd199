//! The whole path on a corpus made on the spot: a [`Corpus`] that needs word order, the [`BagOfWords`] that fails on it, a small
//! teacher, and students of it at 32, 1.58 and 1 bit.

mod bag_of_words;
mod corpus;
mod run;

pub use bag_of_words::BagOfWords;
pub use corpus::{Corpus, CorpusConfig};
pub use run::{Comparison, Quickstart, Row};
