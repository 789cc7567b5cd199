//! `tokenizer.json`, read.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Value, json};

use super::added::AddedToken;
use super::parts::{Frame, Parts};
use super::pipeline::{Normalizer, Splitter};
use super::truncation::Side;
use super::vocabulary::Vocabulary;
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

/// A `tokenizer.json`. Other keys are of no meaning here, such as `decoder`.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    truncation: Value,
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

/// What a `tokenizer.json` says.
pub(super) struct Description {
    pub(super) normalizers: Vec<Normalizer>,
    pub(super) splitters: Vec<Splitter>,
    /// With the ids that the file gives them, which count for nothing.
    pub(super) added: Vec<AddedToken>,
    pub(super) prefix: String,
    pub(super) longest_word: usize,
    pub(super) unk: String,
    pub(super) frame: Option<Framing>,
    /// Name and id of the padding token, where it pads.
    pub(super) padding: Value,
    /// The end that it cuts, where it cuts.
    pub(super) side: Option<Side>,
    pub(super) vocabulary: Vocabulary,
}

/// How a `tokenizer.json` frames texts as BERT does.
pub(super) struct Framing {
    /// Name and id of each token.
    pub(super) cls: (String, Value),
    pub(super) sep: (String, Value),
    /// Type id of a second text.
    pub(super) second_type: u32,
    /// Whether two separators stand between the texts of a pair.
    pub(super) doubled: bool,
}

impl Description {
    /// Reads the file.
    pub(super) fn read(description: &[u8]) -> Result<Self, Fault> {
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
        let longest_word = model.max_input_chars_per_word;
        Ok(Self {
            normalizers,
            splitters,
            added: added.collect::<Result<_, _>>()?,
            prefix: text("continuing_subword_prefix", model.continuing_subword_prefix)?,
            longest_word: longest_word
                .as_u64()
                .and_then(|n| usize::try_from(n).ok())
                .ok_or_else(|| format!("`max_input_chars_per_word`: expected a number, found {longest_word}"))?,
            unk: text("unk_token", model.unk_token)?,
            frame: frame(&file.post_processor)?,
            side: match &file.truncation["direction"] {
                Value::Null => None,
                side => {
                    Some(serde_json::from_value(side.clone()).map_err(|e| Fault::of("`truncation`: `direction`", e))?)
                }
            },
            padding: file.padding,
            vocabulary: model.vocab.ok_or("no `vocab`; expected a map from tokens to ids")?.vocabulary()?,
        })
    }

    /// What the tokenisers library makes of it alone; class, separator and padding have BERT's names where it does not name them.
    pub(super) fn into_parts(self) -> Parts {
        let [cls, sep, pad] = ["[CLS]", "[SEP]", "[PAD]"];
        let named = |name: &str| (name.to_owned(), None);
        let stated = |(name, id)| (name, Some(id));
        let (cls, sep, second_type, doubled) = match self.frame {
            Some(frame) => (stated(frame.cls), stated(frame.sep), frame.second_type, frame.doubled),
            None => (named(cls), named(sep), 1, false),
        };
        Parts {
            normalizers: self.normalizers,
            splitters: self.splitters,
            added: self.added,
            prefix: self.prefix,
            longest_word: self.longest_word,
            frame: Frame::Named { unk: self.unk, cls, sep, pad: (pad.to_owned(), self.padding["pad_id"].clone()) },
            second_type,
            doubled,
            side: self.side.unwrap_or_default(),
            vocabulary: self.vocabulary,
        }
    }
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

/// How a post-processor frames texts, where it does as BERT or MPNet does; `None` where there is none.
fn frame(part: &Value) -> Result<Option<Framing>, String> {
    let framing = |cls: (&str, &Value), sep: (&str, &Value), (second_type, doubled)| Framing {
        cls: (cls.0.to_owned(), cls.1.clone()),
        sep: (sep.0.to_owned(), sep.1.clone()),
        second_type,
        doubled,
    };
    let named = |pair: &'static str| Some((part[pair][0].as_str()?, &part[pair][1]));
    let found = match part["type"].as_str() {
        None if part.is_null() => return Ok(None),
        Some("BertProcessing") => named("cls").zip(named("sep")).map(|(cls, sep)| framing(cls, sep, (1, false))),
        Some("RobertaProcessing") => named("cls").zip(named("sep")).map(|(cls, sep)| framing(cls, sep, (0, true))),
        Some("TemplateProcessing") => {
            let name = |at: usize| part["single"][at]["SpecialToken"]["id"].as_str();
            name(0).zip(name(2)).and_then(|(cls, sep)| {
                let ids = |name: &str| part["special_tokens"][name]["ids"].as_array().filter(|ids| ids.len() == 1);
                let second = [(1, false), (0, false), (0, true)].into_iter().find(|&(second, doubled)| {
                    let [single, pair] = template((cls, sep), second, doubled);
                    part["single"] == single && part["pair"] == pair
                })?;
                Some(framing((cls, &ids(cls)?[0]), (sep, &ids(sep)?[0]), second))
            })
        }
        _ => None,
    };
    let found = found.ok_or_else(|| {
        format!(
            "`post_processor`: expected BERT's frame `[CLS] A [SEP]` and `[CLS] A [SEP] B:1 [SEP]:1`, or MPNet's `<s> A </s>` and \
             `<s> A </s></s> B </s>`, found another (type {})",
            part["type"]
        )
    })?;
    Ok(Some(found))
}

/// BERT's frame of a text and of a pair whose second text has the type id `second`; `doubled` has another separator before that.
pub(super) fn template((cls, sep): (&str, &str), second: u32, doubled: bool) -> [Value; 2] {
    let token = |name, kind| json!({"SpecialToken": {"id": name, "type_id": kind}});
    let text = |name, kind| json!({"Sequence": {"id": name, "type_id": kind}});
    let single = [token(cls, 0), text("A", 0), token(sep, 0)];
    let between = if doubled { &single[2..] } else { &[] };
    let pair = [&single[..], between, &[text("B", second), token(sep, second)]].concat();
    [json!(single), json!(pair)]
}
