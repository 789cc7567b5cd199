//! Wrong usage beyond what clap finds.

use std::fmt;

/// A flag or a value of one that is not known, is missing, or contradicts another: the command line alone shows it.
#[derive(Debug)]
pub(crate) struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Usage {}

/// Wrong usage, which ends the program with 2.
pub(crate) fn usage(message: impl Into<String>) -> anyhow::Error {
    Usage(message.into()).into()
}

/// What a library says of a value that came from the command line.
pub(crate) fn wrong_value(flag: &str, error: &(dyn std::error::Error + 'static)) -> anyhow::Error {
    let said = bitspike::error::explain(error);
    // The flag says which setting it is.
    let said = said.find("expected ").map_or(said.as_str(), |at| &said[at..]);
    usage(format!("{flag}: {said}"))
}
