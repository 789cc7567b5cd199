//! A file's bytes, mapped or owned.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::ops::Deref;
use std::path::Path;

use crate::error::{Error, Result};

/// Bytes that do not move.
pub(super) enum Bytes {
    #[cfg(feature = "mmap")]
    Mapped(memmap2::Mmap),
    Owned(Cow<'static, [u8]>),
}

impl Bytes {
    /// Maps the file at `path`, all of it read ahead; without the feature `mmap` reads it.
    pub(super) fn map(path: &Path) -> Result<Self> {
        let failed = |e| Error::io("open model", path, e);
        let file = File::open(path).map_err(failed)?;
        let data = file.metadata().map_err(failed)?;
        if !data.is_file() {
            let found = if data.is_dir() { "a folder" } else { "something that is no file" };
            return Err(Error::malformed(
                path,
                format!("expected a packed model, found {found}; give the file that `bitspike pack` wrote"),
            ));
        }
        // Not every platform can map nothing.
        if data.len() == 0 {
            return Ok(Self::Owned(Cow::Borrowed(&[])));
        }
        Self::of(path, &file)
    }

    #[cfg(feature = "mmap")]
    fn of(path: &Path, file: &File) -> Result<Self> {
        // SAFETY: the mapping is read-only and private to this value. Another process may still change the file under it, which no
        // program can prevent; `Packed::open` says so. Nothing that is read from it is used as an index or a length without
        // being bounded again, so that changed bytes give other numbers, and a file cut short ends the process by a signal.
        let map = unsafe { memmap2::MmapOptions::new().populate().map(file) };
        map.map(Self::Mapped).map_err(|e| Error::io("open model", path, e))
    }

    #[cfg(not(feature = "mmap"))]
    fn of(path: &Path, mut file: &File) -> Result<Self> {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes).map_err(|e| Error::io("read model", path, e))?;
        Ok(Self::Owned(bytes.into()))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            #[cfg(feature = "mmap")]
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}
