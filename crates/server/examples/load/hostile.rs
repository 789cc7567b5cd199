//! What no client should send.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

/// Connections that one of these holds half-open at most.
const HELD: usize = 32;

/// Names of headers that mean something to some server, or to none.
const NAMES: [&str; 12] = [
    "x-request-id",
    "traceparent",
    "authorization",
    "x-api-key",
    "accept-encoding",
    "inference-header-content-length",
    "x-forwarded-for",
    "if-none-match",
    "cookie",
    "te",
    "x-http-method-override",
    "origin",
];

/// Seeded numbers (xorshift).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Up to `longest` characters: of ASCII, of a small alphabet, or any at all, those included that end lines or mean nothing.
    pub(crate) fn text(&mut self, longest: u64) -> String {
        let (kind, length) = (self.below(4), self.below(longest));
        let one = |random: &mut Self| match kind {
            0 => char::from_u32(random.below(0x11_0000) as u32),
            1 => char::from_u32(random.below(128) as u32),
            2 => [' ', 'a', 'e', '.', '\u{301}', '\u{200d}', '好'].get(random.below(7) as usize).copied(),
            _ => char::from_u32(0x1f300 + random.below(0x400) as u32),
        };
        (0..length).filter_map(|_| one(self)).collect()
    }

    /// Headers that HTTP allows, whatever they say.
    pub(crate) fn headers(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        for _ in 0..self.below(24) {
            let name = NAMES[self.below(NAMES.len() as u64) as usize];
            all.extend(name.bytes());
            all.extend(b": ");
            // Whatever a value may hold: what can be seen, blanks, and bytes beyond ASCII.
            all.extend((0..self.below(80)).map(|_| match self.below(4) {
                0 => 0x80 + self.below(0x80) as u8,
                _ => 0x20 + self.below(0x5f) as u8,
            }));
            all.extend(b"\r\n");
        }
        all
    }

    fn bytes(&mut self, longest: u64) -> Vec<u8> {
        (0..self.below(longest)).map(|_| self.below(256) as u8).collect()
    }

    /// A request that is broken, cut off, too large, or none at all.
    fn request(&mut self) -> Vec<u8> {
        let path = ["/v1/classify", "/predict", "/", "/v2/models/sst2-tiny/infer", "/v1/trace", "/nowhere"];
        let head = format!("POST {} HTTP/1.1\r\nhost: x\r\n", path[self.below(6) as usize]).into_bytes();
        let noise = self.bytes(300);
        match self.below(12) {
            0 => noise,
            1 => [&head[..], b"x: ", &noise, b"\r\n\r\n"].concat(),
            2 => [&head[..], b"content-length: 100\r\n\r\n{\"inputs\": \"brok"].concat(),
            3 => [&head[..], b"content-length: 99999999999999999999\r\n\r\n"].concat(),
            4 => [&head[..], b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n"].concat(),
            5 => [&head[..], b"content-encoding: gzip\r\ncontent-length: 64\r\n\r\n", &[0x1f; 64]].concat(),
            6 => head,
            7 => [&head[..], b"content-length: 8\r\n\r\n", &[b'['; 8]].concat(),
            8 => [&head[..], b"content-length: 60000\r\n\r\n", &[b'['; 60_000]].concat(),
            9 => [&head[..], &b"a: b\r\n".repeat(200), b"\r\n"].concat(),
            10 => {
                let lines = format!(
                    "content-type: application/x-ndjson\r\ncontent-length: 400\r\n\r\n\"{}\"\n{{",
                    self.text(60)
                );
                [&head[..], lines.as_bytes()].concat()
            }
            _ => {
                let body = json!({ "inputs": [self.text(2000), "x"] }).to_string();
                [&head[..], format!("content-length: {}\r\n\r\n{body}", body.len()).as_bytes()].concat()
            }
        }
    }
}

/// Sends what no client should, until it is over; half of a connection stays open now and then. Says how many connections it made.
pub(crate) fn annoy(address: &str, seed: u64, over: &AtomicBool) -> u64 {
    let (mut random, mut open, mut made) = (Random::new(seed), Vec::new(), 0);
    while !over.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect(address) else { continue };
        made += 1;
        let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
        let _ = stream.write_all(&random.request());
        match random.below(3) {
            0 => drop(stream.shutdown(Shutdown::Write)),
            1 if open.len() < HELD => {
                open.push(stream);
                continue;
            }
            _ => open.truncate(random.below(HELD as u64) as usize),
        }
        let _ = stream.read(&mut [0; 512]);
    }
    made
}
