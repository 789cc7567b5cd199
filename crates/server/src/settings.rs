//! How a server is to behave: everything that its flags say.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use bitspike::{Options, Simulation};

/// Limits, times and files of a server. [`Settings::default`] is what `bitspike serve` does without flags.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address to listen on; loopback, unless told otherwise.
    pub host: IpAddr,
    /// Port; 0 takes a free one.
    pub port: u16,
    /// How models are run.
    pub options: Options,
    /// Threads that compute; 0 takes all cores.
    pub threads: usize,
    /// Threads that speak HTTP.
    pub io_threads: usize,
    /// Connections at a time; further ones wait in the system's queue.
    pub max_connections: usize,
    /// Largest body, and largest after decompression, in bytes.
    pub max_body_bytes: usize,
    /// Bytes of all bodies in memory at a time.
    pub max_buffered_bytes: usize,
    /// Longest text, in bytes.
    pub max_text_bytes: usize,
    /// Most texts of a request; a stream of lines has no such limit.
    pub max_texts: usize,
    /// Tokens that may wait; a request that comes while more do is refused.
    pub max_queue_tokens: usize,
    /// Tokens that are computed together. Answers do not depend on it.
    pub max_batch_tokens: usize,
    /// Most time steps of a trace.
    pub max_steps: u32,
    /// Traces and counts that may wait.
    pub max_waiting_traces: usize,
    /// Time from the head of a request to its answer.
    pub deadline: Duration,
    /// Time for the head of a request, and for which a connection may be idle.
    pub idle: Duration,
    /// Time for a body, and between two parts of a stream.
    pub body_time: Duration,
    /// Time for requests at work when the server is told to stop.
    pub drain: Duration,
    /// How often files are looked at for changes; never, where none.
    pub watch: Option<Duration>,
    /// File with the keys that requests must show, one a line.
    pub api_key_file: Option<PathBuf>,
    /// Certificate chain and private key in PEM.
    pub tls: Option<TlsFiles>,
    /// Origins of pages that may ask; none, unless named.
    pub cors: Vec<String>,
    /// End texts of `accumulated` early under load, instead of refusing.
    pub anytime: Option<bitspike::ExitRule>,
    /// Write texts into the log, at the level `debug`.
    pub log_texts: bool,
}

/// Where a certificate is.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate and those that sign it, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 8080,
            options: Options::new(),
            threads: 0,
            io_threads: 2,
            max_connections: 4096,
            max_body_bytes: 8 << 20,
            max_buffered_bytes: 256 << 20,
            max_text_bytes: 256 << 10,
            max_texts: 1024,
            max_queue_tokens: 16_384,
            max_batch_tokens: 1024,
            max_steps: 1024,
            max_waiting_traces: 16,
            deadline: seconds(30),
            idle: seconds(30),
            body_time: seconds(20),
            drain: seconds(30),
            watch: Some(seconds(1)),
            api_key_file: None,
            tls: None,
            cors: Vec::new(),
            anytime: None,
            log_texts: false,
        }
    }
}

/// What a trace is simulated as, unless a request says otherwise: as `bitspike trace` does.
pub(crate) fn traced() -> Simulation {
    bitspike_analysis::trace::TraceOptions::default().simulation
}
