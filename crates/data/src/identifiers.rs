//! Identifiers of a split's examples, and whether they are some.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
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
    hasher: RandomState,
    /// Line of each, by its hash.
    seen: HashMap<u64, usize>,
    repeated: Option<RepeatedIds>,
}

impl Identifiers {
    pub(super) fn add(&mut self, id: &str, file: &Path, line: usize) {
        let Some(earlier) = self.seen.insert(self.hasher.hash_one(id), line) else { return };
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
