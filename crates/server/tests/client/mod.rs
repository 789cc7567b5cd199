//! A server of a test, and a client that sends exactly what it is told.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use bitspike_hub::Subject;
use bitspike_server::{Handle, Server, Settings};
use serde_json::Value;

/// A shipped model.
pub(crate) fn shipped(name: &str) -> Subject {
    Subject::resolve(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models").join(name)).unwrap()
}

/// A value as a reader of JSON finds it: numbers of 32 bits have few digits there.
pub(crate) fn told(value: impl serde::Serialize) -> Value {
    serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap()
}

/// Settings of a test: a free port, one thread, and patience for machines that do much beside it.
pub(crate) fn settings() -> Settings {
    let patience = Duration::from_secs(300);
    Settings { port: 0, threads: 1, deadline: patience, drain: patience, ..Settings::default() }
}

/// A server that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) handle: Handle,
    thread: Option<JoinHandle<bool>>,
}

impl Running {
    pub(crate) fn start(settings: Settings, models: Vec<Subject>) -> Self {
        let server = Server::bind(settings, models).unwrap();
        let (address, handle) = (server.address(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Self { address, handle, thread }
    }

    /// The model that is compiled in, with the settings of a test.
    pub(crate) fn builtin() -> Self {
        Self::start(settings(), vec![Subject::builtin()])
    }

    /// Stops it and says whether every request was answered.
    pub(crate) fn stop(mut self) -> bool {
        self.handle.stop();
        self.thread.take().unwrap().join().unwrap()
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::new(TcpStream::connect(self.address).unwrap())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.connect().ask("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.connect().ask("POST", path, &[("content-type", "application/json")], body.as_bytes())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A connection that is kept.
pub(crate) struct Connection<S = TcpStream>(BufReader<S>)
where
    S: Read + Write;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

impl Connection<TcpStream> {
    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }
}

impl<S: Read + Write> Connection<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\n");
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        if !headers.iter().any(|(name, _)| ["content-length", "transfer-encoding"].contains(name)) {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut all = head.into_bytes();
        all.extend_from_slice(body);
        self.send(&all);
        self.answer(method == "HEAD").unwrap()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
        self.0.get_mut().flush().unwrap();
    }

    /// The next answer; none where the connection is closed before one.
    pub(crate) fn answer(&mut self, head_only: bool) -> Option<Answer> {
        let line = self.line().filter(|line| line.starts_with("HTTP/1.1 "))?;
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: Vec::new() };
        if head_only || status == 304 || status == 100 {
            return Some(answer);
        }
        match answer.header("content-length").map(|length| length.parse::<usize>().unwrap()) {
            Some(length) => {
                answer.body.resize(length, 0);
                self.0.read_exact(&mut answer.body).unwrap();
            }
            None => {
                while let Some(part) = self.chunk() {
                    answer.body.extend(part);
                }
            }
        }
        Some(answer)
    }

    /// The next part of a chunked body.
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line()?, 16).unwrap();
        let mut part = vec![0; size + 2];
        self.0.read_exact(&mut part).ok()?;
        part.truncate(size);
        (size > 0).then_some(part)
    }

    /// A line without its end; none where there is no more.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => None,
            Err(error) => {
                eprintln!("{error}");
                None
            }
            Ok(_) => Some(line.trim_end().to_owned()),
        }
    }
}
