//! `bitspike cost` and `bitspike eval --count` on a run of a small student.

mod small_run;

use std::path::Path;

use serde_json::Value;

use small_run::{exits, make};

const DEV: &str = "sentence\tlabel\na fine film\t1\ndull dull film\t0\na < b\t1\nfine\t1\n";

fn prepare(folder: &Path) {
    make(folder, "sst2", |_| ());
    let data = folder.join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("dev.tsv"), DEV).unwrap();
    exits(folder, &["pack", "run", "-o", "packed/model.safetensors"], 0);
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&exits(folder, arguments, 0).0).unwrap()
}

fn sum(layers: &Value, key: &str) -> u64 {
    layers.as_array().unwrap().iter().map(|layer| layer[key].as_u64().unwrap()).sum()
}

#[test]
fn a_run_and_its_packed_file_cost_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let of_run = json(folder, &["cost", "run", "--data", "data", "--json"]);
    let packed = json(folder, &["cost", "packed/model.safetensors", "--data", "data", "--json", "--threads", "2"]);
    assert_eq!(of_run["total"], packed["total"]);
    assert_eq!(of_run["metrics"], packed["metrics"]);
    let (layers, total) = (&packed["layers"], &packed["total"]);
    assert_eq!(layers.as_array().unwrap().len(), 3);
    for key in ["spikes", "synaptic_acs", "membrane_updates", "gelus", "weight_bits"] {
        assert_eq!(sum(layers, key), total[key].as_u64().unwrap(), "{key}");
    }
    let of_populations: u64 =
        packed["populations"].as_array().unwrap().iter().map(|p| p["spikes"].as_u64().unwrap()).sum();
    assert_eq!(of_populations, total["spikes"].as_u64().unwrap());
    // 13 populations a token: 11 of 16 neurons, 2 of 24.
    let tokens = packed["tokens"].as_u64().unwrap();
    assert_eq!(total["membrane_updates"].as_u64().unwrap(), tokens * (11 * 16 + 2 * 24) * 16);

    let counted = json(folder, &["eval", "run", "--data", "data", "--count", "--json"]);
    assert_eq!(&counted[0]["counted"]["total"], total);
    assert_eq!(counted[0]["counted"]["neurobench"], packed["neurobench"]);
    let (text, _) = exits(folder, &["eval", "packed/model.safetensors", "--data", "data", "--count"], 0);
    assert!(text.contains("membrane updates"), "{text}");
}

#[test]
fn every_dynamics_has_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let phased = json(folder, &["cost", "run", "--data", "data", "--json"]);
    for dynamics in ["accumulated", "instantaneous"] {
        let arguments = ["cost", "run", "--data", "data", "--dynamics", dynamics, "--timesteps", "5", "--json"];
        let cost = json(folder, &arguments);
        assert_eq!(cost["time_steps"], 5);
        assert!(cost["break_even"].is_null());
        // Operators work at every step, not once a window.
        assert_eq!(cost["total"]["gelus"].as_u64().unwrap(), 5 * phased["total"]["gelus"].as_u64().unwrap());
        let (text, _) = exits(folder, &arguments[..8], 0);
        assert!(text.contains(&format!("student, {dynamics}")) && text.contains("BERT of this shape, INT8"), "{text}");
    }
    let (text, _) = exits(folder, &["cost", "run", "--data", "data", "--profile", "neuromorphic", "--limit", "2"], 0);
    assert!(text.contains("2 sentences") && text.contains("profile neuromorphic"), "{text}");
    assert!(text.contains("quantised network, 6-bit activations"), "{text}");
    // A teacher of another shape is the baseline, and the student's own shape stands beside it.
    let teacher = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/bert-micro-f32");
    let (text, _) = exits(folder, &["cost", "run", "--data", "data", "--teacher", teacher], 0);
    assert!(text.contains("teacher, FP32") && text.contains("student's shape dense, FP32"), "{text}");
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let refused = |arguments: &[&str]| exits(folder, &[&["cost"], arguments].concat(), 1).1;
    let misused = |arguments: &[&str]| exits(folder, &[&["cost"], arguments].concat(), 2).1;
    assert!(misused(&["run", "--data", "data", "--profile", "7nm"]).contains("45nm-integer"));
    assert!(misused(&["run", "--data", "data", "--timesteps", "0"]).contains("0 is not in 1..=65536"));
    assert!(misused(&["run", "--data", "data", "--task", "sst3"]).contains("--task: "));
    let written = "name = \"mine\"\ndescription = \"\"\n[compute.fp32_mac]\nvalue = -1.0\n";
    std::fs::write(folder.join("mine.toml"), written).unwrap();
    let message = refused(&["run", "--data", "data", "--profile", "mine.toml"]);
    assert!(message.contains("mine.toml") && message.contains("line"), "{message}");
    assert!(refused(&["run", "--data", "data", "--profile", "none/there.toml"]).contains("there.toml"));
    exits(folder, &["cost", "run", "--data", "data", "--limit", "0"], 0);
    assert!(refused(&["run", "--data", "nowhere"]).contains("nowhere"));
    assert!(refused(&["run", "--data", "data", "--teacher", "data"]).contains("config.json"));
    assert!(refused(&["no-such-model", "--data", "data"]).contains("no-such-model"));
}
