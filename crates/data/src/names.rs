//! Names of the files and folders of a data set, and what they say.

use std::fs;
use std::path::Path;

use super::error::{Error, Result};
use super::labels::in_order;

/// The extension of `path` in lower case.
pub(super) fn extension(path: &Path) -> Option<String> {
    path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase)
}

/// Names of the files in `folder`, sorted.
pub(super) fn file_names(folder: &Path) -> Result<Vec<String>> {
    let mut names = names(folder, false)?;
    names.sort_unstable();
    Ok(names)
}

/// Names of the folders in `folder`, but for those that begin with `_` or `.`.
pub(super) fn folder_names(folder: &Path) -> Result<Vec<String>> {
    let mut names = names(folder, true)?;
    names.retain(|name| !name.starts_with(['_', '.']));
    names.sort_by(|a, b| in_order(a, b));
    Ok(names)
}

/// Names in `folder`, of its folders or of everything else. One that is not Unicode is none of those looked for.
fn names(folder: &Path, folders: bool) -> Result<Vec<String>> {
    let explain = |e| Error::io("read", folder, e);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(explain)? {
        let entry = entry.map_err(explain)?;
        if entry.path().is_dir() == folders {
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}

/// Index and count from `-00001-of-00004`, which a hash may follow.
pub(super) fn shard(suffix: &str) -> Option<(usize, usize)> {
    let number = |text: &str| if text.len() == 5 { text.parse::<usize>().ok() } else { None };
    let (index, count) = suffix.strip_prefix('-')?.split_once("-of-")?;
    let count = match count.split_once('-') {
        Some((count, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => count,
        Some(_) => return None,
        None => count,
    };
    let (index, count) = (number(index)?, number(count)?);
    (index < count).then_some((index, count))
}
