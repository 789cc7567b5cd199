//! Requests to the hub: addresses, token, certificates, and what each kind of failure means to the user.

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::config::RedirectAuthHeaders;
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::typestate::WithoutBody;
use ureq::{Agent, Body, RequestBuilder, Timeout};

use super::error::{AnswerError, Cause, FetchError, Refusal, TRIES};
use super::listing::{Listing, is_etag};
use super::repository::Repository;
use crate::config::HubConfig;
use crate::error::Error;

/// Largest answer of the API that is read; that of a repository of 100,000 files has about 15 MB.
const MAX_ANSWER_BYTES: u64 = 32 << 20;

/// What may stand in a path as it is; a revision's own `/` is escaped, a file's is a separator.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &SEGMENT.remove(b'/');

/// Why a request brought no answer, by what can be done about it.
#[derive(Debug)]
pub(super) enum Failure {
    /// No server was reached: no network, no such host, a certificate that is not trusted.
    Unreachable(Cause),
    /// The connection broke or went silent; the next one may not.
    Interrupted(Cause),
    /// The server answered with an error.
    Status {
        /// HTTP status.
        code: u16,
        /// The hub's own word for it, such as `RevisionNotFound`, from `X-Error-Code`; empty if it gave none.
        reason: String,
        /// The pause that the server asks for.
        retry_after: Option<Duration>,
    },
    /// Trying again would not help.
    Fatal(Error),
}

impl Failure {
    /// The pause before try number `tried + 1`, or `None` if trying again is pointless.
    pub(super) fn pause(&self, tried: u32) -> Option<Duration> {
        let growing = Duration::from_millis(500 << tried.saturating_sub(1).min(4));
        match self {
            Self::Status { code: 429 | 500 | 502..=504, retry_after, .. } => {
                // A server that asks for an hour is answered with an error rather than with an hour of silence.
                Some(retry_after.map_or(growing, |asked| asked.min(Duration::from_secs(60)).max(growing)))
            }
            Self::Interrupted(_) | Self::Unreachable(_) => Some(growing),
            Self::Status { .. } | Self::Fatal(_) => None,
        }
        .filter(|_| tried < TRIES)
    }

    /// Whether the same request may succeed at another time.
    pub(super) fn is_passing(&self) -> bool {
        self.pause(1).is_some()
    }
}

/// One line without advice, for a message that gives its own.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(cause) | Self::Interrupted(cause) => cause.fmt(f),
            Self::Status { code, reason, .. } => Cause::Status { code: *code, reason: reason.clone() }.fmt(f),
            Self::Fatal(error) => error.fmt(f),
        }
    }
}

impl From<AnswerError> for Failure {
    fn from(error: AnswerError) -> Self {
        Self::Fatal(FetchError::from(error).into())
    }
}

impl From<ureq::Error> for Failure {
    fn from(error: ureq::Error) -> Self {
        use ureq::Error as E;
        match error {
            E::HostNotFound => Self::Unreachable(Cause::UnknownHost),
            E::Timeout(Timeout::Resolve | Timeout::Connect) => Self::Unreachable(Cause::NoAnswer),
            E::Timeout(_) => Self::Interrupted(Cause::Silent),
            E::ConnectionFailed | E::ConnectProxyFailed(_) | E::InvalidProxyUrl | E::Tls(_) | E::Rustls(_) => {
                Self::Unreachable(Cause::Http(error.into()))
            }
            E::Io(cause) => match cause.kind() {
                ErrorKind::ConnectionRefused
                | ErrorKind::NetworkUnreachable
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkDown
                | ErrorKind::AddrNotAvailable
                // rustls reports a certificate that is not trusted this way.
                | ErrorKind::InvalidData => Self::Unreachable(cause.into()),
                ErrorKind::UnexpectedEof => Self::Interrupted(Cause::EndedEarly),
                _ => Self::Interrupted(cause.into()),
            },
            E::Protocol(_) | E::BodyStalled => Self::Interrupted(Cause::Http(error.into())),
            E::BodyExceedsLimit(limit) => AnswerError::Endless(limit).into(),
            E::RequireHttpsOnly(_) => AnswerError::Unencrypted(error.into()).into(),
            _ => AnswerError::Http(error.into()).into(),
        }
    }
}

/// One hub, one token.
pub(super) struct Client {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
}

impl Client {
    /// An agent for `hub`; nothing is sent.
    pub(super) fn new(hub: &HubConfig) -> Self {
        let encrypted = hub.endpoint.starts_with("https://");
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .https_only(encrypted)
            // The token goes to the hub and, after a rename, to the hub again; never to the host that stores the bytes.
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .user_agent(concat!("bitspike/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            // Not the whole body: a slow line may take hours for one file, and only silence is a fault.
            .timeout_per_read(Some(Duration::from_secs(30)));
        if encrypted {
            config = config.tls_config(TlsConfig::builder().root_certs(root_certificates()).build());
        }
        Self { agent: config.build().new_agent(), endpoint: hub.endpoint.clone(), token: hub.token.clone() }
    }

    /// The hub's address.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where the bytes of a file are; `repository` is its id with the hub's own spelling.
    pub(super) fn address(&self, repository: &Repository, commit: &str, path: &str) -> String {
        format!("{}/{}/resolve/{commit}/{}", self.endpoint, repository.web_path(), utf8_percent_encode(path, PATH))
    }

    /// Asks what `revision` of `repository` holds.
    pub(super) fn listing(&self, repository: &Repository, revision: &str) -> Result<Listing, Failure> {
        let revision = utf8_percent_encode(revision, SEGMENT);
        let url = format!("{}/api/{}/revision/{revision}?blobs=true", self.endpoint, repository.api_path());
        let mut tried = 0;
        let answer = loop {
            let answer = self.get(&url, 0).and_then(|mut response| {
                Ok(response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?)
            });
            tried += 1;
            match answer {
                Ok(answer) => break answer,
                // Without a network the user wants to know at once; a server that is there may recover.
                Err(failure @ Failure::Unreachable(_)) => return Err(failure),
                Err(failure) => match failure.pause(tried) {
                    Some(pause) => std::thread::sleep(pause),
                    None => return Err(failure),
                },
            }
        };
        let listing = Listing::from_api(&answer, repository.id());
        listing.map_err(|source| Failure::Fatal(FetchError::Answer { url, source }.into()))
    }

    /// Opens a file from byte `from` on; status 200 or 206.
    pub(super) fn get(&self, url: &str, from: u64) -> Result<Response<Body>, Failure> {
        let mut request = self.agent.get(url);
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        accepted(self.authorized(request).call()?)
    }

    /// Checksum and size of a file from the headers of its address, for a server whose listing leaves them out.
    pub(super) fn checksum(&self, url: &str) -> Result<(String, u64), Failure> {
        let response = self.authorized(self.agent.head(url).config().max_redirects(0).build()).call()?;
        let redirected = response.status().is_redirection();
        let response = if redirected { response } else { accepted(response)? };
        let (linked, own) = (header(&response, "X-Linked-Etag"), header(&response, "ETag"));
        let etag = linked.or(own).unwrap_or_default();
        let etag = etag.trim_start_matches("W/").trim_matches('"');
        let size = header(&response, "X-Linked-Size")
            // The length of a redirect is that of its own page.
            .or_else(|| header(&response, "Content-Length").filter(|_| !redirected))
            .and_then(|size| size.parse().ok());
        match size {
            Some(size) if is_etag(etag) => Ok((etag.to_owned(), size)),
            _ => Err(AnswerError::NoChecksum(url.to_owned()).into()),
        }
    }

    fn authorized(&self, request: RequestBuilder<WithoutBody>) -> RequestBuilder<WithoutBody> {
        match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// The error that a user reads: what failed and what to do.
    pub(super) fn explain(&self, failure: Failure, repository: &Repository, revision: &str) -> FetchError {
        let (endpoint, name) = (self.endpoint.clone(), repository.to_string());
        match failure {
            Failure::Unreachable(source) => FetchError::Unreachable { endpoint, advice: repository.by_hand(), source },
            Failure::Status { code: status @ (401 | 403 | 404 | 429), reason, .. } => FetchError::Refused(Refusal {
                page: format!("{endpoint}/{}", repository.web_path()),
                endpoint,
                repository: name,
                revision: revision.to_owned(),
                status,
                reason,
                with_token: self.token.is_some(),
            }),
            Failure::Status { code, reason, .. } => {
                FetchError::Undelivered { endpoint, repository: name, source: Cause::Status { code, reason } }
            }
            Failure::Interrupted(source) => FetchError::Undelivered { endpoint, repository: name, source },
            Failure::Fatal(error) => FetchError::Fatal { repository: name, source: error.into() },
        }
    }
}

/// The text of one header.
pub(super) fn header(response: &Response<Body>, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.trim().to_owned())
}

fn accepted(response: Response<Body>) -> Result<Response<Body>, Failure> {
    match response.status().as_u16() {
        200 | 206 => Ok(response),
        code => Err(Failure::Status {
            code,
            reason: header(&response, "X-Error-Code").unwrap_or_default(),
            retry_after: header(&response, "Retry-After").and_then(|s| s.parse().ok()).map(Duration::from_secs),
        }),
    }
}

/// The system's trusted certificates (`SSL_CERT_FILE` included), which know a company's own proxy; Mozilla's list where the
/// system has none, as in a minimal container.
pub fn root_certificates() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    found.iter().map(|der| Certificate::from_der(der).to_owned()).into()
}
