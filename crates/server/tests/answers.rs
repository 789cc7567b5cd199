//! Answers over HTTP are the model's, bit for bit, whatever is asked beside them and in whatever form.

mod client;

use std::sync::Arc;

use bitspike::{Answer, Model, Options};
use serde_json::{Value, json};

use client::{Running, settings, shipped, told};

/// Sentences of many lengths, the same each time.
fn sentences(number: usize) -> Vec<String> {
    const WORDS: [&str; 16] = [
        "a",
        "fine",
        "film",
        "dull",
        "and",
        "never",
        "the",
        "worst",
        "plot",
        "with",
        "great",
        "charm",
        "unbelievable",
        "nonsense",
        "!",
        "Überraschung",
    ];
    let mut state = 0x9e37_79b9_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % below) as usize
    };
    (0..number).map(|_| (0..next(60)).map(|_| WORDS[next(16)]).collect::<Vec<_>>().join(" ")).collect()
}

fn logits(told: &Value) -> Vec<f32> {
    told["logits"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn logits_under_concurrent_load_are_those_of_single_calls() {
    let subject = shipped("sst2-ternary");
    let model = subject.model(&Options::new()).unwrap();
    let running = Running::start(settings(), vec![subject]);
    let texts = sentences(60);
    let expected: Vec<Answer> = texts.iter().map(|text| model.classify([text]).unwrap().swap_remove(0)).collect();
    let expected = Arc::new(expected);
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let (running, texts, expected) = (&running, &texts, expected.clone());
            scope.spawn(move || {
                let mut connection = running.connect();
                // Requests of one text to seven, each worker from another place on.
                let (mut at, mut size) = (worker * 7, 1 + worker % 7);
                for _ in 0..6 {
                    let picked: Vec<usize> = (0..size).map(|i| (at + i) % texts.len()).collect();
                    let inputs: Vec<&String> = picked.iter().map(|&i| &texts[i]).collect();
                    let body = json!({ "inputs": inputs, "logits": true }).to_string();
                    let answer = connection.ask("POST", "/v1/classify", &[], body.as_bytes());
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let answer = answer.json();
                    for (&i, told) in picked.iter().zip(answer["results"].as_array().unwrap()) {
                        assert_eq!(bits(&logits(told)), bits(&expected[i].logits), "{:?}", texts[i]);
                        assert_eq!(told["label"], json!(expected[i].label()), "{:?}", texts[i]);
                        assert_eq!(told["tokens"], expected[i].tokens);
                    }
                    at += size;
                    size = 1 + (size + 2) % 7;
                }
            });
        }
    });
}

#[test]
fn every_route_gives_the_same_answer() {
    let subject = shipped("rte-ternary");
    let model = subject.model(&Options::new()).unwrap();
    let running = Running::start(settings(), vec![subject]);
    let pair = ["All birds sing.", "This bird sings."];
    let answer = model.classify([(pair[0], pair[1])]).unwrap().swap_remove(0);
    let probabilities = answer.probabilities();
    let sorted = {
        let mut classes: Vec<(String, f32)> =
            model.labels().iter().cloned().zip(probabilities.iter().copied()).collect();
        classes.sort_by(|a, b| b.1.total_cmp(&a.1));
        json!(classes.iter().map(|(label, score)| json!({ "label": label, "score": told(score) })).collect::<Vec<_>>())
    };
    let object = json!({ "text": pair[0], "text_pair": pair[1] });

    assert_eq!(running.post("/predict", &json!({ "inputs": pair }).to_string()).json(), sorted);
    assert_eq!(
        running.post("/predict", &json!({ "inputs": [pair, pair] }).to_string()).json(),
        json!([sorted, sorted])
    );
    assert_eq!(running.post("/", &json!({ "inputs": pair }).to_string()).json(), json!([sorted]));
    assert_eq!(running.post("/", &json!({ "inputs": object, "parameters": {} }).to_string()).json(), json!([sorted]));
    let v1 = running.post("/v1/classify", &json!({ "inputs": object }).to_string()).json();
    assert_eq!((&v1["model"], &v1["results"][0]["label"]), (&json!("rte-ternary"), &json!(answer.label())));
    assert_eq!(v1["results"][0]["score"], told(probabilities[answer.class().unwrap()]));
    let instances =
        running.post("/v1/models/rte-ternary:predict", &json!({ "instances": [object] }).to_string()).json();
    assert_eq!(instances["predictions"], v1["results"]);
    let tensor = |name: &str, text: &str| json!({ "name": name, "shape": [1, 1], "datatype": "BYTES", "data": [text] });
    let asked = json!({ "id": "7", "inputs": [tensor("text_pair", pair[1]), tensor("text", pair[0])] });
    let infer = running.post("/v2/models/rte-ternary/infer", &asked.to_string()).json();
    assert_eq!((&infer["id"], &infer["outputs"][0]["data"]), (&json!("7"), &json!([answer.label()])));
    let told: Vec<f32> =
        infer["outputs"][2]["data"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
    assert_eq!(bits(&told), bits(&answer.logits));
}

#[test]
fn a_score_is_told_as_one() {
    let subject = shipped("stsb-ternary");
    let model = subject.model(&Options::new()).unwrap();
    let running = Running::start(settings(), vec![subject]);
    let score = model.classify([("A man plays.", "A man is playing.")]).unwrap()[0].score().unwrap();
    let asked = json!({ "inputs": { "text": "A man plays.", "text_pair": "A man is playing." } }).to_string();
    let found = running.post("/v1/classify", &asked).json()["results"][0].clone();
    assert_eq!((&found["label"], &found["scores"], &found["score"]), (&Value::Null, &json!([]), &told(score)));
    let predicted = running.post("/predict", r#"{"inputs": ["A man plays.", "A man is playing."]}"#).json();
    assert_eq!(predicted, json!([{ "label": "score", "score": told(score) }]));
}

#[test]
fn lines_are_answered_in_order_and_errors_in_their_place() {
    let running = Running::builtin();
    let texts = sentences(150);
    let mut body = String::new();
    for (i, text) in texts.iter().enumerate() {
        body.push_str(&if i == 70 { "{\"text\": 1}\n".to_owned() } else { format!("{}\n", json!(text)) });
    }
    body.push_str("{\"text\": \"no newline behind it\"}");
    let kind = [("content-type", "application/x-ndjson")];
    let answer = running.connect().ask("POST", "/v1/classify?logits=true", &kind, body.as_bytes());
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
    let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), texts.len() + 1);
    let model = bitspike_hub::Subject::builtin().model(&Options::new()).unwrap();
    for (i, (text, line)) in texts.iter().zip(&lines).enumerate() {
        if i == 70 {
            assert_eq!((&line["line"], &line["error"]["type"]), (&json!(71), &json!("validation")));
        } else {
            assert_eq!(bits(&logits(line)), bits(&model.classify([text]).unwrap()[0].logits), "{text:?}");
        }
    }
}

#[test]
fn a_line_is_answered_before_the_next_is_sent() {
    let running = Running::builtin();
    let mut connection = running.connect();
    connection.send(b"POST /v1/classify HTTP/1.1\r\nhost: t\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut begun = false;
    for text in ["a fine film", "a dull one"] {
        let line = format!("{}\n", json!(text));
        connection.send(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes());
        if !begun {
            assert!(connection.line().unwrap().contains("200"));
            while !connection.line().unwrap().is_empty() {}
            begun = true;
        }
        let told: Value = serde_json::from_slice(&connection.chunk().unwrap()).unwrap();
        assert_eq!(told["label"], if text.contains("fine") { "positive" } else { "negative" });
    }
    connection.send(b"0\r\n\r\n");
    assert_eq!(connection.chunk(), None);
}

#[test]
fn costs_are_those_of_the_analysis() {
    use bitspike_analysis::cost::TextMeter;
    use bitspike_analysis::energy::Profile;
    let running = Running::builtin();
    let told = running.post("/v1/classify", r#"{"inputs": "a fine film", "cost": true}"#).json();
    let model: Model = bitspike_hub::Subject::builtin().model(&Options::new()).unwrap();
    let meter = TextMeter::new(&model, Profile::named("45nm").unwrap());
    let cost = meter.measure(&model, &model.encode("a fine film")).unwrap();
    let found = &told["results"][0]["cost"];
    assert_eq!(found["spikes"], cost.operations.spikes);
    assert_eq!(found["accumulates"], cost.operations.effective_acs());
    assert_eq!(found["energy_uj"]["spiking"], cost.energy[0].estimate.total_picojoules / 1e6);
    assert!(found["energy_uj"]["fp32_teacher"].as_f64() > found["energy_uj"]["int8_teacher"].as_f64());
    assert!(found["energy_uj"]["quantized"].as_f64().unwrap() > 0.0);
}
