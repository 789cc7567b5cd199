//! Added tokens: looked for in a text before it is split, whatever stands around them.

use std::ops::{ControlFlow, Range};

use daachorse::{DoubleArrayAhoCorasick, DoubleArrayAhoCorasickBuilder, MatchKind};
use serde::{Deserialize, Serialize};

use super::chars::is_word;
use crate::order::sorted_by_key;

/// A token that is no piece of a word, written as in `tokenizer.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddedToken {
    pub(super) id: u32,
    pub(super) content: String,
    /// Only where no character of a word touches it.
    pub(super) single_word: bool,
    /// With the spaces before it.
    pub(super) lstrip: bool,
    /// With the spaces behind it.
    pub(super) rstrip: bool,
    /// Looked for in the text as the normalisers leave it, as they leave the token itself.
    pub(super) normalized: bool,
    /// Part of the frame; of no meaning here.
    pub(super) special: bool,
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Token(u32),
}

/// Finds some added tokens: at each place the longest, from left to right.
#[derive(Clone)]
pub(super) struct Finder {
    /// Values are indices of `tokens`.
    automaton: DoubleArrayAhoCorasick<u32>,
    tokens: Vec<AddedToken>,
    /// The byte that all of them begin with, if it is one.
    first: Option<u8>,
}

impl Finder {
    /// Looks for `tokens`, each under a pattern; none where there are none.
    ///
    /// # Errors
    /// If a pattern is empty or there twice.
    pub(super) fn new(tokens: Vec<(String, AddedToken)>) -> Result<Option<Self>, String> {
        let patterns: Vec<&str> = tokens.iter().map(|(pattern, _)| pattern.as_str()).collect();
        let Some(&some) = patterns.first() else { return Ok(None) };
        if let Some((_, token)) = tokens.iter().find(|(pattern, _)| pattern.is_empty()) {
            return Err(format!(
                "added token {:?}: expected some text, found nothing left by the normaliser",
                token.content
            ));
        }
        let patterns = sorted_by_key(&patterns, |pattern| pattern);
        if let Some(pair) = patterns.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("added tokens: expected each text once, found two that read {:?}", pair[0]));
        }
        let first = some.as_bytes()[0];
        let first = patterns.iter().all(|pattern| pattern.as_bytes()[0] == first).then_some(first);
        let values = tokens.iter().zip(0u32..).map(|((pattern, _), i)| (pattern.as_str(), i));
        let automaton = DoubleArrayAhoCorasickBuilder::new()
            .match_kind(MatchKind::LeftmostLongest)
            .build_with_values(values)
            .map_err(|e| format!("added tokens: {e}"))?;
        Ok(Some(Self { automaton, tokens: tokens.into_iter().map(|(_, token)| token).collect(), first }))
    }

    /// Gives the parts of `text` and their places, none of them empty, in their order, until `each` breaks.
    pub(super) fn split<'a>(
        &self,
        text: &'a str,
        mut each: impl FnMut(Part<'a>, Range<usize>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // Most texts hold none: a look for one byte is faster than the automaton.
        let first = self.first.map_or(Some(0), |first| memchr::memchr(first, text.as_bytes()));
        // Where the text begins that is in no part yet, and the last spaces that were looked for behind a token.
        let (mut open, mut spaces) = (0, 0..0);
        for found in first.into_iter().flat_map(|_| self.automaton.leftmost_find_iter(text)) {
            let token = &self.tokens[found.value() as usize];
            let (before, after) = (&text[..found.start()], &text[found.end()..]);
            if token.single_word && (before.chars().next_back().is_some_and(is_word) || after.starts_with(is_word)) {
                continue;
            }
            let start = match token.lstrip {
                true => open + before.get(open..).map_or(0, |before| before.trim_end().len()),
                false => before.len(),
            };
            if token.rstrip && !spaces.contains(&found.end()) {
                spaces = found.end()..text.len() - after.trim_start().len();
            }
            let end = if token.rstrip { found.end().max(spaces.end) } else { found.end() };
            if open < start {
                each(Part::Text(&text[open..start]), open..start)?;
            }
            // Spaces that the token before this one took are not there twice.
            if start < end {
                each(Part::Token(token.id), start..end)?;
            }
            open = end;
        }
        if open < text.len() { each(Part::Text(&text[open..]), open..text.len()) } else { ControlFlow::Continue(()) }
    }
}

impl std::fmt::Debug for Finder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.tokens.iter().map(|token| &token.content)).finish()
    }
}
