//! `tokenizer.json`, read and written.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::added::AddedToken;
use super::parts::{Frame, Parts};
use super::pipeline::{Normalizer, Splitter};
use super::vocabulary::Vocabulary;
use super::{Inner, Tokenizer};
use crate::error::Fault;

/// Types and settings of the steps that rewrite a text. They act on a character and its combining marks alone.
const NORMALIZERS: [(&str, &[&str]); 9] = [
    ("BertNormalizer", &["clean_text", "handle_chinese_chars", "strip_accents", "lowercase"]),
    ("Strip", &["strip_left", "strip_right"]),
    ("StripAccents", &[]),
    ("NFC", &[]),
    ("NFD", &[]),
    ("NFKC", &[]),
    ("NFKD", &[]),
    ("Lowercase", &[]),
    ("Sequence", &["normalizers"]),
];

/// Types and settings of the steps that split a text. They look no further than the next character.
const SPLITTERS: [(&str, &[&str]); 6] = [
    ("BertPreTokenizer", &[]),
    ("Whitespace", &[]),
    ("WhitespaceSplit", &[]),
    ("Punctuation", &["behavior"]),
    ("Digits", &["individual_digits"]),
    ("Sequence", &["pretokenizers"]),
];

/// Keys of an added token.
const ADDED: [&str; 7] = ["id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"];

/// A `tokenizer.json`. Other keys are of no meaning here: truncation, decoder.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    padding: Value,
    #[serde(default)]
    added_tokens: Vec<Value>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    #[serde(default)]
    model: Model,
}

#[derive(Default, Deserialize)]
struct Model {
    #[serde(default, rename = "type")]
    kind: Value,
    #[serde(default)]
    continuing_subword_prefix: Value,
    #[serde(default)]
    merges: Option<IgnoredAny>,
    #[serde(default)]
    max_input_chars_per_word: Value,
    #[serde(default)]
    unk_token: Value,
    #[serde(default)]
    vocab: Option<Tokens>,
}

/// A vocabulary as a file has it, in its order.
#[derive(Default)]
struct Tokens {
    text: String,
    /// Id, and where in `text` the token ends.
    tokens: Vec<(u32, usize)>,
}

impl<'de> Deserialize<'de> for Tokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Tokens;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from tokens to ids")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tokens, A::Error> {
                let mut found = Tokens::default();
                while entries.next_key_seed(Append(&mut found.text))?.is_some() {
                    let end = found.text.len();
                    found.tokens.push((entries.next_value()?, end));
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(Map)
    }
}

/// Appends a string to another.
struct Append<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Append<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Append<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token")
    }

    fn visit_str<E>(self, token: &str) -> Result<(), E> {
        self.0.push_str(token);
        Ok(())
    }
}

impl Tokens {
    fn vocabulary(&self) -> Result<Vocabulary, String> {
        let starts = std::iter::once(0).chain(self.tokens.iter().map(|&(_, end)| end));
        let mut tokens: Vec<(u32, &str)> =
            starts.zip(&self.tokens).map(|(start, &(id, end))| (id, &self.text[start..end])).collect();
        tokens.sort_by_key(|&(id, _)| id);
        Vocabulary::new(tokens.into_iter().map(Ok), self.text.len())
    }
}

/// The tokeniser of a `tokenizer.json`; `names` are those of the special tokens where it does not frame texts itself: class,
/// separator, padding.
pub(super) fn read(description: &[u8], [cls, sep, pad]: [&str; 3]) -> Result<Inner, Fault> {
    let file: File = serde_json::from_slice(description).map_err(|e| match e.is_data() {
        true => Fault::of("not a tokeniser", e),
        false => Fault::of("not JSON of a tokeniser", e),
    })?;
    if let Some(version) = file.version.filter(|version| version != "1.0") {
        return Err(Fault::from(format!("`version`: expected \"1.0\", found {version:?}")));
    }
    let model = file.model;
    // The first versions of the format do not name the type; the prefix tells WordPiece from the others.
    let untagged = model.kind.is_null() && model.continuing_subword_prefix.is_string() && model.merges.is_none();
    if model.kind != "WordPiece" && !untagged {
        return Err(format!("expected a WordPiece tokeniser, BERT's kind, found model type {}", model.kind).into());
    }
    let text = |key: &str, value: Value| match value {
        Value::String(text) => Ok(text),
        other => Err(Fault::from(format!("`{key}`: expected a string, found {other}"))),
    };
    let mut normalizers = Vec::new();
    if !file.normalizer.is_null() {
        steps("normalizer", &NORMALIZERS, file.normalizer, &mut normalizers)?;
    }
    if file.pre_tokenizer.is_null() {
        return Err("no `pre_tokenizer`; expected BertPreTokenizer, which splits a text into words".into());
    }
    let mut splitters = Vec::new();
    steps("pre_tokenizer", &SPLITTERS, file.pre_tokenizer, &mut splitters)?;
    let added = file.added_tokens.into_iter().map(|mut token| {
        if let Value::Object(keys) = &mut token {
            keys.retain(|key, _| ADDED.contains(&key.as_str()));
        }
        serde_json::from_value::<AddedToken>(token).map_err(|e| Fault::of("`added_tokens`", e))
    });
    let framed = frame(&file.post_processor)?;
    let (cls, sep) = match framed {
        Some([(cls, cls_id), (sep, sep_id)]) => ((cls, Some(cls_id)), (sep, Some(sep_id))),
        None => ((cls, None), (sep, None)),
    };
    let longest_word = model.max_input_chars_per_word;
    Ok(Parts {
        normalizers,
        splitters,
        added: added.collect::<Result<_, _>>()?,
        prefix: text("continuing_subword_prefix", model.continuing_subword_prefix)?,
        longest_word: longest_word
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| format!("`max_input_chars_per_word`: expected a number, found {longest_word}"))?,
        frame: Frame::Named {
            unk: &text("unk_token", model.unk_token)?,
            cls,
            sep,
            pad: (pad, &file.padding["pad_id"]),
        },
        vocabulary: model.vocab.ok_or("no `vocab`; expected a map from tokens to ids")?.vocabulary()?,
    }
    .assemble()?)
}

/// Appends the steps of `part`, those of a sequence one by one.
fn steps<T: for<'de> Deserialize<'de>>(
    key: &str,
    known: &[(&str, &[&str])],
    mut part: Value,
    steps: &mut Vec<T>,
) -> Result<(), Fault> {
    let Some(&(kind, settings)) = known.iter().find(|(name, _)| part["type"] == *name) else {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        return Err(Fault::from(format!("`{key}`: expected one of {}, found {}", names.join(", "), part["type"])));
    };
    if kind == "Sequence" {
        return match part[settings[0]].take() {
            Value::Array(parts) => parts.into_iter().try_for_each(|part| self::steps(key, known, part, steps)),
            other => Err(format!("`{key}`: expected a list of `{}` in a Sequence, found {other}", settings[0]).into()),
        };
    }
    // Other keys have always been passed over.
    if let Value::Object(keys) = &mut part {
        keys.retain(|key, _| key == "type" || settings.contains(&key.as_str()));
    }
    steps.push(serde_json::from_value(part).map_err(|e| Fault::of(format!("`{key}`: {kind}"), e))?);
    Ok(())
}

/// Name and id that a post-processor gives `[CLS]` and `[SEP]`, where it frames texts as BERT does; `None` where there is none.
fn frame(part: &Value) -> Result<Option<[(&str, &Value); 2]>, String> {
    let named = |pair: &'static str| Some((part[pair][0].as_str()?, &part[pair][1]));
    let found = match part["type"].as_str() {
        None if part.is_null() => return Ok(None),
        Some("BertProcessing") => named("cls").zip(named("sep")),
        Some("TemplateProcessing") => {
            let name = |at: usize| part["single"][at]["SpecialToken"]["id"].as_str();
            name(0).zip(name(2)).and_then(|(cls, sep)| {
                let ids = |name: &str| part["special_tokens"][name]["ids"].as_array().filter(|ids| ids.len() == 1);
                let [single, pair] = template(cls, sep);
                (part["single"] == single && part["pair"] == pair).then_some(())?;
                Some(((cls, &ids(cls)?[0]), (sep, &ids(sep)?[0])))
            })
        }
        _ => None,
    };
    let (cls, sep) = found.ok_or_else(|| {
        format!(
            "`post_processor`: expected BERT's frame `[CLS] A [SEP]` and `[CLS] A [SEP] B:1 [SEP]:1`, found another (type {})",
            part["type"]
        )
    })?;
    Ok(Some([cls, sep]))
}

/// BERT's frame of a text and of a pair.
fn template(cls: &str, sep: &str) -> [Value; 2] {
    let token = |name, kind| json!({"SpecialToken": {"id": name, "type_id": kind}});
    let text = |name, kind| json!({"Sequence": {"id": name, "type_id": kind}});
    let single = [token(cls, 0), text("A", 0), token(sep, 0)];
    let pair = [&single[..], &[text("B", 1), token(sep, 1)]].concat();
    [json!(single), json!(pair)]
}

/// The tokeniser as `tokenizer.json`, in the order in which the reference implementation writes it.
pub(super) fn write(tokenizer: &Tokenizer) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct File<'a> {
        version: &'a str,
        truncation: (),
        padding: (),
        added_tokens: &'a [AddedToken],
        normalizer: Option<Step<'a, Normalizer>>,
        pre_tokenizer: Option<Step<'a, Splitter>>,
        post_processor: Framing<'a>,
        decoder: Decoder<'a>,
        model: Model<'a>,
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
    let (cls, sep) = (name(inner.cls), name(inner.sep));
    let [single, pair] = template(cls, sep);
    let special = |name: &str, id: u32| (name.to_owned(), json!({"id": name, "ids": [id], "tokens": [name]}));
    let special_tokens = Value::Object([special(cls, inner.cls), special(sep, inner.sep)].into_iter().collect());
    serde_json::to_string(&File {
        version: "1.0",
        truncation: (),
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
