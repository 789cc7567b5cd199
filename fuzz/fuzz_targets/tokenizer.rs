//! Any bytes as a `tokenizer.json`, alone or with a text on the line after it, and as a text for a fixed one: refused with an error, or
//! texts have the ids of the reference, and the tokeniser survives being written.
#![no_main]

use std::sync::LazyLock;

use bitspike::tokenizer::Tokenizer;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::{DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl};

type Library = TokenizerImpl<WordPiece, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

/// The fixed tokeniser, and the reference's.
static FIXED: LazyLock<(Tokenizer, Library)> = LazyLock::new(|| {
    let json = include_bytes!("../seeds/tokenizer/template");
    (Tokenizer::from_json(json).expect("a tokeniser"), reference(json).expect("a tokeniser"))
});

/// The reference without frame; none where it refuses the description, or panics on texts: where the spaces of one token can swallow
/// another.
fn reference(json: &[u8]) -> Option<Library> {
    let mut description: Value = serde_json::from_slice(json).ok()?;
    for part in ["truncation", "padding", "post_processor", "decoder"] {
        description[part] = Value::Null;
    }
    let added = description["added_tokens"].as_array().into_iter().flatten();
    if added.into_iter().any(|token| token["lstrip"] == true) {
        return None;
    }
    serde_json::from_str(&description.to_string()).ok()
}

fn compare(ours: &Tokenizer, library: &Library, text: &str) {
    let expected = library.encode_fast(text, false).expect("text is tokenised");
    for max_len in [2, 16, usize::MAX] {
        let found = ours.encode(text, None, max_len).ids;
        let kept = expected.get_ids().len().min(max_len - 2);
        assert_eq!(found[1..found.len() - 1], expected.get_ids()[..kept], "{text:?} cut to {max_len}");
    }
}

/// What holds of every description that is accepted.
fn check(json: &[u8], text: &str) {
    let Ok(tokenizer) = Tokenizer::from_json(json) else { return };
    let texts = ["", "a fine film!", "\u{0}\u{301}\u{fffd} caf\u{e9} \u{597d}\u{770b}", &"unbelievable".repeat(40), text];
    let library = reference(json);
    for text in texts {
        if let Some(library) = &library {
            compare(&tokenizer, library, text);
        }
        let encoding = tokenizer.encode(text, None, 16);
        assert!((2..=16).contains(&encoding.ids.len()));
        assert!(encoding.ids.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
        let pair = tokenizer.encode(text, Some("a film"), 16);
        assert!((3..=16).contains(&pair.ids.len()) && pair.ids.len() == pair.type_ids.len());
    }
    let json = tokenizer.to_json().expect("it is JSON");
    let again = Tokenizer::from_json(json.as_bytes()).expect("what was written can be read");
    assert_eq!(again.encode(text, None, 16), tokenizer.encode(text, None, 16));
}

fuzz_target!(|bytes: &[u8]| {
    let (ours, library) = &*FIXED;
    compare(ours, library, &String::from_utf8_lossy(bytes));
    check(bytes, "a fine film");
    if let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
        check(&bytes[..end], &String::from_utf8_lossy(&bytes[end + 1..]));
    }
});
