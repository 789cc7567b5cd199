//! Replacing a file so that a crash, a kill or a full disk leaves either the old content or the new, never a part.

use std::fs::{File, Permissions};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// What the names of unfinished files begin with: ours, and those of the safetensors writer.
const UNFINISHED: [&str; 2] = [".writing-", ".tmp"];

/// Most links that are followed from a name to a file.
const LINKS: usize = 40;

/// Writes `path` through a temporary file in its folder, flushed to the disk and renamed.
///
/// # Errors
/// Whatever `write` or the operating system reports; an earlier file is then untouched.
pub fn write(path: &Path, write: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<()> {
    replace(path, |temporary| write(&mut File::options().write(true).open(temporary)?))
}

/// [`write()`] for writers that open the temporary file, whose path they are given, themselves.
///
/// A link is followed: what it names is replaced. Where there is a file already, the new one has its mode; otherwise the mode is
/// what the process's umask leaves of `rw-rw-rw-`.
///
/// # Errors
/// As [`write()`].
pub fn replace(path: &Path, write: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
    let run = || -> std::io::Result<()> {
        let path = &followed(path)?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let earlier = path.metadata().ok().map(|metadata| metadata.permissions());
        let temporary = unfinished(folder, earlier.as_ref())?;
        let permissions =
            earlier.map_or_else(|| Ok(temporary.as_file().metadata()?.permissions()), std::io::Result::Ok)?;
        write(temporary.path())?;
        // Opened again: a writer may have put a new file in this one's place.
        let written = File::options().write(true).open(temporary.path())?;
        #[cfg(unix)]
        written.set_permissions(permissions)?;
        #[cfg(not(unix))]
        let _ = permissions;
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

/// The file that `path` names in the end, which need not be there.
fn followed(path: &Path) -> std::io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = path.read_link() else { return Ok(path) };
        // A relative one starts from the folder of its link.
        path = path.parent().map_or_else(|| target.clone(), |folder| folder.join(&target));
    }
    Err(std::io::Error::other(format!("more than {LINKS} links, one to the other")))
}

/// A temporary file in `folder` that nobody may read who may not read the file it is going to be.
fn unfinished(folder: &Path, earlier: Option<&Permissions>) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED[0]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Of what is asked for, the umask takes away; the owner must be able to write until the file is whole.
        builder.permissions(Permissions::from_mode(earlier.map_or(0o666, |earlier| earlier.mode() & 0o777 | 0o200)));
    }
    #[cfg(not(unix))]
    let _ = earlier;
    builder.tempfile_in(folder)
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

    #[cfg(unix)]
    #[test]
    fn an_old_files_mode_is_kept_and_a_new_one_has_that_of_the_umask() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let (plain, new, old) = (folder.path().join("plain"), folder.path().join("new"), folder.path().join("old"));
        std::fs::write(&plain, "as any program makes one").unwrap();
        write(&new, |file| file.write_all(b"x")).unwrap();
        assert_eq!(mode(&new), mode(&plain));
        for kept in [0o600, 0o640, 0o444, 0o755] {
            std::fs::write(&old, "x").unwrap();
            std::fs::set_permissions(&old, Permissions::from_mode(kept)).unwrap();
            write(&old, |file| file.write_all(b"y")).unwrap();
            assert_eq!((mode(&old), std::fs::read(&old).unwrap()), (kept, b"y".to_vec()), "{kept:o}");
            std::fs::remove_file(&old).unwrap();
        }
        // A writer that puts a private file of its own in the place of the temporary one.
        replace(&new, |path| {
            std::fs::remove_file(path)?;
            std::fs::write(path, "z")?;
            std::fs::set_permissions(path, Permissions::from_mode(0o600))
        })
        .unwrap();
        assert_eq!(mode(&new), mode(&plain));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_stay() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let (real, link, chain) = (inner.join("real"), folder.path().join("link"), folder.path().join("chain"));
        symlink("inner/real", &link).unwrap();
        symlink("link", &chain).unwrap();
        // The first time there is nothing behind the links yet.
        for text in ["one", "two"] {
            write(&chain, |file| file.write_all(text.as_bytes())).unwrap();
            assert!(link.is_symlink() && chain.is_symlink() && !real.is_symlink());
            assert_eq!(std::fs::read_to_string(&real).unwrap(), text);
        }
        let circle = folder.path().join("circle");
        symlink("circle", &circle).unwrap();
        assert!(write(&circle, |_| Ok(())).unwrap_err().to_string().contains("links"));
    }
}
