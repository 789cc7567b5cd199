//! A file's bytes, in memory or mapped: of a packed model, or of an index of another crate.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::Deref;
use std::path::Path;

#[cfg(feature = "mmap")]
use memmap2::{Mmap, MmapOptions};

use crate::error::{Error, Result};

/// What a file is to be, for messages.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// What is done, as a verb and its object: "open model".
    pub open: &'static str,
    /// The same of a mapping: "map model".
    pub map: &'static str,
    /// What is expected, and where it comes from.
    pub expected: [&'static str; 2],
}

impl Wanted {
    /// A packed model.
    pub(crate) const MODEL: Self = Self {
        open: "open model",
        map: "map model",
        expected: ["a packed model", "give the file that `bitspike pack` wrote"],
    };
}

/// Bytes that do not move.
pub enum Bytes {
    /// In memory.
    Owned(Cow<'static, [u8]>),
    /// Where the file is, through the system's pages.
    #[cfg(feature = "mmap")]
    Mapped(Mmap),
}

impl Bytes {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it is no file, cannot be read, or is larger than memory.
    pub fn read(path: &Path, wanted: Wanted) -> Result<Self> {
        let failed = |e| Error::io(wanted.open, path, e);
        let (mut file, length) = open(path, wanted)?;
        let mut bytes = Vec::new();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(length).map_err(|e| failed(std::io::Error::new(std::io::ErrorKind::OutOfMemory, e)))?;
        file.read_to_end(&mut bytes).map_err(failed)?;
        Ok(Self::Owned(bytes.into()))
    }

    /// Maps the file at `path`; all of it is read ahead if `ahead`. A file that is cut short afterwards ends the process: for those
    /// who can promise that nobody does that.
    ///
    /// # Errors
    /// If it is no file or cannot be mapped.
    #[cfg(feature = "mmap")]
    pub fn map(path: &Path, wanted: Wanted, ahead: bool) -> Result<Self> {
        let (file, length) = open(path, wanted)?;
        // Not every platform can map nothing.
        if length == 0 {
            return Ok(Self::Owned(Cow::Borrowed(&[])));
        }
        // SAFETY: the mapping is read-only and private to this value. Another process may still change the file under it, which no
        // program can prevent; `Bytes::map` and `Packed::map` say so. Nothing that is read from it is used as an index or a length without
        // being bounded again, so that changed bytes give other numbers, and a file cut short ends the process by a signal.
        let map =
            unsafe { if ahead { MmapOptions::new().populate().map(&file) } else { MmapOptions::new().map(&file) } };
        map.map(Self::Mapped).map_err(|e| Error::io(wanted.map, path, e))
    }
}

/// The file at `path`, which must be one, and its length.
fn open(path: &Path, wanted: Wanted) -> Result<(File, u64)> {
    let failed = |e| Error::io(wanted.open, path, e);
    let no_file = |found: &str| {
        let [expected, remedy] = wanted.expected;
        Err(Error::malformed(path, format!("expected {expected}, found {found}; {remedy}")))
    };
    let file = match File::open(path) {
        // Windows opens no folder.
        Err(_) if path.is_dir() => return no_file("a folder"),
        opened => opened.map_err(failed)?,
    };
    let data = file.metadata().map_err(failed)?;
    match data.is_file() {
        true => Ok((file, data.len())),
        false if data.is_dir() => no_file("a folder"),
        false => no_file("something that is no file"),
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            #[cfg(feature = "mmap")]
            Self::Mapped(map) => map,
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}
