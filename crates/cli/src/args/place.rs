//! `--out`, `--force`: where a command writes, and what it may replace.

use std::path::Path;

use anyhow::{Result, bail};

/// Refuses to write over `path` unless it is `forced`. Checked before anything is computed.
///
/// # Errors
/// If there is something at `path` that is not to be replaced, or a folder where a file is to be.
pub(crate) fn vacant(flag: &str, path: &Path, forced: bool) -> Result<()> {
    let place = path.display();
    match path.metadata() {
        Ok(found) if found.is_dir() => bail!("{flag} {place}: expected the name of a file, found a folder"),
        Ok(found) if !found.is_file() => bail!("{flag} {place}: expected the name of a file, found a device"),
        Ok(_) if !forced => bail!("{flag} {place}: exists; give --force to replace it, or another name"),
        _ => Ok(()),
    }
}
