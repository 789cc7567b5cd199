//! The tokens of a text with the place of each in it.

use std::ops::{ControlFlow, Range};

use super::Tokenizer;
use super::added::{Finder, Part};
use super::aligned::Aligned;
use super::inner::Inner;
use super::truncation::share;
use super::wordpiece::Hashes;

/// A token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its id.
    pub id: u32,
    /// The bytes of the text that it stands for. An added token stands for the spaces that it takes, too.
    pub range: Range<usize>,
}

/// The tokens of a text, and which of them are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// All of them, in their order, without the frame.
    pub pieces: Vec<Piece>,
    /// The places of those that are kept.
    pub kept: Range<usize>,
}

impl Tokenizer {
    /// The tokens of a text or a pair of texts, with their places, and those that [`Tokenizer::encode`] keeps; one [`Pieces`] a text.
    /// The texts are read to their ends.
    ///
    /// ```
    /// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/bert-micro-f32");
    /// let tokenizer = bitspike::tokenizer::Tokenizer::load(folder)?;
    /// let text = "A film";
    /// let pieces = &tokenizer.pieces(text, None, 128)[0].pieces;
    /// assert_eq!(pieces.last().map(|piece| piece.range.end), Some(text.len()));
    /// # Ok::<(), bitspike::Error>(())
    /// ```
    pub fn pieces(&self, first: &str, second: Option<&str>, max_len: usize) -> Vec<Pieces> {
        let side = self.inner.side;
        let cut = |pieces: Vec<Piece>, wanted| Pieces { kept: side.kept(pieces.len(), wanted), pieces };
        let first = self.inner.places(first);
        let Some(second) = second else { return vec![cut(first, max_len.saturating_sub(self.frame_tokens(false)))] };
        let second = self.inner.places(second);
        let (keep_first, keep_second) =
            share(first.len(), second.len(), max_len.saturating_sub(self.frame_tokens(true)));
        vec![cut(first, keep_first), cut(second, keep_second)]
    }

    /// The text of each id of an encoding.
    pub fn tokens(&self, ids: &[u32]) -> Vec<String> {
        ids.iter().map(|&id| self.token(id).unwrap_or_default()).collect()
    }
}

impl Inner {
    /// All tokens of a text, without frame.
    fn places(&self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        parts(self.raw.as_ref(), text, |part, range| match part {
            Part::Token(id) => pieces.push(Piece { id, range }),
            Part::Text(part) => self.places_of_part(part, range.start, &mut pieces),
        });
        pieces
    }

    /// Appends the tokens of a text without raw added tokens, which begins at `start` of the whole.
    fn places_of_part(&self, text: &str, start: usize, pieces: &mut Vec<Piece>) {
        let mut aligned = Aligned::new(text);
        self.normalizers.iter().for_each(|normalizer| aligned.apply(normalizer));
        let mut put = |id, range: Range<usize>| {
            let origin = aligned.origin(range);
            pieces.push(Piece { id, range: start + origin.start..start + origin.end });
        };
        let (mut hashes, mut ids) = (Hashes::new(), Vec::new());
        parts(self.normalized.as_ref(), &aligned.text, |part, range| {
            let text = match part {
                Part::Token(id) => return put(id, range),
                Part::Text(text) => text,
            };
            let mut words: Vec<Range<usize>> = std::iter::once(0..text.len()).collect();
            self.splitters.iter().for_each(|splitter| splitter.apply(text, &mut words));
            for word in words {
                ids.clear();
                self.pieces.spell(&text[word.clone()], &mut hashes, &mut ids);
                let (mut at, end) = (range.start + word.start, range.start + word.end);
                for (i, &id) in ids.iter().enumerate() {
                    let prefix = if i == 0 { 0 } else { self.pieces.prefix.len() };
                    let length = self.pieces.vocabulary.token(id).map_or(0, str::len).saturating_sub(prefix);
                    // The last piece, or the unknown token, reaches the end of the word.
                    let next = if i + 1 == ids.len() { end } else { at + length };
                    put(id, at..next);
                    at = next;
                }
            }
        });
    }
}

/// The parts of a text and where they stand.
fn parts<'a>(finder: Option<&Finder>, text: &'a str, mut each: impl FnMut(Part<'a>, Range<usize>)) {
    match finder {
        // No part breaks.
        Some(finder) => drop(finder.split(text, |part, range| {
            each(part, range);
            ControlFlow::Continue(())
        })),
        None if text.is_empty() => {}
        None => each(Part::Text(text), 0..text.len()),
    }
}
