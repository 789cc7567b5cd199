//! What can go wrong between the hub and the cache, and what a user can do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::MAX_FILE_BYTES;
use crate::size::bytes;

/// Tries in a row without progress before a request is given up.
pub(super) const TRIES: u32 = 5;

/// Why a fetch failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "a variant is what its message says, a field what its name says")]
pub enum FetchError {
    #[error("cannot reach {endpoint}: {source}. {advice}")]
    Unreachable { endpoint: String, advice: &'static str, source: Cause },
    #[error(
        "{endpoint} did not deliver {repository}: {source}, {TRIES} times in a row; try again later: what has arrived is kept"
    )]
    Undelivered { endpoint: String, repository: String, source: Cause },
    /// The hub does not let us have it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(
        "{endpoint} lists `{file}` in commit {commit} of {repository} but does not have it (status 404); if HF_ENDPOINT names a \
         mirror, it may be incomplete"
    )]
    Missing { endpoint: String, file: String, commit: String, repository: String },
    #[error(
        "HF_HUB_OFFLINE is set and {} does not hold {missing}; unset it, or fetch once with a network{advice}",
        cache.display()
    )]
    Offline { cache: PathBuf, missing: String, advice: String },
    #[error("{0}")]
    Incomplete(String),
    #[error(
        "`{file}` of {repository} has {}, more than the {} that are fetched; if it is really wanted, download it by hand",
        bytes(*size), bytes(MAX_FILE_BYTES)
    )]
    TooLarge { file: String, repository: String, size: u64 },
    #[error(
        "`{file}` of {repository} arrived damaged: checksum {found}, expected {expected}. A proxy or mirror may have changed it; \
         try again, or without HF_ENDPOINT"
    )]
    Damaged { file: String, repository: String, expected: String, found: String },
    #[error("`{file}`: {} of {} arrived: {source}", bytes(*have), bytes(*size))]
    Partial { file: String, have: u64, size: u64, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("fetch {repository}: {source}")]
    Fatal { repository: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("answer of {url}: {source}")]
    Answer { url: String, source: AnswerError },
    /// The bytes of a file do not come as they should.
    #[error(transparent)]
    Body(#[from] AnswerError),
    #[error("two of the fetched files are called `{name}`; leave out --out to keep their folders")]
    SameName { name: String },
    #[error(
        "{} is there already with another content; give --force to replace it, or another folder",
        path.display()
    )]
    Occupied { path: PathBuf },
}

/// What is wrong with an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "a variant is what its message says, a field what its name says")]
pub enum AnswerError {
    #[error("the answer is not the listing of a repository")]
    NoListing(#[from] serde_json::Error),
    #[error("`{}` is not a commit hash", .0.escape_debug())]
    Commit(String),
    #[error("the file name `{}` is refused: it could write outside the folder it belongs to", .0.escape_debug())]
    FileName(String),
    #[error("`{}` is not the checksum of `{file}`", etag.escape_debug())]
    Checksum { etag: String, file: String },
    #[error(
        "the server names no size and checksum for {0}, so a damaged file could not be told from a good one; use \
         https://huggingface.co or a mirror that sends X-Linked-Etag and X-Linked-Size"
    )]
    NoChecksum(String),
    #[error("the server compressed the file although it was asked not to")]
    Compressed,
    #[error("the server continued at `{}`, asked for byte {asked}", found.escape_debug())]
    Range { found: String, asked: u64 },
    #[error("the server sends more than the {0} bytes it announced")]
    TooLong(u64),
    #[error("the answer is longer than {0} bytes, more than any listing has")]
    Endless(u64),
    #[error("the server redirects to an address without encryption, which is refused: {0}")]
    Unencrypted(#[source] Box<ureq::Error>),
    /// Anything else that HTTP can be wrong about.
    #[error(transparent)]
    Http(Box<ureq::Error>),
}

/// Why a request brought no answer, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "a variant is what its message says, a field what its name says")]
pub enum Cause {
    #[error("the host name is not known")]
    UnknownHost,
    #[error("no answer in time")]
    NoAnswer,
    #[error("the server fell silent")]
    Silent,
    #[error("the connection ended early")]
    EndedEarly,
    #[error("the server cannot continue the part that was here")]
    NoPart,
    #[error("the server answered with status {code}{}", if reason.is_empty() { String::new() } else { format!(" ({reason})") })]
    Status { code: u16, reason: String },
    /// The operating system's reason.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The reason of TLS or HTTP.
    #[error(transparent)]
    Http(Box<ureq::Error>),
}

/// The hub's answer that it has no such repository, or does not let us read it: HTTP status 401, 403, 404 or 429.
#[derive(Debug)]
#[allow(missing_docs, reason = "a field is what its name says")]
pub struct Refusal {
    pub endpoint: String,
    pub repository: String,
    pub page: String,
    pub revision: String,
    pub status: u16,
    /// The hub's own word for it, such as `RevisionNotFound`; empty if it gave none.
    pub reason: String,
    /// Whether a token was sent.
    pub with_token: bool,
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, repository, page, revision, status, reason, with_token } = self;
        let token = match (status, with_token) {
            (401, true) => "HF_TOKEN is set, but this token may not read it: check that it is valid and has access",
            (401, false) => "if the name is right, it is private or gated: set HF_TOKEN to a token that may read it",
            (_, true) => "check that HF_TOKEN belongs to that account",
            (_, false) => "set HF_TOKEN",
        };
        match status {
            404 if reason == "RevisionNotFound" => {
                write!(f, "{repository} has no revision `{revision}`: give a branch, tag or commit of {page}")
            }
            404 => write!(
                f,
                "{endpoint} has no {repository} at revision `{revision}` (status 404): check the spelling, OWNER/NAME, and the \
                 revision; a private repository needs HF_TOKEN"
            ),
            401 => write!(f, "{endpoint} does not show {repository} (status 401): check the spelling; {token}"),
            403 => write!(
                f,
                "{endpoint} forbids reading {repository} (status 403): accept its conditions on {page}, then {token}"
            ),
            _ => write!(
                f,
                "{endpoint} limits requests (status {status}): wait a few minutes, or set HF_TOKEN to be allowed more"
            ),
        }
    }
}
