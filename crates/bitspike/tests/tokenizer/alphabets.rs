//! Random texts that mix scripts, marks, spaces, controls, emoji, pieces of words and what looks like a special token.

use std::ops::RangeInclusive;

/// Blocks of characters, among them unassigned ones.
const ALPHABETS: [&[RangeInclusive<u32>]; 26] = [
    &[0x61..=0x7a],
    &[0x61..=0x7a, 0x20..=0x20],
    &[0x41..=0x5a, 0x61..=0x7a],
    &[0x30..=0x39],
    &[0x20..=0x7e],
    &[0x00..=0x1f, 0x7f..=0x9f],
    &[
        0x20..=0x20,
        0x09..=0x0d,
        0x85..=0x85,
        0xa0..=0xa0,
        0x1680..=0x1680,
        0x2000..=0x200b,
        0x2028..=0x202f,
        0x3000..=0x3000,
    ],
    &[0xa0..=0xff],
    &[0x100..=0x24f, 0x1e00..=0x1eff],
    &[0x250..=0x36f],
    &[0x300..=0x36f, 0x1ab0..=0x1aff, 0x20d0..=0x20ff, 0xfe20..=0xfe2f],
    &[0x370..=0x3ff, 0x1f00..=0x1fff],
    &[0x400..=0x52f],
    &[0x530..=0x6ff],
    &[0x900..=0xdff],
    &[0xe00..=0x11ff],
    &[0x1d00..=0x1dff, 0x2c00..=0x2fff],
    &[0x2000..=0x206f, 0xfeff..=0xfeff, 0xfff0..=0xffff, 0xe0000..=0xe01ef],
    &[0x2070..=0x2bff],
    &[0x3000..=0x30ff, 0xff00..=0xffef],
    &[0x3400..=0x3500, 0x4e00..=0x9fff],
    &[0xac00..=0xd7ff],
    &[0xe000..=0xfaff, 0x2f800..=0x2fa1f],
    &[0x1f000..=0x1faff, 0x200d..=0x200d, 0xfe00..=0xfe0f],
    &[0x10000..=0x1ffff],
    &[0x0..=0x10ffff],
];

/// Whole strings that other parts of a text are mixed with.
const LOOKALIKES: [&str; 14] = [
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "[PAD]",
    "[UNK]",
    "[mask]",
    "[MASK",
    "[",
    "[[MASK]]",
    " [SEP] ",
    "##",
    "##ing",
    "e\u{301}\u{327}",
    "\u{1100}\u{1161}\u{11a8}",
];

/// A sequence of numbers (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub(crate) fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn character(&mut self, alphabet: &[RangeInclusive<u32>]) -> char {
        let range = self.pick(alphabet).clone();
        let size = (range.end() - range.start()) as usize + 1;
        // Surrogates are no characters.
        char::from_u32(range.start() + self.below(size) as u32).unwrap_or('\u{fffd}')
    }

    /// A text of up to `longest` parts: characters of a few alphabets, `words`, special tokens and what looks like them.
    pub(crate) fn text(&mut self, words: &[String], longest: usize) -> String {
        let alphabets: Vec<_> = (0..=self.below(3)).map(|_| *self.pick(&ALPHABETS)).collect();
        let mut text = String::new();
        for _ in 0..self.below(longest) {
            match self.below(16) {
                0 => text.push_str(self.pick::<String>(words)),
                1 => text.push(' '),
                2 => text.push_str(self.pick::<&str>(&LOOKALIKES)),
                // Longer than a word that is spelt.
                3 if self.chance(60) => {
                    text.extend(std::iter::repeat_n(self.character(alphabets[0]), 95 + self.below(10)))
                }
                _ => {
                    let alphabet = *self.pick(&alphabets);
                    text.push(self.character(alphabet));
                }
            }
        }
        text
    }
}
