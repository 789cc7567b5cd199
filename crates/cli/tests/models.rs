//! Models by name, `bitspike models`, `models add` and `verify` as a user runs them, on a small student of random weights.

mod small_run;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bitspike::format::{FORMAT_VERSION, Packed};
use bitspike::quantize::Granularity;
use bitspike::tokenizer::Tokenizer;
use bitspike_run::progress::{Event, MetricsLog, Observer};
use bitspike_run::recipe::Recipe;
use bitspike_run::run::RunFolder;
use serde_json::Value;
use sha2::{Digest, Sha256};

const ORIGINS: &str = "[data.sst2]\nname = 'Own sentences'\norigin = 'this test'\nlicence = 'CC0'\n\
    [teacher.sst2]\nname = 'Nobody'\norigin = 'chance'\nlicence = 'Apache-2.0'\n\
    [model.own]\nabout = 'A student of random weights.'\nlimits = ['It knows nothing.']\n";

const SENTENCES: [(&str, u8); 6] =
    [("a fine film", 1), ("dull", 0), ("film a dull < b", 0), ("fine fine fine", 1), ("b film", 1), ("a a a dull", 0)];

/// A folder with a finished run, data and origins.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        small_run::make(folder.path(), "sst2", |config| config.granularity = Granularity::Row);
        finish(&folder.file("run"), "finished", 42);
        folder.write("cards.toml", ORIGINS);
        let rows: String = SENTENCES.iter().map(|(text, label)| format!("{text}\t{label}\n")).collect();
        folder.write("data/dev.tsv", format!("sentence\tlabel\n{rows}"));
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.file(name).parent().unwrap()).unwrap();
        fs::write(self.file(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    /// Runs the program, checks the exit code, and returns standard output and standard error.
    fn exits(&self, arguments: &[&str], code: i32) -> (String, String) {
        small_run::exits(self.path(), arguments, code)
    }

    /// `models add` of the run, as `own` into `models/`.
    fn add(&self, more: &[&str]) -> String {
        let arguments = ["models", "add", "run", "--name", "own", "--data", "data", "--origins", "cards.toml"];
        self.exits(&[&arguments[..], more].concat(), 0).0
    }

    fn metrics(&self) -> Value {
        serde_json::from_str(&self.read("models/own/metrics.json")).unwrap()
    }
}

/// Gives the run a last student, other than its best, and the log of a run that ended so.
fn finish(run: &Path, reason: &str, seed: u64) {
    let folder = RunFolder::open(run).unwrap();
    let mut weights = folder.weights().unwrap();
    let mut bias = weights.remove("classifier.bias").unwrap();
    bias.values[0] += 0.25;
    weights.insert("classifier.bias", &bias.shape, bias.values);
    weights.save(&folder.last()).unwrap();
    fs::write(run.join("recipe.toml"), Recipe { seed, ..Recipe::default() }.to_toml()).unwrap();
    if folder.metrics().exists() {
        fs::remove_file(folder.metrics()).unwrap();
    }
    let mut log = MetricsLog::create(folder.metrics()).unwrap();
    let start = Event::Start {
        run: "distil sst2".into(),
        stages: vec!["prediction".into()],
        total_steps: 7,
        trainable_parameters: 1,
        train_examples: 6,
        dev_examples: 6,
        resumed_at: None,
    };
    let end = Event::End {
        reason: reason.into(),
        step: 7,
        elapsed_s: 90.0,
        best: None,
        best_step: None,
        primary: "accuracy".into(),
    };
    log.on_event(&start).unwrap();
    log.on_event(&end).unwrap();
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_run_becomes_a_folder_to_ship() {
    let folder = Folder::new();
    let out = folder.add(&["--trits"]);
    assert!(out.starts_with("models/own: accuracy "), "{out}");
    let mut names: Vec<_> = fs::read_dir(folder.file("models/own")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["README.md", "metrics.json", "model.safetensors", "recipe.toml"]);
    assert_eq!(folder.read("models/own/recipe.toml"), folder.read("run/recipe.toml"));

    // The last student, not the best.
    let packed = Packed::open(folder.file("models/own/model.safetensors")).unwrap();
    let best = RunFolder::open(&folder.file("run")).unwrap().weights().unwrap();
    let bias = &best.get("classifier.bias").unwrap().values;
    assert_eq!(packed.vector("classifier.bias"), [bias[0] + 0.25, bias[1]]);

    let metrics = folder.metrics();
    let measured = &metrics["measured"];
    let file = fs::read(folder.file("models/own/model.safetensors")).unwrap();
    assert_eq!(measured["files"]["model.safetensors"]["sha256"], sha256(&file));
    assert_eq!(measured["files"]["model.safetensors"]["bytes"], file.len());
    assert_eq!(measured["data"]["files"]["dev.tsv"]["sha256"], sha256(folder.read("data/dev.tsv").as_bytes()));
    assert_eq!((&measured["data"]["examples"], &metrics["made"]["steps"]), (&6.into(), &7.into()));
    assert_eq!(FORMAT_VERSION, "2", "metrics.json would have to say which format it is of");
    // The same scores and rates by the command that people use.
    let scored: Value = serde_json::from_str(&folder.exits(&["eval", "own", "--data", "data", "--json"], 0).0).unwrap();
    assert_eq!(scored[0]["metrics"], measured["scores"]);
    for population in measured["spikes"]["populations"].as_array().unwrap() {
        let name = population["name"].as_str().unwrap();
        assert_eq!(scored[0]["rates"][name], population["rate"], "{name}");
    }

    // Two layers of width 16, feed-forward width 24, 16 steps, sentences of L tokens: L 16 (4 16 16 + 2 16 24 + 2 L 16) a layer.
    let tokenizer = Tokenizer::load_saved(folder.file("run")).unwrap();
    let lengths = SENTENCES.map(|(text, _)| tokenizer.encode(text, None, 12).ids.len());
    let tokens: usize = lengths.iter().sum();
    assert_eq!(measured["data"]["tokens"], tokens);
    let operations = &measured["operations"];
    assert_eq!(operations["spikes"], measured["spikes"]["total"]);
    assert_eq!(operations["membrane_updates"], tokens * 16 * (16 + 2 * (5 * 16 + 24)));
    let synapses: usize = lengths.iter().map(|l| 2 * l * 16 * (1792 + 32 * l)).sum();
    assert_eq!(operations["synaptic_dense"], synapses);
    assert!(operations["synaptic_acs"].as_u64().unwrap() < synapses as u64);
    assert_eq!(metrics["energy"]["rows"][0]["name"], "student, phased");
    assert!(metrics["energy"]["rows"][0]["picojoules"].as_f64().unwrap() > 0.0);

    let card = folder.read("models/own/README.md");
    for row in ["| task |", "| accuracy, dev |", "| size |", "| mean firing rate |", "| estimated energy an example |"]
    {
        assert!(card.contains(row), "{row}\n{card}");
    }
    let accuracy = format!("{:.2} %", 100.0 * measured["scores"]["accuracy"].as_f64().unwrap());
    for part in [
        "# own",
        "It knows nothing.",
        "CC0",
        "Apache-2.0",
        &accuracy,
        "last step",
        "those of one run",
        "not on a test set",
    ] {
        assert!(card.contains(part), "{part} is missing in\n{card}");
    }
    // Nothing of other models, and nothing that only their makers knew.
    for part in
        ["busy", "before they were scored", "reproduce.sh", "guitar", "gripping", "in sight", "fine-tuning", "run once"]
    {
        assert!(!card.contains(part), "{part} is in\n{card}");
    }
    assert!(card.contains("    bitspike classify --model own \"TEXT\"\n"), "{card}");
    folder.exits(&["models", "add", "run", "--name", "own", "--data", "data", "--origins", "cards.toml"], 1);
    let said = "made = 'On a train.'\nexample = ['a \"fine\" film']\nreproduce = 'make own'\n";
    folder.write("cards.toml", format!("{ORIGINS}{said}"));
    folder.add(&["--force", "--no-latency"]);
    let card = folder.read("models/own/README.md");
    for part in ["On a train.", r#"--model own "a \"fine\" film""#, "    make own\n"] {
        assert!(card.contains(part), "{part} is missing in\n{card}");
    }
    folder.add(&["--force", "--checkpoint", "best", "--no-latency"]);
    assert!(folder.metrics().get("latency").is_none());
    assert!(folder.read("models/own/README.md").contains("so that its dev figures flatter"));
}

#[test]
fn seeds_are_averaged_over_runs_of_one_recipe() {
    let folder = Folder::new();
    for (name, seed) in [("run43", 43), ("run44", 44)] {
        fs::create_dir(folder.file(name)).unwrap();
        for entry in fs::read_dir(folder.file("run")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.file(name).join(entry.file_name())).unwrap();
        }
        finish(&folder.file(name), "finished", seed);
    }
    folder.add(&["--no-latency", "--seeds-of", "run43", "run44"]);
    let metrics = folder.metrics();
    let score = &metrics["measured"]["scores"]["accuracy"];
    let seeds = &metrics["made"]["seeds"];
    assert_eq!(seeds["seeds"], serde_json::json!([42, 43, 44]));
    assert_eq!(seeds["scores"].as_array().unwrap()[0], *score);
    assert!((seeds["mean"].as_f64().unwrap() - score.as_f64().unwrap()).abs() < 1e-12);
    assert!(folder.read("models/own/README.md").contains("3 seeds"));

    let refused = |runs: &[&str], says: &str| {
        let add = ["models", "add", "run", "--name", "own", "--data", "data", "--origins", "cards.toml", "--force"];
        let (_, error) = folder.exits(&[&add[..], &["--seeds-of"], runs].concat(), 1);
        assert!(error.contains(says), "{error}");
    };
    refused(&["run43", "run43"], "two runs have seed 43");
    let recipe = folder.read("run44/recipe.toml").replace("batch_size = 64", "batch_size = 32");
    folder.write("run44/recipe.toml", recipe);
    refused(&["run43", "run44"], "run44: its recipe differs in more than the seed");
}

#[test]
fn models_are_found_by_name() {
    let folder = Folder::new();
    folder.add(&[]);
    let (listed, _) = folder.exits(&["models", "--json"], 0);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let row = listed.as_array().unwrap().iter().find(|row| row["name"] == "own").expect("listed");
    let metrics = folder.metrics();
    assert_eq!(row["score"], metrics["measured"]["scores"]["accuracy"]);
    assert_eq!(
        (&row["task"], &row["weight_bits"], &row["embedding_bits"]),
        (&"sst2".into(), &"1.58".into(), &"32".into())
    );
    assert_eq!(row["latency_ms"], metrics["latency"]["median_ms"]);
    let (table, _) = folder.exits(&["models"], 0);
    assert!(table.starts_with("model ") && table.lines().any(|line| line.starts_with("own ")), "{table}");
    let (table, _) = folder.exits(&["models", "--markdown"], 0);
    assert!(table.contains("| `own` | accuracy ") && table.contains("| Sorbet"), "{table}");

    let (answer, _) = folder.exits(&["classify", "--model", "models/own/model.safetensors", "--json", "fine"], 0);
    for model in ["own", "models/own", "./models/own"] {
        assert_eq!(folder.exits(&["classify", "--model", model, "--json", "fine"], 0).0, answer);
    }
    folder.exits(&["inspect", "own"], 0);
    let bench = ["bench", "own", "--lengths", "4", "--batches", "1", "--seconds", "0.01", "--no-kernels"];
    assert!(folder.exits(&bench, 0).0.contains("own/model.safetensors"));

    // From elsewhere: the variable, then the hub's cache.
    let elsewhere = folder.file("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let classify = |model: &str, variable: Option<&OsStr>, code| {
        let mut command = small_run::command(folder.path());
        command.current_dir(&elsewhere).args(["classify", "--model", model, "--json", "fine"]);
        command.envs(variable.map(|value| ("BITSPIKE_MODELS", value)));
        small_run::output(&mut command, code)
    };
    let (_, error) = classify("own", None, 1);
    for part in ["own: no such file, and no model of that name in ", "BITSPIKE_MODELS (not set)", "the hub's cache"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let nowhere = folder.file("nowhere");
    let folders = std::env::join_paths([&nowhere, &folder.file("models")]).unwrap();
    assert_eq!(classify("own", Some(&folders), 0).0, answer);
    assert!(classify("other", Some(&folders), 1).1.contains("BITSPIKE_MODELS, no such folder"));
    let (_, error) = classify("other", Some(&folders), 1);
    assert!(error.split_once("; models are ").is_some_and(|(_, names)| names.contains("own")), "{error}");

    let commit = "0123456789abcdef0123456789abcdef01234567";
    folder.write("hub/models--me--packed/refs/main", commit);
    let snapshot = folder.file("hub/models--me--packed/snapshots").join(commit);
    fs::create_dir_all(&snapshot).unwrap();
    for name in ["model.safetensors", "metrics.json"] {
        fs::copy(folder.file("models/own").join(name), snapshot.join(name)).unwrap();
    }
    assert_eq!(classify("packed", None, 0).0, answer);
    assert_eq!(classify("me/packed", None, 0).0, answer);
    assert!(classify("you/packed", None, 1).1.contains("me/packed"), "what there is, is said");
    folder.write("hub/models--you--packed/refs/main", commit);
    fs::rename(folder.file("hub/models--me--packed/snapshots"), folder.file("hub/models--you--packed/snapshots"))
        .unwrap();
    assert_eq!(classify("you/packed", None, 0).0, answer);
    // A cache that leads out of itself leads nowhere.
    folder.write("hub/models--me--packed/refs/main", "../../../models");
    classify("me/packed", None, 1);
}

#[test]
fn hostile_names_are_no_paths() {
    let folder = Folder::new();
    folder.add(&[]);
    fs::create_dir(folder.file("empty")).unwrap();
    for name in ["../../own", "/own", "own/..x", "a/b/c", " ", "-own", "own\u{1b}[31m", "models\\own", ".."] {
        let mut command = small_run::command(folder.path());
        let models = folder.file("models");
        command.current_dir(folder.file("empty")).env("BITSPIKE_MODELS", models).args(["inspect", "--", name]);
        let (_, error) = small_run::output(&mut command, 1);
        assert!(!error.contains('\u{1b}'), "{error}");
        assert!(error.contains("not the name of a model") || error.contains("found a folder"), "{name:?}: {error}");
    }
    for name in ["../own", "a/b", "", ".hidden", "x y"] {
        let add = ["models", "add", "run", "--name", name, "--data", "data", "--origins", "cards.toml"];
        let (_, error) = folder.exits(&add, 2);
        assert!(error.contains("--name"), "{error}");
    }
}

#[test]
fn figures_are_verified_exactly() {
    let folder = Folder::new();
    folder.add(&[]);
    let (out, _) = folder.exits(&["verify", "own", "--data", "data"], 0);
    assert!(out.contains("exact: all ") && out.contains("6 examples"), "{out}");
    let report: Value =
        serde_json::from_str(&folder.exits(&["verify", "own", "--data", "data", "--json"], 0).0).unwrap();
    assert_eq!(report["measured"], folder.metrics()["measured"]);

    // The same examples in another form are the same data; one label more or less is not.
    let rows: String = SENTENCES.iter().map(|(text, label)| format!("{text},{label}\n")).collect();
    folder.write("csv/dev.csv", format!("sentence,label\n{rows}"));
    folder.exits(&["verify", "own", "--data", "csv"], 0);
    folder.write("other/dev.tsv", folder.read("data/dev.tsv").replace("dull\t0", "dull\t1"));
    let (out, error) = folder.exits(&["verify", "own", "--data", "other"], 1);
    assert!(out.contains("data.examples_sha256: recorded"), "{out}");
    assert!(error.contains("other does not hold the examples that metrics.json was measured on"), "{error}");

    // One count changed by one.
    let good = folder.read("models/own/metrics.json");
    let mut metrics = folder.metrics();
    let spikes = &mut metrics["measured"]["spikes"]["populations"][1]["spikes"];
    let count = spikes.as_u64().unwrap();
    *spikes = (count + 1).into();
    folder.write("models/own/metrics.json", metrics.to_string());
    let (out, error) = folder.exits(&["verify", "own", "--data", "data"], 1);
    let line = format!("spikes.populations.layer.0.key.spikes: recorded {}, found {count}", count + 1);
    assert!(out.contains(&line), "{out}");
    assert!(error.contains("1 of ") && error.contains("values are not those of metrics.json"), "{error}");
    folder.write("models/own/metrics.json", good);

    // One bit of a weight, in a file that still opens: the classifier's last bias is the file's f32 nearest the end.
    let model = folder.file("models/own/model.safetensors");
    let intact = fs::read(&model).unwrap();
    let packed = Packed::from_bytes(intact.clone()).unwrap();
    let bias: Vec<u8> = packed.vector("classifier.bias").iter().flat_map(|x| x.to_le_bytes()).collect();
    let at = intact.windows(bias.len()).position(|bytes| bytes == bias).expect("the bias is in the file");
    let mut flipped = intact.clone();
    flipped[at] ^= 1;
    fs::write(&model, &flipped).unwrap();
    let (_, error) = folder.exits(&["verify", "own", "--data", "data"], 1);
    assert!(error.contains(&format!("expected SHA-256 {}, found {}", sha256(&intact), sha256(&flipped))), "{error}");
    // A file that does not open says both.
    fs::write(&model, &intact[..intact.len() - 1]).unwrap();
    let (_, error) = folder.exits(&["verify", "own", "--data", "data"], 1);
    assert!(error.contains("expected SHA-256") && error.contains("model in memory: expected"), "{error}");
    fs::write(&model, &intact).unwrap();

    fs::rename(folder.file("models/own/metrics.json"), folder.file("kept.json")).unwrap();
    let (_, error) = folder.exits(&["verify", "own", "--data", "data"], 1);
    assert!(error.contains("no metrics.json beside it"), "{error}");
}

#[test]
fn broken_figures_are_named_and_the_rest_is_listed() {
    let folder = Folder::new();
    folder.add(&["--no-latency"]);
    fs::create_dir(folder.file("models/plain")).unwrap();
    let file = |name: &str| folder.file(&format!("models/{name}/model.safetensors"));
    fs::copy(file("own"), file("plain")).unwrap();
    let (table, _) = folder.exits(&["models"], 0);
    assert!(table.lines().any(|line| line.starts_with("plain ") && line.contains("sst2")), "{table}");

    let good = folder.read("models/own/metrics.json");
    let hash = folder.metrics()["measured"]["data"]["examples_sha256"].as_str().unwrap().to_owned();
    for (bad, says) in [
        ("not JSON".to_owned(), "not JSON"),
        ("[]".into(), "expected format `bitspike-metrics-1`, found `none`"),
        (good.replace("metrics-1", "metrics-9"), "found `bitspike-metrics-9`"),
        (good.replace("\"made\"", "\"mad\""), "mad"),
        (good.replace("Own sentences", "\\u001b[31mred"), "control characters"),
        (good.replace("\"name\": \"own\"", "\"name\": \"../x\""), "`name`"),
        (good.replace(&hash, "abc"), "64 hexadecimal digits"),
        (good.replace("\"primary\": \"accuracy\"", "\"primary\": \"luck\""), "primary metric `luck`"),
        (good.replace("\"steps\": 7", "\"steps\": -7"), "-7"),
        (" ".repeat(1 << 21), "at most 1048576 bytes"),
    ] {
        folder.write("models/own/metrics.json", bad);
        let (table, error) = folder.exits(&["models"], 1);
        assert!(error.contains("models/own/metrics.json: ") && error.contains(says), "{says}: {error}");
        assert!(!error.contains('\u{1b}'), "{error}");
        assert!(table.lines().any(|line| line.starts_with("plain ")), "{table}");
        let (_, error) = folder.exits(&["verify", "own", "--data", "data"], 1);
        assert!(error.contains(says), "{says}: {error}");
    }
    folder.write("models/own/model.safetensors", "no model");
    let (table, error) = folder.exits(&["models"], 1);
    assert!(error.contains("own/model.safetensors"), "{error}");
    assert!(table.lines().any(|line| line.starts_with("plain ")), "{table}");
}

#[test]
fn runs_that_a_recipe_would_not_make_are_refused() {
    let folder = Folder::new();
    let refused = |says: &str| {
        let add = ["models", "add", "run", "--name", "own", "--data", "data", "--origins", "cards.toml"];
        let (_, error) = folder.exits(&add, 1);
        assert!(error.contains(says), "{error}");
        assert!(!folder.file("models").exists(), "nothing is left behind");
    };
    folder.write("cards.toml", ORIGINS.replace("model.own", "model.other"));
    refused("cards.toml: no table [model.own]");
    folder.write("cards.toml", ORIGINS.replace("licence", "license"));
    refused("license");
    folder.write("cards.toml", ORIGINS);
    finish(&folder.file("run"), "time budget", 42);
    refused("the run ended at step 7 of 7 (time budget)");
    fs::write(folder.file("run/metrics.jsonl"), "").unwrap();
    refused("the run has not ended");
    fs::remove_file(folder.file("run/metrics.jsonl")).unwrap();
    refused("metrics.jsonl");
    finish(&folder.file("run"), "finished", 42);
    fs::remove_file(folder.file("run/last.safetensors")).unwrap();
    refused("no checkpoint");
    folder.write("data/dev.tsv", "sentence\tlabel\na\t7\n");
    finish(&folder.file("run"), "finished", 42);
    refused("dev.tsv");
}

/// The first thing that anyone tries.
#[test]
fn a_text_without_a_model_is_answered_in_the_first_second() {
    let folder = Folder::new();
    let mut best = Duration::MAX;
    for (text, label) in [("a gripping, funny film", "positive"), ("dull from start to end", "negative")].repeat(2) {
        let began = Instant::now();
        let (out, _) = folder.exits(&["classify", text], 0);
        best = best.min(began.elapsed());
        assert!(out.starts_with(label) && out.contains(text), "{out}");
    }
    assert!(best < Duration::from_secs(1), "{best:?}");
    let (out, _) = folder.exits(&["inspect", "sst2-tiny"], 0);
    assert!(out.contains("sst2-tiny"), "{out}");
}
