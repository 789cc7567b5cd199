//! Normal forms of Unicode (UAX 15): NFD and NFKD are [`decomposed`], NFC and NFKC are [`composed`] after it.

use super::{Class, TABLES};
use crate::order::sorted_by_key;

/// A character of a rewritten text and what it does to those it comes from: 0 takes the place of one, 1 is new, -n takes the place of
/// one before n that go.
pub(in crate::tokenizer) type Change = (char, isize);

// Syllables of Hangul are computed (Unicode, section 3.12): `S + (l * 21 + v) * 28 + t`.
const SYLLABLES: u32 = 0xac00;
const LEADING: u32 = 0x1100;
const VOWELS: u32 = 0x1161;
/// One before the first trailing consonant.
const TRAILING: u32 = 0x11a7;
const LEADING_COUNT: u32 = 19;
const VOWEL_COUNT: u32 = 21;
const TRAILING_COUNT: u32 = 28;
const SYLLABLE_COUNT: u32 = LEADING_COUNT * VOWEL_COUNT * TRAILING_COUNT;

/// Gives `emit` what `c` decomposes into, itself if nothing; `compatible` for formatting as well.
pub(in crate::tokenizer) fn decompose(c: char, compatible: bool, mut emit: impl FnMut(char)) {
    let syllable = u32::from(c).wrapping_sub(SYLLABLES);
    if c.is_ascii() {
        emit(c);
    } else if syllable < SYLLABLE_COUNT {
        let trailing = syllable % TRAILING_COUNT;
        emit(character(LEADING + syllable / (VOWEL_COUNT * TRAILING_COUNT)));
        emit(character(VOWELS + syllable / TRAILING_COUNT % VOWEL_COUNT));
        if trailing > 0 {
            emit(character(TRAILING + trailing));
        }
    } else {
        let further = if compatible { TABLES.compatible.of(c) } else { None };
        match further.or_else(|| TABLES.canonical.of(c)) {
            Some(characters) => characters.iter().copied().for_each(emit),
            None => emit(c),
        }
    }
}

fn character(code: u32) -> char {
    char::from_u32(code).expect("a consonant, a vowel or a syllable")
}

/// The character that a pair composes into.
pub(super) fn compose(first: char, second: char) -> Option<char> {
    let (a, b) = (u32::from(first), u32::from(second));
    let (leading, vowel) = (a.wrapping_sub(LEADING), b.wrapping_sub(VOWELS));
    if leading < LEADING_COUNT && vowel < VOWEL_COUNT {
        return Some(character(SYLLABLES + (leading * VOWEL_COUNT + vowel) * TRAILING_COUNT));
    }
    let (syllable, trailing) = (a.wrapping_sub(SYLLABLES), b.wrapping_sub(TRAILING));
    if syllable < SYLLABLE_COUNT && syllable % TRAILING_COUNT == 0 && (1..TRAILING_COUNT).contains(&trailing) {
        return Some(character(a + trailing));
    }
    TABLES.composed(first, second)
}

/// The canonical combining class: 0 of what marks combine with.
pub(in crate::tokenizer) fn combining(c: char) -> u8 {
    if c.is_ascii() { 0 } else { Class::of(c).combining() }
}

/// `text` decomposed, marks that follow each other sorted.
pub(in crate::tokenizer) fn decomposed(text: &str, compatible: bool) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::with_capacity(text.len());
    for c in text.chars() {
        let mut change = 0;
        decompose(c, compatible, |c| {
            changes.push((c, change));
            change = 1;
        });
    }
    for marks in changes.chunk_by_mut(|_, &(c, _)| combining(c) != 0) {
        if marks.len() > 2 || combining(marks[0].0) != 0 {
            // What they follow has class 0, and stays in front.
            marks.copy_from_slice(&sorted_by_key(marks, |(c, _)| combining(c)));
        }
    }
    changes
}

/// What was [`decomposed`], composed again.
pub(in crate::tokenizer) fn composed(decomposed: Vec<Change>) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::with_capacity(decomposed.len());
    // Where the last character of class 0 is, and the class of the last mark behind it that did not join it.
    let (mut starter, mut last) = (None, None);
    for (c, change) in decomposed {
        let class = combining(c);
        if let Some(at) = starter {
            let (first, before): Change = changes[at];
            // A mark of the same class, or a higher one, keeps this one away.
            let joined = if last.is_none_or(|last| last < class) { compose(first, c) } else { None };
            if let Some(joined) = joined {
                changes[at] = (joined, before + change - 1);
                continue;
            }
        }
        if class == 0 {
            (starter, last) = (Some(changes.len()), None);
        } else if starter.is_some() {
            last = Some(class);
        }
        changes.push((c, change));
    }
    changes
}
