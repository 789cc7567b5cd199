//! A file's bytes, in memory or mapped.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::ops::Deref;
use std::path::Path;

#[cfg(feature = "mmap")]
use memmap2::{Mmap, MmapOptions};

use crate::error::{Error, Result};

/// Bytes that do not move.
pub(super) enum Bytes {
    Owned(Cow<'static, [u8]>),
    #[cfg(feature = "mmap")]
    Mapped(Mmap),
}

impl Bytes {
    /// Reads the file at `path`.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let failed = |e| Error::io("open model", path, e);
        let (mut file, length) = open(path)?;
        let mut bytes = Vec::new();
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(length).map_err(|e| failed(std::io::Error::new(std::io::ErrorKind::OutOfMemory, e)))?;
        file.read_to_end(&mut bytes).map_err(failed)?;
        Ok(Self::Owned(bytes.into()))
    }

    /// Maps the file at `path`, all of it read ahead.
    #[cfg(feature = "mmap")]
    pub(super) fn map(path: &Path) -> Result<Self> {
        let (file, length) = open(path)?;
        // Not every platform can map nothing.
        if length == 0 {
            return Ok(Self::Owned(Cow::Borrowed(&[])));
        }
        // SAFETY: the mapping is read-only and private to this value. Another process may still change the file under it, which no
        // program can prevent; `Packed::map` says so. Nothing that is read from it is used as an index or a length without
        // being bounded again, so that changed bytes give other numbers, and a file cut short ends the process by a signal.
        let map = unsafe { MmapOptions::new().populate().map(&file) };
        map.map(Self::Mapped).map_err(|e| Error::io("map model", path, e))
    }
}

/// The file at `path`, which must be one, and its length.
fn open(path: &Path) -> Result<(File, u64)> {
    let failed = |e| Error::io("open model", path, e);
    let file = File::open(path).map_err(failed)?;
    let data = file.metadata().map_err(failed)?;
    if !data.is_file() {
        let found = if data.is_dir() { "a folder" } else { "something that is no file" };
        let message = format!("expected a packed model, found {found}; give the file that `bitspike pack` wrote");
        return Err(Error::malformed(path, message));
    }
    Ok((file, data.len()))
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
