//! A shipped model of two files and its upgrade, one file: the same tensors, tokens and answers.

use std::path::{Path, PathBuf};

use bitspike_core::engine::{Model, Options, Text};
use bitspike_core::format::{Packed, upgrade};
use bitspike_core::tokenizer::Tokenizer;

/// Folders of shipped models.
fn shipped() -> Vec<PathBuf> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let folders = models.read_dir().unwrap().map(|entry| entry.unwrap().path());
    folders.filter(|folder| folder.join("model.safetensors").exists()).collect()
}

#[test]
fn a_shipped_model_answers_alike_from_one_file() {
    let mut upgraded = 0;
    for folder in shipped() {
        let path = folder.join("model.safetensors");
        let old = Packed::open(&path).unwrap();
        if old.tokenizer().is_some() {
            continue;
        }
        let tokenizer = Tokenizer::load(&folder).unwrap();
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
        assert!(data(&old) == data(&new), "{}", folder.display());
        // Once more it is itself.
        assert!(upgrade(&new, &new.tokenizer().unwrap()).unwrap() == new.file_bytes());

        let options = Options::default();
        let [two, one] = [&path, &one].map(|path| Model::load(path, &options).unwrap());
        let texts = ["a gripping, funny film", "", "\u{597d} caf\u{e9} [MASK]", &"dull ".repeat(300)];
        let texts: Vec<Text<'_>> = texts.iter().map(|first| Text { first, second: Some("dull") }).collect();
        assert_eq!(two.classify(&texts).unwrap(), one.classify(&texts).unwrap(), "{}", folder.display());
        upgraded += 1;
    }
    eprintln!("{upgraded} models upgraded");
}

#[test]
fn a_model_without_tokeniser_says_so() {
    let folder = shipped().pop().expect("a shipped model");
    let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
    let packed = Packed::from_bytes(bytes.clone()).unwrap();
    if packed.tokenizer().is_some() {
        Model::of(packed, None::<Tokenizer>, &Options::default()).unwrap();
        return;
    }
    let error = Model::of(packed, None::<Tokenizer>, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("format version 1") && error.contains("found none"), "{error}");
    let alone = tempfile::tempdir().unwrap();
    let path = alone.path().join("model.safetensors");
    std::fs::write(&path, bytes).unwrap();
    let error = Model::load(&path, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("no tokenizer.json or vocab.txt"), "{error}");
}
