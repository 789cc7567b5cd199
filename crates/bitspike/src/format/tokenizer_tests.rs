//! The tokeniser within a packed file: what is written comes back, and what is damaged is refused, built byte by byte.

use serde_json::{Value, json};

use super::fixture::{packed, packed_without_tokenizer, place, plain, put_together, take_apart, tokenizer};
use super::hostile_tests::{changed, refusal, says};
use super::layout::VOCABULARY;
use super::*;
use crate::tokenizer::Tokenizer;

/// The fixture's vocabulary by hand, as `docs/format.md` puts it: each token's length plus 1, and the token.
const BYTES: &[u8] = b"\x06[UNK]\x06[CLS]\x06[SEP]\x02a\x04##b\x04\xe5\xa5\xbd\x05film";

/// The plain model with these bytes as its vocabulary.
fn with_vocabulary(bytes: &[u8]) -> Vec<u8> {
    let (mut header, mut data) = take_apart(&packed(&plain(), Packing::default()));
    let [start, end] = place(&header, VOCABULARY);
    assert_eq!((&data[start..], end), (BYTES, data.len()));
    data.truncate(start);
    data.extend(bytes);
    header[VOCABULARY]["shape"] = json!([bytes.len()]);
    header[VOCABULARY]["data_offsets"] = json!([start, data.len()]);
    put_together(&header, &data)
}

/// The refusal of the plain model after `change` of the tokeniser's settings.
fn set(change: impl FnOnce(&mut Value)) -> String {
    changed(|header, _| {
        let mut settings = serde_json::from_str(header["__metadata__"]["tokenizer"].as_str().unwrap()).unwrap();
        change(&mut settings);
        header["__metadata__"]["tokenizer"] = settings.to_string().into();
    })
}

#[test]
fn the_tokeniser_comes_back() {
    let file = packed(&plain(), Packing::default());
    let packed = Packed::from_bytes(file).unwrap();
    let (ours, found) = (tokenizer(7), packed.tokenizer().unwrap());
    assert_eq!(found.to_json().unwrap(), ours.to_json().unwrap());
    for text in ["ab \u{597d} FILM!", "", "[CLS] a"] {
        assert_eq!(found.encode(text, Some("a film"), 16), ours.encode(text, Some("a film"), 16));
    }
    assert_eq!(packed.vocabulary_bytes(), BYTES.len());
    let (header, _) = take_apart(packed.file_bytes());
    let settings: Value = serde_json::from_str(header["__metadata__"]["tokenizer"].as_str().unwrap()).unwrap();
    let normalizer = json!({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                            "strip_accents": null, "lowercase": true});
    let added = json!({"id": 1, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": false,
                       "normalized": false, "special": true});
    let expected = json!({
        "normalizers": [normalizer], "splitters": [{"type": "BertPreTokenizer"}], "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "unk": 0, "cls": 1, "sep": 2, "pad": 0, "added_tokens": [added]
    });
    assert_eq!(settings, expected);
}

#[test]
fn version_1_is_read_and_upgraded() {
    for trits in [false, true] {
        let packing = Packing { trits, ..Packing::default() };
        let old = Packed::from_bytes(packed_without_tokenizer(&plain(), packing)).unwrap();
        assert!(old.tokenizer().is_none() && old.vocabulary_bytes() == 0);
        assert!(upgrade(&old, &tokenizer(7)).unwrap() == packed(&plain(), packing));
        // One of version 2 with its own tokeniser is itself.
        let new = Packed::from_bytes(packed(&plain(), packing)).unwrap();
        assert!(upgrade(&new, &new.tokenizer().unwrap()).unwrap() == new.file_bytes());
    }
    let old = Packed::from_bytes(packed_without_tokenizer(&plain(), Packing::default())).unwrap();
    let large = json!({"a": 7, "[UNK]": 0, "[CLS]": 1, "[SEP]": 2});
    let mut description: Value = serde_json::from_str(&tokenizer(7).to_json().unwrap()).unwrap();
    description["model"]["vocab"] = large;
    let large = Tokenizer::from_json(description.to_string().as_bytes()).unwrap();
    says(&upgrade(&old, &large).unwrap_err().to_string(), &["vocab_size = 7", "ids up to 7"]);
}

#[test]
fn ids_without_tokens_and_long_tokens_come_back() {
    let long = "x".repeat(200);
    let description = json!({
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": []}, "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]},
        "model": {"unk_token": "[UNK]", "continuing_subword_prefix": "", "max_input_chars_per_word": 300,
                  "vocab": {"[UNK]": 3, "": 4, "[CLS]": 1, "[SEP]": 9, &long: 6}}
    });
    let ours = Tokenizer::from_json(description.to_string().as_bytes()).unwrap();
    let (settings, bytes) = ours.pack().unwrap();
    let length = [0xc9, 0x01];
    let expected = [b"\0\x06[CLS]\0\x06[UNK]\x01\0", &length[..], long.as_bytes(), b"\0\0\x06[SEP]"].concat();
    assert_eq!(bytes, expected);
    let found = Tokenizer::unpack(&settings, &bytes).unwrap();
    assert_eq!(found.to_json().unwrap(), ours.to_json().unwrap());
    assert_eq!((found.vocab_size(), found.token(4), found.token(5)), (10, Some(String::new()), None));
    assert_eq!(found.encode(&long.to_uppercase(), None, 9).ids, [1, 6, 9]);
    assert_eq!(found.pack().unwrap(), (settings, bytes));
}

#[test]
fn damaged_vocabularies_are_refused() {
    Packed::from_bytes(with_vocabulary(BYTES)).unwrap();
    // Cut between tokens it is another vocabulary, unless a special token is lost.
    for length in 0..BYTES.len() {
        let opened = Packed::from_bytes(with_vocabulary(&BYTES[..length]));
        let between = [18, 20, 24, 28].contains(&length);
        assert_eq!(opened.is_ok(), between, "{length} bytes");
    }
    let refused = |bytes: &[u8]| refusal(with_vocabulary(bytes));
    let after = |bytes: &[u8]| refused(&[BYTES, bytes].concat());
    says(&refused(b""), &["metadata `tokenizer`: `unk`: expected the id of a token of the vocabulary, found 0"]);
    says(&refused(&BYTES[..BYTES.len() - 1]), &["`vocabulary`: byte 28, id 6: expected a token of 4 bytes, found 3"]);
    says(&after(b"\x80"), &["byte 33, id 7: expected a token's length, found the end"]);
    says(&after(b"\x81\x80\x00"), &["byte 33, id 7", "as few bytes as it needs"]);
    says(&after(b"\x80\x00"), &["as few bytes as it needs"]);
    says(&after(b"\xff\xff\xff\x7f"), &["expected a token of 268435454 bytes, found 0"]);
    says(&after(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), &["fewer than 67108864 bytes"]);
    says(&after(b"\x02\xff"), &["id 7", "expected UTF-8"]);
    // A character that one token begins and the next ends.
    says(&after(b"\x02\xc3\x02\xa9"), &["id 7", "expected UTF-8"]);
    says(&after(b"\x00"), &["expected a token at the last id, 7, found none"]);
    says(&after(b"\x02a"), &["expected every token once, found \"a\" as id 3 and as id 7"]);
    says(&after(b"\x01\x01"), &["expected every token once, found \"\" as id 7 and as id 8"]);
    says(&after(b"\x02c"), &["`vocabulary`", "vocab_size = 7", "ids up to 7"]);
    says(&after(b"\x00\x00\x02c"), &["ids up to 9"]);
    let other = |key: &'static str, value: Value| changed(move |header, _| header[VOCABULARY][key] = value);
    says(&other("dtype", json!("I8")), &["`vocabulary`: expected U8 of one dimension, found I8"]);
    says(&other("shape", json!([3, 11])), &["expected U8 of one dimension, found U8 of shape [3, 11]"]);
    let renamed = changed(|header, _| {
        let info = header.remove(VOCABULARY).unwrap();
        header.insert("vocabulary.codes".into(), info);
    });
    says(&renamed, &["`vocabulary`: expected U8 of one dimension, found no such tensor"]);
}

#[test]
fn a_tokeniser_of_the_other_version_is_refused() {
    let settings = changed(|header, _| header["__metadata__"]["format_version"] = "1".into());
    says(&settings, &["expected format, format_version, config, found \"tokenizer\" as well"]);
    let vocabulary = changed(|header, _| {
        let metadata = header["__metadata__"].as_object_mut().unwrap();
        metadata.insert("format_version".into(), "1".into());
        metadata.remove("tokenizer");
    });
    says(&vocabulary, &["tensor `vocabulary`: expected the", "and not this one"]);
    let neither = changed(|header, _| drop(header["__metadata__"].as_object_mut().unwrap().remove("tokenizer")));
    says(&neither, &["metadata `tokenizer`: expected the tokeniser's settings, found none"]);
}

#[test]
fn impossible_settings_are_refused() {
    let key = |key: &'static str, value: Value| set(move |settings| settings[key] = value);
    for text in ["", "{", "[]", "null", "3"] {
        let message = changed(|header, _| header["__metadata__"]["tokenizer"] = text.into());
        says(&message, &["metadata `tokenizer`"]);
    }
    says(&key("colour", json!(1)), &["unknown field `colour`"]);
    says(&set(|settings| drop(settings.as_object_mut().unwrap().remove("pad"))), &["missing field `pad`"]);
    says(&key("unk", json!(7)), &["`unk`: expected the id of a token of the vocabulary, found 7"]);
    says(&key("cls", json!(7)), &["`cls`: expected the id of a token, found 7"]);
    says(&key("sep", json!(4_294_967_295u32)), &["`sep`"]);
    says(&key("sep", json!(4_294_967_296u64)), &["metadata `tokenizer`"]);
    says(&key("pad", json!(7)), &["padding: expected an id below 7, found 7"]);
    says(&key("pad", json!(-1)), &["metadata `tokenizer`"]);
    says(&key("continuing_subword_prefix", Value::Null), &["metadata `tokenizer`"]);
    for length in [0, 1001, 1_000_000_000] {
        let message = key("max_input_chars_per_word", json!(length));
        says(&message, &["`max_input_chars_per_word`: expected 1 to 1000", &format!("found {length}")]);
    }
    says(&key("normalizers", json!([{"type": "Replace"}])), &["unknown variant `Replace`"]);
    says(&key("normalizers", json!([{"type": "NFC", "x": 1}])), &["unknown field `x`"]);
    says(&key("normalizers", json!([{"type": "Sequence", "normalizers": []}])), &["unknown variant `Sequence`"]);
    says(&key("normalizers", json!(vec![json!({"type": "NFC"}); 65])), &["at most 64 normalizers"]);
    says(&key("splitters", json!(vec![json!({"type": "Whitespace"}); 65])), &["at most 64", "found 65"]);
    says(&key("splitters", json!([{"type": "Digits"}])), &["missing field `individual_digits`"]);
    says(&key("splitters", json!([{"type": "Punctuation", "behavior": "Lost"}])), &["unknown variant `Lost`"]);
    let added = |changes: &[(&str, Value)]| {
        let changes: Vec<(String, Value)> =
            changes.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        set(move |settings| changes.into_iter().for_each(|(key, value)| settings["added_tokens"][0][key] = value))
    };
    says(&added(&[("id", json!(2))]), &["added_tokens: expected the ids [1], found [2]"]);
    says(&added(&[("content", json!("new"))]), &["added_tokens: expected the ids [7], found [1]"]);
    says(&added(&[("content", json!(""))]), &["added_tokens: expected the ids [], found [1]"]);
    says(&added(&[("special", json!(1))]), &["metadata `tokenizer`"]);
    says(&added(&[("colour", json!(1))]), &["unknown field `colour`"]);
    // A new token beyond the model's rows.
    says(&added(&[("content", json!("new")), ("id", json!(7))]), &["vocab_size = 7", "ids up to 7"]);
    says(
        &added(&[("content", json!("\u{0}")), ("normalized", json!(true)), ("id", json!(7))]),
        &["\"\\0\"", "nothing left"],
    );
    let twice = set(|settings| {
        let mut tokens = settings["added_tokens"].as_array().unwrap().clone();
        for (id, content) in [(7, "NEW"), (8, "new")] {
            let mut token = tokens[0].clone();
            (token["id"], token["content"], token["normalized"]) = (json!(id), json!(content), json!(true));
            tokens.push(token);
        }
        settings["added_tokens"] = json!(tokens);
    });
    says(&twice, &["found two that read \"new\""]);
    let many = set(|settings| {
        let token = settings["added_tokens"][0].clone();
        settings["added_tokens"] = json!(vec![token; 65_537 / 4]);
    });
    says(&many, &["added_tokens: expected the ids [1], found ["]);
}
