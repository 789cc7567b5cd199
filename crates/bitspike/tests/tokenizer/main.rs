//! The tokeniser beside the `tokenizers` crate, which stays the reference: the same ids, token for token.

mod alphabets;
mod data;
mod kinds;
mod reference;
mod settings;
mod transformers;

use std::path::Path;

use bitspike::format::Packed;
use bitspike::tokenizer::Tokenizer;
use rayon::prelude::*;
use serde_json::Value;

use alphabets::Random;
use reference::Reference;

/// Strings compared on the shipped vocabulary.
const STRINGS: u64 = 1_000_000;

/// Those that a thread takes at a time.
const CHUNK: u64 = 10_000;

/// `tokenizer.json` of a shipped model, from within it where it is one file.
fn shipped() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/sst2-tiny");
    let packed = Packed::open(folder.join("model.safetensors")).unwrap();
    let tokenizer = packed.tokenizer().unwrap_or_else(|| Tokenizer::load(&folder).unwrap());
    tokenizer.to_json().unwrap().into_bytes()
}

fn both() -> (Tokenizer, Reference) {
    let json = shipped();
    (Tokenizer::from_json(&json).unwrap(), Reference::new(&json).unwrap())
}

#[test]
fn a_million_random_strings_have_the_same_tokens() {
    let (ours, reference) = both();
    let words: Vec<String> = (0..ours.vocab_size() as u32).filter_map(|id| ours.token(id)).collect();
    (0..STRINGS / CHUNK).into_par_iter().for_each(|seed| {
        let mut random = Random::new(seed);
        for _ in 0..CHUNK {
            let text = random.text(&words, 12);
            reference.agrees(&ours, &text, &[64]);
        }
    });
}

#[test]
fn long_random_strings_are_cut_at_the_same_token() {
    let (ours, reference) = both();
    let words: Vec<String> = (1000..4000).filter_map(|id| ours.token(id)).collect();
    (0..40u64).into_par_iter().for_each(|seed| {
        let mut random = Random::new(seed);
        for _ in 0..50 {
            let text: String = (0..random.below(40)).map(|_| random.text(&words, 60)).collect();
            reference.agrees(&ours, &text, &[2, 3, 7, 32, 128, 4096]);
        }
    });
}

#[test]
fn tokens_stand_where_the_reference_says() {
    let (ours, reference) = both();
    let words: Vec<String> = (1000..4000).filter_map(|id| ours.token(id)).collect();
    (0..64u64).into_par_iter().for_each(|seed| {
        let mut random = Random::new(seed);
        (0..200).for_each(|_| reference.places_agree(&ours, &random.text(&words, 40)));
    });
}

#[test]
fn every_character_is_treated_alike() {
    let (ours, reference) = both();
    (0..0x110000u32).into_par_iter().with_min_len(4096).filter_map(char::from_u32).for_each(|c| {
        for text in [c.to_string(), format!("e{c}g e{c}")] {
            reference.agrees(&ours, &text, &[]);
        }
    });
}

#[test]
fn what_is_written_is_what_the_reference_writes() {
    let (ours, reference) = both();
    let mut expected: Value = serde_json::from_str(&reference.to_json()).unwrap();
    let found: Value = serde_json::from_str(&ours.to_json().unwrap()).unwrap();
    // The reference here has no frame.
    assert_eq!(found["post_processor"]["type"], "TemplateProcessing");
    expected["post_processor"] = found["post_processor"].clone();
    assert_eq!(found, expected);
}
