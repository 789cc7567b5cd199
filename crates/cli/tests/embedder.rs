//! Every command about a model that embeds: it does what it can, and what it cannot do it says.

#[allow(dead_code, reason = "the tests of other commands use all of it")]
mod small_run;

use std::fs;
use std::path::Path;

use bitspike::config::{Pooling, StudentConfig};
use bitspike::neuron::Levels;
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike::tokenizer::Tokenizer;
use bitspike_data::TaskSpec;
use bitspike_run::progress::{Event, MetricsLog, Observer};
use bitspike_run::recipe::Recipe;
use bitspike_run::run::{Counters, Description, FORMAT, RunFolder, save};
use bitspike_run::weights::Weights;
use serde_json::Value;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/embedder");

/// Pairs with scores, by which vectors are judged.
const PAIRS: &str =
    "sentence1\tsentence2\tscore\na film\ta movie\t4.5\na film\tan egg\t0.5\nhow to boil\tboiling\t3.0\n";

#[track_caller]
fn exits(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    small_run::exits(folder, arguments, code)
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/dev.tsv"), PAIRS).unwrap();
    folder
}

#[test]
fn what_it_is_is_told() {
    let folder = folder();
    let (out, _) = exits(folder.path(), &["inspect", MODEL], 0);
    assert!(
        out.contains("embed: text to a vector of length 1, or its first 16 values, or its first 8 values"),
        "{out}"
    );
    let (out, _) = exits(folder.path(), &["tokens", MODEL, "a film"], 0);
    assert!(out.contains("##i"), "{out}");
}

#[test]
fn it_is_traced_counted_and_reported() {
    let folder = folder();
    let (out, _) = exits(folder.path(), &["trace", MODEL, "a fine film", "--timesteps", "32"], 0);
    assert!(out.contains("a vector of 32 values") && out.contains("cosine 0.9"), "{out}");
    let (out, _) = exits(folder.path(), &["cost", MODEL, "--data", "data", "--json"], 0);
    let cost: Value = serde_json::from_str(&out).unwrap();
    assert!(cost["metrics"]["spearman"].is_number() && cost["total"]["spikes"].as_u64() > Some(0), "{out}");
    let (out, _) = exits(folder.path(), &["eval", MODEL, "--data", "data", "--json"], 0);
    let score: Value = serde_json::from_str(&out).unwrap();
    let score = &score[0];
    assert_eq!((&score["examples"], &score["metrics"]["spearman"]), (&3.into(), &cost["metrics"]["spearman"]));
    exits(folder.path(), &["report", MODEL, "--data", "data", "--sentence", "a film", "--out", "r.html"], 0);
    let page = fs::read_to_string(folder.path().join("r.html")).unwrap();
    assert!(page.contains("vectors of 32 values") && page.contains("spearman"), "the page");
}

#[test]
fn what_it_cannot_do_is_said() {
    let folder = folder();
    let classes = ["classify", "--model", MODEL, "a film"];
    let (out, error) = exits(folder.path(), &classes, 1);
    assert!(out.is_empty() && error.contains("found one that embeds: ask it for vectors"), "{out}{error}");
    fs::write(folder.path().join("t.jsonl"), "{\"text\": \"a film\"}\n").unwrap();
    let files = ["classify", "--model", MODEL, "--input", "t.jsonl", "--out", "x.jsonl"];
    let (_, error) = exits(folder.path(), &files, 1);
    assert!(error.contains("one that embeds") && !folder.path().join("x.jsonl").exists(), "{error}");
    for to in ["onnx", "openvino", "gguf", "transformers-js"] {
        let (_, error) = exits(folder.path(), &["export", MODEL, "--to", to, "-o", "x"], 1);
        assert!(error.contains("vectors") && error.contains("run this one with bitspike itself"), "{to}: {error}");
    }
    let anytime = ["serve", MODEL, "--port", "0", "--dynamics", "accumulated", "--anytime", "margin=2"];
    let (_, error) = exits(folder.path(), &anytime, 1);
    assert!(error.contains("exit rule") && error.contains("one that embeds"), "{error}");
    let settled = ["eval", MODEL, "--data", "data", "--dynamics", "accumulated", "--exit", "margin=2"];
    let (_, error) = exits(folder.path(), &settled, 1);
    assert!(error.contains("one that embeds"), "{error}");
}

/// A finished run of a student that embeds, of random weights.
fn run(folder: &Path) {
    let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "film", "movie", "an", "egg", "how", "to", "boil"];
    let vocabulary = folder.join("vocabulary");
    fs::create_dir(&vocabulary).unwrap();
    fs::write(vocabulary.join("vocab.txt"), words.join("\n")).unwrap();
    let tokenizer = Tokenizer::load(&vocabulary).unwrap().fitted(words.len()).unwrap();
    let student = StudentConfig {
        hidden: 16,
        heads: 2,
        intermediate: 24,
        layers: 2,
        vocab_size: words.len(),
        max_positions: 32,
        type_vocab: 2,
        layer_norm_eps: 1e-12,
        num_labels: 16,
        labels: Vec::new(),
        time_steps: 16,
        code: Levels::Unary,
        signed: true,
        weight_bits: WeightBits::Ternary,
        granularity: Granularity::Row,
        embedding_bits: EmbeddingBits::Full,
        relative_attention: false,
        feedback: None,
        pooling: Some(Pooling::Mean),
    };
    let run = RunFolder::create(&folder.join("run")).unwrap();
    let task = TaskSpec::embedding(true, vec![8]).unwrap();
    let description = Description { format: FORMAT.into(), student: student.clone(), task, max_length: 12 };
    run.describe(&Recipe::default(), &description, &tokenizer).unwrap();
    let mut state = 3_u64;
    let mut weights = Weights::default();
    for tensor in bitspike::format::tensors(&student) {
        let value = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = (state >> 40) as f32 / (1 << 23) as f32 - 1.0;
            if tensor.role == bitspike::format::Role::Threshold { 0.5 + value.abs() } else { value }
        };
        let values = (0..tensor.rows * tensor.columns).map(value).collect();
        weights.insert(tensor.name.clone(), &[tensor.rows, tensor.columns], values);
    }
    save(&run.best(), weights, &Counters::default()).unwrap();
    run.weights().unwrap().save(&run.last()).unwrap();
    fs::write(run.path().join("recipe.toml"), Recipe::default().to_toml()).unwrap();
    let mut log = MetricsLog::create(run.metrics()).unwrap();
    let start = Event::Start {
        run: "distil embed".into(),
        stages: vec!["embedding".into()],
        total_steps: 7,
        trainable_parameters: 1,
        train_examples: 6,
        dev_examples: 3,
        resumed_at: None,
    };
    let end = Event::End {
        reason: "finished".into(),
        step: 7,
        elapsed_s: 90.0,
        best: None,
        best_step: None,
        primary: "spearman".into(),
    };
    log.on_event(&start).unwrap();
    log.on_event(&end).unwrap();
}

#[test]
fn it_is_shipped_and_verified() {
    let folder = folder();
    run(folder.path());
    let origins = "[data.embed]\nname = 'Pairs'\norigin = 'this test'\nlicence = 'CC0'\n\
        [teacher.embed]\nname = 'Nobody'\norigin = 'chance'\nlicence = 'Apache-2.0'\n\
        [model.own]\nabout = 'Vectors of random weights.'\nlimits = ['It knows nothing.']\n";
    fs::write(folder.path().join("cards.toml"), origins).unwrap();
    let add = ["models", "add", "run", "--name", "own", "--data", "data", "--origins", "cards.toml"];
    let (out, _) = exits(folder.path(), &add, 0);
    assert!(out.contains("spearman"), "{out}");
    let card = fs::read_to_string(folder.path().join("models/own/README.md")).unwrap();
    for text in
        ["bitspike embed --model own", "cosines of 3 pairs", "a vector of 16 values, the mean", "text to answer"]
    {
        assert!(card.contains(text), "{text}: {card}");
    }
    let (out, _) = exits(folder.path(), &["verify", "models/own", "--data", "data"], 0);
    assert!(out.contains("own"), "{out}");
    let (out, _) = exits(
        folder.path(),
        &["bench", "models/own", "--lengths", "5", "--batches", "1", "--seconds", "0.05", "--no-kernels"],
        0,
    );
    assert!(!out.is_empty());
    // Other pairs are other figures, and are found out.
    fs::write(folder.path().join("data/dev.tsv"), PAIRS.replace("4.5", "0.1")).unwrap();
    let (out, error) = exits(folder.path(), &["verify", "models/own", "--data", "data"], 1);
    assert!(format!("{out}{error}").contains("spearman") || error.contains("values are not those"), "{out}{error}");
}
