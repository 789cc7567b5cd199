//! `bitspike trace` as a user runs it, on a small student of random weights.

mod small_run;

use std::path::Path;

use serde_json::Value;

fn make_run(folder: &Path, task: &str, signed: bool) {
    small_run::make(folder, task, |config| config.signed = signed);
}

fn exits(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    small_run::exits(folder, &[&["trace", "run"], arguments].concat(), code)
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON")
}

#[test]
fn a_sentence_becomes_tables_and_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    make_run(folder.path(), "sst2", true);
    let (text, _) = exits(folder.path(), &["a fine <b> film"], 0);
    assert!(text.starts_with("accumulated, T = 64, 8 tokens: [CLS] a fine < b [UNK] film [SEP]\n"), "{text}");
    for part in ["layer.1.feed_forward ", "rms distance", "phased: ", "wrote trace/rates.arrow, "] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let out = folder.path().join("trace");
    for name in ["rates.arrow", "membrane.arrow", "spikes.arrow"] {
        assert!(std::fs::read(out.join(name)).unwrap().starts_with(b"ARROW1"), "{name}");
    }
    let summary = json(&out.join("summary.json"));
    assert_eq!(summary["populations"].as_array().unwrap().len(), 13);
    let svg = std::fs::read_to_string(out.join("trace.svg")).unwrap();
    let picture = roxmltree::Document::parse(&svg).expect("well-formed XML");
    let title = picture.descendants().find(|node| node.has_tag_name("text")).and_then(|node| node.text()).unwrap();
    assert_eq!(title.trim(), "a fine <b> film");

    let (_, error) = exits(folder.path(), &["dull"], 1);
    assert!(error.contains("trace/rates.arrow exists") && error.contains("--force"), "{error}");
    assert_eq!(json(&out.join("summary.json")), summary);
    let (printed, _) = exits(folder.path(), &["dull", "--force", "--json", "--timesteps", "5"], 0);
    let printed: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(printed, json(&out.join("summary.json")));
    assert_eq!((&printed["time_steps"], &printed["tokens"][1]), (&Value::from(5), &Value::from("dull")));
}

#[test]
fn rates_converge_to_the_equilibrium() {
    let folder = tempfile::tempdir().unwrap();
    make_run(folder.path(), "sst2", true);
    let worst = |timesteps: &str, dynamics: &str| {
        let arguments = ["a dull film", "--timesteps", timesteps, "--dynamics", dynamics, "--force", "--json"];
        let summary: Value = serde_json::from_str(&exits(folder.path(), &arguments, 0).0).unwrap();
        let populations = summary["populations"].as_array().unwrap().clone();
        populations.iter().map(|p| p["rms_distance"].as_f64().unwrap()).fold(0.0, f64::max)
    };
    // `phased` is the equilibrium: T times the rate of every neuron is the count that it fires.
    assert!(worst("32", "phased") < 1e-7);
    let (short, long) = (worst("16", "accumulated"), worst("256", "accumulated"));
    assert!(long < short / 4.0, "T=16: {short}, T=256: {long}");
    assert!(worst("1", "instantaneous").is_finite());
}

#[test]
fn json_names_the_neurons_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    make_run(folder.path(), "rte", false);
    let neurons = ["--neuron", "layer.1.feed_forward:2:23", "--neuron", "layer.0.key:0:3"];
    let arguments = ["a film", "fine", "--format", "json", "--out", "out/film", "--dynamics", "instantaneous"];
    exits(folder.path(), &[&arguments[..], &neurons, &["--beta", "0.9", "--reset", "hard"]].concat(), 0);
    let trace = json(&folder.path().join("out/film/trace.json"));
    assert_eq!((&trace["summary"]["reset"], &trace["summary"]["text2"]), (&"hard".into(), &"fine".into()));
    let mut found = Vec::new();
    for population in trace["populations"].as_array().unwrap() {
        for membrane in population["membranes"].as_array().unwrap() {
            let [token, neuron] = ["token", "neuron"].map(|key| membrane[key].as_u64().unwrap());
            let text = membrane["token_text"].as_str().unwrap();
            found.push(format!("{}:{token} {text}:{neuron}", population["name"].as_str().unwrap()));
            assert_eq!(membrane["potential"].as_array().unwrap().len(), 64);
        }
    }
    assert_eq!(found, ["layer.0.key:0 [CLS]:3", "layer.1.feed_forward:2 film:23"]);
}

#[test]
fn what_cannot_be_traced_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    make_run(folder.path(), "sst2", true);
    for (arguments, says) in [
        (&[" \t"][..], "at least one word"),
        (&["a", "film"], "takes one text"),
        (&["film", "--neuron", "layer.2.key:0:0"], "expected embedding, layer.0.key, layer.0.value"),
        (&["film", "--neuron", "embedding:3:0"], "token of embedding: expected 0 to 2 (the sentence has 3 tokens)"),
        (&["film", "--neuron", "layer.0.feed_forward:0:24"], "neuron of layer.0.feed_forward: expected 0 to 23"),
    ] {
        let (_, error) = exits(folder.path(), arguments, 1);
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
    for arguments in [
        &["film", "--neuron", "embedding:0"][..],
        &["film", "--timesteps", "0"],
        &["film", "--timesteps", "65537"],
        &["film", "--beta", "1.5"],
        &["film", "--beta", "0"],
        &["film", "--beta", "NaN"],
        &["film", "--dynamics", "sideways"],
        &["film", "--format", "xml"],
        &["film", "--reset", "warm"],
        &[],
    ] {
        exits(folder.path(), arguments, 2);
    }
    assert!(!folder.path().join("trace").exists(), "a refused trace leaves nothing behind");
    let long = "a fine film ".repeat(30);
    let (_, error) = exits(folder.path(), &[&long, "--timesteps", "2"], 0);
    assert!(error.contains("cut to the 12 tokens"), "{error}");
}
