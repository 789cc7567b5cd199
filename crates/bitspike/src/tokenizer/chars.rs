//! Classes of characters, as the reference implementation has them.

use super::unicode::Class;

/// What cleaning a text removes: control, format and private characters, and the one that stands for undecodable bytes.
pub(super) fn is_cleaned(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        _ if c.is_ascii() => c.is_ascii_control(),
        _ => c == '\u{fffd}' || Class::of(c).is_other(),
    }
}

/// Punctuation: all of ASCII that is neither letter, digit nor space, and the categories that Unicode calls so.
pub(super) fn is_punctuation(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_punctuation() } else { Class::of(c).is_punctuation() }
}

/// A mark that takes no place of its own, such as an accent.
pub(super) fn is_accent(c: char) -> bool {
    !c.is_ascii() && Class::of(c).is_nonspacing()
}

/// A mark of any kind.
pub(super) fn is_combining_mark(c: char) -> bool {
    !c.is_ascii() && Class::of(c).is_mark()
}

/// What `\w` matches.
pub(super) fn is_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { Class::of(c).is_word() }
}

/// An ideograph; each is a word by itself.
pub(super) fn is_ideograph(c: char) -> bool {
    matches!(
        c,
        '\u{4e00}'..='\u{9fff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{20000}'..='\u{2a6df}'
            | '\u{2a700}'..='\u{2b73f}'
            | '\u{2b740}'..='\u{2b81f}'
            | '\u{2b920}'..='\u{2ceaf}'
            | '\u{f900}'..='\u{faff}'
            | '\u{2f800}'..='\u{2fa1f}'
    )
}
