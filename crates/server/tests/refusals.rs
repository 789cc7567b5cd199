//! What a request may not be: each refusal has its status, its shape, and the part of the request at fault.

mod client;

use std::io::Write;
use std::time::{Duration, Instant};

use bitspike_hub::Subject;
use bitspike_server::Settings;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::{Value, json};

use client::{Running, settings, shipped};

#[test]
fn every_wrong_request_names_the_field_at_fault() {
    let running = Running::start(settings(), vec![Subject::builtin(), shipped("rte-ternary")]);
    for (path, body, status, field, says) in [
        ("/v1/classify", "", 400, "body", "empty"),
        ("/v1/classify", "{", 400, "body", "EOF"),
        ("/v1/classify", "{} x", 422, "body", "inputs"),
        ("/v1/classify", r#"{"inputs": "a"} x"#, 400, "body", "trailing"),
        ("/v1/classify", r#"{"inputs": 1}"#, 422, "inputs", "expected a text"),
        ("/v1/classify", r#"{"inputs": ["a", 1]}"#, 422, "inputs[1]", "expected a text"),
        ("/v1/classify", r#"{"inputs": [["a"]]}"#, 422, "inputs[0]", "found a list"),
        ("/v1/classify", r#"{"inputs": []}"#, 422, "inputs", "at least one"),
        ("/v1/classify", r#"{"inputs": {"texts": "a"}}"#, 422, "inputs", "text_pair"),
        ("/v1/classify", r#"{"inputs": "a", "models": 1}"#, 422, "models", "unknown field"),
        ("/v1/classify", r#"{"inputs": "a", "model": "b"}"#, 422, "model", "`sst2-tiny`"),
        ("/v1/classify", r#"{"inputs": {"text": "a", "text_pair": "b"}}"#, 422, "inputs", "takes one text"),
        ("/v1/classify", r#"{"inputs": ["a", "b"], "model": "rte-ternary"}"#, 422, "inputs[0]", "takes a pair"),
        ("/v1/classify", r#"{"inputs": "a", "cost": 1}"#, 422, "cost", "boolean"),
        ("/v1/trace", r#"{"inputs": ["a"]}"#, 422, "inputs", "one text"),
        ("/v1/trace", r#"{"inputs": "a", "timesteps": 0}"#, 422, "timesteps", "1 to 1024"),
        ("/v1/trace", r#"{"inputs": "a", "timesteps": 1.5}"#, 422, "timesteps", "whole number"),
        ("/v1/trace", r#"{"inputs": "a", "dynamics": "fast"}"#, 422, "dynamics", "phased"),
        ("/v1/trace", r#"{"inputs": "a", "token": 9}"#, 422, "token", "below 3"),
        ("/v1/trace", r#"{"inputs": "a", "token": 0, "population": "x"}"#, 422, "population", "embedding"),
        ("/v1/trace", r#"{"inputs": "a", "population": "embedding"}"#, 422, "token", "give `token`"),
        ("/predict", r#"{"inputs": ["a", "b"]}"#, 422, "inputs", r#"[["first"], ["second"]]"#),
        ("/predict", r#"{"inputs": ["a", "b", "c"]}"#, 422, "inputs", "batch"),
        ("/predict", r#"{"inputs": [["a"], "b"]}"#, 422, "inputs[1]", "batch"),
        ("/predict", r#"{"inputs": [["a", "b", "c"]]}"#, 422, "inputs[0]", "3 texts"),
        ("/predict", r#"{"inputs": "a", "truncation_direction": "Left"}"#, 422, "truncation_direction", "right"),
        ("/predict", r#"{"inputs": "a", "parameters": {"top_k": 0}}"#, 422, "parameters.top_k", "at least 1"),
        (
            "/predict",
            r#"{"inputs": "a", "parameters": {"function_to_apply": "x"}}"#,
            422,
            "parameters.function_to_apply",
            "softmax",
        ),
        (
            "/predict",
            r#"{"inputs": "a", "parameters": {"temperature": 1}}"#,
            422,
            "parameters.temperature",
            "unknown field",
        ),
        ("/", r#"{"inputs": ["a"], "normalize": false}"#, 422, "model", "gives no embeddings"),
        ("/predict", r#"{"inputs": "a", "parameters": [null, null]}"#, 422, "parameters", "expected an object"),
        ("/v1/classify", r#" [null, "a", null, null]"#, 422, "body", "expected a JSON object"),
        ("/v2/models/x/infer", "{}", 404, "model", "`x`"),
        ("/v2/models/sst2-tiny/versions/2/infer", "{}", 404, "version", "`2`"),
        ("/v2/models/sst2-tiny/infer", r#"{"inputs": []}"#, 422, "inputs", "named text"),
        (
            "/v2/models/sst2-tiny/infer",
            r#"{"inputs": [{"name": "text", "shape": [1], "datatype": "FP32", "data": [1]}]}"#,
            422,
            "inputs[0].datatype",
            "BYTES",
        ),
        (
            "/v2/models/sst2-tiny/infer",
            r#"{"inputs": [{"name": "text", "shape": [2], "datatype": "BYTES", "data": ["a"]}]}"#,
            422,
            "inputs[0].shape",
            "[1]",
        ),
        (
            "/v2/models/sst2-tiny/infer",
            r#"{"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"]}], "outputs": [{"name": "y"}]}"#,
            422,
            "outputs[0].name",
            "label, scores, logits",
        ),
    ] {
        let answer = running.post(path, body);
        assert_eq!((answer.status, answer.header("content-type")), (status, Some("application/json")), "{path} {body}");
        let told = answer.json();
        let (message, found) = match path.starts_with("/v1") {
            true => (&told["error"]["message"], &told["error"]["field"]),
            false => (&told["error"], &told["field"]),
        };
        assert_eq!(found, &json!(field), "{path} {body}: {message}");
        assert!(message.as_str().unwrap().contains(says), "{path} {body}: {message}");
    }
}

#[test]
fn paths_and_methods_that_are_not_there_are_refused_in_shape() {
    let running = Running::builtin();
    let missing = running.get("/nowhere");
    assert_eq!((missing.status, &missing.json()["error_type"]), (404, &json!("not_found")));
    assert_eq!(running.get("/v1/nowhere").json()["error"]["type"], "not_found");
    assert_eq!(running.get("/%ff").status, 404);
    assert_eq!(running.get("/v2/models/%ff").status, 400);
    let wrong = running.get("/predict");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("POST")));
    assert_eq!(wrong.json()["error_type"], "method_not_allowed");
    let embed = running.post("/embed_sparse", "{}");
    assert!(embed.status == 404 && embed.text().contains("one vector a text"), "{}", embed.text());
}

#[test]
fn bodies_beyond_the_limit_are_refused_announced_or_not_and_compressed_or_not() {
    let running = Running::start(Settings { max_body_bytes: 4096, ..settings() }, vec![Subject::builtin()]);
    let large = json!({ "inputs": "a ".repeat(4096) }).to_string();
    assert_eq!(running.post("/v1/classify", &large).status, 413);

    let mut chunked = running.connect();
    chunked.send(b"POST /v1/classify HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n");
    chunked.send(format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()).as_bytes());
    assert_eq!(chunked.answer(false).unwrap().status, 413);

    let mut announced = running.connect();
    announced
        .send(b"POST /v1/classify HTTP/1.1\r\nhost: t\r\ncontent-length: 99999999999\r\nexpect: 100-continue\r\n\r\n");
    assert_eq!(announced.answer(false).unwrap().status, 413);

    let gzip = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let bomb = gzip(&large);
    assert!(bomb.len() < 4096);
    let ask = |coding: &str, body: &[u8]| {
        running.connect().ask("POST", "/v1/classify", &[("content-encoding", coding)], body)
    };
    assert_eq!(ask("gzip", &bomb).status, 413);
    assert_eq!(ask("gzip", &gzip(r#"{"inputs": "fine"}"#)).status, 200);
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(br#"{"inputs": "fine"}"#).unwrap();
    assert_eq!(ask("deflate", &zlib.finish().unwrap()).status, 200);
    assert_eq!(ask("gzip", b"not gzip").json()["error"]["field"], "body");
    assert_eq!(ask("br", b"x").json()["error"]["field"], "Content-Encoding");
}

#[test]
fn many_texts_and_long_ones_are_refused_and_a_thousand_are_not() {
    let running = Running::start(Settings { max_text_bytes: 100, ..settings() }, vec![Subject::builtin()]);
    let texts = |number: usize| json!({ "inputs": vec!["fine"; number] }).to_string();
    let thousand = running.post("/v1/classify", &texts(1000));
    assert_eq!((thousand.status, thousand.json()["results"].as_array().unwrap().len()), (200, 1000));
    assert_eq!(running.post("/v1/classify", &texts(1025)).status, 413);
    let long = running.post("/v1/classify", &json!({ "inputs": ["a", "b".repeat(101)] }).to_string());
    assert_eq!((long.status, &long.json()["error"]["field"]), (413, &json!("inputs[1]")));
}

#[test]
fn a_text_of_too_many_tokens_is_cut_unless_that_is_forbidden() {
    let running = Running::builtin();
    let long = "film ".repeat(1000);
    let told = running.post("/v1/classify", &json!({ "inputs": long }).to_string()).json();
    assert_eq!(told["results"][0]["truncated"], true);
    assert_eq!(running.post("/predict", &json!({ "inputs": long }).to_string()).status, 200);
    let refused = running.post("/predict", &json!({ "inputs": [[long], ["a"]], "truncate": false }).to_string());
    assert_eq!((refused.status, &refused.json()["field"]), (413, &json!("inputs[0]")));
}

#[test]
fn a_full_queue_answers_429_with_a_pause_of_a_second_and_everything_taken_is_answered() {
    let limits = Settings { max_queue_tokens: 64, max_batch_tokens: 64, ..settings() };
    let running = Running::start(limits, vec![shipped("sst2-ternary")]);
    let (mut fine, mut refused) = (0, 0);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let ask = |_| {
            let running = &running;
            scope.spawn(move || {
                let mut connection = running.connect();
                let body = json!({ "inputs": "a gripping, funny film ".repeat(8) }).to_string();
                let answers = (0..12).map(|_| connection.ask("POST", "/v1/classify", &[], body.as_bytes()));
                answers.map(|answer| check(&answer)).collect::<Vec<u16>>()
            })
        };
        fn check(answer: &client::Answer) -> u16 {
            match answer.status {
                200 => assert!(answer.json()["results"][0]["label"].is_string()),
                429 => assert_eq!(answer.header("retry-after"), Some("1")),
                other => panic!("{other}: {}", answer.text()),
            }
            answer.status
        }
        let threads: Vec<_> = (0..24).map(ask).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    statuses.iter().for_each(|&status| if status == 200 { fine += 1 } else { refused += 1 });
    assert!(fine > 0 && refused > 0, "{fine} answered, {refused} refused");
    let metrics = running.get("/metrics").text();
    assert!(
        metrics.contains(&format!("bitspike_refused_requests_total{{reason=\"overloaded\"}} {refused}")),
        "{metrics}"
    );
}

#[test]
fn a_request_that_waits_too_long_is_told_so() {
    let limits = Settings { deadline: Duration::from_millis(30), ..settings() };
    let running = Running::start(limits, vec![shipped("sst2-ternary")]);
    let many = json!({ "inputs": vec!["a gripping, funny film ".repeat(20); 400] }).to_string();
    let answer = running.post("/v1/classify", &many);
    assert_eq!((answer.status, &answer.json()["error"]["type"]), (503, &json!("deadline")));
    // What waited in vain takes no room; what is being computed is finished first.
    let until = Instant::now() + Duration::from_secs(30);
    while running.post("/v1/classify", r#"{"inputs": "fine"}"#).status != 200 {
        assert!(Instant::now() < until, "the server does not recover");
    }
}

#[test]
fn texts_of_clients_that_left_are_not_computed() {
    let running = Running::start(Settings { max_queue_tokens: 1 << 20, ..settings() }, vec![shipped("sst2-ternary")]);
    let many = json!({ "inputs": vec!["a gripping, funny film ".repeat(20); 200] }).to_string();
    let head = format!("POST /v1/classify HTTP/1.1\r\nhost: t\r\ncontent-length: {}\r\n\r\n", many.len());
    for _ in 0..8 {
        let mut leaving = running.connect();
        leaving.send(head.as_bytes());
        leaving.send(many.as_bytes());
        std::thread::sleep(Duration::from_millis(20));
    }
    let began = Instant::now();
    assert_eq!(running.post("/v1/classify", r#"{"inputs": "fine"}"#).status, 200);
    let metrics = running.get("/metrics").text();
    let abandoned = metrics.lines().find_map(|line| line.strip_prefix("bitspike_abandoned_requests_total ")).unwrap();
    assert!(abandoned.parse::<f64>().unwrap() >= 8.0, "{abandoned} abandoned, {:?}", began.elapsed());
}

#[test]
fn heads_and_bodies_that_do_not_come_end_their_connections() {
    let times = Settings { idle: Duration::from_millis(300), body_time: Duration::from_millis(300), ..settings() };
    let running = Running::start(times, vec![Subject::builtin()]);
    let mut slow_head = running.connect();
    slow_head.send(b"POST /v1/classify HTTP/1.1\r\nhost");
    let mut slow_body = running.connect();
    slow_body.send(b"POST /v1/classify HTTP/1.1\r\nhost: t\r\ncontent-length: 10\r\n\r\n{");
    let mut idle = running.connect();
    assert_eq!(idle.ask("GET", "/health", &[], b"").status, 200);
    let body = slow_body.answer(false).unwrap();
    assert_eq!((body.status, &body.json()["error"]["type"]), (408, &json!("body_timeout")));
    // A head that never came has no answer, or 408.
    assert!(slow_head.answer(false).is_none_or(|answer| answer.status == 408));
    assert!(idle.answer(false).is_none());
    assert_eq!(running.get("/health").status, 200);
}

#[test]
fn heads_that_are_no_http_do_not_harm() {
    let running = Running::builtin();
    let many: String = (0..500).map(|i| format!("x-{i}: y\r\n")).collect();
    for head in [
        "\r\n\r\n\0\0\0".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "POST /v1/classify HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_owned(),
        "POST /v1/classify HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n".to_owned(),
        "POST /v1/classify HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_owned(),
        format!("GET /health HTTP/1.1\r\n{many}\r\n"),
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)),
    ] {
        let mut connection = running.connect();
        let _ = connection.stream().set_read_timeout(Some(Duration::from_secs(5)));
        let _ = (&mut connection.stream()).write_all(head.as_bytes());
        if let Some(answer) = connection.answer(false) {
            assert!((400..500).contains(&answer.status), "{}: {head:?}", answer.status);
        }
        assert_eq!(running.get("/health").status, 200);
    }
}

#[test]
fn a_key_is_asked_for_where_keys_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, "# team a\nfirst-key\n\nsecond-key\n").unwrap();
    let keys = Settings { api_key_file: Some(file.clone()), watch: Some(Duration::from_millis(50)), ..settings() };
    let running = Running::start(keys, vec![Subject::builtin()]);
    let ask = |name: &str, value: &str| {
        running.connect().ask("POST", "/v1/classify", &[(name, value)], br#"{"inputs": "fine"}"#)
    };
    let none = running.post("/v1/classify", r#"{"inputs": "fine"}"#);
    assert_eq!((none.status, none.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(none.json()["error"]["field"], "Authorization");
    for (name, value, status) in [
        ("authorization", "Bearer first-key", 200),
        ("authorization", "bearer second-key", 200),
        ("x-api-key", "second-key", 200),
        ("authorization", "Bearer first-ke", 401),
        ("authorization", "Basic first-key", 401),
        ("x-api-key", "# team a", 401),
    ] {
        assert_eq!(ask(name, value).status, status, "{name}: {value}");
    }
    for open in ["/health", "/v2/health/live", "/v2/health/ready", "/", "/docs", "/openapi.json"] {
        assert_eq!(running.get(open).status, 200, "{open}");
    }
    assert_eq!((running.get("/metrics").status, running.get("/v1/models").status), (401, 401));
    // A key that is taken out of the file is no longer one.
    let new = folder.path().join("new");
    std::fs::write(&new, "third-key\n").unwrap();
    std::fs::rename(new, file).unwrap();
    let began = Instant::now();
    while ask("x-api-key", "third-key").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(ask("x-api-key", "first-key").status, 401);
}

#[test]
fn pages_of_other_origins_may_ask_only_where_they_are_named() {
    let closed = Running::builtin();
    let ask = |running: &Running, origin: &str| {
        let headers = [("origin", origin), ("access-control-request-method", "POST")];
        let answer = running.connect().ask("OPTIONS", "/v1/classify", &headers, b"");
        answer.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(ask(&closed, "https://example.org"), None);
    let open = Settings { cors: vec!["https://example.org".to_owned()], ..settings() };
    let open = Running::start(open, vec![Subject::builtin()]);
    assert_eq!(ask(&open, "https://example.org").as_deref(), Some("https://example.org"));
    assert_ne!(ask(&open, "https://example.com").as_deref(), Some("https://example.com"));
}

#[test]
fn a_wrong_start_says_what_was_expected() {
    use bitspike_server::Server;
    let says = |settings: Settings, models: Vec<Subject>| Server::bind(settings, models).err().unwrap().to_string();
    assert!(says(settings(), vec![]).contains("at least one model"));
    assert!(
        says(settings(), vec![Subject::builtin(), shipped("sst2-tiny")]).contains("two models are called `sst2-tiny`")
    );
    let running = Running::builtin();
    let taken = Settings { port: running.address.port(), ..settings() };
    assert!(says(taken, vec![Subject::builtin()]).contains("another --port"));
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("keys");
    std::fs::write(&empty, "# none\n").unwrap();
    let keys = Settings { api_key_file: Some(empty), ..settings() };
    assert!(says(keys, vec![Subject::builtin()]).contains("a key a line"));
    let _: Value = running.get("/v1/models").json();
}
