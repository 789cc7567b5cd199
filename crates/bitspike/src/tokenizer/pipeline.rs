//! What happens to a text before it is spelt: steps that rewrite it, and steps that split it into words.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::chars::{is_accent, is_cleaned, is_combining_mark, is_ideograph, is_punctuation, is_word};
use super::unicode::{Change, composed, decomposed};

/// A step that rewrites a text, written as in `tokenizer.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(super) enum Normalizer {
    /// Removes control characters and makes all spaces one kind, puts spaces around ideographs, removes accents (if not said
    /// otherwise where it makes lower case too), makes lower case; in this order, each where asked for.
    #[serde(rename = "BertNormalizer")]
    Bert { clean_text: bool, handle_chinese_chars: bool, strip_accents: Option<bool>, lowercase: bool },
    /// Removes spaces at the ends.
    Strip { strip_left: bool, strip_right: bool },
    /// Removes combining marks.
    StripAccents {},
    /// Canonical composition.
    #[serde(rename = "NFC")]
    Nfc {},
    /// Canonical decomposition.
    #[serde(rename = "NFD")]
    Nfd {},
    /// Compatibility decomposition, then canonical composition.
    #[serde(rename = "NFKC")]
    Nfkc {},
    /// Compatibility decomposition.
    #[serde(rename = "NFKD")]
    Nfkd {},
    /// Lower case, character by character.
    Lowercase {},
}

/// A step that splits a text, written as in `tokenizer.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(super) enum Splitter {
    /// At spaces, which are dropped, and around every punctuation mark.
    BertPreTokenizer {},
    /// Into runs of what `\w` matches and runs of anything else but spaces, which are dropped.
    Whitespace {},
    /// At spaces, which are dropped.
    WhitespaceSplit {},
    /// At punctuation marks.
    Punctuation {
        #[serde(default)]
        behavior: Delimiters,
    },
    /// At digits, one by one or in runs.
    Digits { individual_digits: bool },
}

/// What becomes of the characters that a text is split at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Delimiters {
    /// They are dropped.
    Removed,
    /// Each is a word by itself.
    #[default]
    Isolated,
    /// The first of a run ends the word before it.
    MergedWithPrevious,
    /// The last of a run begins the word after it.
    MergedWithNext,
    /// Each run of them is a word.
    Contiguous,
}

impl Normalizer {
    /// Whether it does the same: accents go with lower case where nothing is said of them.
    pub(super) fn equals(&self, other: &Self) -> bool {
        let said = |normalizer: &Self| match *normalizer {
            Self::Bert { clean_text, handle_chinese_chars, strip_accents, lowercase } => {
                let strip_accents = Some(strip_accents.unwrap_or(lowercase));
                Self::Bert { clean_text, handle_chinese_chars, strip_accents, lowercase }
            }
            ref other => other.clone(),
        };
        said(self) == said(other)
    }

    /// Rewrites `text`.
    pub(super) fn apply(&self, text: &mut String) {
        match *self {
            Self::Bert { clean_text, handle_chinese_chars, strip_accents, lowercase } => {
                if clean_text {
                    let space = |c: char| if c.is_whitespace() { ' ' } else { c };
                    *text = text.chars().filter(|&c| !is_cleaned(c)).map(space).collect();
                }
                if handle_chinese_chars && text.chars().any(is_ideograph) {
                    let mut spaced = String::with_capacity(text.len() * 2);
                    for c in text.chars() {
                        match is_ideograph(c) {
                            true => spaced.extend([' ', c, ' ']),
                            false => spaced.push(c),
                        }
                    }
                    *text = spaced;
                }
                if strip_accents.unwrap_or(lowercase) {
                    *text = rewritten(decomposed(text, false));
                    text.retain(|c| !is_accent(c));
                }
                if lowercase {
                    *text = text.chars().flat_map(char::to_lowercase).collect();
                }
            }
            Self::Strip { strip_left, strip_right } => {
                if strip_right {
                    text.truncate(text.trim_end().len());
                }
                if strip_left {
                    text.drain(..text.len() - text.trim_start().len());
                }
            }
            Self::StripAccents {} => text.retain(|c| !is_combining_mark(c)),
            Self::Nfc {} => *text = rewritten(composed(decomposed(text, false))),
            Self::Nfd {} => *text = rewritten(decomposed(text, false)),
            Self::Nfkc {} => *text = rewritten(composed(decomposed(text, true))),
            Self::Nfkd {} => *text = rewritten(decomposed(text, true)),
            Self::Lowercase {} => *text = text.chars().flat_map(char::to_lowercase).collect(),
        }
    }
}

/// The characters of a rewritten text.
fn rewritten(changes: Vec<Change>) -> String {
    changes.into_iter().map(|(c, _)| c).collect()
}

impl Splitter {
    /// Replaces every word in `words`, none of which is empty, by those that it is split into.
    pub(super) fn apply(&self, text: &str, words: &mut Vec<Range<usize>>) {
        match *self {
            Self::BertPreTokenizer {} => {
                split(text, words, char::is_whitespace, Delimiters::Removed);
                split(text, words, is_punctuation, Delimiters::Isolated);
            }
            Self::Whitespace {} => {
                split(text, words, char::is_whitespace, Delimiters::Removed);
                split(text, words, is_word, Delimiters::Contiguous);
            }
            Self::WhitespaceSplit {} => split(text, words, char::is_whitespace, Delimiters::Removed),
            Self::Punctuation { behavior } => split(text, words, is_punctuation, behavior),
            Self::Digits { individual_digits: true } => split(text, words, char::is_numeric, Delimiters::Isolated),
            Self::Digits { individual_digits: false } => split(text, words, char::is_numeric, Delimiters::Contiguous),
        }
    }
}

/// Splits every word in `words` at the characters that `is` holds for.
fn split(text: &str, words: &mut Vec<Range<usize>>, is: impl Fn(char) -> bool, delimiters: Delimiters) {
    let mut parts: Vec<Range<usize>> = Vec::with_capacity(words.len());
    for word in words.iter() {
        // What a character may be joined to: a word that is not ended, and whether its last character is a delimiter.
        let mut open: Option<bool> = None;
        for (at, c) in text[word.clone()].char_indices() {
            let (delimiter, start) = (is(c), word.start + at);
            let end = start + c.len_utf8();
            let joined = match (delimiter, open) {
                (true, _) if delimiters == Delimiters::Removed => {
                    open = None;
                    continue;
                }
                (_, None) => false,
                (true, Some(after_delimiter)) => match delimiters {
                    Delimiters::Contiguous => after_delimiter,
                    Delimiters::MergedWithPrevious => !after_delimiter,
                    _ => false,
                },
                (false, Some(after_delimiter)) => !after_delimiter || delimiters == Delimiters::MergedWithNext,
            };
            match parts.last_mut().filter(|_| joined) {
                Some(last) => last.end = end,
                None => parts.push(start..end),
            }
            open = Some(delimiter);
        }
    }
    *words = parts;
}

/// `text` after all the normalisers.
pub(super) fn normalize(normalizers: &[Normalizer], text: &str) -> String {
    let mut text = text.to_owned();
    normalizers.iter().for_each(|normalizer| normalizer.apply(&mut text));
    text
}
