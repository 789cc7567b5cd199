//! Any bytes as a `tokenizer.json`: refused with an error, or texts can be encoded with it, and it survives being written.
#![no_main]

use bitspike_core::tokenizer::Tokenizer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(tokenizer) = Tokenizer::from_json(bytes) else { return };
    for text in ["", "a fine film!", "\u{0}\u{301}\u{fffd} caf\u{e9} \u{597d}\u{770b}", &"unbelievable".repeat(40)] {
        let encoding = tokenizer.encode(text, None, 16);
        assert!((2..=16).contains(&encoding.ids.len()));
        assert!(encoding.ids.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
        let pair = tokenizer.encode(text, Some("a film"), 16);
        assert!((3..=16).contains(&pair.ids.len()) && pair.ids.len() == pair.type_ids.len());
    }
    let json = tokenizer.to_json().expect("it is JSON");
    let again = Tokenizer::from_json(json.as_bytes()).expect("what was written can be read");
    assert_eq!(again.encode("a fine film", None, 16), tokenizer.encode("a fine film", None, 16));
});
