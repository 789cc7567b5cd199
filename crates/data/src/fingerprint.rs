//! Texts as numbers of 64 bits, to tell whether two are the same. A tenth of the cost of a hash that withstands those who choose
//! its input; whoever chooses it here can only make their own data seem to repeat itself.

use std::hash::{BuildHasherDefault, Hasher};

/// The number of a text. Short ones, of up to seven bytes, never share one.
pub(super) fn of(text: &str) -> u64 {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let hash = words.iter().fold(text.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let last = rest.iter().fold(rest.len() as u64, |word, &byte| word << 8 | u64::from(byte));
    mix(mix(hash, last), 0)
}

/// The number of two texts in this order.
pub(super) fn of_pair(first: &str, second: &str) -> u64 {
    // Turned, so that texts in the other order are another pair.
    mix(of(first).rotate_left(17), of(second))
}

fn mix(hash: u64, word: u64) -> u64 {
    // Odd, so that multiplying by it loses nothing.
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let product = (hash ^ word).wrapping_mul(FACTOR);
    product ^ product >> 32
}

/// For maps and sets of such numbers: a number is its own hash.
pub(super) type Itself = BuildHasherDefault<Number>;

/// Gives the number that it is given.
#[derive(Debug, Default)]
pub(super) struct Number(u64);

impl Hasher for Number {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |word, &byte| word << 8 | u64::from(byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn texts_that_differ_in_anything_have_numbers_that_differ() {
        let sentence = "a gripping, funny film that never ends";
        let mut texts: Vec<String> = (0..=sentence.len()).map(|end| sentence[..end].to_owned()).collect();
        texts.extend((1..sentence.len()).map(|at| format!("{}X{}", &sentence[..at], &sentence[at + 1..])));
        texts.extend((0..100_000_u64).map(|i| i.to_string()));
        texts.extend((0..100_000_u64).map(|i| format!("{:016x}-{i:04}", i.wrapping_mul(0x9E37_79B9))));
        texts.extend(["\0", "\0\0", "\0\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0\0\0"].map(str::to_owned));
        let numbers: HashSet<u64, Itself> = texts.iter().map(|text| of(text)).collect();
        assert_eq!(numbers.len(), texts.iter().collect::<HashSet<_>>().len());
    }

    #[test]
    fn pairs_differ_where_a_text_moves_or_the_two_change_places() {
        let pairs = [("a b", "c"), ("a", "b c"), ("c", "a b"), ("a b c", ""), ("", "a b c"), ("", ""), ("a b", "d")];
        let numbers: HashSet<u64> = pairs.iter().map(|(first, second)| of_pair(first, second)).collect();
        assert_eq!(numbers.len(), pairs.len());
    }
}
