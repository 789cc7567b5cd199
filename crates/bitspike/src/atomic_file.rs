//! Replacing a file so that a crash, a kill or a full disk leaves either the old content or the new, never a part.

use std::fs::File;
use std::path::Path;

use crate::error::{Error, Result};

/// What the names of unfinished files begin with: ours, and those of the safetensors writer.
const UNFINISHED: [&str; 2] = [".writing-", ".tmp"];

/// Writes `path` through a temporary file in its folder, flushed to the disk and renamed.
///
/// # Errors
/// Whatever `write` or the operating system reports; an earlier file is then untouched.
pub fn write(path: &Path, write: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<()> {
    replace(path, |temporary| write(&mut File::options().write(true).open(temporary)?))
}

/// [`write()`] for writers that open the temporary file, whose path they are given, themselves.
///
/// # Errors
/// As [`write()`].
pub fn replace(path: &Path, write: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let run = || -> std::io::Result<()> {
        let temporary = tempfile::Builder::new().prefix(UNFINISHED[0]).tempfile_in(folder)?;
        write(temporary.path())?;
        // Opened again: a writer may have put a new file in this one's place.
        let written = File::options().write(true).open(temporary.path())?;
        // Temporary files are private by default; the result is as readable as any file its owner makes.
        #[cfg(unix)]
        written.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        written.sync_all()?;
        temporary.persist(path).map_err(|e| e.error)?;
        // The rename itself must reach the disk too; not every platform can open a folder.
        if let Ok(folder) = File::open(folder) {
            folder.sync_all()?;
        }
        Ok(())
    };
    run().map_err(|e| Error::io("write", path, e))
}

/// Removes the unfinished files that killed writers left in `folder`. Only for a folder that no other process writes to.
///
/// # Errors
/// If the folder cannot be read or a file cannot be removed.
pub fn remove_unfinished(folder: &Path) -> Result<()> {
    for entry in folder.read_dir().map_err(|e| Error::io("read", folder, e))? {
        let entry = entry.map_err(|e| Error::io("read", folder, e))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if UNFINISHED.iter().any(|prefix| name.starts_with(prefix)) {
            std::fs::remove_file(entry.path()).map_err(|e| Error::io("remove", entry.path(), e))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "old").unwrap();
        let failed = write(&path, |file| {
            file.write_all(b"half of the n")?;
            Err(std::io::Error::other("disk full"))
        });
        assert!(failed.unwrap_err().to_string().contains("disk full"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_killed_writers_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".writing-abc", ".tmpXYZ", "kept", ".hidden"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        remove_unfinished(folder.path()).unwrap();
        let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".hidden", "kept"]);
    }
}
