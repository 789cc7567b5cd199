//! Fetching files from the Hugging Face hub into the cache that the hub's other tools use.
//!
//! # Why not the crate `hf-hub`
//! Its version 1.0 was read before this module was written. It stores whatever arrives without comparing size or checksum,
//! starts a broken download again from its first byte, joins file names of the server to local paths unchecked, and needs an
//! async runtime, `reqwest`, `hyper` and the Xet client: over 300 packages, some in C with their own build system. This
//! module is `ureq` (blocking, rustls) plus the documented cache layout, and does the four things a fetch has to get right:
//!
//! - **Resumed**: a partial file stays in `blobs/ETAG.incomplete` and continues by a `Range` request, in the same process
//!   after a cut connection or in the next one after a kill.
//! - **Verified**: size, and SHA-256 (large files) or git's blob SHA-1 (small ones), before a file gets its final name.
//! - **Atomic**: a file appears by `rename` after `fsync`, and two processes that want the same file wait for each other.
//! - **Confined**: repository ids, revisions, commit hashes, etags and file names are checked before they become paths.
//!
//! # Layout of the cache
//! ```text
//! $HF_HUB_CACHE, else $HF_HOME/hub, else $XDG_CACHE_HOME/huggingface/hub, else ~/.cache/huggingface/hub
//!   .locks/datasets--nyu-mll--glue/ETAG.lock
//!   datasets--nyu-mll--glue/
//!     blobs/ETAG                              the bytes, named by their checksum
//!     refs/main                               the commit that `main` was at the last look
//!     snapshots/COMMIT/sst2/train-....parquet link to the blob
//!     listings/COMMIT.json                    what the commit holds (only bitspike reads this one)
//! ```
//! A commit never changes, so a commit whose listing and files are here is served without any request; a branch or tag costs
//! one request, which names its commit.

mod cache;
mod download;
mod http;
mod listing;
mod place;
mod progress;
mod repository;
mod settings;

use std::path::PathBuf;

use anyhow::{Result, bail};

use cache::RepoCache;
pub(crate) use cache::cached_models;
use download::Download;
use http::Client;
pub(crate) use listing::{Listing, RemoteFile};
pub(crate) use place::place;
pub(crate) use progress::Progress;
pub(crate) use repository::{RepoKind, Repository};
pub(crate) use settings::Settings;

/// Largest single file that is fetched, in bytes. A BERT checkpoint has 0.1 to 1.5 GB; a name that leads to more is a
/// mistake worth a question before the disk is full.
const MAX_FILE_BYTES: u64 = 32 << 30;

/// Which of a repository's files are wanted; an error says what the repository lacks.
pub(crate) type Select<'a> = &'a dyn Fn(&Listing) -> Result<Vec<String>>;

/// What a fetch left on the disk.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The commit, 40 hexadecimal digits: give it as the revision to get the same bytes again.
    pub(crate) commit: String,
    /// Folder in the cache that holds the files under their names in the repository.
    pub(crate) folder: PathBuf,
    /// Names of the fetched files, relative to `folder`, with `/`.
    pub(crate) files: Vec<String>,
}

/// A connection to one hub and its cache.
pub(crate) struct Hub<'a> {
    settings: Settings,
    client: Client,
    progress: &'a Progress,
}

impl<'a> Hub<'a> {
    /// Prepares requests; nothing is sent yet.
    ///
    /// # Errors
    /// If the token cannot be sent in a header or the system's certificates cannot be read.
    pub(crate) fn new(settings: Settings, progress: &'a Progress) -> Result<Self> {
        Ok(Self { client: Client::new(&settings)?, settings, progress })
    }

    /// Brings the selected files of `repository` at `revision` (branch, tag or commit) into the cache.
    ///
    /// # Errors
    /// If the hub cannot be reached and the cache does not hold the files, if it has no such repository or revision or does
    /// not let us read it, if a file arrives damaged again and again, or if the cache cannot be written.
    pub(crate) fn fetch(&self, repository: &Repository, revision: &str, select: Select) -> Result<Fetched> {
        repository::check_revision(revision)?;
        let cache = RepoCache::new(&self.settings.cache, repository);
        let listing = self.listing(&cache, repository, revision, select)?;
        let files = select(&listing)?;
        let wanted: Vec<&RemoteFile> = listing.files.iter().filter(|file| files.contains(&file.path)).collect();
        for file in wanted {
            if cache.holds(&listing.commit, file) {
                continue;
            }
            if self.settings.offline {
                bail!(
                    "HF_HUB_OFFLINE is set and {} does not hold `{}` of {repository}; unset it, or fetch once with a network",
                    self.settings.cache.display(),
                    file.path
                );
            }
            Download {
                client: &self.client,
                cache: &cache,
                repository,
                commit: &listing.commit,
                progress: self.progress,
            }
            .run(&listing.repository, file)?;
        }
        Ok(Fetched { folder: cache.snapshot(&listing.commit), commit: listing.commit, files })
    }

    /// What `revision` holds: from the cache where that cannot be out of date, else from the hub, else (out of reach, out of
    /// order, or offline) the last state that the cache knows.
    fn listing(&self, cache: &RepoCache, repository: &Repository, revision: &str, select: Select) -> Result<Listing> {
        if repository::is_commit(revision)
            && let Some(listing) = cache.listing(revision)?
        {
            return Ok(listing);
        }
        if self.settings.offline {
            return match cache.last_known(repository, revision)? {
                Some(listing) => Ok(listing),
                None => bail!(
                    "HF_HUB_OFFLINE is set and {} does not hold {repository} at `{revision}`; unset it, or fetch once with a \
                     network. {}",
                    self.settings.cache.display(),
                    repository.by_hand()
                ),
            };
        }
        match self.client.listing(repository, revision) {
            Ok(listing) => {
                cache.remember(revision, &listing)?;
                Ok(listing)
            }
            Err(failure) => {
                if failure.is_passing()
                    && let Some(listing) = cache.last_known(repository, revision)?
                    && select(&listing)
                        .is_ok_and(|files| listing.named(&files).all(|file| cache.holds(&listing.commit, file)))
                {
                    self.progress.note(&format!(
                        "cannot ask {}: {}; using {repository} as it was last fetched (commit {})",
                        self.client.endpoint(),
                        failure.cause(),
                        &listing.commit[..12]
                    ));
                    return Ok(listing);
                }
                Err(self.client.explain(failure, repository, revision))
            }
        }
    }
}
