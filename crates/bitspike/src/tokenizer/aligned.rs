//! A text that is rewritten and remembers where each of its characters came from.
//!
//! It follows the reference implementation change by change, so that places are the same there and here. Answers do not need it; it
//! is for whoever wants to see what became of a text.

use std::ops::Range;

use super::chars::{is_accent, is_cleaned, is_combining_mark, is_ideograph};
use super::pipeline::Normalizer;
use super::unicode::{Change, composed, decomposed};

/// A text and where its bytes came from.
pub(super) struct Aligned {
    pub(super) text: String,
    /// For each byte of `text` the bytes of the first text that it stands for.
    origins: Vec<(usize, usize)>,
}

impl Aligned {
    pub(super) fn new(text: &str) -> Self {
        let origins = text.char_indices().flat_map(|(at, c)| {
            let end = at + c.len_utf8();
            std::iter::repeat_n((at, end), c.len_utf8())
        });
        Self { origins: origins.collect(), text: text.to_owned() }
    }

    /// The bytes of the first text that a range of this one, which is not empty, stands for.
    pub(super) fn origin(&self, range: Range<usize>) -> Range<usize> {
        self.origins[range.start].0..self.origins[range.end - 1].1
    }

    /// What [`Normalizer::apply`] does.
    pub(super) fn apply(&mut self, normalizer: &Normalizer) {
        let each = |text: &str, f: &dyn Fn(char) -> Vec<Change>| text.chars().flat_map(f).collect::<Vec<Change>>();
        let lower = |c: char| c.to_lowercase().enumerate().map(|(i, c)| (c, isize::from(i > 0))).collect();
        match *normalizer {
            Normalizer::Bert { clean_text, handle_chinese_chars, strip_accents, lowercase } => {
                if clean_text {
                    self.keep(|c| !is_cleaned(c));
                    let changes = each(&self.text, &|c| vec![(if c.is_whitespace() { ' ' } else { c }, 0)]);
                    self.change(changes, 0);
                }
                if handle_chinese_chars {
                    let changes = each(&self.text, &|c| match is_ideograph(c) {
                        true => vec![(' ', 0), (c, 1), (' ', 1)],
                        false => vec![(c, 0)],
                    });
                    self.change(changes, 0);
                }
                if strip_accents.unwrap_or(lowercase) {
                    self.change(decomposed(&self.text, false), 0);
                    self.keep(|c| !is_accent(c));
                }
                if lowercase {
                    self.change(each(&self.text, &lower), 0);
                }
            }
            Normalizer::Strip { strip_left, strip_right } => {
                let from = if strip_left { self.text.len() - self.text.trim_start().len() } else { 0 };
                let to = if strip_right { self.text.trim_end().len() } else { self.text.len() };
                let (from, to) = if from < to { (from, to) } else { (0, 0) };
                self.text = self.text[from..to].to_owned();
                self.origins = self.origins[from..to].to_vec();
            }
            Normalizer::StripAccents {} => self.keep(|c| !is_combining_mark(c)),
            Normalizer::Nfc {} => self.change(composed(decomposed(&self.text, false)), 0),
            Normalizer::Nfd {} => self.change(decomposed(&self.text, false), 0),
            Normalizer::Nfkc {} => self.change(composed(decomposed(&self.text, true)), 0),
            Normalizer::Nfkd {} => self.change(decomposed(&self.text, true), 0),
            Normalizer::Lowercase {} => self.change(each(&self.text, &lower), 0),
        }
    }

    fn keep(&mut self, keep: impl Fn(char) -> bool) {
        let (mut changes, mut gone, mut first): (Vec<Change>, usize, usize) = (Vec::new(), 0, 0);
        for c in self.text.chars() {
            if !keep(c) {
                gone += 1;
                continue;
            }
            match changes.last_mut() {
                Some(last) => last.1 = -(gone as isize),
                None => first = gone,
            }
            gone = 0;
            changes.push((c, 0));
        }
        if let Some(last) = changes.last_mut() {
            last.1 = -(gone as isize);
        }
        self.change(changes, first);
    }

    /// Replaces the text, the first `gone` characters of which go.
    fn change(&mut self, changes: Vec<Change>, gone: usize) {
        let mut old = self.text.chars().map(char::len_utf8);
        let mut at: usize = old.by_ref().take(gone).sum();
        let (mut text, mut origins) = (String::with_capacity(self.text.len()), Vec::with_capacity(self.origins.len()));
        for (c, change) in changes {
            let origin = match change {
                1.. => at.checked_sub(1).map_or((0, 0), |before| self.origins[before]),
                _ => self.origins[at],
            };
            if change <= 0 {
                at += old.by_ref().take(1 + change.unsigned_abs()).sum::<usize>();
            }
            text.push(c);
            origins.extend(std::iter::repeat_n(origin, c.len_utf8()));
        }
        (self.text, self.origins) = (text, origins);
    }
}
