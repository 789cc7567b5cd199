//! What goes to standard output.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;

/// Prints `value` as JSON for programs, or lets `print` write it for people.
///
/// # Errors
/// If standard output takes no more.
pub(crate) fn show<T: Serialize>(
    value: &T,
    json: bool,
    print: impl FnOnce(&T, &mut dyn Write) -> Result<()>,
) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(value)?)?;
    } else {
        print(value, &mut out)?;
    }
    Ok(out.flush()?)
}
