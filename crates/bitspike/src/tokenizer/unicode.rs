//! What characters are and what they decompose into: the tables of `unicode/tables.bin`, of three ages.
//!
//! General categories are those of Unicode 8 and normal forms those of Unicode 9, as the reference implementation has them; newer
//! tables would give other tokens. Words are those of `\w` in Unicode 16. The file has runs and differences, is a tenth of what it
//! says, and is read when the first character beyond ASCII is met; `tests.rs` makes it and holds every character to the crates
//! that it was made from.

mod normal;
mod tables;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

pub(super) use normal::{Change, combining, composed, decompose, decomposed};
use tables::Tables;

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables::read(include_bytes!("unicode/tables.bin")));

/// What a character is, as bits; the low eight hold its canonical combining class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class(u16);

impl Class {
    /// Control, format and private characters (Cc, Cf, Co).
    const OTHER: u16 = 1 << 8;
    const PUNCTUATION: u16 = 1 << 9;
    /// Marks that take no place of their own (Mn).
    const NONSPACING: u16 = 1 << 10;
    /// Marks of any kind, of Unicode 9.
    const MARK: u16 = 1 << 11;
    /// What `\w` matches.
    const WORD: u16 = 1 << 12;

    /// That of a character.
    pub(super) fn of(c: char) -> Self {
        Self(TABLES.class(c))
    }

    /// The canonical combining class; 0 of what marks combine with.
    pub(super) fn combining(self) -> u8 {
        self.0 as u8
    }

    pub(super) fn is_other(self) -> bool {
        self.0 & Self::OTHER != 0
    }

    pub(super) fn is_punctuation(self) -> bool {
        self.0 & Self::PUNCTUATION != 0
    }

    pub(super) fn is_nonspacing(self) -> bool {
        self.0 & Self::NONSPACING != 0
    }

    pub(super) fn is_mark(self) -> bool {
        self.0 & Self::MARK != 0
    }

    pub(super) fn is_word(self) -> bool {
        self.0 & Self::WORD != 0
    }
}
