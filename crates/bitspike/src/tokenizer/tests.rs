//! A vocabulary made here, in both of its forms; hostile files; and, where real material is at hand, a real tokeniser.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const TOKENS: [&str; 22] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "film", "##s", "un", "##watch", "##able", "cafe", "!", ",",
    "好", "看", "a", "##a", "b", "Ü", "u", "good",
];

fn id(token: &str) -> u32 {
    TOKENS.iter().position(|&t| t == token).unwrap_or_else(|| panic!("no token {token}")) as u32
}

fn ids(tokens: &str) -> Vec<u32> {
    tokens.split_whitespace().map(id).collect()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn from_vocabulary(settings: &str) -> Tokenizer {
    Tokenizer::load(folder(&[("vocab.txt", &TOKENS.join("\n")), ("tokenizer_config.json", settings)]).path()).unwrap()
}

/// A `tokenizer.json` in the form that Python tools write, with truncation and padding that must not take effect.
fn description() -> Value {
    let special = |name: &str| {
        json!({"id": id(name), "special": true, "content": name, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false})
    };
    let token = |name: &str, kind: u32| json!({"SpecialToken": {"id": name, "type_id": kind}});
    let text = |name: &str, kind: u32| json!({"Sequence": {"id": name, "type_id": kind}});
    let added = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(special);
    let single = vec![token("[CLS]", 0), text("A", 0), token("[SEP]", 0)];
    let pair = [single.clone(), vec![text("B", 1), token("[SEP]", 1)]].concat();
    let vocabulary: Value =
        TOKENS.iter().map(|t| (t.to_string(), json!(id(t)))).collect::<serde_json::Map<_, _>>().into();
    json!({
        "version": "1.0",
        "truncation": {"max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 128}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": added,
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
                       "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": {
            "[CLS]": {"id": "[CLS]", "ids": [id("[CLS]")], "tokens": ["[CLS]"]},
            "[SEP]": {"id": "[SEP]", "ids": [id("[SEP]")], "tokens": ["[SEP]"]}}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocabulary}
    })
}

fn from_description(description: &Value) -> Result<Tokenizer> {
    Tokenizer::load(folder(&[("tokenizer.json", &description.to_string())]).path())
}

#[test]
fn words_become_the_longest_pieces_known() {
    let tokenizer = from_vocabulary("{}");
    for (text, expected) in [
        ("", "[CLS] [SEP]"),
        (" \t\n\u{200b}\u{0}", "[CLS] [SEP]"),
        ("The films!", "[CLS] the film ##s ! [SEP]"),
        ("unwatchable, the film", "[CLS] un ##watch ##able , the film [SEP]"),
        ("the zzz film", "[CLS] the [UNK] film [SEP]"),
        ("CAFÉ café cafe\u{301}", "[CLS] cafe cafe cafe [SEP]"),
        ("好看film", "[CLS] 好 看 film [SEP]"),
        ("a [MASK] film", "[CLS] a [MASK] film [SEP]"),
    ] {
        let encoding = tokenizer.encode(text, None, 16);
        assert_eq!(encoding.ids, ids(expected), "{text:?}");
        assert!(encoding.type_ids.iter().all(|&kind| kind == 0) && encoding.type_ids.len() == encoding.ids.len());
    }
    assert_eq!((tokenizer.vocab_size(), tokenizer.pad_id()), (TOKENS.len(), 0));
}

#[test]
fn settings_of_a_cased_vocabulary_are_kept() {
    let cased = from_vocabulary(r#"{"do_lower_case": false, "tokenize_chinese_chars": false}"#);
    assert_eq!(cased.encode("Ü u The", None, 16).ids, ids("[CLS] Ü u [UNK] [SEP]"));
    assert_eq!(cased.encode("好看", None, 16).ids, ids("[CLS] [UNK] [SEP]"));
    let stripped =
        from_vocabulary(r#"{"do_lower_case": false, "strip_accents": true, "pad_token": {"content": "[MASK]"}}"#);
    assert_eq!(stripped.encode("ü", None, 16).ids, ids("[CLS] u [SEP]"));
    assert_eq!(stripped.pad_id(), id("[MASK]"));
}

#[test]
fn a_tokeniser_survives_alone() {
    let mut unframed = description();
    unframed["post_processor"] = Value::Null;
    let texts = ["the films!", "好 unwatchable", ""];
    // Without a frame of its own, a tokenizer.json takes its names from the settings beside it.
    for named in ["[CLS]", "[MASK]"] {
        let settings = json!({"cls_token": named}).to_string();
        for json in [description().to_string(), unframed.to_string()] {
            let files = folder(&[("tokenizer.json", &json), ("tokenizer_config.json", &settings)]);
            let tokenizer = Tokenizer::load(files.path()).unwrap();
            let alone = Tokenizer::from_json(tokenizer.to_json().unwrap().as_bytes()).unwrap();
            for text in texts {
                assert_eq!(alone.encode(text, Some("a"), 16), tokenizer.encode(text, Some("a"), 16));
            }
            assert_eq!(alone.to_json().unwrap(), tokenizer.to_json().unwrap());
        }
    }
    assert!(Tokenizer::from_json(b"{}").is_err());
}

#[test]
fn both_forms_of_a_tokeniser_agree_and_survive_saving() {
    let (txt, json) = (from_vocabulary("{}"), from_description(&description()).unwrap());
    let saved = tempfile::tempdir().unwrap();
    txt.save(saved.path()).unwrap();
    assert_eq!(fs::read_to_string(saved.path().join("vocab.txt")).unwrap(), TOKENS.join("\n"));
    let again = Tokenizer::load(saved.path()).unwrap();
    json.save(saved.path().join("new/folder")).unwrap();
    let json_again = Tokenizer::load(saved.path().join("new/folder")).unwrap();
    assert_eq!(json_again.to_json().unwrap(), json.to_json().unwrap());
    for text in ["The films, unwatchable!", "[SEP] café 好 qqq [PAD]", "", &"a b ".repeat(60)] {
        let expected = txt.encode(text, Some("good"), 200);
        for other in [&json, &again, &json_again] {
            assert_eq!(other.encode(text, Some("good"), 200), expected, "{text}");
        }
    }
    let blocked = saved.path().join("file");
    fs::write(&blocked, "").unwrap();
    assert!(matches!(txt.save(&blocked), Err(Error::Io { .. })));
}

#[test]
fn pairs_have_type_ids_and_share_the_room() {
    let tokenizer = from_vocabulary("{}");
    let pair = tokenizer.encode("the film", Some("good !"), 16);
    assert_eq!(pair.ids, ids("[CLS] the film [SEP] good ! [SEP]"));
    assert_eq!(pair.type_ids, [0, 0, 0, 0, 1, 1, 1]);
    let lengths = |first: usize, second: usize, max_len: usize| {
        let pair = tokenizer.encode(&"a ".repeat(first), Some(&"b ".repeat(second)), max_len);
        assert!(pair.ids.len() <= max_len.max(3) && pair.ids.len() == pair.type_ids.len());
        assert_eq!((pair.ids[0], *pair.ids.last().unwrap()), (id("[CLS]"), id("[SEP]")));
        let count = |token| pair.ids.iter().filter(|&&t| t == id(token)).count();
        (count("a"), count("b"))
    };
    assert_eq!(lengths(3, 4, 10), (3, 4));
    assert_eq!(lengths(2, 50, 10), (2, 5));
    assert_eq!(lengths(50, 2, 10), (5, 2));
    assert_eq!(lengths(6, 5, 10), (4, 3));
    assert_eq!(lengths(5, 6, 10), (3, 4));
    assert_eq!(lengths(50, 60, 11), (4, 4));
    assert_eq!(lengths(5, 0, 4), (1, 0));
    for max_len in 0..=3 {
        assert_eq!(lengths(5, 5, max_len), (0, 0));
        assert_eq!(tokenizer.encode("a a a", None, max_len).ids.len(), max_len.max(2));
    }
}

/// The library's own truncation is the reference.
#[test]
#[cfg(not(bitspike_lean))]
fn sharing_equals_the_library() {
    use tokenizers::utils::truncation::{TruncationParams, truncate_encodings};
    let of = |length: usize| {
        tokenizers::Encoding::from_tokens(vec![tokenizers::Token::new(0, "a".into(), (0, 1)); length], 0)
    };
    for room in 1..12 {
        let params = TruncationParams { max_length: room, ..TruncationParams::default() };
        for first in 0..=room + 3 {
            for second in 0..=room + 3 {
                let (a, b) = truncate_encodings(of(first), Some(of(second)), &params).unwrap();
                let kept = share(first, second, room);
                assert_eq!(kept, (a.len(), b.unwrap().len()), "{first} and {second} in {room}");
            }
        }
    }
}

/// `pieces`, those of a whole text tokenised in one go, cut and framed.
fn reference(tokenizer: &Tokenizer, pieces: &[u32], max_len: usize) -> Vec<u32> {
    [&[tokenizer.inner.special.cls], &pieces[..pieces.len().min(max_len - 2)], &[tokenizer.inner.special.sep]].concat()
}

#[test]
fn long_texts_are_cut_without_changing_the_result() {
    let tokenizer = from_vocabulary("{}");
    let texts = [
        "the film ".repeat(5_000),
        format!("{}film the", " ".repeat(100_000)),
        format!("{} film the", "a".repeat(100_000)),
        format!("{}film", "zz ".repeat(10_000)),
        "好".repeat(10_000),
        "e\u{301}".repeat(20_000),
        format!("{}[MASK] film", "\u{301}".repeat(50_000)),
        "x".repeat(1 << 20),
    ];
    for text in &texts {
        let pieces = tokenizer.inner.tokens(text, usize::MAX);
        for max_len in [3, 17, 64] {
            let start: String = text.chars().take(20).collect();
            let found = tokenizer.encode(text, None, max_len).ids;
            assert_eq!(found, reference(&tokenizer, &pieces, max_len), "{start}... {max_len}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Words near the limit of 100 characters, runs of spaces, marks and special tokens, wherever the cut falls.
    #[test]
    fn a_cut_changes_no_token(
        parts in prop::collection::vec(
            (prop::sample::select(vec!["a", "film", "z", " ", "e\u{301}", "好", "!", "[MASK]", "\u{301}", "films "]), 1usize..=130),
            1..60,
        ),
        max_len in 2usize..40,
    ) {
        static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| from_vocabulary("{}"));
        let tokenizer = &*TOKENIZER;
        let text: String = parts.iter().map(|(part, count)| part.repeat(*count)).collect();
        prop_assert_eq!(tokenizer.encode(&text, None, max_len).ids, reference(tokenizer, &tokenizer.inner.tokens(&text, usize::MAX), max_len));
    }
}

#[test]
fn batches_keep_their_order() {
    let tokenizer = from_vocabulary("{}");
    let texts: Vec<String> = (0..500).map(|i| "a ".repeat(i % 37)).collect();
    let pairs: Vec<(&str, Option<&str>)> =
        texts.iter().enumerate().map(|(i, text)| (text.as_str(), (i % 3 == 0).then_some("good"))).collect();
    let batch = tokenizer.encode_batch(&pairs, 32);
    assert_eq!(batch.len(), pairs.len());
    for (encoding, &(first, second)) in batch.iter().zip(&pairs) {
        assert_eq!(*encoding, tokenizer.encode(first, second, 32));
    }
    assert!(tokenizer.encode_batch(&[], 32).is_empty());
}

#[test]
fn a_model_with_too_few_rows_is_refused() {
    let tokenizer = from_vocabulary("{}");
    tokenizer.check_vocab(22).unwrap();
    let error = tokenizer.check_vocab(21).unwrap_err().to_string();
    assert!(error.contains("vocab_size = 21") && error.contains("ids up to 21"), "{error}");
}

#[test]
fn malformed_files_are_refused_by_name() {
    let vocabulary = TOKENS.join("\n");
    for (files, expected) in [
        (&[][..], "no tokenizer.json or vocab.txt"),
        (&[("vocab.txt", "")], "no [UNK]"),
        (&[("vocab.txt", "[CLS]\n[SEP]\na")], "no [UNK]"),
        (&[("vocab.txt", vocabulary.as_str()), ("tokenizer_config.json", "{")], "tokenizer_config.json"),
        (
            &[("vocab.txt", vocabulary.as_str()), ("tokenizer_config.json", "{\"do_lower_case\": 3}")],
            "tokenizer_config.json",
        ),
        (&[("tokenizer.json", "{\"version\": ")], "tokenizer.json: not JSON"),
        (&[("tokenizer.json", "[]")], "WordPiece"),
        (&[("tokenizer.json", "{}"), ("vocab.txt", vocabulary.as_str())], "WordPiece"),
    ] {
        let error = Tokenizer::load(folder(files).path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{files:?}: {error}");
    }
    let changed = |pointer: &str, value: Value| {
        let mut description = description();
        *description.pointer_mut(pointer).unwrap() = value;
        from_description(&description).unwrap_err().to_string()
    };
    for (pointer, value, expected) in [
        ("/version", json!("9.0"), "9.0"),
        ("/model/type", json!("BPE"), "found model type \"BPE\""),
        ("/model/vocab", json!({"a": -1}), "not a tokeniser"),
        ("/model/vocab", json!({"a": 0}), "no [UNK]"),
        ("/model/vocab/good", json!(u32::MAX), "token ids below"),
        ("/model/unk_token", json!("<unk>"), "no <unk>"),
        ("/model/max_input_chars_per_word", json!(1_000_000_000), "max_input_chars_per_word"),
        ("/normalizer", json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"}), "found \"Precompiled\""),
        ("/normalizer", json!({"type": "Sequence", "normalizers": [{"type": "Replace"}]}), "found \"Replace\""),
        ("/pre_tokenizer", json!({"type": "Split", "pattern": {"Regex": "("}}), "found \"Split\""),
        ("/pre_tokenizer", Value::Null, "no `pre_tokenizer`"),
        ("/post_processor/single/0", json!({"Sequence": {"id": "A", "type_id": 0}}), "expected BERT's frame"),
        ("/post_processor/pair/4/SpecialToken/type_id", json!(0), "expected BERT's frame"),
        ("/post_processor/special_tokens/[CLS]/ids", json!([1, 2]), "expected BERT's frame"),
        ("/post_processor/special_tokens/[SEP]/ids", json!([7]), "[SEP] is id 3 in the vocabulary, but 7 in the frame"),
        ("/post_processor", json!({"type": "ByteLevel"}), "expected BERT's frame"),
    ] {
        let error = changed(pointer, value);
        assert!(error.contains(expected) && error.contains("tokenizer.json"), "{pointer}: {error}");
    }
    let unframed = folder(&[("vocab.txt", "a")]);
    fs::write(unframed.path().join("vocab.txt"), b"a\n\xff\n").unwrap();
    let error = Tokenizer::load(unframed.path()).unwrap_err().to_string();
    assert!(error.contains("vocab.txt") && error.contains("UTF-8"), "{error}");
}

#[test]
fn old_descriptions_without_frame_and_model_type_are_read() {
    let mut description = description();
    description["post_processor"] = Value::Null;
    description["model"].as_object_mut().unwrap().remove("type");
    let tokenizer = from_description(&description).unwrap();
    assert_eq!(tokenizer.encode("a", Some("b"), 9).ids, ids("[CLS] a [SEP] b [SEP]"));
}

/// Runs where `BITSPIKE_SHARED` names the folder of real material.
#[test]
fn both_forms_of_a_real_tokeniser_agree() {
    let Some(shared) = std::env::var_os("BITSPIKE_SHARED") else { return };
    let shared = Path::new(&shared);
    let model = shared.join("models/minilm-l6-sst2");
    let copy = tempfile::tempdir().unwrap();
    for name in ["vocab.txt", "tokenizer_config.json"] {
        fs::copy(model.join(name), copy.path().join(name)).unwrap();
    }
    let (json, txt) = (Tokenizer::load(&model).unwrap(), Tokenizer::load(copy.path()).unwrap());
    json.check_vocab(30_522).unwrap();
    let text = fs::read_to_string(shared.join("data/SST-2/dev.tsv")).unwrap();
    let sentences: Vec<&str> = text.lines().skip(1).take(500).filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(sentences.len(), 500);
    for sentence in sentences {
        let encoding = json.encode(sentence, None, 128);
        assert_eq!(encoding, txt.encode(sentence, None, 128), "{sentence}");
        assert!(encoding.ids.len() > 2 && encoding.ids.len() < 128, "{sentence}");
    }
    // "one long string of cliches ." in the ids of the uncased English vocabulary.
    assert_eq!(json.encode("one long string of cliches .", None, 128).ids[..5], [101, 2028, 2146, 5164, 1997]);
}
