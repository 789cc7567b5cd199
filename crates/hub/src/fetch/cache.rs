//! The folder of one repository in the cache, and the promise that whatever has its final name there is complete.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use bitspike::atomic_file;

use super::FetchError;
use super::error::AnswerError;
use super::listing::{Listing, RemoteFile};
use super::progress::{Observe, Progress};
use super::repository::Repository;
use crate::error::{Result, io};
use crate::names::{is_commit, local_path};

/// One repository's part of the cache.
pub(super) struct RepoCache {
    /// `CACHE/datasets--owner--name`
    folder: PathBuf,
    /// `CACHE/.locks/datasets--owner--name`
    locks: PathBuf,
}

impl RepoCache {
    /// Names the folders; creates nothing.
    pub(super) fn new(cache: &Path, repository: &Repository) -> Self {
        let name = repository.cache_name();
        Self { folder: cache.join(&name), locks: cache.join(".locks").join(name) }
    }

    /// Folder with a commit's files under their names in the repository.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// File with the bytes whose checksum is `etag`.
    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.folder.join("blobs").join(etag)
    }

    /// File that collects those bytes until they are complete; its folder exists afterwards.
    pub(super) fn incomplete(&self, etag: &str) -> Result<PathBuf> {
        let folder = self.folder.join("blobs");
        create(&folder)?;
        Ok(folder.join(format!("{etag}.incomplete")))
    }

    /// Whether a commit's file is here, complete as far as its size tells.
    pub(super) fn holds(&self, commit: &str, file: &RemoteFile) -> bool {
        let Some(path) = local_path(&file.path) else { return false };
        let Ok(found) = fs::metadata(self.snapshot(commit).join(path)) else { return false };
        found.is_file() && file.size.is_none_or(|size| size == found.len())
    }

    /// The kept listing of a commit; a damaged one counts as absent.
    pub(super) fn listing(&self, commit: &str) -> Result<Option<Listing>> {
        let path = self.listing_path(commit);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io("read", &path)(error)),
        };
        let listing = serde_json::from_slice::<Listing>(&bytes).ok();
        Ok(listing.filter(|listing| listing.commit == commit && listing.check().is_ok()))
    }

    /// The state of `revision` at the last look, without asking anyone. Where only another tool has used the cache, that is
    /// what the snapshot's folder holds.
    pub(super) fn last_known(&self, repository: &Repository, revision: &str) -> Result<Option<Listing>> {
        let commit = if is_commit(revision) {
            revision.to_owned()
        } else {
            match fs::read_to_string(self.folder.join("refs").join(revision)) {
                Ok(commit) if is_commit(commit.trim()) => commit.trim().to_owned(),
                _ => return Ok(None),
            }
        };
        if let Some(listing) = self.listing(&commit)? {
            return Ok(Some(listing));
        }
        let mut files = Vec::new();
        walk(&self.snapshot(&commit), "", &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok((!files.is_empty()).then(|| Listing { commit, repository: repository.id().to_owned(), files }))
    }

    /// Keeps a listing, and the commit that `revision` names now.
    pub(super) fn remember(&self, revision: &str, listing: &Listing) -> Result<()> {
        let path = self.listing_path(&listing.commit);
        if !path.is_file() {
            write(&path, &serde_json::to_vec(listing).expect("a listing is JSON"))?;
        }
        if !is_commit(revision) {
            write(&self.folder.join("refs").join(revision), listing.commit.as_bytes())?;
        }
        Ok(())
    }

    /// Waits until no other process fetches the same bytes. The lock ends with the returned file, or with this process.
    pub(super) fn lock(&self, etag: &str, observe: Observe<'_>) -> Result<File> {
        create(&self.locks)?;
        let path = self.locks.join(format!("{etag}.lock"));
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io("lock", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let text = "another process is fetching the same file; waiting for it";
                observe(Progress::Note { file: None, text });
                file.lock().map_err(io("lock", &path))?;
            }
            // Some network file systems cannot lock; one process at a time is still safe there.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(io("lock", &path)(error)),
        }
        Ok(file)
    }

    /// Gives a complete blob its name in a commit's snapshot.
    pub(super) fn link(&self, commit: &str, name: &str, etag: &str) -> Result<()> {
        let path = local_path(name).ok_or_else(|| FetchError::from(AnswerError::FileName(name.to_owned())))?;
        let pointer = self.snapshot(commit).join(&path);
        let parent = pointer.parent().unwrap_or(&self.folder);
        create(parent)?;
        // Relative, so that the cache can be moved: up from the file's folder to the repository's, then down.
        let up = "../".repeat(path.components().count() + 1);
        let temporary = tempfile::Builder::new()
            .prefix(".link-")
            .make_in(parent, |place| link_or_copy(&format!("{up}blobs/{etag}"), &self.blob(etag), place))
            .map_err(io("link", &pointer))?;
        temporary.persist(&pointer).map_err(|e| io("link", &pointer)(e.error))?;
        Ok(())
    }

    fn listing_path(&self, commit: &str) -> PathBuf {
        self.folder.join("listings").join(format!("{commit}.json"))
    }
}

/// `create_dir_all` that names the folder when it fails.
pub(super) fn create(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(io("create folder", folder))
}

/// Writes a small file under its final name at once or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    path.parent().map_or(Ok(()), create)?;
    Ok(atomic_file::write(path, |file| file.write_all(bytes))?)
}

#[cfg(unix)]
fn link_or_copy(target: &str, blob: &Path, place: &Path) -> std::io::Result<()> {
    match std::os::unix::fs::symlink(target, place) {
        // Asked again with another name by the caller.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        Err(_) => fs::hard_link(blob, place).or_else(|_| fs::copy(blob, place).map(drop)),
        Ok(()) => Ok(()),
    }
}

#[cfg(not(unix))]
fn link_or_copy(_target: &str, blob: &Path, place: &Path) -> std::io::Result<()> {
    // Symbolic links need a privilege on Windows; the hub's own tools copy there as well.
    fs::hard_link(blob, place).or_else(|_| fs::copy(blob, place).map(drop))
}

/// Every file below `folder` by its relative name; what cannot be read or named is left out.
fn walk(folder: &Path, prefix: &str, files: &mut Vec<RemoteFile>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        // `metadata` of the path, not of the entry: a snapshot's files are links.
        match fs::metadata(entry.path()) {
            Ok(found) if found.is_dir() => walk(&entry.path(), &format!("{path}/"), files),
            Ok(found) if found.is_file() && local_path(&path).is_some() => {
                files.push(RemoteFile { path, size: Some(found.len()), etag: None });
            }
            _ => {}
        }
    }
}
