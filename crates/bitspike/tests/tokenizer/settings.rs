//! Random settings of every step that is accepted, on random texts.

use bitspike::tokenizer::Tokenizer;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::alphabets::Random;
use super::reference::Reference;

/// Combinations of settings.
const COMBINATIONS: u64 = 4_000;

/// Texts for each.
const TEXTS: usize = 25;

fn flag(random: &mut Random) -> bool {
    random.chance(2)
}

fn normalizer(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth > 1 { 10 } else { 12 }) {
        0..=2 => {
            let accents = [Value::Null, json!(true), json!(false)][random.below(3)].clone();
            let mut part = json!({
                "type": "BertNormalizer", "clean_text": flag(random), "handle_chinese_chars": flag(random),
                "strip_accents": accents, "lowercase": flag(random)
            });
            if random.chance(4) {
                part.as_object_mut().unwrap().remove("strip_accents");
            }
            part
        }
        3 => json!({"type": "Strip", "strip_left": flag(random), "strip_right": flag(random)}),
        4 => json!({"type": "StripAccents"}),
        5 => json!({"type": "NFC"}),
        6 => json!({"type": "NFD"}),
        7 => json!({"type": "NFKC"}),
        8 => json!({"type": "NFKD"}),
        9 => json!({"type": "Lowercase", "of no meaning": 1}),
        _ => {
            let parts: Vec<Value> = (0..random.below(4)).map(|_| normalizer(random, depth + 1)).collect();
            json!({"type": "Sequence", "normalizers": parts})
        }
    }
}

fn splitter(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth > 1 { 7 } else { 9 }) {
        0 | 1 => json!({"type": "BertPreTokenizer"}),
        2 => json!({"type": "Whitespace"}),
        3 => json!({"type": "WhitespaceSplit"}),
        4 => json!({"type": "Punctuation"}),
        5 => {
            let behaviors = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"];
            json!({"type": "Punctuation", "behavior": random.pick(&behaviors)})
        }
        6 => json!({"type": "Digits", "individual_digits": flag(random)}),
        _ => {
            let parts: Vec<Value> = (0..random.below(4)).map(|_| splitter(random, depth + 1)).collect();
            json!({"type": "Sequence", "pretokenizers": parts})
        }
    }
}

/// Words of the vocabulary, and a `tokenizer.json` of random settings.
fn description(random: &mut Random) -> (Vec<String>, Value) {
    let prefix = *random.pick(&["##", "##", "", "\u{2581}", "a"]);
    let mut words: Vec<String> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(String::from).to_vec();
    for _ in 0..random.below(200) {
        let text = random.text(&["the".into(), "12".into()], 4);
        let word = text.split_whitespace().next().unwrap_or("e").to_lowercase();
        words.push(if flag(random) { format!("{prefix}{word}") } else { word });
    }
    words.extend((b'a'..=b'z').filter(|_| random.below(3) > 0).map(|c| char::from(c).to_string()));
    words.extend((b'a'..=b'z').filter(|_| random.below(3) > 0).map(|c| format!("{prefix}{}", char::from(c))));
    let mut vocabulary = Map::new();
    let (gaps, mut id) = (flag(random), 0);
    for word in &words {
        id += if gaps && random.chance(20) { 3 } else { 1 };
        if !vocabulary.contains_key(word) {
            vocabulary.insert(word.clone(), json!(id - 1));
        } else if !gaps {
            id -= 1;
        }
    }
    let candidates = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "the",
        "Th",
        "\u{e9}t\u{e9}",
        " a ",
        "a",
        "ab",
        "  ",
        "<x>",
        "1",
        ".",
    ];
    let mut added = Vec::new();
    for content in candidates {
        // New tokens would take ids in the gaps.
        if random.chance(3) && (!gaps || vocabulary.contains_key(content)) {
            added.push(json!({
                "id": 7, "content": content, "single_word": flag(random), "lstrip": flag(random), "rstrip": flag(random),
                "normalized": flag(random), "special": flag(random), "of no meaning": 0
            }));
        }
    }
    let mut description = json!({
        "version": "1.0", "added_tokens": added, "pre_tokenizer": splitter(random, 0), "post_processor": null,
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": prefix,
                  "max_input_chars_per_word": *random.pick(&[1, 3, 20, 100]), "vocab": vocabulary}
    });
    if random.below(4) > 0 {
        description["normalizer"] = normalizer(random, 0);
    }
    (words, description)
}

#[test]
fn random_settings_have_the_same_tokens() {
    let compared: usize = (0..COMBINATIONS)
        .into_par_iter()
        .map(|seed| {
            let mut random = Random::new(seed);
            let (words, description) = description(&mut random);
            let json = description.to_string().into_bytes();
            let ours = match Tokenizer::from_json(&json) {
                Ok(ours) => ours,
                Err(error) => {
                    // What the library takes is refused where its answer is left to chance or is none: an id that two tokens would
                    // share, added tokens that read alike or are nothing after the normalisers.
                    let message = error.to_string();
                    let reasons = ["to be free", "that read", "nothing left by the normaliser"];
                    let known = reasons.iter().any(|reason| message.contains(reason));
                    assert!(known || Reference::new(&json).is_err(), "{message}: {description}");
                    return 0;
                }
            };
            let reference = Reference::new(&json).unwrap_or_else(|e| panic!("{e}: {description}"));
            let again = Tokenizer::from_json(ours.to_json().unwrap().as_bytes()).unwrap();
            for _ in 0..TEXTS {
                let text = random.text(&words, 20);
                let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| reference.tokens(&text)));
                // The library panics where one token's spaces swallow another's.
                let (Ok(_), max_len) = (found, 2 + random.below(12)) else { continue };
                reference.agrees(&ours, &text, &[max_len]);
                reference.agrees(&again, &text, &[]);
                reference.places_agree(&ours, &text);
            }
            1
        })
        .sum();
    assert!(compared > COMBINATIONS as usize / 2, "{compared} of {COMBINATIONS} compared");
}
