//! What clients of Triton and KServe send: raw bytes behind JSON, no content type.

mod client;

use serde_json::json;

use client::Running;

/// Texts as Triton's client writes them.
fn elements(texts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

fn infer(running: &Running, header: &str, raw: &[u8], length: usize) -> client::Answer {
    let body = [header.as_bytes(), raw].concat();
    let length = length.to_string();
    running.connect().ask("POST", "/v2/models/sst2-tiny/infer", &[("inference-header-content-length", &length)], &body)
}

#[test]
fn raw_bytes_behind_the_json_are_read() {
    let running = Running::builtin();
    let raw = elements(&["a fine film", "dull – ‘sehr’"]);
    let parameters = json!({ "binary_data_size": raw.len() });
    let header = json!({ "inputs": [{ "name": "text", "shape": [2], "datatype": "BYTES", "parameters": parameters }] })
        .to_string();
    let answer = infer(&running, &header, &raw, header.len()).json();
    assert_eq!(answer["outputs"][0]["data"], json!(["positive", "negative"]));
    assert_eq!(answer["outputs"][1]["shape"], json!([2, 2]));

    let beyond = infer(&running, &header, &raw, 100_000);
    assert_eq!((beyond.status, &beyond.json()["field"]), (400, &json!("Inference-Header-Content-Length")));
    let short = infer(&running, &header, &raw[..5], header.len());
    assert_eq!((short.status, &short.json()["field"]), (422, &json!("inputs[0].parameters.binary_data_size")));
    let mut lying = raw.clone();
    lying[0] = 255;
    let lying = infer(&running, &header, &lying, header.len());
    assert_eq!((lying.status, &lying.json()["field"]), (422, &json!("inputs[0].data")));
}

#[test]
fn one_input_needs_no_name_and_outputs_are_those_asked_for() {
    let running = Running::builtin();
    let asked = json!({
        "inputs": [{ "name": "predict", "shape": [2, 1], "datatype": "BYTES", "data": [["fine"], ["dull"]],
                     "parameters": { "content_type": "str" } }],
        "outputs": [{ "name": "scores", "parameters": { "binary_data": true } }, { "name": "label" }],
        "parameters": { "binary_data_output": true },
        "model_name": "sst2-tiny"
    });
    let answer = running.post("/v2/models/sst2-tiny/infer", &asked.to_string()).json();
    let names: Vec<&str> =
        answer["outputs"].as_array().unwrap().iter().map(|output| output["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["scores", "label"]);
    assert!(answer.get("id").is_none());
    let index = running.post("/v2/repository/index", "").json();
    assert_eq!((&index[0]["name"], &index[0]["state"]), (&json!("sst2-tiny"), &json!("READY")));
    let config = running.get("/v2/models/sst2-tiny/config").json();
    assert_eq!(
        (&config["input"][0]["data_type"], &config["output"][1]["dims"]),
        (&json!("TYPE_STRING"), &json!([-1, 2]))
    );
    assert!(running.get("/v2/models/sst2-tiny/stats").text().contains("/metrics has what is counted"));
    let model = running.get("/v2/models/sst2-tiny/versions/1").json();
    assert_eq!((&model["inputs"][0]["name"], &model["outputs"][1]["shape"]), (&json!("text"), &json!([-1, 2])));
}
