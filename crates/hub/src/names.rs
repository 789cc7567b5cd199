//! Names that come from a user or a server and become paths: ids of repositories, revisions, commits, files.

#[cfg(any(feature = "download", test))]
use std::path::PathBuf;

use crate::error::{Error, Result};

/// Checks the id of a repository as the hub does: one or two parts (`owner/name`, or `name` alone for the oldest models) of at most
/// 96 letters, digits, `-`, `_` and `.`, no part beginning or ending with `-` or `.`, no `--` or `..`.
///
/// # Errors
/// [`Error::Id`] if `id` is none.
pub(crate) fn check_id(id: &str) -> Result<()> {
    let part = |part: &str| {
        (1..=96).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && !part.starts_with(['-', '.'])
            && !part.ends_with(['-', '.'])
            && !part.contains("--")
            && !part.contains("..")
    };
    match id.split('/').count() <= 2 && id.split('/').all(part) {
        true => Ok(()),
        false => Err(Error::Id { id: id.to_owned() }),
    }
}

/// Checks a branch, tag or commit, which becomes the name of a file under `refs/`.
///
/// # Errors
/// [`Error::Revision`] if it could leave that folder or is no git revision.
pub(crate) fn check_revision(revision: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+".contains(c);
    match revision.len() <= 200 && revision.chars().all(plain) && stays_inside(revision) {
        true => Ok(()),
        false => Err(Error::Revision { revision: revision.to_owned() }),
    }
}

/// Whether models may be called so: as a repository without an owner.
pub fn is_name(name: &str) -> bool {
    !name.contains('/') && check_id(name).is_ok()
}

/// A name and the revision behind its `@`.
///
/// ```
/// use bitspike_hub::split_revision;
/// assert_eq!(split_revision("own/bert@v1"), ("own/bert", Some("v1")));
/// assert_eq!(split_revision("own/bert"), ("own/bert", None));
/// ```
pub fn split_revision(name: &str) -> (&str, Option<&str>) {
    match name.split_once('@') {
        Some((id, revision)) => (id, Some(revision)),
        None => (name, None),
    }
}

/// Whether `text` is a full commit hash, which names one state for ever.
pub(crate) fn is_commit(text: &str) -> bool {
    is_hex(text, 40)
}

/// Whether `text` is exactly `digits` lower-case hexadecimal digits.
pub(crate) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A server's file name as a relative path of this system, or `None` if it could name anything outside the folder it is
/// joined to.
#[cfg(any(feature = "download", test))]
pub(crate) fn local_path(name: &str) -> Option<PathBuf> {
    stays_inside(name).then(|| name.split('/').collect())
}

/// Whether a name with `/` stays in the folder it is joined to: not absolute, without `.` or `..` or empty parts, without a
/// backslash, a colon (drives and streams of Windows) or a control character, and not too long for a file system.
fn stays_inside(name: &str) -> bool {
    let part = |part: &str| {
        (1..=240).contains(&part.len())
            && !matches!(part, "." | "..")
            && !part.chars().any(|c| c.is_control() || matches!(c, '\\' | ':'))
    };
    name.len() <= 1024 && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_their_folder_are_refused() {
        for bad in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/", "a\\..\\b", "c:x", "a\0b", "a\nb"] {
            assert!(local_path(bad).is_none(), "{bad:?}");
            assert!(check_revision(bad).is_err(), "{bad:?}");
        }
        assert!(local_path(&"x".repeat(300)).is_none());
        assert_eq!(local_path("sst2/train-0.parquet"), Some(["sst2", "train-0.parquet"].iter().collect()));
        assert!(local_path("..x/.gitattributes").is_some());
    }

    #[test]
    fn repository_ids() {
        for good in ["gpt2", "nyu-mll/glue", "sentence-transformers/all-MiniLM-L6-v2"] {
            check_id(good).unwrap();
        }
        for bad in
            ["", "/", "a/b/c", "../x", "a/..", "a--b/c", "-a/b", "a/b.", "a b", "a/b?x", "https://huggingface.co/a"]
        {
            let error = check_id(bad).unwrap_err().to_string();
            assert!(error.contains("OWNER/NAME"), "{bad:?}: {error}");
        }
    }

    #[test]
    fn revisions() {
        for good in ["main", "v1.0", "refs/pr/3", "0123456789abcdef0123456789abcdef01234567"] {
            check_revision(good).unwrap();
        }
        assert!(is_commit("0123456789abcdef0123456789abcdef01234567"));
        assert!(!is_commit("0123456789ABCDEF0123456789abcdef01234567"));
        assert!(!is_commit("main"));
    }
}
