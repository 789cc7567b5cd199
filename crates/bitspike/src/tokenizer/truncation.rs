//! Which tokens of too long a text are kept.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The end that too long a text loses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// Its beginning is kept.
    #[default]
    Right,
    /// Its end is kept.
    Left,
}

impl Side {
    /// The places of the `wanted` tokens of `length` that are kept.
    pub(super) fn kept(self, length: usize, wanted: usize) -> Range<usize> {
        match self {
            Self::Right => 0..wanted.min(length),
            Self::Left => length.saturating_sub(wanted)..length,
        }
    }

    pub(super) fn is_right(&self) -> bool {
        *self == Self::Right
    }
}

/// How many tokens of each text of a pair are kept in `room`, longest first: a text of up to half of the room is kept whole; where
/// both are longer each gets half, and an odd token goes to the longer, to the second of equals.
pub(super) fn share(first: usize, second: usize, room: usize) -> (usize, usize) {
    if first + second <= room {
        return (first, second);
    }
    let short = first.min(second).min(room / 2);
    if first > second { (room - short, short) } else { (short, room - short) }
}
