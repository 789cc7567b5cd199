//! Vectors over HTTP are the model's, bit for bit, in every family of routes; whoever asks a model for what it does not do is told what it
//! does.

mod client;
#[path = "../../../fixtures/embedder/make.rs"]
mod make;

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bitspike::format::Packed;
use bitspike::vector::{prefix, unit};
use bitspike::{Model, Options};
use bitspike_hub::Subject;
use bitspike_server::Settings;
use serde_json::{Value, json};

use client::{Running, settings, shipped, told};

const TEXTS: [&str; 5] = ["a gripping, funny film", "", "dull from start to finish", "x", "How do I boil an egg?"];

/// The model of the fixture, called `embedder`.
fn embedder() -> Subject {
    Subject::resolve(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/embedder")).unwrap()
}

fn model(normalize: bool) -> Model {
    Options::new().build(Packed::from_bytes(make::file(normalize)).unwrap(), None).unwrap()
}

fn vectors(model: &Model, texts: &[&str]) -> Vec<Vec<f32>> {
    model.embed(texts.iter().copied()).unwrap().into_iter().map(|vector| vector.values).collect()
}

/// Numbers of JSON as 32 bits.
fn values(told: &Value) -> Vec<f32> {
    told.as_array().unwrap_or_else(|| panic!("{told}")).iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

fn rows(told: &Value) -> Vec<Vec<f32>> {
    told.as_array().unwrap_or_else(|| panic!("{told}")).iter().map(values).collect()
}

fn bits(vectors: &[Vec<f32>]) -> Vec<Vec<u32>> {
    vectors.iter().map(|vector| vector.iter().map(|x| x.to_bits()).collect()).collect()
}

/// Bytes of base64 as floats, the lowest byte first.
fn floats(text: &Value) -> Vec<f32> {
    let bytes = STANDARD.decode(text.as_str().unwrap()).unwrap();
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

#[test]
fn every_route_gives_the_models_vectors() {
    let running = Running::start(settings(), vec![embedder()]);
    let (expected, raw) = (vectors(&model(true), &TEXTS), vectors(&model(false), &TEXTS));
    let post = |path: &str, body: Value| {
        let answer = running.post(path, &body.to_string());
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path} {body}");
        answer.json()
    };
    for path in ["/embed", "/"] {
        assert_eq!(bits(&rows(&post(path, json!({ "inputs": TEXTS })))), bits(&expected), "{path}");
        // One text is a list of one vector, since clients index it.
        assert_eq!(bits(&rows(&post(path, json!({ "inputs": TEXTS[0] })))), bits(&expected[..1]), "{path}");
        let told = post(path, json!({ "inputs": TEXTS, "normalize": false, "truncate": true, "prompt_name": null }));
        assert_eq!(bits(&rows(&told)), bits(&raw), "{path}");
        let told = post(path, json!({ "inputs": TEXTS, "dimensions": 8.0, "truncation_direction": "Right" }));
        let short: Vec<_> = expected.iter().map(|vector| prefix(vector, 8, true).unwrap()).collect();
        assert_eq!(bits(&rows(&told)), bits(&short), "{path}");
        let told = post(path, json!({ "inputs": TEXTS, "dimensions": 8, "normalize": false }));
        let short: Vec<_> = raw.iter().map(|vector| vector[..8].to_vec()).collect();
        assert_eq!(bits(&rows(&told)), bits(&short), "{path}");
    }

    let told = post("/v1/embeddings", json!({ "model": "embedder", "input": TEXTS, "encoding_format": "base64" }));
    assert_eq!((&told["object"], &told["model"]), (&json!("list"), &json!("embedder")));
    let data = told["data"].as_array().unwrap();
    let found: Vec<_> = data.iter().map(|one| floats(&one["embedding"])).collect();
    assert_eq!(bits(&found), bits(&expected));
    assert!(data.iter().enumerate().all(|(i, one)| one["index"] == i && one["object"] == "embedding"));
    let tokens: usize = model(true).embed(TEXTS).unwrap().iter().map(|vector| vector.tokens).sum();
    assert_eq!(told["usage"], json!({ "prompt_tokens": tokens, "total_tokens": tokens }));
    let told = post("/v1/embeddings", json!({ "input": TEXTS[2], "user": "u", "dimensions": 16 }));
    let found = values(&told["data"][0]["embedding"]);
    assert_eq!(bits(&[found]), bits(&[prefix(&expected[2], 16, true).unwrap()]));
    let told = post("/v1/embeddings", json!({ "input": [TEXTS[2]], "normalize": false, "encoding_format": "float" }));
    assert_eq!(bits(&[values(&told["data"][0]["embedding"])]), bits(&raw[2..3]));

    let tensor = json!({ "name": "text", "shape": [5, 1], "datatype": "BYTES", "data": TEXTS });
    let told = post("/v2/models/embedder/infer", json!({ "inputs": [tensor] }));
    let output = &told["outputs"][0];
    assert_eq!((&output["name"], &output["datatype"]), (&json!("embedding"), &json!("FP32")));
    assert_eq!(output["shape"], json!([TEXTS.len(), make::WIDTH]));
    assert_eq!(values(&output["data"]), expected.concat());
    let told = post("/v1/models/embedder:predict", json!({ "instances": TEXTS }));
    assert_eq!(bits(&rows(&told["predictions"])), bits(&expected));
}

#[test]
fn a_model_without_lengths_of_1_is_told_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plain.safetensors");
    std::fs::write(&file, make::file(false)).unwrap();
    let running = Running::start(settings(), vec![Subject::resolve(&file).unwrap()]);
    let raw = vectors(&model(false), &TEXTS);
    let found = running.post("/embed", &json!({ "inputs": TEXTS }).to_string()).json();
    assert_eq!(bits(&rows(&found)), bits(&raw));
    let found = running.post("/embed", &json!({ "inputs": TEXTS, "normalize": true }).to_string()).json();
    let ones: Vec<_> = raw.iter().map(|vector| unit(vector)).collect();
    assert_eq!(bits(&rows(&found)), bits(&ones));
}

/// Sentences of many lengths, the same each time; some are longer than the model reads.
fn sentences(number: usize) -> Vec<String> {
    const WORDS: [&str; 8] = ["a", "fine", "film", "and", "never", "the", "worst", "!"];
    let mut state = 0x9e37_79b9_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % below) as usize
    };
    (0..number).map(|_| (0..next(30)).map(|_| WORDS[next(8)]).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn vectors_under_concurrent_load_are_those_of_single_calls() {
    // Classes of another model are asked for meanwhile.
    let running = Running::start(settings(), vec![shipped("sst2-tiny"), embedder()]);
    let texts = sentences(80);
    let model = model(true);
    let expected: Vec<_> = texts.iter().map(|text| model.embed([text]).unwrap().swap_remove(0)).collect();
    assert!(expected.iter().any(|vector| vector.truncated) && expected.iter().any(|vector| !vector.truncated));
    std::thread::scope(|scope| {
        for worker in 0..8 {
            let (running, texts, expected) = (&running, &texts, &expected);
            scope.spawn(move || {
                let mut connection = running.connect();
                let (mut at, mut size) = (worker * 7, 1 + worker % 7);
                for turn in 0..12 {
                    let picked: Vec<usize> = (0..size).map(|i| (at + i) % texts.len()).collect();
                    let inputs: Vec<&String> = picked.iter().map(|&i| &texts[i]).collect();
                    let of: Vec<_> = picked.iter().map(|&i| expected[i].values.clone()).collect();
                    let found = match (turn + worker) % 3 {
                        0 => {
                            let body = json!({ "inputs": inputs }).to_string();
                            rows(&connection.ask("POST", "/embed", &[], body.as_bytes()).json())
                        }
                        1 => {
                            let body = json!({ "input": inputs, "encoding_format": "base64" }).to_string();
                            let told = connection.ask("POST", "/v1/embeddings", &[], body.as_bytes()).json();
                            told["data"].as_array().unwrap().iter().map(|one| floats(&one["embedding"])).collect()
                        }
                        _ => {
                            let body = json!({ "inputs": inputs }).to_string();
                            let told = connection.ask("POST", "/v1/classify", &[], body.as_bytes());
                            assert_eq!(told.status, 200, "{}", told.text());
                            of.clone()
                        }
                    };
                    assert_eq!(bits(&found), bits(&of), "{inputs:?}");
                    at += size;
                    size = 1 + (size + 2) % 7;
                }
            });
        }
    });
    let metrics = running.get("/metrics").text();
    assert!(metrics.contains("bitspike_texts_total{model=\"embedder\"}"), "{metrics}");
    assert!(metrics.contains("route=\"/v1/embeddings\"") && metrics.contains("route=\"/embed\""));
    let cut = metrics.lines().find(|line| line.starts_with("bitspike_truncated_texts_total ")).unwrap();
    assert!(!cut.ends_with(" 0"), "{cut}");
}

#[test]
fn a_thousand_texts_come_in_their_order() {
    let running = Running::start(settings(), vec![embedder()]);
    let texts: Vec<String> = (0..1000).map(|i| format!("text {i}")).collect();
    let told = running.post("/v1/embeddings", &json!({ "input": texts, "encoding_format": "base64" }).to_string());
    let told = told.json();
    let found: Vec<_> = told["data"].as_array().unwrap().iter().map(|one| floats(&one["embedding"])).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(bits(&found), bits(&vectors(&model(true), &texts)));
}

#[test]
fn the_wrong_model_says_what_it_does() {
    let classifies = Running::start(settings(), vec![shipped("sst2-tiny")]);
    let scores = Running::start(settings(), vec![shipped("stsb-ternary")]);
    let embeds = Running::start(settings(), vec![embedder()]);
    let tensor = json!({ "name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"] });
    for (running, path, body, says) in [
        (&classifies, "/embed", json!({ "inputs": "a" }), "`sst2-tiny` classifies, it gives no embeddings"),
        (&classifies, "/v1/embeddings", json!({ "input": "a" }), "`sst2-tiny` classifies, it gives no embeddings"),
        (&classifies, "/", json!({ "inputs": ["a"], "normalize": true }), "`sst2-tiny` classifies"),
        (&scores, "/embed", json!({ "inputs": "a" }), "`stsb-ternary` gives scores, it gives no embeddings"),
        (&embeds, "/predict", json!({ "inputs": "a" }), "`embedder` embeds, it gives no classes"),
        (&embeds, "/", json!({ "inputs": "a", "parameters": {} }), "`embedder` embeds, it gives no classes"),
        (&embeds, "/v1/classify", json!({ "inputs": "a" }), "`embedder` embeds, it gives no classes"),
        (&embeds, "/v1/classify", json!({ "inputs": "a", "model": "embedder" }), "`embedder` embeds"),
    ] {
        let answer = running.post(path, &body.to_string());
        assert_eq!(answer.status, 422, "{path} {body}: {}", answer.text());
        let told = answer.json();
        let (message, field) = match path.starts_with("/v1") {
            true => (&told["error"]["message"], &told["error"]["field"]),
            false => (&told["error"], &told["field"]),
        };
        assert!(message.as_str().is_some_and(|message| message.contains(says)), "{path} {body}: {told}");
        assert_eq!(field, "model", "{path} {body}");
    }
    for kind in ["application/x-ndjson", "application/vnd.apache.arrow.stream"] {
        let answer = embeds.connect().ask("POST", "/v1/classify", &[("content-type", kind)], b"\"a\"\n");
        let told = answer.text();
        assert!(answer.status == 422 && (told.contains("embeds") || cfg!(not(feature = "arrow"))), "{kind}: {told}");
    }
    let infer = json!({ "inputs": [tensor], "outputs": [{ "name": "label" }] });
    let answer = embeds.post("/v2/models/embedder/infer", &infer.to_string());
    assert!(answer.status == 422 && answer.text().contains("expected each of embedding once"), "{}", answer.text());
}

#[test]
fn the_first_model_that_can_answers_where_none_is_named() {
    let running = Running::start(settings(), vec![embedder(), shipped("sst2-tiny")]);
    let told = running.post("/predict", r#"{"inputs": "a fine film"}"#).json();
    assert_eq!(told[0]["label"], "positive");
    let told = running.post("/", r#"{"inputs": "a fine film", "parameters": {}}"#).json();
    assert_eq!(told[0][0]["label"], "positive");
    let told = running.post("/v1/classify", r#"{"inputs": "a fine film"}"#).json();
    assert_eq!(told["model"], "sst2-tiny");
    assert_eq!(running.post("/", r#"{"inputs": ["a"]}"#).json()[0].as_array().unwrap().len(), make::WIDTH);
    let named = running.post("/v1/embeddings", r#"{"input": "a", "model": "sst2-tiny"}"#);
    assert!(named.status == 422 && named.text().contains("or name `embedder`"), "{}", named.text());
    let running = Running::start(settings(), vec![shipped("sst2-tiny"), embedder()]);
    let told = running.post("/v1/embeddings", r#"{"input": "a"}"#).json();
    assert_eq!(told["model"], "embedder");
    let told = running.post("/", r#"{"inputs": "a", "normalize": true}"#).json();
    assert_eq!(told[0].as_array().unwrap().len(), make::WIDTH);
    assert_eq!(running.post("/", r#"{"inputs": "a"}"#).json()[0].as_array().unwrap().len(), 2);
}

#[test]
fn what_cannot_be_obeyed_is_named() {
    let running = Running::start(Settings { max_texts: 3, ..settings() }, vec![embedder()]);
    let long = "a ".repeat(make::LENGTH);
    let asked = [
        ("/embed", json!({}), 422, "body", "inputs"),
        ("/embed", json!({ "inputs": [] }), 422, "inputs", "at least one"),
        ("/embed", json!({ "inputs": 1 }), 422, "inputs", "a text or a list of texts"),
        ("/embed", json!({ "inputs": ["a", null] }), 422, "inputs[1]", "expected a text"),
        ("/embed", json!({ "inputs": [101, 102] }), 422, "inputs[0]", "token ids are of another vocabulary"),
        ("/embed", json!({ "inputs": [["a"]] }), 422, "inputs[0]", "found a list"),
        ("/embed", json!({ "inputs": ["a", "b", "c", "d"] }), 413, "inputs", "3 texts (--max-texts), found 4"),
        ("/embed", json!({ "inputs": "a", "normalise": true }), 422, "normalise", "unknown field"),
        ("/embed", json!({ "inputs": "a", "dimensions": 0 }), 422, "dimensions", "1 to 32"),
        ("/embed", json!({ "inputs": "a", "dimensions": 33 }), 422, "dimensions", "1 to 32"),
        ("/embed", json!({ "inputs": "a", "dimensions": 1.5 }), 422, "dimensions", "whole number"),
        ("/embed", json!({ "inputs": "a", "prompt_name": "query" }), 422, "prompt_name", "no prompts"),
        ("/embed", json!({ "inputs": "a", "encoding_format": "base64" }), 422, "encoding_format", "/v1/embeddings"),
        ("/embed", json!({ "inputs": "a", "truncation_direction": "Left" }), 422, "truncation_direction", "right"),
        ("/embed", json!({ "inputs": ["a", long], "truncate": false }), 413, "inputs[1]", "more than 64 tokens"),
        ("/embed", json!({ "inputs": "a", "model": "b" }), 422, "model", "`embedder`"),
        ("/", json!({ "inputs": "a", "top_k": 1 }), 422, "top_k", "unknown field"),
        ("/v1/embeddings", json!({ "inputs": "a" }), 422, "inputs", "unknown field"),
        ("/v1/embeddings", json!({ "input": [[1, 2], [3]] }), 422, "input[0]", "check_embedding_ctx_length=False"),
        ("/v1/embeddings", json!({ "input": "a", "encoding_format": "int8" }), 422, "encoding_format", "base64"),
        ("/v1/embeddings", json!({ "input": ["a", "b", "c", "d"] }), 413, "input", "3 texts"),
    ];
    for (path, body, status, field, says) in asked {
        let answer = running.post(path, &body.to_string());
        let told = answer.json();
        let (message, found) = match path.starts_with("/v1") {
            true => (&told["error"]["message"], &told["error"]["field"]),
            false => (&told["error"], &told["field"]),
        };
        assert_eq!((answer.status, found), (status, &json!(field)), "{path} {body}: {told}");
        assert!(message.as_str().unwrap().contains(says), "{path} {body}: {told}");
    }
    let similar = running.post("/similarity", "{}");
    assert!(similar.status == 404 && similar.text().contains("/embed"), "{}", similar.text());
}

#[test]
fn a_full_queue_refuses_vectors_with_429() {
    let settings = Settings { max_queue_tokens: 1, deadline: Duration::from_secs(300), ..settings() };
    let running = Running::start(settings, vec![embedder()]);
    let many = json!({ "input": vec!["word ".repeat(60); 1000] }).to_string();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..6).map(|_| scope.spawn(|| running.post("/v1/embeddings", &many))).collect();
        let answers: Vec<_> = asked.into_iter().map(|one| one.join().unwrap()).collect();
        for answer in answers.iter().filter(|answer| answer.status == 429) {
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert_eq!(answer.json()["error"]["type"], "overloaded");
        }
        answers.iter().map(|answer| answer.status).collect()
    });
    assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
}

#[test]
fn what_the_model_is_is_told() {
    let running = Running::start(settings(), vec![embedder(), shipped("sst2-tiny")]);
    let info = running.get("/info").json();
    assert_eq!(info["model_type"], json!({ "embedding": { "pooling": "mean" } }));
    assert_eq!((&info["model_id"], &info["max_input_length"]), (&json!("embedder"), &json!(make::LENGTH)));
    let models = running.get("/v1/models").json();
    let facts = &models["models"][0];
    assert_eq!(facts["embedding"], json!({ "pooling": "mean", "normalize": true, "dimensions": [32, 16, 8] }));
    assert_eq!((&facts["task"], &facts["regression"]), (&json!("embedding"), &json!(false)));
    assert_eq!((&facts["labels"], &models["models"][1]["embedding"]), (&Value::Null, &Value::Null));
    assert_eq!((&models["object"], &models["data"][0]["id"]), (&json!("list"), &json!("embedder")));
    let one = running.get("/v1/models/embedder").json();
    assert_eq!(one, models["data"][0]);
    assert_eq!((&one["object"], &one["ready"]), (&json!("model"), &json!(true)));
    assert_eq!(running.get("/v1/models/none").status, 404);
    let kserve = running.get("/v2/models/embedder").json();
    assert_eq!(kserve["outputs"], json!([{ "name": "embedding", "datatype": "FP32", "shape": [-1, make::WIDTH] }]));
    let api = running.get("/openapi.json").json();
    for path in ["/embed", "/v1/embeddings"] {
        let post = &api["paths"][path]["post"];
        for status in ["200", "413", "422", "429"] {
            assert!(post["responses"][status].is_object(), "{path} {status}");
        }
    }
    assert!(api["paths"]["/v1/models/{model}"]["get"].is_object());
    assert!(api["components"]["schemas"]["EmbeddingsRequest"]["properties"]["encoding_format"].is_object());
}

#[test]
fn a_trace_of_an_embedder_nears_the_vector() {
    use bitspike::{Dynamics, Simulation};
    let running = Running::start(settings(), vec![embedder()]);
    let told = running.post("/v1/trace", &json!({ "inputs": "a fine film", "timesteps": 24 }).to_string()).json();
    let traced = model(true).trace("a fine film", &Simulation::new(Dynamics::Accumulated, 24), &[]).unwrap();
    let steps = rows(&told["per_step_answers"]);
    assert!(steps.len() == 24 && steps.iter().all(|step| step.len() == 1), "{steps:?}");
    let cosine = bitspike::vector::cosine(&traced.answer.logits, &traced.equilibrium.logits);
    assert_eq!((&told["answer"]["score"], steps[23][0]), (&crate::told(cosine), cosine));
    assert!(
        (told["phased"]["score"].as_f64().unwrap() - 1.0).abs() < 1e-6 && told["cost"]["spikes"].as_u64() > Some(0)
    );
    assert_eq!((&told["answer"]["label"], &told["answer"]["scores"]), (&Value::Null, &json!([])));
}
