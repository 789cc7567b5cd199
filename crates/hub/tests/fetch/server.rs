//! A hub on the loopback interface: the API's listing, `resolve` addresses that redirect large files to a store of their own,
//! ranges, and faults on demand.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The commit that `main` is at.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What goes wrong with the bytes of one file.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The connection is cut after so many bytes of the body.
    Cut(usize),
    /// This status, with these headers, instead of the file.
    Status(u16, &'static str),
    /// The whole file although a range was asked for.
    NoRange,
    /// Another content of the same length.
    Damage,
    /// More bytes than announced by the listing.
    TooLong,
    /// Compressed, says the header.
    Compressed,
    /// Bytes from another place than asked for.
    WrongRange,
    /// A pause before the answer.
    Slow(Duration),
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: BTreeMap<String, String>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

struct File {
    path: String,
    bytes: Vec<u8>,
    large: bool,
}

impl File {
    fn etag(&self) -> String {
        if self.large { hex(&Sha256::digest(&self.bytes)) } else { git(&self.bytes) }
    }
}

#[derive(Default)]
struct State {
    kind: &'static str,
    repository: &'static str,
    files: Vec<File>,
    /// Faults by path, each used once, the last one for ever.
    faults: BTreeMap<String, (Vec<Fault>, bool)>,
    /// An answer instead of the listing.
    api: Option<(u16, String, String)>,
    /// Leave sizes and checksums out of the listing, as some mirrors do.
    bare: bool,
    requests: Vec<Request>,
}

/// The server; it ends with the test's process.
pub(crate) struct Server {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// A hub that holds one repository; `kind` is `datasets` or `models`.
    pub(crate) fn start(kind: &'static str, repository: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let address = format!("http://127.0.0.1:{port}");
        let state = Arc::new(Mutex::new(State { kind, repository, ..State::default() }));
        // Another host name, as the real hub's store has.
        let (shared, base) = (Arc::clone(&state), format!("http://localhost:{port}"));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, base) = (Arc::clone(&shared), base.clone());
                // A client that leaves early is its own business.
                std::thread::spawn(move || drop(answer(stream, &state, &base)));
            }
        });
        Self { address, state }
    }

    /// A small file, kept in git itself.
    pub(crate) fn small(&self, path: &str, bytes: impl Into<Vec<u8>>) -> &Self {
        self.add(path, bytes.into(), false)
    }

    /// A large file, kept in a store that `resolve` redirects to.
    pub(crate) fn large(&self, path: &str, bytes: impl Into<Vec<u8>>) -> &Self {
        self.add(path, bytes.into(), true)
    }

    fn add(&self, path: &str, bytes: Vec<u8>, large: bool) -> &Self {
        self.state.lock().unwrap().files.push(File { path: path.into(), bytes, large });
        self
    }

    /// Faults of one file, in the order of the requests for its bytes; after the last one it is served well.
    pub(crate) fn faults(&self, path: &str, faults: &[Fault]) -> &Self {
        self.state.lock().unwrap().faults.insert(path.into(), (faults.to_vec(), false));
        self
    }

    /// A fault that stays.
    pub(crate) fn always(&self, path: &str, fault: Fault) -> &Self {
        self.state.lock().unwrap().faults.insert(path.into(), (vec![fault], true));
        self
    }

    /// Answers every question for the listing this way.
    pub(crate) fn api(&self, status: u16, headers: &str, body: &str) -> &Self {
        self.state.lock().unwrap().api = Some((status, headers.into(), body.into()));
        self
    }

    /// Leaves sizes and checksums out of the listing.
    pub(crate) fn bare(&self) -> &Self {
        self.state.lock().unwrap().bare = true;
        self
    }

    /// The name that a file's blob has in the cache.
    pub(crate) fn etag(&self, path: &str) -> String {
        let state = self.state.lock().unwrap();
        state.files.iter().find(|file| file.path == path).expect("the file is served").etag()
    }

    /// The requests since the last call.
    pub(crate) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

/// git's name of a blob.
fn git(bytes: &[u8]) -> String {
    hex(&Sha1::new_with_prefix(format!("blob {}\0", bytes.len())).chain_update(bytes).finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn answer(stream: TcpStream, state: &Mutex<State>, base: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let mut words = lines.first().map(String::as_str).unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let request = Request { method, path, headers };
    let reply = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        state.reply(&request, base)
    };
    std::thread::sleep(reply.pause);
    let mut stream = stream;
    let Reply { status, headers, body, cut, .. } = reply;
    write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len())?;
    if request.method != "HEAD" {
        stream.write_all(&body[..cut.unwrap_or(body.len()).min(body.len())])?;
    }
    stream.flush()
}

struct Reply {
    status: u16,
    headers: String,
    body: Vec<u8>,
    cut: Option<usize>,
    pause: Duration,
}

impl Reply {
    fn new(status: u16, headers: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: headers.into(), body: body.into(), cut: None, pause: Duration::ZERO }
    }
}

impl State {
    fn reply(&mut self, request: &Request, base: &str) -> Reply {
        let path = request.path.as_str();
        if path.starts_with("/api/") {
            return self.listing(path);
        }
        if let Some(etag) = path.strip_prefix("/store/") {
            return match self.files.iter().position(|file| file.etag() == etag) {
                Some(index) => self.bytes(index, request),
                None => Reply::new(404, "", ""),
            };
        }
        let prefix = if self.kind == "models" { String::new() } else { format!("{}/", self.kind) };
        let resolve = format!("/{prefix}{}/resolve/{COMMIT}/", self.repository);
        let Some(index) = path.strip_prefix(&resolve).and_then(|name| self.files.iter().position(|f| f.path == name))
        else {
            return Reply::new(404, "X-Error-Code: EntryNotFound\r\n", "Entry not found");
        };
        let file = &self.files[index];
        if !file.large {
            return self.bytes(index, request);
        }
        let (etag, size) = (file.etag(), file.bytes.len());
        let headers = format!(
            "Location: {base}/store/{etag}\r\nX-Linked-Etag: \"{etag}\"\r\nX-Linked-Size: {size}\r\nX-Repo-Commit: {COMMIT}\r\n"
        );
        Reply::new(302, headers, "Found. Redirecting")
    }

    fn listing(&self, path: &str) -> Reply {
        if let Some((status, headers, body)) = &self.api {
            return Reply::new(*status, headers.as_str(), body.as_str());
        }
        let known = ["main", COMMIT].map(|r| format!("/api/{}/{}/revision/{r}?blobs=true", self.kind, self.repository));
        if !known.iter().any(|known| known == path) {
            return Reply::new(404, "X-Error-Code: RepoNotFound\r\n", "{\"error\":\"Repository not found\"}");
        }
        let file = |file: &File| -> Value {
            let (path, size, etag) = (&file.path, file.bytes.len(), file.etag());
            match (self.bare, file.large) {
                (true, _) => json!({ "rfilename": path }),
                (_, false) => json!({ "rfilename": path, "size": size, "blobId": etag }),
                (_, true) => json!({ "rfilename": path, "size": size, "blobId": git(b"pointer"),
                    "lfs": { "sha256": etag, "size": size, "pointerSize": 132 } }),
            }
        };
        let files: Vec<Value> = self.files.iter().map(file).collect();
        let answer = json!({ "sha": COMMIT, "id": self.repository, "private": false, "siblings": files });
        Reply::new(200, "Content-Type: application/json\r\n", answer.to_string())
    }

    fn bytes(&mut self, index: usize, request: &Request) -> Reply {
        let file = &self.files[index];
        let fault = match self.faults.get_mut(&file.path) {
            Some((faults, false)) if !faults.is_empty() && request.method != "HEAD" => Some(faults.remove(0)),
            Some((faults, true)) => Some(faults[0].clone()),
            _ => None,
        };
        let all = &file.bytes;
        let etag = format!("ETag: \"{}\"\r\n", file.etag());
        let from = request.header("range").and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        let mut reply = match from {
            Some(from) if from >= all.len() => Reply::new(416, etag, ""),
            Some(from) => {
                let range = format!("{etag}Content-Range: bytes {from}-{}/{}\r\n", all.len() - 1, all.len());
                Reply::new(206, range, &all[from..])
            }
            None => Reply::new(200, etag, all.as_slice()),
        };
        match fault {
            None => {}
            Some(Fault::Cut(length)) => reply.cut = Some(length),
            Some(Fault::Status(status, headers)) => return Reply::new(status, headers, ""),
            Some(Fault::NoRange) => return Reply::new(200, "", all.as_slice()),
            Some(Fault::Damage) => reply.body.iter_mut().for_each(|b| *b ^= 0x20),
            Some(Fault::TooLong) => reply.body.push(0),
            Some(Fault::Compressed) => reply.headers.push_str("Content-Encoding: gzip\r\n"),
            Some(Fault::WrongRange) => reply = Reply::new(206, "Content-Range: bytes 0-1/2\r\n", all.as_slice()),
            Some(Fault::Slow(pause)) => reply.pause = pause,
        }
        reply
    }
}
