//! The parts of a data set, and the file names they go by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use bitspike::{Error, Result};

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// What a model learns from.
    Train,
    /// What chooses checkpoints and is reported; MNLI's matched half.
    Dev,
    /// MNLI's dev examples from genres that training has not seen.
    DevMismatched,
    /// What is submitted, often without labels; MNLI's matched half.
    Test,
    /// MNLI's mismatched test half.
    TestMismatched,
}

impl Split {
    /// Every split.
    pub const ALL: [Self; 5] = [Self::Train, Self::Dev, Self::DevMismatched, Self::Test, Self::TestMismatched];

    /// The name in reports: `train`, `dev`, `dev_mismatched`, `test`, `test_mismatched`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::DevMismatched => "dev_mismatched",
            Self::Test => "test",
            Self::TestMismatched => "test_mismatched",
        }
    }

    /// Whether every example must carry a label. Test files may come without.
    pub fn must_be_labelled(self) -> bool {
        !matches!(self, Self::Test | Self::TestMismatched)
    }

    /// File stems of this split, in lower case; the halves of MNLI's dev and test carry their own names.
    pub(super) fn stems(self, halves: bool) -> &'static [&'static str] {
        match (self, halves) {
            (Self::Train, _) => &["train"],
            (Self::Dev, false) => &["dev", "validation", "valid", "val"],
            (Self::Dev, true) => &["dev_matched", "validation_matched"],
            (Self::DevMismatched, _) => &["dev_mismatched", "validation_mismatched"],
            (Self::Test, false) => &["test"],
            (Self::Test, true) => &["test_matched"],
            (Self::TestMismatched, _) => &["test_mismatched"],
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Split {
    type Err = Error;

    /// Reads [`Split::name`], and `validation` for `dev`.
    fn from_str(name: &str) -> Result<Self> {
        let wanted = if name == "validation" { "dev" } else { name };
        let names = Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|s| s.name() == wanted)
            .ok_or_else(|| Error::invalid("split", format!("one of {names}"), name))
    }
}
