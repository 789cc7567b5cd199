//! Readers of every form, from a file or standard input.
//!
//! Beside the readers of `bitspike_data`, which look for a task's columns and labels and refuse whatever else is odd, these
//! keep all columns, so that they can be written beside the answers, and take any text.

mod decoder;
mod delimited;
mod json;
mod lines;
mod parquet;

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bitspike::error::Error;

use super::Form;
use super::record::{Header, Record, Wanted};
pub(crate) use decoder::Decoder;
use lines::Lines;

/// What comes in, and how it is to be read.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    /// The file; standard input, unless given.
    pub(crate) path: Option<PathBuf>,
    pub(crate) form: Form,
    /// Columns of the texts; for plain text only whether there are two.
    pub(crate) wanted: Wanted,
    pub(crate) decoder: Decoder,
}

/// Records in order; the first error is the last item that counts.
pub(super) type Records = Box<dyn Iterator<Item = Result<Record>>>;

impl Input {
    /// What messages call it.
    pub(crate) fn name(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new("standard input"))
    }

    /// Whether everything is there to be read without waiting: a file, by name or as standard input.
    pub(super) fn is_file(&self) -> bool {
        match &self.path {
            Some(path) => path.is_file(),
            None => !std::io::stdin().is_terminal() && standard_input().is_ok_and(|input| is_file(&input)),
        }
    }

    /// Bytes of a file in a form of text.
    pub(super) fn size(&self) -> Option<u64> {
        let path = self.path.as_deref().filter(|path| self.form != Form::Parquet && path.is_file())?;
        Some(path.metadata().ok()?.len())
    }

    /// Opens the input and reads its header.
    ///
    /// # Errors
    /// If it cannot be opened or read, is not of its form, or lacks a column of the texts.
    pub(super) fn open(&self) -> Result<(Header, Records)> {
        if self.form == Form::Parquet {
            return parquet::open(self.name(), &self.wanted);
        }
        let reader: Box<dyn Read> = match &self.path {
            Some(path) => Box::new(File::open(path).map_err(|e| Error::io("open", path, e))?),
            None => Box::new(standard_input().context("read standard input")?),
        };
        match self.form {
            Form::Csv => delimited::open_csv(reader, self),
            Form::Tsv => delimited::open_tsv(Lines::new(reader, self), &self.wanted),
            Form::Jsonl => json::open(Lines::new(reader, self), &self.wanted),
            Form::Text | Form::Parquet => lines::open(Lines::new(reader, self), self.wanted.second.is_some()),
        }
    }
}

/// Standard input without the buffer and the lock of the standard library: it may be a terminal that is never read to its end.
#[cfg(unix)]
fn standard_input() -> std::io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(std::io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn standard_input() -> std::io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(std::io::stdin().as_handle().try_clone_to_owned()?))
}

fn is_file(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}
