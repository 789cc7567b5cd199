//! The teacher against hidden states and logits computed by another implementation (`fixtures/README.md`).

use std::path::{Path, PathBuf};

use bitspike::tokenizer::Tokenizer;
use bitspike_train::layers::PackedTokens;
use bitspike_train::teacher::{Teacher, TeacherOutput};
use burn::tensor::{Device, Tensor};
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    folders: Vec<Folder>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Folder {
    folder: String,
    pooler: bool,
    classifier: bool,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    pair: Option<String>,
    ids: Vec<u32>,
    types: Vec<u32>,
    hidden: Vec<Vec<Vec<f32>>>,
    pooled: Vec<f32>,
    logits: Vec<f32>,
    scores: Option<Vec<Vec<Vec<Vec<f32>>>>>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn floats(tensor: &Tensor<2>) -> Vec<f32> {
    tensor.clone().into_data().try_into_vec().unwrap()
}

fn close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-4, "{what}[{i}]: found {found}, expected {expected}");
    }
}

/// The part of a packed matrix that belongs to sentence `i`.
fn rows(output: &Tensor<2>, tokens: &PackedTokens, i: usize) -> Vec<f32> {
    let width = output.dims()[1];
    let range = tokens.segments.ranges().nth(i).unwrap();
    floats(output)[range.start * width..range.end * width].to_vec()
}

#[test]
fn every_checkpoint_layout_gives_the_expected_states() {
    let mut layouts = 0;
    let groups = ["bert-tiny", "mpnet-micro", "distilbert-micro"].into_iter().flat_map(|name| {
        let text = std::fs::read_to_string(fixtures().join(name).join("expected.json")).unwrap();
        serde_json::from_str::<Expected>(&text).unwrap().groups
    });
    for group in groups {
        for folder in &group.folders {
            let name = &folder.folder;
            let path = fixtures().join(name);
            let device = Device::flex();
            let teacher = Teacher::load(&path, &device).unwrap();
            let tokenizer = Tokenizer::load(&path).unwrap();
            // All cases in one packed batch: no sentence may see another.
            let tokens = PackedTokens::new(group.cases.iter().map(|case| (case.ids.as_slice(), case.types.as_slice())));
            let output: TeacherOutput = teacher.infer(&tokens, &device);
            for (i, case) in group.cases.iter().enumerate() {
                let encoding =
                    tokenizer.encode(&case.text, case.pair.as_deref(), teacher.config.max_position_embeddings);
                assert_eq!((&encoding.ids, &encoding.type_ids), (&case.ids, &case.types), "{name}: tokens of case {i}");
                for (layer, hidden) in case.hidden.iter().enumerate() {
                    let found = rows(&output.hidden[layer], &tokens, i);
                    close(&format!("{name}: case {i}, hidden state {layer}"), &found, &hidden.concat());
                }
                if folder.pooler {
                    let pooled = floats(output.pooled.as_ref().unwrap());
                    let width = case.pooled.len();
                    close(&format!("{name}: case {i}, pooled"), &pooled[i * width..(i + 1) * width], &case.pooled);
                }
                if folder.classifier {
                    let logits = floats(output.logits.as_ref().unwrap());
                    let width = case.logits.len();
                    close(&format!("{name}: case {i}, logits"), &logits[i * width..(i + 1) * width], &case.logits);
                }
                for (layer, heads) in case.scores.iter().flatten().enumerate() {
                    let (query, key) = &output.query_key[layer];
                    scores_agree(&rows(query, &tokens, i), &rows(key, &tokens, i), heads);
                }
            }
            assert_eq!(
                (output.pooled.is_some(), output.logits.is_some()),
                (folder.pooler, folder.classifier),
                "{name}"
            );
            layouts += 1;
        }
    }
    assert_eq!(layouts, 10, "all layouts were tried");
}

fn scores_agree(query: &[f32], key: &[f32], heads: &[Vec<Vec<f32>>]) {
    let length = heads[0].len();
    let width = query.len() / length;
    let size = width / heads.len();
    for (h, expected) in heads.iter().enumerate() {
        for (i, row) in expected.iter().enumerate() {
            let dot = |j: usize| -> f32 {
                (0..size).map(|d| query[i * width + h * size + d] * key[j * width + h * size + d]).sum()
            };
            let found: Vec<f32> = (0..length).map(|j| dot(j) / (size as f32).sqrt()).collect();
            close(&format!("scores of head {h}, token {i}"), &found, row);
        }
    }
}

#[test]
fn a_saved_teacher_loads_again_to_the_same_logits() {
    let device = Device::flex();
    for name in ["bert-tiny", "bert-micro-encoder", "bert-micro-bin", "mpnet-micro", "distilbert-micro"] {
        let teacher = Teacher::load(&fixtures().join(name), &device).unwrap();
        let folder = tempfile::tempdir().unwrap();
        teacher.save(folder.path()).unwrap();
        let again = Teacher::load(folder.path(), &device).unwrap();
        assert_eq!(again.config, teacher.config);
        let tokens = PackedTokens::new([(&[2u32, 5, 3][..], &[0u32, 0, 0][..])]);
        let (before, after) = (teacher.infer(&tokens, &device), again.infer(&tokens, &device));
        assert_eq!(floats(before.hidden.last().unwrap()), floats(after.hidden.last().unwrap()));
        assert_eq!(before.logits.map(|x| floats(&x)), after.logits.map(|x| floats(&x)));
    }
}

#[test]
fn a_damaged_folder_is_refused_with_a_reason() {
    let device = Device::flex();
    let source = fixtures().join("bert-micro-f32");
    let copy = || {
        let folder = tempfile::tempdir().unwrap();
        for file in ["config.json", "model.safetensors", "vocab.txt"] {
            std::fs::copy(source.join(file), folder.path().join(file)).unwrap();
        }
        folder
    };
    let refused = |folder: &Path, expected: &str| {
        let error = Teacher::load(folder, &device).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let folder = copy();
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    refused(folder.path(), "no model.safetensors or pytorch_model.bin");
    let folder = copy();
    let bytes = std::fs::read(folder.path().join("model.safetensors")).unwrap();
    std::fs::write(folder.path().join("model.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    refused(folder.path(), "not a safetensors file");
    let folder = copy();
    let config = std::fs::read_to_string(folder.path().join("config.json")).unwrap();
    let deeper = config.replace("\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2");
    assert_ne!(deeper, config, "the fixture has one layer");
    std::fs::write(folder.path().join("config.json"), deeper).unwrap();
    refused(folder.path(), "encoder.layer.1");
    let folder = copy();
    std::fs::write(
        folder.path().join("config.json"),
        config.replace("\"intermediate_size\": 32", "\"intermediate_size\": 31"),
    )
    .unwrap();
    refused(folder.path(), "expected shape [31, 16]");
    refused(Path::new("/nonexistent"), "config");
}

#[derive(Deserialize)]
struct Summaries {
    cases: Vec<SummaryCase>,
}

#[derive(Deserialize)]
struct SummaryCase {
    text: String,
    ids: Vec<u32>,
    hidden: Vec<Ends>,
    logits: Option<Vec<f32>>,
}

#[derive(Deserialize)]
struct Ends {
    cls: Summary,
    last: Summary,
}

#[derive(Deserialize)]
struct Summary {
    mean: f32,
    norm: f32,
    first: Vec<f32>,
}

impl Summary {
    fn check(&self, what: &str, row: &[f32]) {
        let mean = row.iter().sum::<f32>() / row.len() as f32;
        let norm = row.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt() as f32;
        close(&format!("{what}: mean"), &[mean], &[self.mean]);
        assert!((norm - self.norm).abs() < 1e-4 * self.norm, "{what}: norm {norm}, expected {}", self.norm);
        close(&format!("{what}: first values"), &row[..8], &self.first);
    }
}

/// The real models lie beside the project on machines that have them; elsewhere this says so and passes.
#[test]
fn real_models_give_the_expected_states() {
    let Some(shared) = std::env::var_os("BITSPIKE_SHARED").map(PathBuf::from) else {
        eprintln!("BITSPIKE_SHARED is not set: the real models are not checked");
        return;
    };
    for name in ["minilm-l6-sst2", "all-minilm-l6-v2"] {
        let file =
            if name == "minilm-l6-sst2" { "minilm-sst2-expected.json" } else { "all-minilm-l6-v2-expected.json" };
        let text = std::fs::read_to_string(fixtures().join(file)).unwrap();
        let expected: Summaries = serde_json::from_str(&text).unwrap();
        let device = Device::flex();
        let teacher = Teacher::load(&shared.join("models").join(name), &device).unwrap();
        let tokenizer = Tokenizer::load(shared.join("models").join(name)).unwrap();
        let types: Vec<Vec<u32>> = expected.cases.iter().map(|case| vec![0; case.ids.len()]).collect();
        let sentences = expected.cases.iter().zip(&types).map(|(case, types)| (case.ids.as_slice(), types.as_slice()));
        let tokens = PackedTokens::new(sentences);
        let output = teacher.infer(&tokens, &device);
        for (i, case) in expected.cases.iter().enumerate() {
            assert_eq!(tokenizer.encode(&case.text, None, 512).ids, case.ids, "{name}: {}", case.text);
            for (layer, ends) in case.hidden.iter().enumerate() {
                let found = rows(&output.hidden[layer], &tokens, i);
                let width = teacher.config.hidden_size;
                ends.cls.check(&format!("{name}: case {i}, layer {layer}, [CLS]"), &found[..width]);
                ends.last.check(&format!("{name}: case {i}, layer {layer}, [SEP]"), &found[found.len() - width..]);
            }
            if let Some(logits) = &case.logits {
                let found = floats(output.logits.as_ref().unwrap());
                close(&format!("{name}: case {i}, logits"), &found[i * logits.len()..(i + 1) * logits.len()], logits);
            }
        }
    }
}
