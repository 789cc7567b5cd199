//! From a word to the pieces that the vocabulary has, the longest first.

use super::vocabulary::{Vocabulary, step, steps};

/// A vocabulary, and how words are spelt with it.
#[derive(Debug, Clone)]
pub(super) struct WordPiece {
    pub(super) vocabulary: Vocabulary,
    /// What the pieces of a word but its first begin with.
    pub(super) prefix: String,
    /// Characters of the longest word that is spelt.
    pub(super) longest_word: usize,
    /// The token of every other word.
    pub(super) unk: u32,
    /// Hash of `prefix`.
    inside: u64,
}

/// Hashes of the beginnings of a word: scratch memory.
pub(super) type Hashes = Vec<u64>;

impl WordPiece {
    pub(super) fn new(vocabulary: Vocabulary, prefix: String, longest_word: usize, unk: u32) -> Self {
        let inside = steps(vocabulary.seed(), prefix.as_bytes());
        Self { vocabulary, prefix, longest_word, unk, inside }
    }

    /// Appends the pieces of a word that is not empty, or the unknown token if it is too long or cannot be spelt.
    pub(super) fn spell(&self, word: &str, hashes: &mut Hashes, ids: &mut Vec<u32>) {
        // No character has more than four bytes.
        let short = word.len() <= self.longest_word || word.chars().count() <= self.longest_word;
        let before = ids.len();
        if !(short && self.pieces(word.as_bytes(), hashes, ids)) {
            ids.truncate(before);
            ids.push(self.unk);
        }
    }

    /// Appends the pieces of a word; false where a part of it is the beginning of no token.
    fn pieces(&self, word: &[u8], hashes: &mut Hashes, ids: &mut Vec<u32>) -> bool {
        let (mut rest, mut prefix, mut hash): (_, &[u8], _) = (word, &[], self.vocabulary.seed());
        while !rest.is_empty() {
            // No token is longer: this bounds what a word that cannot be spelt costs.
            let most = rest.len().min(self.vocabulary.longest().saturating_sub(prefix.len()));
            hashes.clear();
            hashes.extend(rest[..most].iter().scan(hash, |hash, &byte| {
                *hash = step(*hash, byte);
                Some(*hash)
            }));
            let longest = (1..=most)
                .rev()
                .find_map(|length| Some((length, self.vocabulary.find(hashes[length - 1], prefix, &rest[..length])?)));
            let Some((length, id)) = longest else { return false };
            ids.push(id);
            rest = &rest[length..];
            (prefix, hash) = (self.prefix.as_bytes(), self.inside);
        }
        true
    }
}
