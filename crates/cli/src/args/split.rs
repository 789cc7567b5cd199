//! `--split`

use bitspike_data::Split;

/// A split on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SplitName {
    Train,
    Dev,
    DevMismatched,
    Test,
    TestMismatched,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Train => Self::Train,
            SplitName::Dev => Self::Dev,
            SplitName::DevMismatched => Self::DevMismatched,
            SplitName::Test => Self::Test,
            SplitName::TestMismatched => Self::TestMismatched,
        }
    }
}
