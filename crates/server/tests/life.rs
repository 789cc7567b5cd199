//! A server's life: loaded anew, asked to stop, described, measured.

mod client;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bitspike::Options;
use bitspike_hub::Subject;
use bitspike_server::{Settings, TlsFiles};
use serde_json::{Value, json};
use tokio_rustls::rustls;

use client::{Connection, Running, settings, shipped};

fn models_folder(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(name)
}

/// Waits until `done`, at most a minute.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_model_is_replaced_under_load_without_a_lost_request() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("film.safetensors");
    let replace = |name: &str| {
        let new = folder.path().join("new");
        std::fs::copy(models_folder(name).join("model.safetensors"), &new).unwrap();
        std::fs::rename(&new, &file).unwrap();
    };
    replace("sst2-ternary");
    let text = "a film that is neither good nor bad";
    let [ternary, binary] = ["sst2-ternary", "sst2-binary"].map(|name| {
        let model = shipped(name).model(&Options::new()).unwrap();
        client::told(&model.classify([text]).unwrap()[0].logits)
    });
    assert_ne!(ternary, binary);
    let watched = Settings { watch: Some(Duration::from_millis(20)), ..settings() };
    let running = Running::start(watched, vec![Subject::resolve(&file).unwrap()]);
    let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut connection = running.connect();
                let body = json!({ "inputs": text, "logits": true }).to_string();
                while !stop.load(Ordering::Relaxed) {
                    let answer = connection.ask("POST", "/v1/classify", &[], body.as_bytes());
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let logits = answer.json()["results"][0]["logits"].clone();
                    assert!(logits == ternary || logits == binary, "{logits}");
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let is = |expected: &Value| {
            let answer = running.post("/v1/classify", &json!({ "inputs": text, "logits": true }).to_string());
            answer.json()["results"][0]["logits"] == *expected
        };
        for _ in 0..3 {
            replace("sst2-binary");
            until("the binary model answers", || is(&binary));
            replace("sst2-ternary");
            until("the ternary model answers", || is(&ternary));
        }
        // Half a file is none: the old model goes on.
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        until("the damaged file is noticed", || running.get("/metrics").text().contains("result=\"failed\""));
        assert!(is(&ternary));
        stop.store(true, Ordering::Relaxed);
    });
    assert!(asked.load(Ordering::Relaxed) > 0);
}

#[test]
fn stopping_answers_what_is_at_work_and_refuses_what_comes() {
    let running = Running::start(settings(), vec![Subject::builtin()]);
    let many = json!({ "inputs": vec!["a gripping, funny film ".repeat(20); 100] }).to_string();
    let mut at_work = running.connect();
    at_work.send(
        format!("POST /v1/classify HTTP/1.1\r\nhost: t\r\ncontent-length: {}\r\n\r\n{many}", many.len()).as_bytes(),
    );
    let mut idle = running.connect();
    assert_eq!(idle.ask("GET", "/health", &[], b"").status, 200);
    until("the request is at work", || running.get("/metrics").text().contains("bitspike_http_requests_in_flight 2"));
    running.handle.stop();
    let answer = at_work.answer(false).unwrap();
    assert_eq!((answer.status, answer.json()["results"].as_array().unwrap().len()), (200, 100));
    assert!(idle.answer(false).is_none());
    let address = running.address;
    assert!(running.stop());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn what_is_not_answered_in_time_is_said() {
    let limits = Settings { drain: Duration::from_millis(50), ..settings() };
    let running = Running::start(limits, vec![Subject::builtin()]);
    let many = json!({ "inputs": vec!["a gripping, funny film ".repeat(20); 1000] }).to_string();
    let mut at_work = running.connect();
    at_work.send(
        format!("POST /v1/classify HTTP/1.1\r\nhost: t\r\ncontent-length: {}\r\n\r\n{many}", many.len()).as_bytes(),
    );
    until("the request is at work", || running.get("/metrics").text().contains("bitspike_http_requests_in_flight 2"));
    let began = Instant::now();
    assert!(!running.stop());
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn tls_is_spoken_and_its_certificate_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let put = |number: u32| {
        for kind in ["cert", "key"] {
            let new = folder.path().join("new");
            std::fs::copy(fixtures.join(format!("{kind}{number}.pem")), &new).unwrap();
            std::fs::rename(&new, folder.path().join(format!("{kind}.pem"))).unwrap();
        }
    };
    put(1);
    let files = TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    let secure = Settings { tls: Some(files), watch: Some(Duration::from_millis(20)), ..settings() };
    let running = Running::start(secure, vec![Subject::builtin()]);
    let ask = |number: u32| {
        use rustls::pki_types::pem::PemObject;
        let mut roots = rustls::RootCertStore::empty();
        let certificate = fixtures.join(format!("cert{number}.pem"));
        roots.add(rustls::pki_types::CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let mut session = rustls::ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        let mut stream = std::net::TcpStream::connect(running.address).unwrap();
        while session.is_handshaking() {
            session.complete_io(&mut stream).ok()?;
        }
        let mut connection = Connection::over(rustls::StreamOwned::new(session, stream));
        Some(connection.ask("POST", "/v1/classify", &[], br#"{"inputs": "fine"}"#).status)
    };
    assert_eq!((ask(1), ask(2)), (Some(200), None));
    put(2);
    until("the new certificate", || ask(2) == Some(200));
    assert_eq!(ask(1), None);
    // Whoever does not speak TLS is not answered.
    let mut plain = running.connect();
    plain.send(b"GET /health HTTP/1.1\r\nhost: t\r\n\r\n");
    assert!(plain.answer(false).is_none_or(|answer| answer.status != 200));
}

#[test]
fn the_page_is_served_with_a_policy_and_sent_again_only_where_it_changed() {
    let running = Running::builtin();
    let page = running.get("/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'self';"));
    let etag = page.header("etag").unwrap().to_owned();
    let again = running.connect().ask("GET", "/", &[("if-none-match", &etag)], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    for file in ["/tests/mock.js", "/BACKEND.md", "/../Cargo.toml", "/index.html.bak"] {
        assert_eq!(running.get(file).status, 404, "{file}");
    }
}

#[test]
fn every_route_is_described_with_each_of_its_statuses() {
    let running = Running::builtin();
    let api = running.get("/openapi.json").json();
    let paths = api["paths"].as_object().unwrap();
    for path in [
        "/",
        "/predict",
        "/info",
        "/health",
        "/metrics",
        "/v1/models",
        "/v1/classify",
        "/v1/trace",
        "/v2",
        "/v2/models/{model}/infer",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    let statuses =
        |path: &str| -> Vec<&String> { paths[path]["post"]["responses"].as_object().unwrap().keys().collect() };
    for path in ["/", "/predict", "/v1/classify", "/v1/trace", "/v2/models/{model}/infer"] {
        for status in ["200", "400", "401", "404", "405", "408", "413", "422", "429", "503"] {
            assert!(statuses(path).iter().any(|known| *known == status), "{path} {status}");
        }
    }
    let docs = running.get("/docs").text();
    assert!(paths.keys().all(|path| docs.contains(path)));
    assert_eq!(&api, bitspike_server::openapi());
}

#[test]
fn metrics_have_help_types_units_and_buckets() {
    let running = Running::builtin();
    running.post("/v1/classify", r#"{"inputs": "fine"}"#);
    running.post("/v1/classify", "{");
    let text = running.get("/metrics").text();
    let mut names = Vec::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        assert!(text.contains(&format!("# HELP {name} ")), "{name}");
        match kind {
            "counter" => assert!(name.ends_with("_total"), "{name}"),
            "histogram" => assert!(text.contains(&format!("{name}_bucket")), "{name}"),
            "gauge" => (),
            other => panic!("{name}: {other}"),
        }
        names.push(name);
    }
    for name in [
        "bitspike_http_requests_total",
        "bitspike_http_request_duration_seconds",
        "bitspike_queue_wait_seconds",
        "bitspike_texts_total",
    ] {
        assert!(names.contains(&name), "{name}: {text}");
    }
    assert!(
        text.contains(r#"bitspike_http_requests_total{route="/v1/classify",method="POST",status="400"} 1"#),
        "{text}"
    );
    assert!(!text.contains("NaN"));
}

#[test]
fn identifiers_of_requests_are_kept_or_made() {
    let running = Running::builtin();
    let mut connection = running.connect();
    let kept = connection.ask("GET", "/health", &[("x-request-id", "abc-1")], b"");
    assert_eq!(kept.header("x-request-id"), Some("abc-1"));
    let made =
        connection.ask("GET", "/health", &[("x-request-id", "a b")], b"").header("x-request-id").unwrap().to_owned();
    let other = connection.ask("GET", "/health", &[], b"").header("x-request-id").unwrap().to_owned();
    assert!(made != "a b" && made != other);
}

#[test]
fn health_is_told_as_each_protocol_wants() {
    let running = Running::builtin();
    assert_eq!(running.get("/v2/health/live").json(), json!({ "live": true }));
    assert_eq!(running.get("/v2/health/ready").json(), json!({ "ready": true }));
    assert_eq!(running.get("/health").status, 200);
    assert_eq!(running.get("/v2/models/sst2-tiny/ready").json()["ready"], true);
    let info = running.get("/info").json();
    assert_eq!(info["model_type"]["classifier"]["id2label"]["1"], "positive");
}

#[test]
fn texts_end_early_under_load_alone_and_answers_say_so() {
    use bitspike::{Dynamics, ExitRule};
    let anytime = Settings {
        options: Options::new().dynamics(Dynamics::Accumulated).time_steps(12),
        anytime: Some(ExitRule { margin: 0.5, min_steps: 2, patience: 1, ..ExitRule::default() }),
        max_queue_tokens: 200,
        max_batch_tokens: 64,
        ..settings()
    };
    let running = Running::start(anytime, vec![Subject::builtin()]);
    let text = "a gripping, funny film";
    let alone = running.post("/v1/classify", &json!({ "inputs": text }).to_string()).json();
    assert_eq!((&alone["results"][0]["steps"], &alone["results"][0]["ended_early"]), (&json!(12), &json!(false)));
    let many = running.post("/v1/classify", &json!({ "inputs": vec![text; 60] }).to_string()).json();
    let early = many["results"].as_array().unwrap().iter().filter(|told| told["ended_early"] == true).count();
    assert!(early > 0 && early < 60, "{early} ended early");
}
