//! Load on a running server, every answer compared bit for bit with the model's own.
//!
//!     load ADDRESS MODEL TEXTS [connections=32] [seconds=10] [requests=0] [rate=0] [random=0] [odd=0] [hostile=0] [retry=0]
//!
//! TEXTS has a text a line; `random` adds so many of random characters. `odd=1` adds headers to every second request that mean nothing, or
//! that mean something elsewhere. With `rate` requests begin at that many a second whether earlier ones are answered or not, and times count
//! from when each was due; without it each connection asks as soon as it is answered. With `requests` it ends after so many. `hostile`
//! connections beside them send what no client should. With `retry=1` a request whose connection broke is sent again, over a new one.
//! Prints one JSON object.

mod hostile;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bitspike::Options;
use bitspike_hub::Subject;
use serde_json::{Value, json};

use hostile::Random;

struct Load {
    address: String,
    bodies: Vec<String>,
    /// Bits of the logits of each text.
    expected: Vec<Vec<u32>>,
    seconds: f64,
    requests: u64,
    rate: f64,
    retry: bool,
    odd: bool,
    start: Instant,
    next: AtomicU64,
    over: AtomicBool,
}

/// What one connection met.
#[derive(Default)]
struct Met {
    /// Milliseconds of each answer that was one.
    times: Vec<f32>,
    refused: u64,
    other: u64,
    wrong: u64,
    /// Requests without any answer.
    lost: u64,
    again: u64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, model, texts, flags @ ..] = &arguments[..] else {
        return Err("usage: load ADDRESS MODEL TEXTS [key=value..]".into());
    };
    let flag = |name: &str, default: f64| {
        let given = flags.iter().find_map(|flag| flag.strip_prefix(name)?.strip_prefix('='));
        given.map_or(Ok(default), str::parse)
    };
    let mut texts: Vec<String> = std::fs::read_to_string(texts)?.lines().map(str::to_owned).collect();
    let mut random = Random::new(1);
    texts.extend((0..flag("random", 0.0)? as u64).map(|_| random.text(120)));
    let answers = Subject::resolve(Path::new(model))?.model(&Options::new())?.classify(&texts)?;
    let load = Load {
        address: address.clone(),
        bodies: texts.iter().map(|text| json!({ "inputs": text, "logits": true }).to_string()).collect(),
        expected: answers.iter().map(|answer| answer.logits.iter().map(|x| x.to_bits()).collect()).collect(),
        seconds: flag("seconds", 10.0)?,
        requests: flag("requests", 0.0)? as u64,
        rate: flag("rate", 0.0)?,
        retry: flag("retry", 0.0)? > 0.0,
        odd: flag("odd", 0.0)? > 0.0,
        start: Instant::now(),
        next: AtomicU64::new(0),
        over: AtomicBool::new(false),
    };
    let (connections, hostile) = (flag("connections", 32.0)? as usize, flag("hostile", 0.0)? as u64);
    let (met, annoyed): (Vec<Met>, u64) = std::thread::scope(|scope| {
        let load = &load;
        let asking: Vec<_> = (0..connections).map(|seed| scope.spawn(move || load.ask(seed as u64))).collect();
        let annoying: Vec<_> =
            (0..hostile).map(|seed| scope.spawn(move || hostile::annoy(&load.address, seed, &load.over))).collect();
        let met = asking.into_iter().filter_map(|one| one.join().ok()).collect();
        load.over.store(true, Ordering::Relaxed);
        (met, annoying.into_iter().filter_map(|one| one.join().ok()).sum())
    });
    let seconds = load.start.elapsed().as_secs_f64();
    let mut times: Vec<f32> = met.iter().flat_map(|one| one.times.iter().copied()).collect();
    times.sort_by(f32::total_cmp);
    let at =
        |share: f64| times.get(((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1))).copied();
    let sum = |of: fn(&Met) -> u64| met.iter().map(of).sum::<u64>();
    let found = json!({
        "seconds": seconds,
        "answered": times.len(),
        "per_second": times.len() as f64 / seconds,
        "refused": sum(|one| one.refused),
        "other": sum(|one| one.other),
        "wrong": sum(|one| one.wrong),
        "lost": sum(|one| one.lost),
        "again": sum(|one| one.again),
        "hostile_connections": annoyed,
        "p50_ms": at(0.5),
        "p90_ms": at(0.9),
        "p99_ms": at(0.99),
        "p999_ms": at(0.999),
    });
    println!("{found}");
    Ok(())
}

impl Load {
    /// The number of the next request, once it is due; none when it is over.
    fn due(&self) -> Option<(u64, Instant)> {
        let i = self.next.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let due = if self.rate > 0.0 { self.start + Duration::from_secs_f64(i as f64 / self.rate) } else { now };
        let over = match self.requests {
            0 => (due - self.start).as_secs_f64() >= self.seconds,
            requests => i >= requests,
        };
        if over {
            return None;
        }
        std::thread::sleep(due.saturating_duration_since(now));
        Some((i, due))
    }

    fn ask(&self, seed: u64) -> Met {
        let mut met = Met::default();
        let mut connection = None;
        let mut random = Random::new(seed + 100);
        while let Some((i, due)) = self.due() {
            let text = i as usize % self.bodies.len();
            let odd = if self.odd && i % 2 == 0 { random.headers() } else { Vec::new() };
            loop {
                match self.once(&mut connection, &odd, &self.bodies[text]) {
                    Ok((200, told)) => {
                        met.times.push(due.elapsed().as_secs_f32() * 1e3);
                        let logits = told["results"][0]["logits"].as_array();
                        let bits =
                            logits.into_iter().flatten().map(|x| (x.as_f64().unwrap_or(f64::NAN) as f32).to_bits());
                        met.wrong += u64::from(!bits.eq(self.expected[text].iter().copied()));
                    }
                    Ok((429, _)) => met.refused += 1,
                    Ok(_) => met.other += 1,
                    Err(_) => {
                        connection = None;
                        if self.retry {
                            met.again += 1;
                            std::thread::sleep(Duration::from_millis(20));
                            continue;
                        }
                        met.lost += 1;
                    }
                }
                break;
            }
        }
        met
    }

    /// One request, with further headers, and its answer.
    fn once(
        &self,
        connection: &mut Option<BufReader<TcpStream>>,
        odd: &[u8],
        body: &str,
    ) -> std::io::Result<(u16, Value)> {
        let stream = match connection {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                connection.insert(BufReader::new(stream))
            }
        };
        let head = format!(
            "POST /v1/classify HTTP/1.1\r\nhost: load\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), odd, b"\r\n", body.as_bytes()].concat())?;
        let (mut line, mut length) = (String::new(), 0);
        let mut read = |line: &mut String| {
            line.clear();
            match stream.read_line(line)? {
                0 => Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)),
                _ => Ok(()),
            }
        };
        read(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let mut last = false;
        loop {
            read(&mut line)?;
            match line.trim_end().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().map_err(std::io::Error::other)?,
                Some(("connection", "close")) => last = true,
                Some(_) => (),
                None => break,
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        if last {
            *connection = None;
        }
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}
