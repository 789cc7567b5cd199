//! Checkpoints in the forms that other programs write: read as the plain one, or refused by name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bitspike_train::Device;
use bitspike_train::layers::PackedTokens;
use bitspike_train::teacher::Teacher;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// A tensor: type, shape, bytes.
type Stored = (Dtype, Vec<usize>, Vec<u8>);

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bert-micro-f32")
}

fn tensors() -> BTreeMap<String, Stored> {
    let bytes = fs::read(fixture().join("model.safetensors")).unwrap();
    let found = SafeTensors::deserialize(&bytes).unwrap();
    let stored = |view: TensorView<'_>| (view.dtype(), view.shape().to_vec(), view.data().to_vec());
    found.iter().map(|(name, view)| (name.to_owned(), stored(view))).collect()
}

fn write(path: &Path, tensors: &BTreeMap<String, Stored>) {
    let views = tensors
        .iter()
        .map(|(name, (dtype, shape, bytes))| (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    safetensors::serialize_to_file(views, None, path).unwrap();
}

/// A folder with the fixture's configuration and tokeniser, without weights.
fn bare() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "vocab.txt"] {
        fs::copy(fixture().join(file), folder.path().join(file)).unwrap();
    }
    folder
}

/// A folder with these weights in one file.
fn with(tensors: &BTreeMap<String, Stored>) -> tempfile::TempDir {
    let folder = bare();
    write(&folder.path().join("model.safetensors"), tensors);
    folder
}

fn answers(folder: &Path) -> (Vec<f32>, Vec<String>) {
    let device = Device::flex();
    let teacher = Teacher::load(folder, &device).unwrap_or_else(|e| panic!("{e}"));
    let tokens = PackedTokens::new([(&[2u32, 5, 3][..], &[0u32, 0, 0][..])]);
    let output = teacher.infer(&tokens, &device);
    (output.hidden.last().unwrap().clone().into_data().try_into_vec().unwrap(), teacher.notes)
}

#[track_caller]
fn refused(folder: &Path, expected: &[&str]) {
    let error = Teacher::load(folder, &Device::flex()).expect_err("it is refused").to_string();
    for expected in expected {
        assert!(error.contains(expected), "expected {expected:?} in: {error}");
    }
}

fn half(bytes: &[u8]) -> Vec<u8> {
    // The upper half of an f32 is a bfloat16.
    bytes.chunks_exact(4).flat_map(|b| [b[2], b[3]]).collect()
}

#[test]
fn weights_that_are_split_over_files_are_those_of_one_file() {
    let (expected, _) = answers(&fixture());
    let folder = bare();
    let mut parts: [BTreeMap<String, Stored>; 3] = Default::default();
    let mut map = serde_json::Map::new();
    for (i, (name, tensor)) in tensors().into_iter().enumerate() {
        map.insert(name.clone(), format!("model-0000{}-of-00003.safetensors", i % 3 + 1).into());
        parts[i % 3].insert(name, tensor);
    }
    for (i, part) in parts.iter().enumerate() {
        write(&folder.path().join(format!("model-0000{}-of-00003.safetensors", i + 1)), part);
    }
    let index = folder.path().join("model.safetensors.index.json");
    fs::write(&index, serde_json::json!({"metadata": {"total_size": 1}, "weight_map": map}).to_string()).unwrap();
    assert_eq!(answers(folder.path()), (expected, vec![]));
    fs::remove_file(folder.path().join("model-00002-of-00003.safetensors")).unwrap();
    refused(folder.path(), &["model.safetensors.index.json", "model-00002-of-00003.safetensors", "not in the folder"]);
    fs::write(&index, r#"{"weight_map": {"a": "../other/model.safetensors"}}"#).unwrap();
    refused(folder.path(), &["same folder", "../other"]);
    fs::write(&index, "{}").unwrap();
    refused(folder.path(), &["weight_map"]);
}

#[test]
fn prefixes_of_trainers_are_taken_off_and_said() {
    let (expected, _) = answers(&fixture());
    for prefix in ["module.", "_orig_mod.", "model.", "module._orig_mod.", "state_dict."] {
        let renamed = tensors().into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)).collect();
        let (found, notes) = answers(with(&renamed).path());
        assert_eq!(found, expected, "{prefix}");
        assert!(notes[0].contains(prefix) && notes[0].contains("taken off"), "{notes:?}");
    }
    let other = tensors().into_iter().map(|(name, tensor)| (format!("auto_model.{name}"), tensor)).collect();
    refused(with(&other).path(), &["begin with `auto_model.`", "save_pretrained"]);
    let mut mixed: BTreeMap<String, Stored> = BTreeMap::new();
    for (name, tensor) in tensors() {
        let prefix = if name.contains("pooler") || name.contains("classifier") { "" } else { "model." };
        mixed.insert(format!("{prefix}{name}"), tensor);
    }
    refused(with(&mixed).path(), &["`model.`", "does not"]);
}

#[test]
fn a_rounded_copy_under_a_wrapper_is_refused_with_its_prefix() {
    let mut rounded = BTreeMap::new();
    for (name, (_, shape, bytes)) in tensors() {
        rounded.insert(format!("module.{name}"), (Dtype::BF16, shape, half(&bytes)));
    }
    refused(with(&rounded).path(), &["`module.`", "half precision"]);
    let pickle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/foreign/teachers/reg-module-f16");
    refused(&pickle, &["pytorch_model.bin", "`module.`"]);
}

#[test]
fn double_precision_is_read() {
    let (expected, _) = answers(&fixture());
    let mut wide = BTreeMap::new();
    for (name, (_, shape, bytes)) in tensors() {
        let bytes =
            bytes.chunks_exact(4).flat_map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())).to_le_bytes());
        wide.insert(name, (Dtype::F64, shape, bytes.collect()));
    }
    assert_eq!(answers(with(&wide).path()).0, expected);
}

#[test]
fn quantised_tensors_are_refused_and_buffers_of_integers_are_not() {
    let (expected, _) = answers(&fixture());
    let mut buffered = tensors();
    buffered.insert("bert.embeddings.position_ids".into(), (Dtype::I64, vec![1, 2], vec![0; 16]));
    assert_eq!(answers(with(&buffered).path()).0, expected);
    for (dtype, shown) in [(Dtype::I8, "I8"), (Dtype::U8, "U8"), (Dtype::F8_E4M3, "F8_E4M3")] {
        let mut quantised = tensors();
        let name = quantised.keys().find(|name| name.ends_with("intermediate.dense.weight")).unwrap().clone();
        let shape = quantised[&name].1.clone();
        let bytes = vec![1; shape.iter().product()];
        quantised.insert(name.clone(), (dtype, shape, bytes));
        refused(with(&quantised).path(), &[&name, shown, "quantised"]);
    }
}

#[test]
fn what_stands_in_the_place_of_weights_is_said() {
    let folder = bare();
    let weights = folder.path().join("model.safetensors");
    fs::write(&weights, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 90\n").unwrap();
    refused(folder.path(), &["model.safetensors", "Git LFS", "git lfs pull"]);
    fs::remove_file(&weights).unwrap();
    fs::write(folder.path().join("tf_model.h5"), "x").unwrap();
    refused(folder.path(), &["found tf_model.h5"]);
    fs::write(folder.path().join("adapter_config.json"), "{}").unwrap();
    refused(folder.path(), &["adapter", "merge_and_unload"]);
    fs::remove_file(folder.path().join("config.json")).unwrap();
    refused(folder.path(), &["adapter", "merge_and_unload"]);
}

#[test]
fn a_head_for_tokens_is_no_classifier_of_texts() {
    let folder = with(&tensors());
    let path = folder.path().join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config["architectures"] = serde_json::json!(["BertForTokenClassification"]);
    fs::write(&path, config.to_string()).unwrap();
    if tensors().keys().any(|name| name.starts_with("classifier")) {
        refused(folder.path(), &["`architectures`", "BertForTokenClassification"]);
    }
}

#[test]
fn pairs_are_refused_of_a_model_with_one_token_type() {
    let mut one = tensors();
    let name = one.keys().find(|name| name.contains("token_type_embeddings")).unwrap().clone();
    let (dtype, shape, mut bytes) = one[&name].clone();
    bytes.truncate(bytes.len() / shape[0]);
    one.insert(name, (dtype, vec![1, shape[1]], bytes));
    let folder = with(&one);
    let path = folder.path().join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config["type_vocab_size"] = 1.into();
    fs::write(&path, config.to_string()).unwrap();
    let (teacher, tokenizer) = Teacher::with_tokenizer(folder.path(), &Device::flex()).unwrap();
    teacher.check_types(&tokenizer, false).unwrap();
    let error = teacher.check_types(&tokenizer, true).unwrap_err().to_string();
    assert!(error.contains("`type_vocab_size`: expected 2 or more"), "{error}");
}
