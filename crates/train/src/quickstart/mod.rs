//! What the quickstart works on: a corpus that needs word order, and the classifier without word order that fails on it.

pub(crate) mod bag_of_words;
pub(crate) mod corpus;
