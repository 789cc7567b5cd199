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
pub(crate) mod error;
mod http;
mod listing;
mod place;
mod progress;
mod repository;
mod select;

use std::path::PathBuf;

use bitspike_data::GlueTask;

use crate::config::HubConfig;
use crate::error::{Result, io};
use crate::names::{check_revision, is_commit};
use cache::RepoCache;
use download::Download;
pub use error::{AnswerError, Cause, FetchError, Refusal};
use http::Client;
pub use http::root_certificates;
use listing::Listing;
pub use progress::{Observe, Progress};
use repository::Repository;

/// Largest single file that is fetched, in bytes. A BERT checkpoint has 0.1 to 1.5 GB; a name that leads to more is a
/// mistake worth a question before the disk is full.
const MAX_FILE_BYTES: u64 = 32 << 30;

/// Which of a repository's files are wanted; an error says what the repository lacks.
type Select<'a> = &'a dyn Fn(&Listing) -> Result<Vec<String>>;

/// What a fetch left on the disk.
#[derive(Debug)]
pub struct Fetched {
    /// The commit, 40 hexadecimal digits: give it as the revision to get the same bytes again.
    pub commit: String,
    /// Folder in the cache that holds the files.
    pub folder: PathBuf,
    /// Names of the fetched files, relative to `folder`, with `/`.
    pub files: Vec<String>,
}

/// A connection to one hub and its cache.
///
/// ```no_run
/// use bitspike_hub::{Hub, HubConfig};
///
/// let hub = Hub::new(HubConfig::from_env()?, &|progress| eprintln!("{progress:?}"));
/// let model = hub.model("sentence-transformers/all-MiniLM-L6-v2", "main")?;
/// println!("{} files in {}", model.files.len(), model.folder.display());
/// # Ok::<(), bitspike_hub::Error>(())
/// ```
pub struct Hub<'a> {
    config: HubConfig,
    client: Client,
    observe: Observe<'a>,
}

impl<'a> Hub<'a> {
    /// Prepares requests; nothing is sent yet. `observe` is told of every step.
    pub fn new(config: HubConfig, observe: Observe<'a>) -> Self {
        Self { client: Client::new(&config), config, observe }
    }

    /// Brings a task of GLUE at `revision` (branch, tag or commit) into the cache, as Parquet files.
    ///
    /// # Errors
    /// If the hub cannot be reached and the cache does not hold the files, if it has no such revision, if a file arrives damaged
    /// again and again, or if the cache cannot be written.
    pub fn task(&self, task: GlueTask, revision: &str) -> Result<Fetched> {
        let repository = Repository::dataset(select::GLUE)?;
        let prefix = format!("{}/", task.name());
        let Fetched { commit, folder, mut files } =
            self.fetch(&repository, revision, &|listing| select::task_files(listing, &prefix))?;
        for file in &mut files {
            file.drain(..prefix.len());
        }
        Ok(Fetched { commit, folder: folder.join(task.name()), files })
    }

    /// Brings a model, `OWNER/NAME`, at `revision` (branch, tag or commit) into the cache: a BERT checkpoint, or a packed model with
    /// its card.
    ///
    /// # Errors
    /// As [`Hub::task`], and if the hub has no such model, does not let us read it, or it is of another kind.
    pub fn model(&self, id: &str, revision: &str) -> Result<Fetched> {
        let repository = Repository::model(id)?;
        let mut fetched = self.fetch(&repository, revision, &select::model_files)?;
        if let Some(index) = select::index(&fetched.files) {
            let path = fetched.folder.join(index);
            let index = std::fs::read(&path).map_err(io("read", &path))?;
            let parts = self.fetch(&repository, &fetched.commit, &|listing| select::parts(listing, &index))?;
            fetched.files.extend(parts.files);
        }
        Ok(fetched)
    }

    fn fetch(&self, repository: &Repository, revision: &str, select: Select) -> Result<Fetched> {
        check_revision(revision)?;
        let cache = RepoCache::new(&self.config.cache, repository);
        let listing = self.listing(&cache, repository, revision, select)?;
        let files = select(&listing)?;
        let Self { client, observe, .. } = self;
        let download = Download { client, cache: &cache, repository, commit: &listing.commit, observe };
        for file in listing.named(&files).filter(|file| !cache.holds(&listing.commit, file)) {
            if self.config.offline {
                return Err(self.offline(format!("`{}` of {repository}", file.path), String::new()));
            }
            download.run(&listing.repository, file)?;
        }
        Ok(Fetched { folder: cache.snapshot(&listing.commit), commit: listing.commit, files })
    }

    /// What `revision` holds: from the cache where that cannot be out of date, else from the hub, else (out of reach, out of
    /// order, or offline) the last state that the cache knows.
    fn listing(&self, cache: &RepoCache, repository: &Repository, revision: &str, select: Select) -> Result<Listing> {
        if is_commit(revision)
            && let Some(listing) = cache.listing(revision)?
        {
            return Ok(listing);
        }
        if self.config.offline {
            let missing = || format!("{repository} at `{revision}`");
            let found = cache.last_known(repository, revision)?;
            return found.ok_or_else(|| self.offline(missing(), format!(". {}", repository.by_hand())));
        }
        let failure = match self.client.listing(repository, revision) {
            Ok(listing) => {
                cache.remember(revision, &listing)?;
                return Ok(listing);
            }
            Err(failure) => failure,
        };
        let complete = |listing: &Listing| {
            select(listing).is_ok_and(|files| listing.named(&files).all(|file| cache.holds(&listing.commit, file)))
        };
        if failure.is_passing()
            && let Some(listing) = cache.last_known(repository, revision)?.filter(complete)
        {
            let text = format!(
                "cannot ask {}: {failure}; using {repository} as it was last fetched (commit {})",
                self.config.endpoint,
                &listing.commit[..12]
            );
            (self.observe)(Progress::Note { file: None, text: &text });
            return Ok(listing);
        }
        Err(self.client.explain(failure, repository, revision).into())
    }

    fn offline(&self, missing: String, advice: String) -> crate::Error {
        FetchError::Offline { cache: self.config.cache.clone(), missing, advice }.into()
    }
}
