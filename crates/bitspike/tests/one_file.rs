//! A model of format version 1, whose tokeniser lies beside it, and its upgrade, one file: the same tensors, tokens and answers.

use std::path::{Path, PathBuf};

use bitspike::format::{Packed, upgrade};
use bitspike::tokenizer::Tokenizer;
use bitspike::{Model, Options};

/// A folder with a model of version 1.
fn version_1() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/packed-v1")
}

#[test]
fn an_old_model_answers_alike_from_one_file() {
    let path = version_1().join("model.safetensors");
    let old = Packed::open(&path).unwrap();
    let tokenizer = Tokenizer::load(version_1()).unwrap();
    let alone = tempfile::tempdir().unwrap();
    let one = alone.path().join("model.safetensors");
    std::fs::write(&one, upgrade(&old, &tokenizer).unwrap()).unwrap();
    let new = Packed::open(&one).unwrap();
    assert_eq!((old.format_version(), new.format_version()), ("1", "2"));
    assert_eq!((old.header(), new.vocabulary_bytes() > 0), (new.header(), true));
    assert_eq!(new.tokenizer().unwrap().to_json().unwrap(), tokenizer.to_json().unwrap());
    // The vocabulary is the last of the file; before it are the old data, bit for bit.
    let data = |packed: &Packed| {
        let file = packed.file_bytes();
        let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        file[8 + header..file.len() - packed.vocabulary_bytes()].to_vec()
    };
    assert!(data(&old) == data(&new));
    let [two, one] = [&path, &one].map(|path| Model::load(path).unwrap());
    let texts = ["the film was good", "", "\u{597d} caf\u{e9} [SEP]", &"film ".repeat(300)];
    assert_eq!(two.classify(texts).unwrap(), one.classify(texts).unwrap());
}

#[test]
fn an_upgrade_of_the_newest_version_is_the_same_file() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let model = Packed::open(models.join("sst2-tiny/model.safetensors")).unwrap();
    assert!(upgrade(&model, &model.tokenizer().unwrap()).unwrap() == model.file_bytes());
}

#[test]
fn an_old_model_without_tokeniser_says_so() {
    let bytes = std::fs::read(version_1().join("model.safetensors")).unwrap();
    let packed = Packed::from_bytes(bytes.clone()).unwrap();
    let error = Options::new().build(packed, None).unwrap_err().to_string();
    assert!(error.contains("format version 1") && error.contains("found none"), "{error}");
    let alone = tempfile::tempdir().unwrap();
    let path = alone.path().join("model.safetensors");
    std::fs::write(&path, bytes).unwrap();
    let error = Model::load(&path).unwrap_err().to_string();
    assert!(error.contains("no tokenizer.json or vocab.txt"), "{error}");
}
