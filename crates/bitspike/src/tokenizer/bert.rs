//! `BertNormalizer` and `BertPreTokenizer` in one pass: what nearly every tokeniser of BERT's kind does.
//!
//! A text of ASCII is rewritten, split and hashed byte by byte. Runs of other characters take the steps of the reference one
//! after another, character by character; only decomposition looks at more than one, at marks that follow each other.

use super::chars::{is_accent, is_cleaned, is_ideograph, is_punctuation};
use super::pipeline::{Normalizer, Splitter};
use super::unicode::{combining, decompose};
use super::vocabulary::step;
use super::wordpiece::{Hashes, WordPiece};
use crate::order::sorted_by_key;

/// What a byte of ASCII does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ascii {
    /// Part of a word, as this byte.
    Letter(u8),
    /// A word by itself.
    Punctuation,
    /// Ends a word.
    Space,
    /// Nothing.
    Cleaned,
}

/// The two steps, with the settings of the first.
#[derive(Debug, Clone)]
pub(super) struct Bert {
    clean: bool,
    ideographs: bool,
    accents: bool,
    lowercase: bool,
    ascii: [Ascii; 128],
}

/// The word in work.
struct Word<'a> {
    pieces: &'a WordPiece,
    text: String,
    /// Of `text`.
    hash: u64,
    hashes: Hashes,
    ids: &'a mut Vec<u32>,
}

impl Bert {
    /// The one pass that does what these steps do, if there is one.
    pub(super) fn of(normalizers: &[Normalizer], splitters: &[Splitter]) -> Option<Self> {
        let (
            &[Normalizer::Bert { clean_text, handle_chinese_chars, strip_accents, lowercase }],
            [Splitter::BertPreTokenizer {}],
        ) = (normalizers, splitters)
        else {
            return None;
        };
        let ascii = std::array::from_fn(|byte| {
            let c = char::from(byte as u8);
            match c {
                _ if clean_text && is_cleaned(c) => Ascii::Cleaned,
                _ if c.is_whitespace() => Ascii::Space,
                _ if is_punctuation(c) => Ascii::Punctuation,
                _ => Ascii::Letter(if lowercase { c.to_ascii_lowercase() } else { c } as u8),
            }
        });
        let accents = strip_accents.unwrap_or(lowercase);
        Some(Self { clean: clean_text, ideographs: handle_chinese_chars, accents, lowercase, ascii })
    }

    /// Appends the tokens of `text`; stops after the word that makes `ids` longer than `limit`.
    pub(super) fn tokens(&self, text: &str, pieces: &WordPiece, limit: usize, ids: &mut Vec<u32>) {
        let bytes = text.as_bytes();
        let mut word = Word { pieces, text: String::new(), hash: 0, hashes: Hashes::new(), ids };
        word.restart();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match self.ascii.get(usize::from(byte)) {
                Some(&Ascii::Letter(byte)) => word.push_byte(byte),
                Some(Ascii::Space) => word.end(),
                Some(Ascii::Punctuation) => {
                    word.end();
                    word.push_byte(byte);
                    word.end();
                }
                Some(Ascii::Cleaned) => {}
                None => {
                    // What cleaning removes does not keep marks apart.
                    let ends = |byte: &u8| byte.is_ascii() && self.ascii[usize::from(*byte)] != Ascii::Cleaned;
                    let length = bytes[at..].iter().position(ends).unwrap_or(bytes.len() - at);
                    self.run(&text[at..at + length], &mut word);
                    at += length;
                    continue;
                }
            }
            at += 1;
            if word.ids.len() > limit {
                return;
            }
        }
        word.end();
    }

    /// The characters of a run without ASCII, but for what is cleaned.
    fn run(&self, text: &str, word: &mut Word<'_>) {
        // Marks that wait for those that are sorted before them.
        let mut marks: Vec<(u8, char)> = Vec::new();
        for c in text.chars() {
            if self.clean && is_cleaned(c) {
                continue;
            }
            // A space becomes another space, and ends a word in any case.
            let alone = self.ideographs && is_ideograph(c);
            if alone {
                self.flush(&mut marks, word);
                word.end();
            }
            if self.accents {
                decompose(c, false, |c| match combining(c) {
                    0 => {
                        self.flush(&mut marks, word);
                        if !is_accent(c) {
                            self.put(c, word);
                        }
                    }
                    class if !is_accent(c) => marks.push((class, c)),
                    _ => {}
                });
            } else {
                self.put(c, word);
            }
            if alone {
                self.flush(&mut marks, word);
                word.end();
            }
        }
        self.flush(&mut marks, word);
    }

    fn flush(&self, marks: &mut Vec<(u8, char)>, word: &mut Word<'_>) {
        if marks.len() > 1 {
            *marks = sorted_by_key(marks, |(class, _)| class);
        }
        marks.drain(..).for_each(|(_, c)| self.put(c, word));
    }

    fn put(&self, c: char, word: &mut Word<'_>) {
        if self.lowercase { c.to_lowercase().for_each(|c| word.put(c)) } else { word.put(c) }
    }
}

impl Word<'_> {
    fn restart(&mut self) {
        self.text.clear();
        self.hash = self.pieces.vocabulary.seed();
    }

    /// Adds a byte of ASCII.
    #[inline(always)]
    fn push_byte(&mut self, byte: u8) {
        self.text.push(char::from(byte));
        self.hash = step(self.hash, byte);
    }

    /// Adds a character, or splits at it.
    fn put(&mut self, c: char) {
        match c {
            _ if c.is_whitespace() => self.end(),
            _ if is_punctuation(c) => {
                self.end();
                self.push(c);
                self.end();
            }
            _ => self.push(c),
        }
    }

    fn push(&mut self, c: char) {
        self.text.push(c);
        self.hash = c.encode_utf8(&mut [0; 4]).bytes().fold(self.hash, step);
    }

    /// Spells the word, if there is one.
    #[inline(always)]
    fn end(&mut self) {
        if self.text.is_empty() {
            return;
        }
        // Most words are a token; a word of so few bytes is not too long.
        let whole = (self.text.len() <= self.pieces.longest_word)
            .then(|| self.pieces.vocabulary.find(self.hash, &[], self.text.as_bytes()));
        match whole.flatten() {
            Some(id) => self.ids.push(id),
            None => self.pieces.spell(&self.text, &mut self.hashes, self.ids),
        }
        self.restart();
    }
}
