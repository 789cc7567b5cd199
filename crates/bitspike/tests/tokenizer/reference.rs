//! The reference: the library's tokeniser without frame, and BERT's frame and truncation around it.

use bitspike::tokenizer::Tokenizer;
use serde_json::Value;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::{DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl};

type Library = TokenizerImpl<WordPiece, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

pub(crate) struct Reference(Library);

impl Reference {
    /// The library's tokeniser of a `tokenizer.json`; the message where it takes it for none.
    pub(crate) fn new(json: &[u8]) -> Result<Self, String> {
        let mut description: Value = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        for part in ["truncation", "padding", "post_processor"] {
            description[part] = Value::Null;
        }
        Ok(Self(serde_json::from_str(&description.to_string()).map_err(|e| e.to_string())?))
    }

    /// As `tokenizer.json`.
    pub(crate) fn to_json(&self) -> String {
        self.0.to_string(false).expect("it is JSON")
    }

    /// All tokens of a text.
    pub(crate) fn tokens(&self, text: &str) -> Vec<u32> {
        self.0.encode_fast(text, false).expect("text is tokenised").get_ids().to_vec()
    }

    /// Fails unless `ours` gives the same places in `text` to the same tokens.
    #[track_caller]
    pub(crate) fn places_agree(&self, ours: &Tokenizer, text: &str) {
        let expected = self.0.encode(text, false).expect("text is tokenised");
        let expected: Vec<_> = expected.get_ids().iter().copied().zip(expected.get_offsets().iter().copied()).collect();
        let found = ours.pieces(text, None, usize::MAX).remove(0);
        assert_eq!(found.kept, 0..found.pieces.len());
        let found: Vec<_> = found.pieces.iter().map(|piece| (piece.id, (piece.range.start, piece.range.end))).collect();
        assert!(found == expected, "{text:?}: expected {expected:?}, found {found:?}");
    }

    /// Fails unless `ours` gives the same ids for `text`, whole and cut to each of `max_lengths`.
    #[track_caller]
    pub(crate) fn agrees(&self, ours: &Tokenizer, text: &str, max_lengths: &[usize]) {
        let expected = self.tokens(text);
        for &max_len in max_lengths.iter().chain([&usize::MAX]) {
            let (encoding, cut) = ours.encode_cut(text, None, max_len);
            let [_, found @ .., _] = &encoding.ids[..] else { panic!("{text:?}: no frame") };
            let kept = &expected[..expected.len().min(max_len.saturating_sub(2))];
            assert!(found == kept, "{text:?}, {max_len}: expected {kept:?}, found {found:?}");
            assert_eq!(cut, kept.len() < expected.len(), "{text:?}, {max_len}: cut");
        }
    }

    /// The same for a pair.
    pub(crate) fn pair_agrees(&self, ours: &Tokenizer, (first, second): (&str, &str), max_lengths: &[usize]) {
        let (a, b) = (self.tokens(first), self.tokens(second));
        for &max_len in max_lengths {
            let encoding = ours.encode(first, Some(second), max_len);
            let (keep_a, keep_b) = share(a.len(), b.len(), max_len.saturating_sub(3));
            let ([cls, .., sep], split) = (&encoding.ids[..], keep_a + 2) else { panic!("no frame") };
            let expected = [&[*cls], &a[..keep_a], &[*sep], &b[..keep_b], &[*sep]].concat();
            assert!(encoding.ids == expected, "{first:?} and {second:?}, {max_len}");
            let types = |i| u32::from(i >= split);
            assert!(encoding.type_ids.iter().enumerate().all(|(i, &kind)| kind == types(i)), "{first:?}, {second:?}");
        }
    }
}

/// How many tokens of each text of a pair are kept: a text of up to half of the room whole; else half, and an odd token goes to the
/// longer, to the second of equals. Version 0.23.2 of the library, which the tests have, looks at no more than the room when it
/// compares; 0.23.3 compares whole texts.
fn share(first: usize, second: usize, room: usize) -> (usize, usize) {
    let half = room / 2;
    match () {
        () if first + second <= room => (first, second),
        () if first <= half => (first, room - first),
        () if second <= half => (room - second, second),
        () if first > second => (room - half, half),
        () => (half, room - half),
    }
}
