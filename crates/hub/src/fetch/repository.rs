//! A repository of the hub, and the addresses and folders that it has.

use std::fmt;

use crate::error::Result;
use crate::names::check_id;

/// Data sets and models live in different parts of the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RepoKind {
    /// `https://huggingface.co/datasets/OWNER/NAME`
    Dataset,
    /// `https://huggingface.co/OWNER/NAME`
    Model,
}

/// One repository: its kind and its checked id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    pub(super) kind: RepoKind,
    id: String,
}

impl Repository {
    /// Checks the id.
    ///
    /// # Errors
    /// If `id` is none, saying what one looks like.
    pub(super) fn new(kind: RepoKind, id: &str) -> Result<Self> {
        check_id(id)?;
        Ok(Self { kind, id: id.to_owned() })
    }

    /// The id, `owner/name`.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The part of a web or download address that names the repository: `datasets/owner/name`, or `owner/name` for a model.
    pub(super) fn web_path(&self) -> String {
        match self.kind {
            RepoKind::Dataset => self.api_path(),
            RepoKind::Model => self.id.clone(),
        }
    }

    /// The part of an API address that names the repository: `models/owner/name`.
    pub(super) fn api_path(&self) -> String {
        format!("{}s/{}", self.kind(), self.id)
    }

    /// Folder in the cache: `datasets--owner--name`.
    pub(super) fn cache_name(&self) -> String {
        self.api_path().replace('/', "--")
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

    fn kind(&self) -> &'static str {
        match self.kind {
            RepoKind::Dataset => "dataset",
            RepoKind::Model => "model",
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_folders() {
        for id in ["gpt2", "sentence-transformers/all-MiniLM-L6-v2"] {
            assert_eq!(Repository::new(RepoKind::Model, id).unwrap().web_path(), id);
        }
        let glue = Repository::new(RepoKind::Dataset, "nyu-mll/glue").unwrap();
        assert_eq!(glue.cache_name(), "datasets--nyu-mll--glue");
        assert_eq!(glue.web_path(), "datasets/nyu-mll/glue");
        assert_eq!(glue.to_string(), "dataset `nyu-mll/glue`");
    }
}
