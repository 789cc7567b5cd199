//! Where the bytes of a table come from, and how they are to be read.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, IsTerminal, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::decoder::Decoder;
use crate::error::{Error, Place, Result};

/// A source of bytes.
pub enum Source {
    /// A file; where texts are classified, also a folder with the parts of one table.
    File(PathBuf),
    /// Standard input.
    StandardInput,
    /// Anything else, such as the body of a request.
    Reader(Box<dyn Read + Send>),
}

/// How a table is read.
///
/// Training and classifying want different things of the same bytes. [`ReadOptions::strict`] reads what a model learns from:
/// a NUL means that the file is not what it seems, and a line of more than 16 MiB that it is not text. [`ReadOptions::any`]
/// reads whatever somebody wants answers to, up to 64 MiB a record.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// What bytes may be text.
    pub decoder: Decoder,
    /// Most bytes of a line, or of a record of CSV, whose quotes may hold line breaks. A longer one is refused, and no more of it
    /// than this is held in memory.
    pub longest: usize,
    /// Whether a record of TSV with fewer columns than the header is given as a row without cells, rather than refused.
    pub short_rows: bool,
    /// Whether a line of plain text holds two texts with a tab between.
    pub pair: bool,
    /// What to do about fields of TSV that are written as in CSV.
    pub quoted_fields: QuotedFields,
}

/// What to do about a field of TSV that is in double quotes with those inside it doubled, as data-frame libraries write it. TSV
/// has no quotes here, as in GLUE's files, some of which hold such fields as they are.
#[derive(Debug, Clone)]
pub enum QuotedFields {
    /// They are text like any other.
    Kept,
    /// The same, and they are counted; clones count together.
    Counted(Arc<AtomicUsize>),
    /// The first of them is an error.
    Refused,
}

impl ReadOptions {
    /// Those for training data.
    pub fn strict() -> Self {
        Self {
            decoder: Decoder::strict(),
            longest: 16 << 20,
            short_rows: false,
            pair: false,
            quoted_fields: QuotedFields::Kept,
        }
    }

    /// Those for texts to be classified.
    pub fn any(decoder: Decoder) -> Self {
        Self { decoder, longest: 64 << 20, ..Self::strict() }
    }

    /// Why a line or a record is refused for its length.
    pub(super) fn too_long(&self, what: &str) -> String {
        format!("the {what} is longer than {} MiB; expected text, one record a line", self.longest >> 20)
    }
}

impl Source {
    /// What messages call it.
    pub fn place(&self) -> Place {
        match self {
            Self::File(path) => path.into(),
            Self::StandardInput => Place::StandardInput,
            Self::Reader(_) => Place::Reader,
        }
    }

    /// Whether everything is there to be read without waiting: a file, by name or as standard input, or a folder of them.
    pub fn is_file(&self) -> bool {
        match self {
            Self::File(path) => path.is_file() || path.is_dir(),
            Self::StandardInput => {
                let is_file = |file: File| file.metadata().is_ok_and(|metadata| metadata.is_file());
                !std::io::stdin().is_terminal() && standard_input().is_ok_and(is_file)
            }
            Self::Reader(_) => false,
        }
    }

    /// Bytes of a file that is named.
    pub fn size(&self) -> Option<u64> {
        let Self::File(path) = self else { return None };
        path.metadata().ok().filter(|metadata| metadata.is_file()).map(|metadata| metadata.len())
    }

    pub(super) fn open(self) -> Result<Bytes> {
        let place = self.place();
        let reader: Box<dyn Read + Send> = match self {
            Self::File(path) => Box::new(File::open(&path).map_err(|e| Error::io("open", path, e))?),
            Self::StandardInput => Box::new(standard_input().map_err(|e| Error::io("read", place.clone(), e))?),
            Self::Reader(reader) => reader,
        };
        Ok(Bytes { reader: BufReader::with_capacity(1 << 16, reader), place, position: 0 })
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

/// What has no handle to it, such as WebAssembly in a browser, has no standard input either.
#[cfg(not(any(unix, windows)))]
fn standard_input() -> std::io::Result<File> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// The bytes of a text form, buffered and counted.
pub(super) struct Bytes {
    reader: BufReader<Box<dyn Read + Send>>,
    pub(super) place: Place,
    /// Bytes that have been consumed.
    pub(super) position: u64,
}

impl Bytes {
    /// What has arrived and has not been consumed, at least a byte; nothing at the end.
    pub(super) fn fill(&mut self) -> Result<&[u8]> {
        loop {
            match self.reader.fill_buf() {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::io("read", self.place.clone(), e)),
                Ok(_) => return Ok(self.reader.buffer()),
            }
        }
    }

    /// What the last [`Bytes::fill`] gave and has not been consumed.
    pub(super) fn buffer(&self) -> &[u8] {
        self.reader.buffer()
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.reader.consume(count);
        self.position += count as u64;
    }
}

/// The beginning of a text without its byte order mark.
///
/// # Errors
/// A message, if it begins as UTF-16 does.
pub(super) fn past_mark(start: &[u8]) -> Result<&[u8], &'static str> {
    if start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF") {
        return Err("the text is UTF-16; convert it to UTF-8");
    }
    Ok(start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start))
}
