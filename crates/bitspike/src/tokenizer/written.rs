//! `tokenizer.json`, written.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::Tokenizer;
use super::added::AddedToken;
use super::description::template;
use super::pipeline::{Normalizer, Splitter};
use super::truncation::Side;
use super::vocabulary::Vocabulary;

/// Tokens that a text is cut to where a file names the end that it loses, which it cannot without; whoever reads the file knows
/// better.
const MAX_LENGTH: usize = 512;

/// The tokeniser as `tokenizer.json`, in the order in which the reference implementation writes it.
pub(super) fn write(tokenizer: &Tokenizer) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct File<'a> {
        version: &'a str,
        truncation: Option<Truncation>,
        padding: (),
        added_tokens: &'a [AddedToken],
        normalizer: Option<Step<'a, Normalizer>>,
        pre_tokenizer: Option<Step<'a, Splitter>>,
        post_processor: Framing<'a>,
        decoder: Decoder<'a>,
        model: Model<'a>,
    }
    #[derive(Serialize)]
    struct Truncation {
        direction: Side,
        max_length: usize,
        strategy: &'static str,
        stride: usize,
    }
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Step<'a, T> {
        One(&'a T),
        Rewriting { r#type: &'a str, normalizers: &'a [T] },
        Splitting { r#type: &'a str, pretokenizers: &'a [T] },
    }
    #[derive(Serialize)]
    struct Framing<'a> {
        r#type: &'a str,
        single: Value,
        pair: Value,
        special_tokens: Value,
    }
    #[derive(Serialize)]
    struct Decoder<'a> {
        r#type: &'a str,
        prefix: &'a str,
        cleanup: bool,
    }
    #[derive(Serialize)]
    struct Model<'a> {
        r#type: &'a str,
        unk_token: &'a str,
        continuing_subword_prefix: &'a str,
        max_input_chars_per_word: usize,
        vocab: ById<'a>,
    }
    struct ById<'a>(&'a Vocabulary);
    impl Serialize for ById<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.0.count()))?;
            for (token, id) in self.0.tokens().zip(0u32..) {
                if let Some(token) = token {
                    map.serialize_entry(token, &id)?;
                }
            }
            map.end()
        }
    }
    let inner = &*tokenizer.inner;
    let pieces = &inner.pieces;
    let name = |id: u32| inner.token(id).unwrap_or_default();
    let (cls, sep) = (name(inner.special.cls), name(inner.special.sep));
    let [single, pair] = template((cls, sep), inner.special.second_type, inner.special.doubled);
    let special = |name: &str, id: u32| (name.to_owned(), json!({"id": name, "ids": [id], "tokens": [name]}));
    let special_tokens =
        Value::Object([special(cls, inner.special.cls), special(sep, inner.special.sep)].into_iter().collect());
    serde_json::to_string(&File {
        version: "1.0",
        truncation: (!inner.side.is_right()).then_some(Truncation {
            direction: inner.side,
            max_length: MAX_LENGTH,
            strategy: "LongestFirst",
            stride: 0,
        }),
        padding: (),
        added_tokens: &inner.added,
        normalizer: match &inner.normalizers[..] {
            [] => None,
            [one] => Some(Step::One(one)),
            normalizers => Some(Step::Rewriting { r#type: "Sequence", normalizers }),
        },
        pre_tokenizer: Some(match &inner.splitters[..] {
            [one] => Step::One(one),
            pretokenizers => Step::Splitting { r#type: "Sequence", pretokenizers },
        }),
        post_processor: Framing { r#type: "TemplateProcessing", single, pair, special_tokens },
        decoder: Decoder { r#type: "WordPiece", prefix: &pieces.prefix, cleanup: true },
        model: Model {
            r#type: "WordPiece",
            unk_token: pieces.vocabulary.token(pieces.unk).unwrap_or_default(),
            continuing_subword_prefix: &pieces.prefix,
            max_input_chars_per_word: pieces.longest_word,
            vocab: ById(&pieces.vocabulary),
        },
    })
}
