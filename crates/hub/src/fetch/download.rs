//! One file from the hub into the cache: resumed, checked, and only then named.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Digest, Sha256};
use ureq::Body;
use ureq::http::Response;

use super::MAX_FILE_BYTES;
use super::cache::RepoCache;
use super::error::{AnswerError, Cause, FetchError, TRIES};
use super::http::{Client, Failure, header};
use super::listing::RemoteFile;
use super::progress::{Observe, Progress};
use super::repository::Repository;
use crate::error::{Result, io};
use crate::size::bytes;

/// Bytes that must arrive for a broken connection to count as progress: a server that drops the line after every few bytes
/// is given up, one that drops it every few minutes is not.
const PROGRESS_BYTES: u64 = 1 << 20;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 128 << 10;

/// Where a file comes from and goes to.
pub(super) struct Download<'a> {
    /// The hub.
    pub(super) client: &'a Client,
    /// The repository's folder in the cache.
    pub(super) cache: &'a RepoCache,
    /// The repository by the name that the user gave.
    pub(super) repository: &'a Repository,
    /// The commit whose snapshot gets the file.
    pub(super) commit: &'a str,
    /// Who is told of its progress.
    pub(super) observe: Observe<'a>,
}

impl Download<'_> {
    /// Fetches `file`, unless its bytes are here under another commit, and links it into the snapshot. `name` is the
    /// repository's id as the hub spells it, which differs after a rename.
    ///
    /// # Errors
    /// If the server gives up or sends other bytes than it announced, or the cache cannot be written.
    pub(super) fn run(&self, name: &str, file: &RemoteFile) -> Result<()> {
        let url = self.client.address(&self.repository.renamed(name)?, self.commit, &file.path);
        let (etag, size) = match (&file.etag, file.size) {
            (Some(etag), Some(size)) => (etag.clone(), size),
            _ => self.client.checksum(&url).map_err(|failure| self.explain(failure, &file.path))?,
        };
        if size > MAX_FILE_BYTES {
            let (file, repository) = (file.path.clone(), self.repository.to_string());
            return Err(FetchError::TooLarge { file, repository, size }.into());
        }
        let _lock = self.cache.lock(&etag, self.observe)?;
        let blob = self.cache.blob(&etag);
        if !std::fs::metadata(&blob).is_ok_and(|found| found.is_file() && found.len() == size) {
            let mut partial = Partial::open(self.cache.incomplete(&etag)?, &etag, size)?;
            self.fill(&mut partial, &url, &file.path)?;
            partial.finish(&blob)?;
        }
        self.cache.link(self.commit, &file.path, &etag)
    }

    /// Brings the partial file to its full size and checks it.
    fn fill(&self, partial: &mut Partial, url: &str, file: &str) -> Result<()> {
        let size = partial.size;
        let mut old = partial.length > 0;
        (self.observe)(Progress::Begin { file, size, have: partial.length });
        loop {
            self.receive_all(partial, url, file)?;
            let found = hex(&*partial.hasher);
            if found == partial.etag {
                (self.observe)(Progress::End { file, size });
                return Ok(());
            }
            partial.restart()?;
            // What an earlier process left may be at fault; what this one received from the first byte on is the server's.
            if !std::mem::take(&mut old) {
                let (file, repository) = (file.to_owned(), self.repository.to_string());
                return Err(FetchError::Damaged { file, repository, expected: partial.etag.clone(), found }.into());
            }
            let why = "the part that an earlier fetch left is damaged; starting again";
            (self.observe)(Progress::Again { file, why });
        }
    }

    fn receive_all(&self, partial: &mut Partial, url: &str, file: &str) -> Result<()> {
        let size = partial.size;
        let (mut tried, mut best) = (0, partial.length);
        while partial.length < size {
            let show = |have| (self.observe)(Progress::Have { file, size, have });
            let outcome = self.client.get(url, partial.length).and_then(|body| partial.receive(body, show));
            if partial.length >= best + PROGRESS_BYTES {
                tried = 0;
            }
            best = best.max(partial.length);
            tried += 1;
            let failure = match outcome {
                Ok(()) => continue,
                // The part is longer than what the server has: another file under this address.
                Err(Failure::Status { code: 416, .. }) if partial.length > 0 => {
                    partial.restart()?;
                    Failure::Interrupted(Cause::NoPart)
                }
                Err(failure) => failure,
            };
            let have = partial.length;
            let Some(pause) = failure.pause(tried) else {
                let source = self.explain(failure, file).into();
                return Err(FetchError::Partial { file: file.to_owned(), have, size, source }.into());
            };
            let text = format!(
                "{failure} after {} of {}; try {} of {TRIES} in {:.1} s",
                bytes(have),
                bytes(size),
                tried + 1,
                pause.as_secs_f32()
            );
            (self.observe)(Progress::Note { file: Some(file), text: &text });
            std::thread::sleep(pause);
        }
        Ok(())
    }

    fn explain(&self, failure: Failure, file: &str) -> FetchError {
        match failure {
            Failure::Status { code: 404, .. } => FetchError::Missing {
                endpoint: self.client.endpoint().to_owned(),
                file: file.to_owned(),
                commit: self.commit.to_owned(),
                repository: self.repository.to_string(),
            },
            failure => self.client.explain(failure, self.repository, self.commit),
        }
    }
}

/// A file that is being filled, and the checksum of what it holds so far.
struct Partial {
    path: PathBuf,
    file: File,
    length: u64,
    size: u64,
    etag: String,
    hasher: Box<dyn DynDigest>,
}

impl Partial {
    /// Opens the part that an earlier process left, or an empty file.
    fn open(path: PathBuf, etag: &str, size: u64) -> Result<Self> {
        let open = || -> std::io::Result<(File, u64)> {
            let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
            let length = file.metadata()?.len();
            Ok((file, length))
        };
        let (file, length) = open().map_err(io("open", &path))?;
        let mut partial = Self { file, length, size, etag: etag.to_owned(), hasher: hasher(etag, size), path };
        if partial.length > size {
            partial.restart()?;
        }
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            match partial.file.read(&mut buffer).map_err(io("read", &partial.path))? {
                0 => return Ok(partial),
                read => partial.hasher.update(&buffer[..read]),
            }
        }
    }

    /// Appends a response's body and shows how much is there. Ends with an error if it ends early, and refuses one byte too many.
    fn receive(&mut self, response: Response<Body>, show: impl Fn(u64)) -> Result<(), Failure> {
        if header(&response, "Content-Encoding").is_some_and(|encoding| encoding != "identity") {
            return Err(AnswerError::Compressed.into());
        }
        if response.status() == 206 {
            let found = header(&response, "Content-Range").unwrap_or_default();
            if !found.starts_with(&format!("bytes {}-", self.length)) {
                return Err(AnswerError::Range { found, asked: self.length }.into());
            }
        } else if self.length > 0 {
            // The server does not know ranges and sends the whole file again.
            self.restart().map_err(Failure::Fatal)?;
        }
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; BUFFER_BYTES];
        while self.length < self.size {
            let received = match body.read(&mut buffer) {
                Ok(0) => return Err(Failure::Interrupted(Cause::EndedEarly)),
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::from(ureq::Error::from(error))),
            };
            if received as u64 > self.size - self.length {
                return Err(AnswerError::TooLong(self.size).into());
            }
            let new = &buffer[..received];
            self.file.write_all(new).map_err(|error| Failure::Fatal(io("write", &self.path)(error)))?;
            self.hasher.update(new);
            self.length += received as u64;
            show(self.length);
        }
        Ok(())
    }

    /// Empties the file.
    fn restart(&mut self) -> Result<()> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(io("empty", &self.path))?;
        self.length = 0;
        self.hasher = hasher(&self.etag, self.size);
        Ok(())
    }

    /// Gives the complete file its final name.
    fn finish(self, blob: &Path) -> Result<()> {
        let named = self.file.sync_all().and_then(|()| std::fs::rename(&self.path, blob));
        named.map_err(io("complete", blob))
    }
}

/// The checksum that an etag of this length is: SHA-256 of the content, or SHA-1 of `blob SIZE\0` and the content, as git does.
fn hasher(etag: &str, size: u64) -> Box<dyn DynDigest> {
    match etag.len() {
        64 => Box::new(Sha256::new()),
        _ => Box::new(Sha1::new_with_prefix(format!("blob {size}\0"))),
    }
}

/// Its value so far, in hexadecimal.
fn hex(hasher: &dyn DynDigest) -> String {
    hasher.box_clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_agree_with_sha256sum_and_git() {
        let sum = |etag: &str, text: &[u8]| {
            let mut hasher = hasher(etag, text.len() as u64);
            hasher.update(text);
            hex(&*hasher)
        };
        // `printf abc | sha256sum` and `printf 'hello\n' | git hash-object --stdin`.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sum(sha256, b"abc"), sha256);
        let git = "ce013625030ba8dba906f756967f9e9ca394464a";
        assert_eq!(sum(git, b"hello\n"), git);
    }

    #[test]
    fn a_part_that_is_too_long_is_emptied_and_a_good_one_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.incomplete");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        std::fs::write(&path, "abcd").unwrap();
        assert_eq!(Partial::open(path.clone(), sha256, 3).unwrap().length, 0);
        std::fs::write(&path, "abc").unwrap();
        let partial = Partial::open(path.clone(), sha256, 3).unwrap();
        assert_eq!((partial.length, hex(&*partial.hasher).as_str()), (3, sha256));
        partial.finish(&folder.path().join("x")).unwrap();
        assert!(!path.exists());
        assert_eq!(std::fs::read(folder.path().join("x")).unwrap(), b"abc");
    }
}
