//! The kinds of file that stand beside a vocabulary, one by one.

use std::fs;

use bitspike::tokenizer::{Side, Tokenizer};

const TOKENS: [&str; 14] =
    ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "good", "[", "]", "e", "##1", "1", "[E1]"];

fn load(files: &[(&str, &str)]) -> Result<Tokenizer, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("vocab.txt"), TOKENS.join("\n")).unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    Tokenizer::load(folder.path()).map_err(|e| e.to_string())
}

fn read(tokenizer: &Tokenizer, text: &str) -> String {
    tokenizer.tokens(&tokenizer.encode(text, None, 64).ids).join(" ")
}

#[test]
fn added_tokens_are_found_wherever_they_are_kept() {
    let plain = "[CLS] the [ e ##1 ] film [SEP]";
    assert_eq!(read(&load(&[]).unwrap(), "the [e1] film"), plain);
    for (file, content) in [
        ("added_tokens.json", r#"{"[e1]": 14}"#),
        ("tokenizer_config.json", r#"{"additional_special_tokens": ["[e1]"]}"#),
        ("tokenizer_config.json", r#"{"extra_special_tokens": {"entity": "[e1]"}}"#),
        ("tokenizer_config.json", r#"{"entity_token": "[e1]"}"#),
        ("tokenizer_config.json", r#"{"added_tokens_decoder": {"14": {"content": "[e1]", "normalized": false}}}"#),
        ("special_tokens_map.json", r#"{"additional_special_tokens": ["[e1]"]}"#),
        ("special_tokens_map.json", r#"{"additional_special_tokens": [{"content": "[e1]", "normalized": false}]}"#),
        ("special_tokens_map.json", r#"{"eos_token": {"content": "[e1]"}}"#),
    ] {
        let tokenizer = load(&[(file, content)]).unwrap();
        assert_eq!(read(&tokenizer, "the [e1] film"), "[CLS] the [e1] film [SEP]", "{content}");
        assert_eq!(tokenizer.encode("[e1]", None, 8).ids[1], 14, "{content}");
    }
    // In the vocabulary, but not whole without the files.
    let tokenizer = load(&[("tokenizer_config.json", r#"{"additional_special_tokens": ["[E1]"]}"#)]).unwrap();
    assert_eq!(read(&tokenizer, "the [E1] film"), "[CLS] the [E1] film [SEP]");
}

#[test]
fn special_tokens_have_the_names_of_the_map() {
    let map = r#"{"cls_token": "good", "sep_token": {"content": "film", "lstrip": false}}"#;
    let tokenizer = load(&[("special_tokens_map.json", map)]).unwrap();
    assert_eq!(read(&tokenizer, "the"), "good the film");
    // `added_tokens_decoder` decides alone, and what is not read is said.
    let settings = r#"{"added_tokens_decoder": {}}"#;
    let tokenizer = load(&[("special_tokens_map.json", map), ("tokenizer_config.json", settings)]).unwrap();
    assert_eq!(read(&tokenizer, "the"), "[CLS] the [SEP]");
    assert!(tokenizer.notes()[0].contains("\"good\""), "{:?}", tokenizer.notes());
}

#[test]
fn settings_that_are_not_obeyed_are_refused_by_name() {
    for (settings, expected) in [
        (r#"{"tokenizer_class": "BertJapaneseTokenizer"}"#, "`tokenizer_class`: expected BertTokenizer"),
        (r#"{"tokenizer_class": "RobertaTokenizerFast"}"#, "RobertaTokenizerFast"),
        (r#"{"tokenizer_class": "PreTrainedTokenizerFast"}"#, "needs tokenizer.json"),
        (r#"{"do_basic_tokenize": false}"#, "`do_basic_tokenize`"),
        (r#"{"never_split": ["film"]}"#, "`never_split`"),
        (r#"{"split_special_tokens": true}"#, "`split_special_tokens`"),
        (r#"{"auto_map": {"AutoTokenizer": ["own.Tokenizer", null]}}"#, "`auto_map`"),
        (r#"{"truncation_side": "up"}"#, "`truncation_side`"),
        (r#"{"model_max_length": "long"}"#, "`model_max_length`"),
        (r#"{"do_lower_case": null}"#, "`do_lower_case`: expected true or false, found null"),
        (r#"{"cls_token": null}"#, "`cls_token`"),
        (r#"{"additional_special_tokens": "[e1]"}"#, "`additional_special_tokens`"),
        (r#"{"added_tokens_decoder": {"x": {"content": "[e1]"}}}"#, "`added_tokens_decoder`"),
        ("[]", "expected a tokeniser's settings as an object"),
    ] {
        let error = load(&[("tokenizer_config.json", settings)]).unwrap_err();
        assert!(error.contains(expected) && error.contains("tokenizer_config.json"), "{settings}: {error}");
    }
    let error = load(&[("config.json", r#"{"tokenizer_class": "BertJapaneseTokenizer"}"#)]).unwrap_err();
    assert!(error.contains("BertJapaneseTokenizer"), "{error}");
    let error = load(&[("added_tokens.json", r#"{"[e1]": "x"}"#)]).unwrap_err();
    assert!(error.contains("added_tokens.json") && error.contains("expected an id"), "{error}");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    let error = load(&[("vocab.txt", pointer)]).unwrap_err();
    assert!(error.contains("vocab.txt") && error.contains("git lfs pull"), "{error}");
}

#[test]
fn the_side_that_is_cut_and_the_length_are_those_of_the_files() {
    let left = load(&[("tokenizer_config.json", r#"{"truncation_side": "left", "model_max_length": 4}"#)]).unwrap();
    assert_eq!((left.truncation_side(), left.max_length()), (Side::Left, Some(4)));
    assert_eq!(left.tokens(&left.encode("the film good e", None, 4).ids).join(" "), "[CLS] good e [SEP]");
    let pair = left.encode("the film good", Some("e e e 1"), 6).ids;
    assert_eq!(left.tokens(&pair).join(" "), "[CLS] good [SEP] e 1 [SEP]");
    let again = Tokenizer::from_json(left.to_json().unwrap().as_bytes()).unwrap();
    assert_eq!(again.encode("the film good", Some("e e e 1"), 6).ids, pair);
    let endless = load(&[("tokenizer_config.json", r#"{"model_max_length": 1e30}"#)]).unwrap();
    assert_eq!(endless.max_length(), None);
}

#[test]
fn the_odd_token_of_a_pair_goes_to_the_longer_of_whole_texts() {
    let tokenizer = load(&[]).unwrap();
    for side in ["right", "left"] {
        let settings = format!("{{\"truncation_side\": \"{side}\"}}");
        let tokenizer = load(&[("tokenizer_config.json", &settings)]).unwrap();
        for (first, second, kept) in
            [(600, 500, (7, 6)), (500, 600, (6, 7)), (500, 500, (6, 7)), (14, 90, (6, 7)), (90, 14, (7, 6))]
        {
            let (a, b) = ("the ".repeat(first), "film ".repeat(second));
            let ids = tokenizer.encode(&a, Some(&b), 16).ids;
            let count = |id| ids.iter().filter(|&&found| found == id).count();
            assert_eq!((count(5), count(6)), kept, "{first} and {second} tokens, {side}");
        }
    }
    let pieces = tokenizer.pieces(&"the ".repeat(90), Some(&"film ".repeat(14)), 16);
    assert_eq!([pieces[0].kept.clone(), pieces[1].kept.clone()], [0..7, 0..6]);
}

#[test]
fn special_tokens_that_the_model_has_no_row_for_are_spelt() {
    let folder = tempfile::tempdir().unwrap();
    let without: Vec<&str> = TOKENS.into_iter().filter(|&token| token != "[MASK]").collect();
    fs::write(folder.path().join("vocab.txt"), without.join("\n")).unwrap();
    let whole = Tokenizer::load(folder.path()).unwrap();
    assert_eq!(whole.encode("[MASK]", None, 8).ids[1], 13);
    let fitted = whole.clone().fitted(13).unwrap();
    assert_eq!((fitted.vocab_size(), read(&fitted, "[MASK] film")), (13, "[CLS] [ [UNK] ] film [SEP]".into()));
    assert_eq!(whole.fitted(14).unwrap().vocab_size(), 14);
    fs::write(folder.path().join("added_tokens.json"), r#"{"[e1]": 13}"#).unwrap();
    let error = Tokenizer::load(folder.path()).unwrap().fitted(13).unwrap_err().to_string();
    assert!(error.contains("vocab_size = 13"), "{error}");
}

#[test]
fn a_vocabulary_keeps_its_lines_whatever_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]\r\nfilm \r\n\r\ngood\u{3000}\r\n";
    fs::write(folder.path().join("vocab.txt"), lines).unwrap();
    fs::write(folder.path().join("added_tokens.json"), r#"{"[e1]": 8}"#).unwrap();
    let tokenizer = Tokenizer::load(folder.path()).unwrap();
    assert_eq!(tokenizer.encode("film good [e1]", None, 8).ids, [2, 5, 7, 8, 3]);
}
