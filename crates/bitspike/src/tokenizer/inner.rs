//! What a text goes through, and its tokens.

use std::ops::{ControlFlow, Range};

use super::added::{AddedToken, Finder, Part};
use super::bert::Bert;
use super::pipeline::{Normalizer, Splitter, normalize};
use super::truncation::Side;
use super::wordpiece::{Hashes, WordPiece};

/// What a text goes through, in this order.
#[derive(Debug)]
pub(super) struct Inner {
    /// Finds the added tokens that are looked for in the text as it is.
    pub(super) raw: Option<Finder>,
    /// Rewrite what is between them.
    pub(super) normalizers: Vec<Normalizer>,
    /// Finds the other added tokens.
    pub(super) normalized: Option<Finder>,
    /// Split what is between them into words.
    pub(super) splitters: Vec<Splitter>,
    /// Spells the words.
    pub(super) pieces: WordPiece,
    /// The four steps between `raw` and the end in one pass, where they are BERT's own.
    pub(super) bert: Option<Bert>,
    /// All added tokens, in the order of their ids.
    pub(super) added: Vec<AddedToken>,
    pub(super) special: Special,
    /// The end that too long a text loses.
    pub(super) side: Side,
    /// The largest id plus 1.
    pub(super) ids: usize,
    /// Tokens that the end of a cut text can change at most.
    pub(super) margin: usize,
}

/// The frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Special {
    pub(super) cls: u32,
    pub(super) sep: u32,
    pub(super) pad: u32,
    /// Type id of a second text.
    pub(super) second_type: u32,
    /// Whether two separators stand between the texts of a pair.
    pub(super) doubled: bool,
}

impl Inner {
    /// The text of a token.
    pub(super) fn token(&self, id: u32) -> Option<&str> {
        let added = self.added.binary_search_by_key(&id, |token| token.id);
        added.map_or_else(|_| self.pieces.vocabulary.token(id), |at| Some(&self.added[at].content))
    }

    /// The tokens of a text, without frame; at least `limit` and one, where there are so many.
    pub(super) fn tokens(&self, text: &str, limit: usize) -> Vec<u32> {
        let mut ids = Vec::new();
        // No more than a limit is reached by breaking.
        let _ = find(self.raw.as_ref(), text, limit, &mut ids, |text, ids| match &self.bert {
            Some(bert) => bert.tokens(text, &self.pieces, limit, ids),
            None => self.step_by_step(text, limit, ids),
        });
        ids
    }

    /// Appends the tokens of a text without raw added tokens, one step after another.
    fn step_by_step(&self, text: &str, limit: usize, ids: &mut Vec<u32>) {
        let text = normalize(&self.normalizers, text);
        let mut hashes = Hashes::new();
        let _ = find(self.normalized.as_ref(), &text, limit, ids, |text, ids| {
            let mut words = Vec::from([Range { start: 0, end: text.len() }]);
            self.splitters.iter().for_each(|splitter| splitter.apply(text, &mut words));
            for word in words {
                self.pieces.spell(&text[word], &mut hashes, ids);
                if ids.len() > limit {
                    return;
                }
            }
        });
    }
}

/// Appends the tokens that `finder` finds, and what `rest` makes of the text between them, until there are more than `limit`.
fn find(
    finder: Option<&Finder>,
    text: &str,
    limit: usize,
    ids: &mut Vec<u32>,
    mut rest: impl FnMut(&str, &mut Vec<u32>),
) -> ControlFlow<()> {
    let mut each = |part: Part<'_>| {
        match part {
            Part::Token(id) => ids.push(id),
            Part::Text(text) => rest(text, ids),
        }
        if ids.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match finder {
        Some(finder) => finder.split(text, |part, _| each(part)),
        None if text.is_empty() => ControlFlow::Continue(()),
        None => each(Part::Text(text)),
    }
}
