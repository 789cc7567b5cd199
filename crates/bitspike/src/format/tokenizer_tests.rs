//! The tokeniser within a packed file: what is written comes back, and what is damaged is refused, built byte by byte.

use serde_json::{Value, json};

use super::fixture::{packed, packed_without_tokenizer, place, plain, put_together, take_apart, tokenizer};
use super::hostile_tests::{changed, refusal, says};
use super::*;
use crate::tokenizer::Tokenizer;
use crate::tokenizer::packed::{LENGTHS, TEXT};

/// The fixture's vocabulary by hand, as `docs/format.md` puts it: each token's length plus 1, and the tokens.
const LENGTH_BYTES: &[u8] = b"\x06\x06\x06\x02\x04\x04\x05";
const TEXT_BYTES: &[u8] = b"[UNK][CLS][SEP]a##b\xe5\xa5\xbdfilm";

/// The plain model with another vocabulary.
fn with_vocabulary(lengths: &[u8], text: &[u8]) -> Vec<u8> {
    let (mut header, mut data) = take_apart(&packed(&plain(), Packing::default()));
    let start = place(&header, LENGTHS)[0];
    assert_eq!(data[start..], [LENGTH_BYTES, TEXT_BYTES].concat());
    data.truncate(start);
    for (name, bytes) in [(LENGTHS, lengths), (TEXT, text)] {
        header[name]["shape"] = json!([bytes.len()]);
        header[name]["data_offsets"] = json!([data.len(), data.len() + bytes.len()]);
        data.extend(bytes);
    }
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
    assert_eq!(packed.vocabulary_bytes(), LENGTH_BYTES.len() + TEXT_BYTES.len());
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
    let form = ours.pack().unwrap();
    assert_eq!(form.lengths, b"\x00\x06\x00\x06\x01\x00\xc9\x01\x00\x00\x06");
    assert_eq!(form.text, ["[CLS][UNK]", &long, "[SEP]"].concat().as_bytes());
    let found = Tokenizer::unpack(&form.settings, &form.lengths, &form.text).unwrap();
    assert_eq!(found.to_json().unwrap(), ours.to_json().unwrap());
    assert_eq!((found.vocab_size(), found.token(4), found.token(5)), (10, Some(String::new()), None));
    assert_eq!(found.encode(&long.to_uppercase(), None, 9).ids, [1, 6, 9]);
    assert_eq!(found.pack().unwrap(), form);
}

#[test]
fn damaged_vocabularies_are_refused() {
    Packed::from_bytes(with_vocabulary(LENGTH_BYTES, TEXT_BYTES)).unwrap();
    for length in 0..LENGTH_BYTES.len() {
        refusal(with_vocabulary(&LENGTH_BYTES[..length], TEXT_BYTES));
    }
    for length in 0..TEXT_BYTES.len() {
        refusal(with_vocabulary(LENGTH_BYTES, &TEXT_BYTES[..length]));
    }
    // Cut in both it is another vocabulary, unless a special token is lost.
    Packed::from_bytes(with_vocabulary(&LENGTH_BYTES[..3], &TEXT_BYTES[..15])).unwrap();
    let lost = refusal(with_vocabulary(&LENGTH_BYTES[..2], &TEXT_BYTES[..10]));
    says(&lost, &["metadata `tokenizer`: `sep`: expected the id of a token, found 2"]);
    says(&refusal(with_vocabulary(b"", b"")), &["`unk`: expected the id of a token of the vocabulary, found 0"]);
    let after = |lengths: &[u8], text: &[u8]| {
        refusal(with_vocabulary(&[LENGTH_BYTES, lengths].concat(), &[TEXT_BYTES, text].concat()))
    };
    says(&after(b"", b"x"), &["tensor `vocabulary.text`: expected 26 bytes", "found 27"]);
    says(&after(b"\x03", b"x"), &["`vocabulary.lengths`: byte 7, id 7: expected a token of 2 bytes", "1 are left"]);
    says(&after(b"\x80", b""), &["byte 7, id 7: expected a length", "none that ends"]);
    says(&after(b"\x81\x80\x00", b""), &["byte 7, id 7", "as few bytes as it needs"]);
    says(&after(b"\x80\x00", b""), &["as few bytes as it needs"]);
    says(&after(b"\xff\xff\xff\x7f", b""), &["expected a token of 268435454 bytes", "0 are left"]);
    says(&after(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b""), &["at most four bytes"]);
    says(&after(b"\x02", b"\xff"), &["`vocabulary.text`: expected UTF-8"]);
    // A character that one token begins and the next ends.
    says(&after(b"\x02\x02", b"\xc3\xa9"), &["id 7: expected a token of 1 bytes that are whole characters"]);
    says(&after(b"\x00", b""), &["id 7: expected a token at the last id, found none"]);
    says(&after(b"\x02", b"a"), &["expected every token once, found \"a\" as id 3 and as id 7"]);
    says(&after(b"\x01\x01", b""), &["id 8: expected the empty token once, found it as id 7 too"]);
    says(&after(b"\x02", b"c"), &["`vocabulary.lengths`", "vocab_size = 7", "ids up to 7"]);
    says(&after(b"\x00\x00\x02", b"c"), &["ids up to 9"]);
    for name in [LENGTHS, TEXT] {
        let other = |key: &'static str, value: Value| changed(move |header, _| header[name][key] = value);
        says(&other("dtype", json!("I8")), &[&format!("`{name}`: expected U8 of one dimension, found I8")]);
        let size = if name == LENGTHS { [7, 1] } else { [2, 13] };
        says(&other("shape", json!(size)), &["expected U8 of one dimension, found U8 of shape ["]);
        let renamed = changed(|header, _| {
            let info = header.remove(name).unwrap();
            header.insert("vocabulary".into(), info);
        });
        says(&renamed, &[&format!("`{name}`: expected U8 of one dimension, found no such tensor")]);
    }
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
    says(&vocabulary, &["tensor `vocabulary.lengths`: expected the", "and not this one"]);
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
    says(&added(&[("id", json!(2))]), &["added_tokens: entry 0: expected the id 1, found the id 2"]);
    says(&added(&[("content", json!("new"))]), &["entry 0: expected the id 7, found the id 1"]);
    says(&added(&[("content", json!(""))]), &["entry 0: expected no token, found the id 1"]);
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
        settings["added_tokens"] = json!(vec![token; 1000]);
    });
    says(&many, &["added_tokens: entry 1: expected no token, found the id 1"]);
}
