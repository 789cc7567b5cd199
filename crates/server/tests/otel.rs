//! Traces of requests, as a collector of OpenTelemetry gets them. The variables of the environment belong to a process, so each server is
//! one of its own: this program again.

mod client;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use bitspike_hub::Subject;
use bitspike_server::Server;
use serde_json::json;

use client::{Connection, settings};

/// Says that the process is to be a server.
const SERVE: &str = "BITSPIKE_TEST_SERVE";

/// The server of the other tests: says its address, and stops when its standard input ends.
#[test]
fn serves_where_it_is_started_for_that() {
    if std::env::var_os(SERVE).is_none() {
        return;
    }
    match Server::bind(settings(), vec![Subject::builtin()]) {
        Err(error) => println!("\nerror {error}"),
        Ok(server) => {
            println!("\naddress {}", server.address());
            let handle = server.handle();
            std::thread::spawn(move || {
                let _ = std::io::stdin().read_to_end(&mut Vec::new());
                handle.stop();
            });
            assert!(server.run().unwrap());
        }
    }
}

/// A server in a process of its own.
struct Served {
    process: Child,
    address: Result<SocketAddr, String>,
}

impl Served {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "serves_where_it_is_started_for_that", "--nocapture"])
            .env(SERVE, "1")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut said = lines.map_while(Result::ok).filter_map(|line| {
            let error = line.strip_prefix("error ").map(|error| Err(error.to_owned()));
            error.or_else(|| Some(Ok(line.strip_prefix("address ")?.parse().unwrap())))
        });
        let address = said.next().expect("the server says where it is");
        std::thread::spawn(move || said.for_each(drop));
        Self { process, address }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        let stream = std::net::TcpStream::connect(self.address.clone().unwrap()).unwrap();
        Connection::over(stream).ask(method, path, headers, body.as_bytes()).status
    }

    /// Stops it; how long that took.
    fn stop(mut self) -> Duration {
        let began = Instant::now();
        drop(self.process.stdin.take());
        let mut errors = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert!(self.process.wait().unwrap().success() && !errors.contains("panicked"), "{errors}");
        began.elapsed()
    }
}

/// What stands in the place of a collector: takes what is sent and passes it on, with its head.
fn collector() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (taken, all) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let taken = taken.clone();
            std::thread::spawn(move || {
                let mut stream = BufReader::new(stream);
                loop {
                    let (mut head, mut length) = (String::new(), 0);
                    loop {
                        let from = head.len();
                        if stream.read_line(&mut head).unwrap_or(0) == 0 {
                            return;
                        }
                        let line = head[from..].trim().to_ascii_lowercase();
                        length = line.strip_prefix("content-length: ").map_or(length, |value| value.parse().unwrap());
                        if line.is_empty() {
                            break;
                        }
                    }
                    let mut body = vec![0; length];
                    stream.read_exact(&mut body).unwrap();
                    let _ = taken.send((head, body));
                    stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                }
            });
        }
    });
    (endpoint, all)
}

/// A field of a Protobuf message: a number, or bytes.
#[derive(Debug, Clone)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

/// The fields of a Protobuf message, by number.
fn fields(mut bytes: &[u8]) -> HashMap<u64, Vec<Field>> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = bytes.split_off_first().unwrap();
            value |= u64::from(byte & 127) << shift;
            if byte & 128 == 0 {
                break;
            }
        }
        value
    }
    let mut all: HashMap<u64, Vec<Field>> = HashMap::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 => Field::Number(u64::from_le_bytes(bytes.split_off(..8).unwrap().try_into().unwrap())),
            2 => {
                let length = varint(&mut bytes) as usize;
                Field::Bytes(bytes.split_off(..length).unwrap().to_vec())
            }
            5 => Field::Number(u64::from(u32::from_le_bytes(bytes.split_off(..4).unwrap().try_into().unwrap()))),
            other => panic!("wire type {other}"),
        };
        all.entry(key >> 3).or_default().push(field);
    }
    all
}

fn parts(message: &HashMap<u64, Vec<Field>>, number: u64) -> Vec<Vec<u8>> {
    let bytes = |field: &Field| match field {
        Field::Bytes(bytes) => bytes.clone(),
        Field::Number(number) => panic!("a number, {number}"),
    };
    message.get(&number).into_iter().flatten().map(bytes).collect()
}

fn number(message: &HashMap<u64, Vec<Field>>, field: u64) -> u64 {
    match message.get(&field).map(|all| &all[0]) {
        Some(Field::Number(number)) => *number,
        other => panic!("{other:?}"),
    }
}

/// Attributes: texts, and numbers as texts.
fn attributes(message: &HashMap<u64, Vec<Field>>, field: u64) -> HashMap<String, String> {
    let one = |pair: Vec<u8>| {
        let pair = fields(&pair);
        let value = fields(&parts(&pair, 2)[0]);
        let text = parts(&value, 1).pop().map(|text| String::from_utf8(text).unwrap());
        (String::from_utf8(parts(&pair, 1)[0].clone()).unwrap(), text.unwrap_or_else(|| number(&value, 3).to_string()))
    };
    parts(message, field).into_iter().map(one).collect()
}

/// A span, as opentelemetry's `trace.proto` numbers its fields.
#[derive(Debug)]
struct Span {
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    name: String,
    kind: u64,
    times: (u64, u64),
    attributes: HashMap<String, String>,
    /// Identifiers of the spans that it is linked to.
    links: Vec<Vec<u8>>,
}

/// Attributes of the resource, and spans.
fn spans(body: &[u8]) -> (HashMap<String, String>, Vec<Span>) {
    let (mut resource, mut all) = (HashMap::new(), Vec::new());
    for of_resource in parts(&fields(body), 1) {
        let of_resource = fields(&of_resource);
        resource = attributes(&fields(&parts(&of_resource, 1)[0]), 1);
        for of_scope in parts(&of_resource, 2) {
            for span in parts(&fields(&of_scope), 2) {
                let span = fields(&span);
                let one = |field| parts(&span, field).pop().unwrap_or_default();
                all.push(Span {
                    trace: one(1),
                    id: one(2),
                    parent: one(4),
                    name: String::from_utf8(one(5)).unwrap(),
                    kind: number(&span, 6),
                    times: (number(&span, 7), number(&span, 8)),
                    attributes: attributes(&span, 9),
                    links: parts(&span, 13).iter().map(|link| parts(&fields(link), 2)[0].clone()).collect(),
                });
            }
        }
    }
    (resource, all)
}

#[test]
fn a_request_is_a_trace_of_its_wait_and_its_batch_and_holds_no_text() {
    let (endpoint, taken) = collector();
    let served = Served::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-team=a"),
        ("OTEL_SERVICE_NAME", "mine"),
    ]);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = [("traceparent", format!("00-{trace}-b7ad6b7169203331-01"))];
    let parent: Vec<(&str, &str)> = parent.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let texts = vec!["a secret sentence"; 40];
    assert_eq!(served.ask("POST", "/v1/classify", &parent, &json!({ "inputs": texts }).to_string()), 200);
    assert_eq!(served.ask("POST", "/predict?inputs=secret", &[], r#"{"inputs": "x", "secret": 1}"#), 422);
    assert_eq!(served.ask("POST", "/secret", &[], "{}"), 404);
    let lines = [("content-type", "application/x-ndjson")];
    assert_eq!(served.ask("POST", "/v1/classify", &lines, "\"a secret line\"\n"), 200);
    assert_eq!(served.ask("GET", "/health", &[], ""), 200);
    served.stop();

    let (mut resource, mut all) = (HashMap::new(), Vec::new());
    for (head, body) in taken.try_iter() {
        assert!(head.starts_with("POST /v1/traces ") && head.contains("x-team: a\r\n"), "{head}");
        assert!(!body.windows(6).any(|bytes| bytes == b"secret"), "a text left");
        let (of_resource, mut some) = spans(&body);
        resource.extend(of_resource);
        all.append(&mut some);
    }
    assert_eq!(resource["service.name"], "mine");
    let named = |name: &str| all.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let asked = named("POST /v1/classify");
    assert_eq!((asked.len(), named("POST").len(), named("GET /health").len()), (2, 1, 0), "{all:#?}");
    let [refused] = named("POST /predict")[..] else { panic!("{all:#?}") };
    assert_eq!(
        (&*refused.attributes["error.type"], &*refused.attributes["http.response.status_code"]),
        ("validation", "422")
    );
    let hex: String = asked[0].trace.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((hex.as_str(), asked[0].kind, asked[0].parent.len()), (trace, 2, 8));
    assert_ne!(asked[1].trace, asked[0].trace);
    // 40 texts are two parts, 32 and 8, in whichever order they are computed; the line is one.
    for (request, texts) in [(asked[0], vec!["32", "8"]), (asked[1], vec!["1"])] {
        let below = |name: &str| {
            let mut below: Vec<&Span> = named(name).into_iter().filter(|span| span.parent == request.id).collect();
            below.sort_by_key(|span| span.times);
            below
        };
        let (waits, computed) = (below("queue"), below("compute"));
        assert_eq!(waits.len(), texts.len(), "{all:#?}");
        let mut parts: Vec<&str> = computed.iter().map(|span| &*span.attributes["bitspike.texts"]).collect();
        parts.sort_unstable();
        assert_eq!(parts, texts);
        for (wait, computed) in waits.iter().zip(&computed) {
            assert!(
                wait.trace == request.trace && wait.times.0 <= wait.times.1 && computed.times.0 <= computed.times.1
            );
            let batch = named("batch").into_iter().find(|batch| computed.links == [batch.id.clone()]).unwrap();
            assert!(batch.links.contains(&request.id) && batch.parent.is_empty());
            assert_eq!(batch.attributes["bitspike.model"], "sst2-tiny");
        }
    }
}

#[test]
fn answers_do_not_wait_for_a_collector_that_is_not_there_or_says_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for address in [silent.local_addr().unwrap(), gone] {
        let endpoint = format!("http://{address}");
        let served = Served::start(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_BSP_SCHEDULE_DELAY", "10"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ]);
        let began = Instant::now();
        for _ in 0..100 {
            assert_eq!(served.ask("POST", "/v1/classify", &[], r#"{"inputs": "fine"}"#), 200);
        }
        // The collector may take ten seconds for each of them.
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
        let took = served.stop();
        assert!(took < Duration::from_secs(9), "{took:?}");
    }
}

#[test]
fn what_cannot_be_obeyed_is_said_and_nothing_is_sent_unless_a_collector_is_named() {
    let says = |variables: &[(&str, &str)]| {
        let served = Served::start(variables);
        let address = served.address.clone();
        served.stop();
        address.err()
    };
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    for (variables, expected) in [
        (vec![endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "expected http/protobuf, found grpc"),
        (vec![("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost:4318")], "http://localhost:4318, found localhost:4318"),
        (vec![("OTEL_TRACES_EXPORTER", "zipkin")], "expected otlp or none, found zipkin"),
    ] {
        let said = says(&variables).unwrap_or_default();
        assert!(said.contains(expected), "{said}");
    }
    let (endpoint, taken) = collector();
    for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")] {
        let served = Served::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), off]);
        assert_eq!(served.ask("POST", "/v1/classify", &[], r#"{"inputs": "fine"}"#), 200);
        served.stop();
    }
    assert_eq!(taken.try_iter().count(), 0);
}
