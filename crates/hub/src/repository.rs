//! Names that come from a user or a server and become paths: repository ids, revisions, commits, files.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, ensure};

/// Datasets and models live in different parts of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RepoKind {
    /// `https://huggingface.co/datasets/OWNER/NAME`
    Dataset,
    /// `https://huggingface.co/OWNER/NAME`
    Model,
}

/// One repository of the hub: its kind and its checked id (`owner/name`, or `name` alone for the oldest models).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    kind: RepoKind,
    id: String,
}

impl Repository {
    /// Checks an id as the hub does: one or two parts of at most 96 letters, digits, `-`, `_` and `.`, no part beginning or
    /// ending with `-` or `.`, no `--` or `..`.
    ///
    /// # Errors
    /// If `id` is none, saying what one looks like.
    pub(crate) fn new(kind: RepoKind, id: &str) -> Result<Self> {
        let part = |part: &str| {
            !part.is_empty()
                && part.len() <= 96
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
                && !part.starts_with(['-', '.'])
                && !part.ends_with(['-', '.'])
                && !part.contains("--")
                && !part.contains("..")
        };
        ensure!(
            id.split('/').count() <= 2 && id.split('/').all(part),
            "`{}` is not the name of a repository: expected OWNER/NAME as in sentence-transformers/all-MiniLM-L6-v2",
            id.escape_debug()
        );
        Ok(Self { kind, id: id.to_owned() })
    }

    /// The id, `owner/name`.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The part of a web or download address that names the repository: `datasets/owner/name`, or `owner/name` for a model.
    pub(super) fn web_path(&self) -> String {
        match self.kind {
            RepoKind::Dataset => format!("datasets/{}", self.id),
            RepoKind::Model => self.id.clone(),
        }
    }

    /// The part of an API address that names the repository.
    pub(super) fn api_path(&self) -> String {
        format!("{}/{}", self.plural(), self.id)
    }

    /// Folder in the cache: `datasets--owner--name`.
    pub(super) fn cache_name(&self) -> String {
        format!("{}--{}", self.plural(), self.id.replace('/', "--"))
    }

    /// The same repository under the name that the hub itself gives it, which differs after a rename.
    ///
    /// # Errors
    /// If the server's name is no repository id.
    pub(super) fn renamed(&self, id: &str) -> Result<Self> {
        Self::new(self.kind, id)
    }

    /// What to do where the hub cannot be reached.
    pub(super) fn by_hand(&self) -> &'static str {
        match self.kind {
            RepoKind::Dataset => {
                "Without the hub, give the data's folder by hand: train.tsv, dev.tsv and test.tsv as GLUE ships them, or the \
                 Parquet files of the task's folder in the repository; `bitspike data check` tells whether it is complete"
            }
            RepoKind::Model => {
                "Without the hub, give the model's folder by hand: config.json, tokenizer.json or vocab.txt, and \
                 model.safetensors or pytorch_model.bin"
            }
        }
    }

    fn plural(&self) -> &'static str {
        match self.kind {
            RepoKind::Dataset => "datasets",
            RepoKind::Model => "models",
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            RepoKind::Dataset => "dataset",
            RepoKind::Model => "model",
        };
        write!(f, "{kind} `{}`", self.id)
    }
}

/// Whether `text` is a full commit hash, which names one state for ever.
pub(super) fn is_commit(text: &str) -> bool {
    is_hex(text, 40)
}

/// Whether `text` is exactly `digits` lower-case hexadecimal digits.
pub(super) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Checks a branch, tag or commit, which becomes the name of a file under `refs/`.
///
/// # Errors
/// If it could leave that folder or is no git revision.
pub(super) fn check_revision(revision: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+".contains(c);
    ensure!(
        revision.len() <= 200 && revision.chars().all(plain) && local_path(revision).is_some(),
        "`{}` is not a revision: expected a branch, a tag or a commit, such as main",
        revision.escape_debug()
    );
    Ok(())
}

/// A server's file name as a relative path of this system, or `None` if it could name anything outside the folder it is
/// joined to: absolute, with `.` or `..` or empty parts, with a backslash, a colon (drives and streams of Windows) or a
/// control character, or too long for a file system.
pub(super) fn local_path(name: &str) -> Option<PathBuf> {
    let part = |part: &str| {
        !part.is_empty()
            && part.len() <= 240
            && part != "."
            && part != ".."
            && !part.chars().any(|c| c.is_control() || matches!(c, '\\' | ':'))
    };
    (name.len() <= 1024 && name.split('/').all(part)).then(|| name.split('/').collect())
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
            assert_eq!(Repository::new(RepoKind::Model, good).unwrap().web_path(), good);
        }
        for bad in
            ["", "/", "a/b/c", "../x", "a/..", "a--b/c", "-a/b", "a/b.", "a b", "a/b?x", "https://huggingface.co/a"]
        {
            let error = Repository::new(RepoKind::Model, bad).unwrap_err().to_string();
            assert!(error.contains("OWNER/NAME"), "{bad:?}: {error}");
        }
        let glue = Repository::new(RepoKind::Dataset, "nyu-mll/glue").unwrap();
        assert_eq!(glue.cache_name(), "datasets--nyu-mll--glue");
        assert_eq!(glue.web_path(), "datasets/nyu-mll/glue");
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
