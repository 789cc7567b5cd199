//! Identifiers of a split's examples, and whether they are some.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// Identifiers that more than one example has, compared by a 64-bit hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepeatedIds {
    /// Examples whose id an earlier one has.
    pub count: usize,
    /// The first of them: its id,
    pub id: String,
    /// its file,
    pub file: PathBuf,
    /// its line or record number,
    pub line: usize,
    /// and the line or record number of the earlier one.
    pub earlier: usize,
}

/// Identifiers as they are read.
#[derive(Debug, Default)]
pub(super) struct Identifiers {
    /// Line of each, by its hash.
    seen: HashMap<u64, usize, BuildHasherDefault<Itself>>,
    repeated: Option<RepeatedIds>,
}

impl Identifiers {
    pub(super) fn add(&mut self, id: &str, file: &Path, line: usize) {
        let Some(earlier) = self.seen.insert(hash(id), line) else { return };
        match &mut self.repeated {
            Some(repeated) => repeated.count += 1,
            None => {
                self.repeated = Some(RepeatedIds { count: 1, id: id.to_owned(), file: file.to_owned(), line, earlier });
            }
        }
    }

    pub(super) fn repeated(self) -> Option<RepeatedIds> {
        self.repeated
    }
}

/// A hash of 64 bits: short identifiers, of up to seven bytes, never share one.
fn hash(id: &str) -> u64 {
    // Odd, so that multiplying by it loses nothing.
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |hash: u64, word: u64| {
        let product = (hash ^ word).wrapping_mul(FACTOR);
        product ^ product >> 32
    };
    let mut chunks = id.as_bytes().chunks_exact(8);
    let hash =
        chunks.by_ref().fold(0, |hash, chunk| mix(hash, chunk.iter().fold(0, |word, &b| word << 8 | u64::from(b))));
    let rest = chunks.remainder();
    let last = rest.iter().fold(rest.len() as u64, |word, &b| word << 8 | u64::from(b));
    mix(mix(hash, last), 0)
}

/// Gives a number that is a hash already.
#[derive(Debug, Default)]
struct Itself(u64);

impl Hasher for Itself {
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
    use super::*;

    #[test]
    fn identifiers_that_differ_are_told_apart() {
        let mut identifiers = Identifiers::default();
        for i in 0..100_000_u64 {
            identifiers.add(&i.to_string(), Path::new("x"), 1);
            identifiers.add(&format!("{:016x}-{i:04}", i.wrapping_mul(0x9E37_79B9)), Path::new("x"), 1);
            identifiers.add(&format!("row {i}"), Path::new("x"), 1);
        }
        assert_eq!(identifiers.repeated, None);
        identifiers.add("row 7", Path::new("y"), 9);
        let repeated = identifiers.repeated().unwrap();
        assert_eq!((repeated.count, repeated.id.as_str(), repeated.line, repeated.earlier), (1, "row 7", 9, 1));
    }
}
