//! `page/README-contract.json` is what the server really answers: whoever writes a page may rely on it.
//!
//! With `BITSPIKE_WRITE_CONTRACT=1` the file is written anew.

mod client;

use std::path::Path;

use serde_json::{Map, Value, json};

use client::Running;

/// What a page asks.
fn asked() -> [(&'static str, Value); 5] {
    [
        ("/v1/models", Value::Null),
        ("/v1/classify", json!({ "inputs": ["a fine film", "dull"], "cost": true })),
        (
            "/v1/trace",
            json!({ "inputs": "fine", "timesteps": 4, "neurons": 2, "token": 0, "population": "layer.0.output" }),
        ),
        ("/v1/trace ", json!({ "inputs": "fine", "timesteps": 4, "neurons": 1, "dynamics": "phased", "cost": false })),
        ("/v1/trace  ", json!({ "inputs": "fine", "timesteps": 0 })),
    ]
}

/// Whether both have the same shape: the same fields, and values of the same kind.
fn same(path: &str, a: &Value, b: &Value) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "fields of {path}");
            a.iter().for_each(|(key, value)| same(&format!("{path}.{key}"), value, &b[key]));
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "length of {path}");
            a.iter().zip(b).enumerate().for_each(|(i, (a, b))| same(&format!("{path}[{i}]"), a, b));
        }
        (Value::Number(_), Value::Number(_)) => (),
        // Trains of spikes are as long as each other.
        (Value::String(a), Value::String(b)) if path.contains(".trains") => assert_eq!(a.len(), b.len(), "{path}"),
        _ => assert_eq!(a, b, "{path}"),
    }
}

#[test]
fn the_sample_of_the_contract_is_what_is_answered() {
    let running = Running::builtin();
    let mut found = Map::new();
    for (name, request) in asked() {
        let path = name.trim_end();
        let answer = if request.is_null() { running.get(path) } else { running.post(path, &request.to_string()) };
        let entry = json!({ "path": path, "request": request, "status": answer.status, "answer": answer.json() });
        found.insert(name.replace(' ', "'"), entry);
    }
    let found = Value::Object(found);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("page/README-contract.json");
    if std::env::var_os("BITSPIKE_WRITE_CONTRACT").is_some() {
        std::fs::write(&file, serde_json::to_string(&found).unwrap() + "\n").unwrap();
    }
    let stored: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    same("$", &stored, &found);
    let trace = &found["/v1/trace"]["answer"];
    assert_eq!(trace["per_step_answers"].as_array().unwrap().len(), 4);
    assert_eq!(trace["populations"].as_array().unwrap().last().unwrap()["counts"][0].as_array().unwrap().len(), 2);
    assert_eq!(found["/v1/trace'"]["answer"]["per_step_answers"], Value::Null);
}

#[test]
fn a_trace_says_what_the_model_does() {
    use bitspike::{Dynamics, Options, Simulation};
    let running = Running::builtin();
    let asked = json!({ "inputs": "a fine film", "timesteps": 12, "token": 1, "population": "layer.1.output" });
    let told = running.post("/v1/trace", &asked.to_string()).json();
    let model = bitspike_hub::Subject::builtin().model(&Options::new()).unwrap();
    let traced = model.trace("a fine film", &Simulation::new(Dynamics::Accumulated, 12), &[]).unwrap();
    assert_eq!(told["answer"]["label"], json!(traced.answer.label()));
    for (population, told) in traced.trace.populations.iter().zip(told["populations"].as_array().unwrap()) {
        assert_eq!(told["name"], population.name);
        let spikes = population.spikes.iter().filter(|&&spike| spike != 0).count();
        assert_eq!(told["spikes"], spikes, "{}", population.name);
        for (neuron, train) in told["trains"].as_array().unwrap().iter().enumerate() {
            let train: Vec<i8> = train
                .as_str()
                .unwrap()
                .chars()
                .map(|c| [b'-', b'.', b'+'].iter().position(|&k| k == c as u8).unwrap() as i8 - 1)
                .collect();
            assert_eq!(
                train,
                population.train(traced.tokens.len(), (1, neuron)).collect::<Vec<_>>(),
                "{} {neuron}",
                population.name
            );
            let count: i64 = train.iter().map(|&spike| i64::from(spike)).sum();
            assert_eq!(told["counts"][1][neuron], count);
        }
        assert_eq!(told.get("membranes").is_some(), population.name == "layer.1.output");
    }
    let last = told["per_step_answers"].as_array().unwrap().last().unwrap();
    assert_eq!(last, &client::told(traced.answer.probabilities()));
}
