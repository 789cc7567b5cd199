//! `bitspike cost` and `bitspike eval --count` on a run of a small student.

mod small_run;

use std::path::Path;

use bitspike::neuron::Levels;
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
fn neurobench_sees_the_matrices_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let own = json(folder, &["cost", "run", "--data", "data", "--json"]);
    let theirs = json(folder, &["cost", "run", "--data", "data", "--as", "neurobench", "--json"]);
    let (examples, tokens) = (own["examples"].as_f64().unwrap(), own["tokens"].as_f64().unwrap());
    let operations = &theirs["SynapticOperations"];
    assert_eq!(operations["Effective_ACs"], own["total"]["synaptic_acs"].as_f64().unwrap() / examples);
    assert_eq!(operations["Effective_MACs"], 0.0);
    // Two layers of four matrices 16 x 16 and two 16 x 24, at each of 16 steps.
    let weights = f64::from(2 * (4 * 16 * 16 + 2 * 16 * 24));
    assert_eq!(operations["Dense"], tokens * 16.0 * weights / examples);
    assert!(own["total"]["attention_acs"].as_u64().unwrap() > 0, "which NeuroBench does not see");
    assert_eq!(theirs["ConnectionSparsity"], own["neurobench"]["connection_sparsity"]);
    let (text, _) = exits(folder, &["cost", "run", "--data", "data", "--as", "neurobench"], 0);
    assert!(text.contains("Effective_ACs") && text.contains("attention"), "{text}");
    exits(folder, &["cost", "run", "--data", "data", "--as", "syops"], 2);
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

/// The spikes of `text`'s first list of operations.
fn spikes(text: &str) -> u64 {
    let line = text.lines().find(|line| line.trim_start().starts_with("spikes ")).expect("a line of spikes");
    line.split_whitespace().last().unwrap().replace(',', "").parse().unwrap()
}

#[test]
fn what_ends_early_is_counted_and_priced_as_it_ran() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let rule = "margin=0,change=1,patience=1,min=2";
    let simulation = ["--dynamics", "accumulated", "--timesteps", "16", "--exit", rule];
    let arguments = [&["eval", "run", "--data", "data", "--count"], &simulation[..]].concat();
    let (text, _) = exits(folder, &arguments, 0);
    assert!(text.contains("accumulated, T = 16, 2.00 steps taken: a mean sentence"), "{text}");
    let lines = json(folder, &[&arguments[..], &["--json"]].concat());
    let (line, counted) = (&lines[0]["dynamics"][0], &lines[0]["dynamics"][0]["counted"]);
    assert!(lines[0]["counted"].is_null(), "the spikes of another run");
    let cost = json(folder, &[&["cost", "run", "--data", "data", "--json"], &simulation[..]].concat());
    assert_eq!((&counted["total"], &line["mean_steps"]), (&cost["total"], &cost["mean_steps"]));
    let (examples, tokens) = (cost["examples"].as_f64().unwrap(), cost["tokens"].as_f64().unwrap());
    let all = line["spikes_per_token"].as_f64().unwrap() * tokens;
    assert!((spikes(&text) as f64 - all / examples).abs() <= 0.5, "{text}");
    // Two steps without a rule are the same two steps.
    let two =
        json(folder, &["cost", "run", "--data", "data", "--dynamics", "accumulated", "--timesteps", "2", "--json"]);
    assert_eq!((&two["total"], &two["populations"]), (&cost["total"], &cost["populations"]));
    let (text, _) = exits(folder, &[&["cost", "run", "--data", "data"], &simulation[..]].concat(), 0);
    assert!(text.contains("student, accumulated, T = 16, 2.0 taken"), "{text}");
    let (_, error) = exits(folder, &["cost", "run", "--data", "data", "--exit", rule], 1);
    assert!(error.contains("exit rule: expected accumulated or instantaneous dynamics, found phased"), "{error}");
}

#[test]
fn a_silent_student_is_called_silent() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "sst2", |student| student.signed = false);
    let mut weights = bitspike_run::weights::Weights::load(&folder.join("run/best.safetensors")).unwrap();
    let thresholds: Vec<String> = weights.names().filter(|name| name.ends_with("theta")).map(str::to_owned).collect();
    assert_eq!(thresholds.len(), 13);
    for name in thresholds {
        let shape = weights.remove(&name).unwrap().shape;
        weights.insert(name, &shape, vec![1e6]);
    }
    weights.save(&folder.join("run/best.safetensors")).unwrap();
    std::fs::create_dir(folder.join("data")).unwrap();
    std::fs::write(folder.join("data/dev.tsv"), DEV).unwrap();
    for command in [&["cost", "run", "--data", "data"][..], &["eval", "run", "--data", "data", "--count"]] {
        let (text, error) = exits(folder, command, 0);
        assert!(error.contains("warning: run is silent"), "{error}");
        assert!(!text.contains("inf") && !text.contains("NaN"), "{text}");
        assert!(text.lines().all(|line| line.len() < 160), "{text}");
    }
    let (text, _) = exits(folder, &["cost", "run", "--data", "data"], 0);
    assert!(text.contains("no energy to compare: no neuron sent a spike"), "{text}");
    let cost = json(folder, &["cost", "run", "--data", "data", "--json"]);
    assert_eq!(cost["normalised_energy_gain"], 0.0);
    assert_eq!(cost["undefined"]["normalised_energy_gain"], "no neuron sent a spike");
    let (page, error) = exits(folder, &["report", "run", "--data", "data", "--in-time", "0"], 0);
    assert!(page.contains("report.html") && error.contains("warning: run is silent"), "{error}");
    assert!(std::fs::read_to_string(folder.join("report.html")).unwrap().contains("This student is silent"));
}

#[test]
fn a_student_of_single_spikes_costs_one_accumulate_a_count_that_is_not_zero_and_runs_in_no_other_way() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "sst2", |student| (student.code, student.time_steps) = (Levels::Single, 4));
    std::fs::create_dir(folder.join("data")).unwrap();
    std::fs::write(folder.join("data/dev.tsv"), DEV).unwrap();
    exits(folder, &["pack", "run", "-o", "packed/model.safetensors"], 0);
    let cost = json(folder, &["cost", "packed/model.safetensors", "--data", "data", "--json"]);
    let total = &cost["total"];
    assert_eq!((&cost["code"], &total["synaptic_acs"]), (&Value::from("single"), &total["value_acs"]));
    assert!(total["synaptic_acs"].as_u64().unwrap() > 0 && total["doublings"].as_u64().unwrap() > 0);
    // Three steps, and two bits and a sign for seven counts.
    let (tokens, neurons) = (cost["tokens"].as_u64().unwrap(), 11 * 16 + 2 * 24);
    assert_eq!(total["membrane_updates"].as_u64().unwrap(), tokens * neurons * 3);
    assert_eq!(total["activation_bits"].as_u64().unwrap(), 2 * tokens * neurons * 3);
    let (text, _) = exits(folder, &["cost", "packed/model.safetensors", "--data", "data"], 0);
    for part in ["phased, single, T=4", "quantised network, 3-bit activations", "GELU, by comparing"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    // The engine has the counts of training, spike by spike too.
    let compared = json(folder, &["eval", "run", "--data", "data", "--dynamics", "phased", "--json"]);
    assert_eq!(compared[0]["dynamics"][0]["counts"]["different"], 0, "{compared}");
    let (text, _) = exits(folder, &["inspect", "packed/model.safetensors"], 0);
    assert!(text.contains("format 3") && text.contains("one spike of weight 1, 2 or 4"), "{text}");
    let model = "packed/model.safetensors";
    for (arguments, says) in [
        (&["cost", model, "--data", "data", "--code", "digits"][..], "expected single, found digits"),
        (&["cost", model, "--data", "data", "--timesteps", "8"], "expected 4, its largest weight, found 8"),
        (&["cost", model, "--data", "data", "--dynamics", "accumulated"], "expected phased"),
        (&["eval", "run", "--data", "data", "--dynamics", "instantaneous"], "expected phased"),
        (&["trace", "run", "a film", "--dynamics", "accumulated"], "expected phased"),
    ] {
        let (_, error) = exits(folder, arguments, 1);
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
    let (text, _) = exits(folder, &["trace", "run", "a film"], 0);
    assert!(text.starts_with("phased, T = 4, single in 3 steps"), "{text}");
}

#[test]
fn a_code_of_single_spikes_is_no_code_of_a_unary_student() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let (_, error) = exits(folder, &["cost", "run", "--data", "data", "--code", "single"], 1);
    assert!(error.contains("expected unary, digits or naf, found single"), "{error}");
    let (_, error) = exits(folder, &["cost", "run", "--data", "data", "--code", "morse"], 2);
    assert!(error.contains("unary, digits, naf or single"), "{error}");
}
