//! Identifiers of a split's examples, and whether they are some.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::fingerprint::{self, Itself};

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
    seen: HashMap<u64, usize, Itself>,
    repeated: Option<RepeatedIds>,
}

impl Identifiers {
    pub(super) fn add(&mut self, id: &str, file: &Path, line: usize) {
        let Some(earlier) = self.seen.insert(fingerprint::of(id), line) else { return };
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
