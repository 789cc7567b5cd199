//! The parts of a data set, and the file names they go by.

use serde::{Deserialize, Serialize};
use strum::VariantArray;

use super::error::Error;

/// A part of a data set. Read from its name, or `validation` for `dev`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = Error, parse_err_fn = unknown)]
pub enum Split {
    /// What a model learns from.
    Train,
    /// What chooses checkpoints and is reported; MNLI's matched half.
    #[strum(to_string = "dev", serialize = "validation")]
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
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in reports: `train`, `dev`, `dev_mismatched`, `test`, `test_mismatched`.
    pub fn name(self) -> &'static str {
        self.into()
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

fn unknown(name: &str) -> Error {
    let names: Vec<&str> = Split::ALL.iter().map(|split| split.name()).collect();
    Error::invalid("split", format!("one of {}", names.join(", ")), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for &split in Split::ALL {
            assert_eq!(split.to_string().parse::<Split>().unwrap(), split);
            assert_eq!(serde_json::to_value(split).unwrap(), split.name());
        }
        assert_eq!(
            ("validation".parse::<Split>().unwrap(), format!("{:<6}|", Split::Dev)),
            (Split::Dev, "dev   |".into())
        );
        let message = "eval".parse::<Split>().unwrap_err().to_string();
        let expected = "split: expected one of train, dev, dev_mismatched, test, test_mismatched, found eval";
        assert_eq!(message, expected);
    }
}
