//! Files as Hugging Face writes them, hostile ones, and sizes by hand.

use serde_json::{Value, json};

use super::*;
use crate::quantize::{EmbeddingBits, Granularity, WeightBits};

/// A classifier's config with keys that this crate does not know.
fn classifier() -> Value {
    json!({
        "architectures": ["BertForSequenceClassification"], "model_type": "bert", "hidden_size": 384,
        "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536, "vocab_size": 30522,
        "max_position_embeddings": 512, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu",
        "pad_token_id": 0, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "initializer_range": 0.02,
        "position_embedding_type": "absolute", "problem_type": "single_label_classification", "use_cache": true,
        "id2label": {"0": "negative", "1": "positive"}, "label2id": {"negative": 0, "positive": 1},
        "classifier_dropout": null, "transformers_version": "4.8.2"
    })
}

/// [`classifier`] with some keys set, or removed where the value is the text "remove".
fn with(changes: Value) -> String {
    let mut config = classifier();
    let object = config.as_object_mut().unwrap();
    for (key, value) in changes.as_object().unwrap() {
        if value == "remove" {
            object.remove(key);
        } else {
            object.insert(key.clone(), value.clone());
        }
    }
    config.to_string()
}

#[test]
fn a_config_is_read_and_written_back_without_loss() {
    let config = BertConfig::from_json(&classifier().to_string()).unwrap();
    assert_eq!((config.hidden_size, config.layer_norm_eps), (384, 1e-12));
    assert_eq!(config.labels(), ["negative", "positive"]);
    assert_eq!(config.problem_type, Some(ProblemType::SingleLabelClassification));
    assert_eq!(config.other["transformers_version"], "4.8.2");
    let written: Value = serde_json::from_str(&config.to_json()).unwrap();
    assert_eq!(written, classifier());
    assert_eq!(BertConfig::from_json(&config.to_json()).unwrap(), config);
}

#[test]
fn what_the_format_leaves_out_has_its_default() {
    let optional = [
        "model_type",
        "type_vocab_size",
        "layer_norm_eps",
        "hidden_act",
        "pad_token_id",
        "hidden_dropout_prob",
        "attention_probs_dropout_prob",
        "initializer_range",
        "position_embedding_type",
        "problem_type",
        "id2label",
        "label2id",
    ];
    let removed = optional.iter().map(|&key| (key.to_owned(), json!("remove"))).collect();
    let config = BertConfig::from_json(&with(Value::Object(removed))).unwrap();
    assert_eq!((config.type_vocab_size, config.layer_norm_eps, config.initializer_range), (2, 1e-12, 0.02));
    assert!(config.labels().is_empty());
    let config = BertConfig::from_json(&with(json!({"id2label": null, "num_labels": 3}))).unwrap();
    assert_eq!(config.labels(), ["LABEL_0", "LABEL_1", "LABEL_2"]);
}

#[test]
fn labels_are_sorted_by_number_and_replaced_whole() {
    let names: Vec<String> = (0..12).map(|id| format!("class {id}")).collect();
    let mut config = BertConfig::default();
    config.set_labels(&names);
    let config = BertConfig::from_json(&config.to_json()).unwrap();
    assert_eq!(config.labels(), names);
    assert_eq!(config.label2id.unwrap()["class 11"], 11);
}

#[test]
fn names_of_classes_may_be_numbers_and_truth_values() {
    for (written, read) in [
        (json!({"0": 1, "1": 5.5}), ["1", "5.5"]),
        (json!({"0": -1, "1": "1"}), ["-1", "1"]),
        (json!({"1": true, "0": false}), ["false", "true"]),
    ] {
        let config = BertConfig::from_json(&with(json!({"id2label": written}))).unwrap();
        assert_eq!(config.labels(), read);
        assert_eq!(BertConfig::from_json(&config.to_json()).unwrap(), config);
    }
    for (written, found) in [(json!({"0": null}), "id 0, found null"), (json!(["a", "b"]), "found [\"a\",\"b\"]")] {
        let error = BertConfig::from_json(&with(json!({"id2label": written}))).unwrap_err().to_string();
        assert!(error.contains("`id2label`") && error.contains(found), "{error}");
    }
}

#[test]
fn the_python_form_of_gelu_is_gelu() {
    let config = BertConfig::from_json(&with(json!({"hidden_act": "gelu_python"}))).unwrap();
    assert_eq!(config.hidden_act, HiddenAct::Gelu);
}

#[test]
fn names_that_label2id_alone_gives_are_those_of_the_classes() {
    let generic = json!({"0": "LABEL_0", "1": "LABEL_1"});
    for (changes, expected) in [
        (json!({"id2label": generic, "label2id": {"pos": 0, "neg": 1}}), ["pos", "neg"]),
        (json!({"id2label": "remove", "num_labels": 2, "label2id": {"pos": 0, "neg": 1}}), ["pos", "neg"]),
        // Stale or textual indices, and names that id2label has.
        (json!({"id2label": generic, "label2id": {"pos": "0", "neg": "1"}}), ["LABEL_0", "LABEL_1"]),
        (json!({"id2label": generic, "label2id": {"pos": 1, "neg": 1}}), ["LABEL_0", "LABEL_1"]),
        (json!({"id2label": generic, "label2id": {"a": 0, "b": 1, "c": 2}}), ["LABEL_0", "LABEL_1"]),
        (json!({"id2label": {"0": "a", "1": "b"}, "label2id": {"a": 1, "b": 0}}), ["a", "b"]),
        (json!({"id2label": {"0": "LABEL_1", "1": "LABEL_0"}, "label2id": {"a": 1, "b": 0}}), ["LABEL_1", "LABEL_0"]),
    ] {
        assert_eq!(BertConfig::from_json(&with(changes.clone())).unwrap().labels(), expected, "{changes}");
    }
}

#[test]
fn unsupported_and_hostile_configs_are_refused_by_name() {
    for (changes, expected) in [
        (json!({"model_type": "roberta", "hidden_size": "remove"}), "`model_type`: expected \"bert\""),
        (json!({"hidden_act": "gelu_new"}), "`hidden_act`: expected \"gelu\""),
        (json!({"hidden_act": "relu"}), "found \"relu\""),
        (json!({"position_embedding_type": "relative_key"}), "position_embedding_type"),
        (json!({"is_decoder": true}), "is_decoder"),
        (json!({"add_cross_attention": true}), "add_cross_attention"),
        (json!({"hidden_size": "remove"}), "hidden_size"),
        (json!({"hidden_size": 0}), "hidden_size"),
        (json!({"hidden_size": -384}), "-384"),
        (json!({"hidden_size": 384.5}), "384.5"),
        (json!({"hidden_size": 1_u64 << 40}), "hidden_size"),
        (json!({"hidden_size": 65_536, "num_attention_heads": 1, "num_hidden_layers": 1024}), "weights"),
        (json!({"num_hidden_layers": 0}), "num_hidden_layers"),
        (json!({"num_attention_heads": 7}), "num_attention_heads: expected a divisor of hidden_size = 384, found 7"),
        (json!({"num_attention_heads": 0}), "num_attention_heads"),
        (json!({"intermediate_size": 0}), "intermediate_size"),
        (json!({"vocab_size": 0}), "vocab_size"),
        (json!({"vocab_size": u64::MAX}), "vocab_size"),
        (json!({"max_position_embeddings": 0}), "max_position_embeddings"),
        (json!({"type_vocab_size": 0}), "type_vocab_size"),
        (json!({"layer_norm_eps": 0.0}), "layer_norm_eps"),
        (json!({"layer_norm_eps": 1e300}), "layer_norm_eps"),
        (json!({"layer_norm_eps": null}), "null"),
        (json!({"initializer_range": -0.02}), "initializer_range"),
        (json!({"hidden_dropout_prob": 1.0}), "hidden_dropout_prob"),
        (json!({"attention_probs_dropout_prob": -0.1}), "attention_probs_dropout_prob"),
        (json!({"pad_token_id": 30522}), "pad_token_id"),
        (json!({"hidden_act": null}), "`hidden_act`: expected \"gelu\""),
        (json!({"hidden_size": "384"}), "`hidden_size`: expected a whole number, found \"384\""),
        (json!({"num_hidden_layers": 6.0}), "`num_hidden_layers`: expected a whole number, found 6.0"),
        (json!({"layer_norm_eps": "1e-12"}), "`layer_norm_eps`: expected a number, found \"1e-12\""),
        (json!({"position_embedding_type": 1}), "`position_embedding_type`: expected text, found 1"),
        (json!({"num_labels": 3}), "num_labels = 3, found 2"),
        (json!({"num_labels": 1_u64 << 31, "id2label": null}), "num_labels"),
        (json!({"id2label": {"0": "a", "2": "b"}}), "no id 1"),
        (json!({"id2label": {"00": "a"}}), "no id 0"),
        (json!({"problem_type": "guess"}), "guess"),
    ] {
        let error = BertConfig::from_json(&with(changes.clone())).unwrap_err().to_string();
        assert!(error.contains(expected), "{changes}: {error}");
    }
    for text in ["", "[]", "{", "{\"model_type\": \"bert\"}", "{\"hidden_size\": 1e999}"] {
        assert!(BertConfig::from_json(text).is_err(), "{text}");
    }
}

#[test]
fn errors_of_a_folder_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let missing = BertConfig::load(folder.path()).unwrap_err().to_string();
    assert!(missing.contains("config.json"), "{missing}");
    let path = folder.path().join("config.json");
    std::fs::write(&path, with(json!({"hidden_size": 0}))).unwrap();
    let wrong = BertConfig::load(folder.path()).unwrap_err().to_string();
    assert!(wrong.contains("config.json") && wrong.contains("hidden_size"), "{wrong}");
    std::fs::write(&path, b"{\"a\": \"\xff\"}").unwrap();
    let binary = BertConfig::load(folder.path()).unwrap_err().to_string();
    assert!(binary.contains("not UTF-8"), "{binary}");
    std::fs::write(&path, classifier().to_string()).unwrap();
    assert_eq!(BertConfig::load(folder.path()).unwrap().vocab_size, 30_522);
}

fn student() -> StudentConfig {
    StudentConfig {
        hidden: 8,
        heads: 2,
        intermediate: 12,
        layers: 3,
        vocab_size: 20,
        max_positions: 10,
        type_vocab: 2,
        layer_norm_eps: 1e-12,
        num_labels: 2,
        labels: vec!["no".into(), "yes".into()],
        time_steps: 16,
        code: crate::neuron::Levels::Unary,
        signed: true,
        weight_bits: WeightBits::Ternary,
        granularity: Granularity::Row,
        embedding_bits: EmbeddingBits::Four,
        relative_attention: false,
        feedback: None,
        pooling: None,
    }
}

#[test]
fn a_students_size_is_the_sum_of_its_parts() {
    let config = student();
    config.validate().unwrap();
    assert_eq!(config.encoder_weights(), 3 * (4 * 64 + 2 * 96));
    // Codes of 2 bits: 8 columns in 2 bytes, 12 in 3; 4 bytes a row for the scale.
    let layer = 4 * (8 * 2 + 8 * 4) + (12 * 2 + 12 * 4) + (8 * 3 + 8 * 4);
    let tables = 32 * (4 + 4);
    let biases = 4 * 8 + 12 + 8;
    let full = 3 * (biases + 2 * 2 * 8 + 6) + 2 * 8 + 1 + 2 * 8 + 2;
    assert_eq!(config.packed_bytes(), 3 * layer + tables + 4 * full);
    let full_precision =
        StudentConfig { weight_bits: WeightBits::Full, embedding_bits: EmbeddingBits::Full, ..config.clone() };
    assert_eq!(full_precision.packed_bytes(), 4 * config.parameters());
}

#[test]
fn students_are_validated_and_survive_json() {
    let text = serde_json::to_string(&student()).unwrap();
    assert_eq!(serde_json::from_str::<StudentConfig>(&text).unwrap(), student());
    let unknown = text.replacen('{', "{\"leak\": 0.5,", 1);
    assert!(serde_json::from_str::<StudentConfig>(&unknown).unwrap_err().to_string().contains("leak"));
    type Change = fn(&mut StudentConfig);
    let wrong: [(&str, Change); 11] = [
        ("time_steps", |s| s.time_steps = 0),
        ("time_steps", |s| s.time_steps = 128),
        ("hidden", |s| s.hidden = 0),
        ("heads", |s| s.heads = 3),
        ("intermediate: expected 1 to 65536, found 70000", |s| s.intermediate = 70_000),
        ("layers", |s| s.layers = 1 << 30),
        ("vocab_size", |s| s.vocab_size = usize::MAX),
        ("layer_norm_eps", |s| s.layer_norm_eps = f32::NAN),
        ("layer_norm_eps", |s| s.layer_norm_eps = f32::INFINITY),
        ("num_labels", |s| s.num_labels = 0),
        ("labels", |s| s.labels.truncate(1)),
    ];
    for (name, change) in wrong {
        let mut config = student();
        change(&mut config);
        let error = config.validate().unwrap_err().to_string();
        assert!(error.starts_with(name), "{name}: {error}");
    }
    let single = StudentConfig { code: crate::neuron::Levels::Single, time_steps: 8, ..student() };
    single.validate().unwrap();
    let error = StudentConfig { time_steps: 9, ..single.clone() }.validate().unwrap_err().to_string();
    assert!(error.contains("1, 2, 4, 8 or 16, found 9"), "{error}");
    let looped = StudentConfig { feedback: Some(crate::config::Feedback::default()), ..single };
    let error = looped.validate().unwrap_err().to_string();
    assert!(error.contains("feedback: expected none with code `single`"), "{error}");
    StudentConfig { labels: Vec::new(), num_labels: 1, ..student() }.validate().unwrap();
}

#[test]
fn names_that_would_steer_a_terminal_are_refused() {
    let task = || Task::classification("mood", "text", ["good", "na\u{ef}ve \u{597d}"]);
    task().validate().unwrap();
    let labels =
        |label: &str| Task { target: Target::Classification { labels: vec!["good".into(), label.into()] }, ..task() };
    for bad in ["\u{1b}[2J", "a\nb", "a\tb", "\u{7f}", "\u{9b}31m", "\u{202e}dab", "\u{2066}x", "a\u{2028}b"] {
        for (named, task) in [
            ("labels of task mood", labels(bad)),
            ("columns of task mood", Task { first: bad.into(), ..task() }),
            ("columns of task mood", Task { second: Some(bad.into()), ..task() }),
            ("columns of task mood", Task { label: bad.into(), ..task() }),
            ("metrics of task mood", Task { metrics: vec![bad.into()], ..task() }),
            ("`glue` of task mood", Task { glue: Some(bad.into()), ..task() }),
        ] {
            let error = task.validate().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{named}: expected names without control characters")), "{error}");
            assert!(!error.contains(bad), "the message repeats {bad:?}");
        }
    }
}
