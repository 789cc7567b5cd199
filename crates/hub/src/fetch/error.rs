//! What can go wrong between the hub and the cache, and what a user can do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::http::TRIES;
use super::{MAX_FILE_BYTES, bytes};
use crate::error::Error;

/// Why a fetch failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "fields are what their names say")]
pub enum FetchError {
    /// No server was reached.
    #[error("cannot reach {endpoint}: {source}. {advice}")]
    Unreachable { endpoint: String, advice: &'static str, source: Cause },
    /// The connection broke, or the server was in trouble, again and again.
    #[error(
        "{endpoint} did not deliver {repository}: {source}, {TRIES} times in a row; try again later: what has arrived is kept"
    )]
    Undelivered { endpoint: String, repository: String, source: Cause },
    /// The hub does not let us have it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The server lists a file that it does not have.
    #[error(
        "{endpoint} lists `{file}` in commit {commit} of {repository} but does not have it (status 404); if HF_ENDPOINT names a \
         mirror, it may be incomplete"
    )]
    Missing { endpoint: String, file: String, commit: String, repository: String },
    /// No connection may be opened, and the cache does not have it.
    #[error(
        "HF_HUB_OFFLINE is set and {} does not hold {missing}; unset it, or fetch once with a network{advice}",
        cache.display()
    )]
    Offline { cache: PathBuf, missing: String, advice: String },
    /// The repository has not the files that are needed.
    #[error("{0}")]
    Incomplete(String),
    /// A file is larger than any that is wanted.
    #[error(
        "`{file}` of {repository} has {}, more than the {} that are fetched; if it is really wanted, download it by hand",
        bytes(*size), bytes(MAX_FILE_BYTES)
    )]
    TooLarge { file: String, repository: String, size: u64 },
    /// A file arrived with another checksum.
    #[error(
        "`{file}` of {repository} arrived damaged: checksum {found}, expected {expected}. A proxy or mirror may have changed it; \
         try again, or without HF_ENDPOINT"
    )]
    Damaged { file: String, repository: String, expected: String, found: String },
    /// A file arrived in part.
    #[error("`{file}`: {} of {} arrived: {source}", bytes(*have), bytes(*size))]
    Partial { file: String, have: u64, size: u64, source: Box<Error> },
    /// Something that trying again would not help.
    #[error("fetch {repository}: {source}")]
    Fatal { repository: String, source: Box<Error> },
    /// What the server says of a repository cannot be used.
    #[error("answer of {url}: {source}")]
    Answer { url: String, source: AnswerError },
    /// The bytes of a file do not come as they should.
    #[error(transparent)]
    Body(#[from] AnswerError),
    /// Two files would have one name.
    #[error("two of the fetched files are called `{name}`; leave out --out to keep their folders")]
    SameName { name: String },
    /// A file of the user's is in the way.
    #[error(
        "{} is there already with another content; give --force to replace it, or another folder",
        path.display()
    )]
    Occupied { path: PathBuf },
}

/// What is wrong with an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "fields are what their names say")]
pub enum AnswerError {
    /// No JSON of the form that the API has.
    #[error("the answer is not the listing of a repository")]
    NoListing(#[from] serde_json::Error),
    /// A commit that is no hash.
    #[error("`{}` is not a commit hash", .0.escape_debug())]
    Commit(String),
    /// A file name that leads out of its folder.
    #[error("the file name `{}` is refused: it could write outside the folder it belongs to", .0.escape_debug())]
    FileName(String),
    /// A checksum that is none.
    #[error("`{}` is not the checksum of `{file}`", etag.escape_debug())]
    Checksum { etag: String, file: String },
    /// No checksum, or no size.
    #[error(
        "the server names no size and checksum for {0}, so a damaged file could not be told from a good one; use \
         https://huggingface.co or a mirror that sends X-Linked-Etag and X-Linked-Size"
    )]
    NoChecksum(String),
    /// A compressed file.
    #[error("the server compressed the file although it was asked not to")]
    Compressed,
    /// Another part of the file than the one asked for.
    #[error("the server continued at `{}`, asked for byte {asked}", found.escape_debug())]
    Range { found: String, asked: u64 },
    /// More than announced.
    #[error("the server sends more than the {0} bytes it announced")]
    TooLong(u64),
    /// A listing without end.
    #[error("the answer is longer than {0} bytes, more than any listing has")]
    Endless(u64),
    /// A redirect to an address without encryption.
    #[error("the server redirects to an address without encryption, which is refused: {0}")]
    Unencrypted(#[source] Box<ureq::Error>),
    /// Anything else that HTTP can be wrong about.
    #[error(transparent)]
    Http(Box<ureq::Error>),
}

/// Why a request brought no answer, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "fields are what their names say")]
pub enum Cause {
    /// Its name leads to no address.
    #[error("the host name is not known")]
    UnknownHost,
    /// Nobody answers there.
    #[error("no answer in time")]
    NoAnswer,
    /// The server stopped sending.
    #[error("the server fell silent")]
    Silent,
    /// The connection was closed.
    #[error("the connection ended early")]
    EndedEarly,
    /// The server does not continue a file.
    #[error("the server cannot continue the part that was here")]
    NoPart,
    /// An HTTP status other than success.
    #[error("the server answered with status {code}{}", if reason.is_empty() { String::new() } else { format!(" ({reason})") })]
    Status { code: u16, reason: String },
    /// The operating system's reason.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The reason of TLS or HTTP.
    #[error(transparent)]
    Http(Box<ureq::Error>),
}

/// The hub's answer that it has no such repository, or does not let us read it.
#[derive(Debug)]
#[allow(missing_docs, reason = "fields are what their names say")]
pub struct Refusal {
    pub endpoint: String,
    pub repository: String,
    /// The repository's page.
    pub page: String,
    pub revision: String,
    /// HTTP status: 401, 403, 404 or 429.
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
        match status {
            404 if reason == "RevisionNotFound" => {
                write!(f, "{repository} has no revision `{revision}`: give a branch, tag or commit of {page}")
            }
            404 => write!(
                f,
                "{endpoint} has no {repository} at revision `{revision}` (status 404): check the spelling, OWNER/NAME, and the \
                 revision; a private repository needs HF_TOKEN"
            ),
            401 => {
                let token = match with_token {
                    true => "HF_TOKEN is set, but this token may not read it: check that it is valid and has access",
                    false => "if the name is right, it is private or gated: set HF_TOKEN to a token that may read it",
                };
                write!(f, "{endpoint} does not show {repository} (status 401): check the spelling; {token}")
            }
            403 => {
                let token = if *with_token { "check that HF_TOKEN belongs to that account" } else { "set HF_TOKEN" };
                write!(
                    f,
                    "{endpoint} forbids reading {repository} (status 403): accept its conditions on {page}, then {token}"
                )
            }
            _ => write!(
                f,
                "{endpoint} limits requests (status {status}): wait a few minutes, or set HF_TOKEN to be allowed more"
            ),
        }
    }
}
