//! A tokeniser's files: `tokenizer.json`, `vocab.txt`, and what stands beside them.

use std::fmt;
use std::io::Write;
use std::path::Path;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tokenizers::Model;
use tokenizers::processors::bert::BertProcessing;

use super::{Inner, Tokenizer};
use crate::atomic_file;
use crate::error::{Error, Result};

/// Files that are carried along: [`Tokenizer::save`] writes them beside `tokenizer.json`.
const COMPANIONS: [&str; 3] = ["vocab.txt", "tokenizer_config.json", "special_tokens_map.json"];

/// Largest file read; the largest multilingual tokenisers have a quarter of it.
const MAX_BYTES: u64 = 64 << 20;

/// Largest id of a token plus 1, as for a model's word table.
const MAX_VOCABULARY: u32 = 1 << 24;

/// Characters of the longest word that is split into pieces, where `vocab.txt` leaves it open.
const MAX_WORD: usize = 100;

/// Largest such value that a file may name: splitting takes time quadratic in it.
const MAX_WORD_CAP: usize = 1000;

/// Normalisers that act on a character and its combining marks alone, and fail on no text.
const NORMALIZERS: [&str; 9] =
    ["BertNormalizer", "Strip", "StripAccents", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Sequence"];

/// Splitters that look no further than the next character, and fail on no text.
const SPLITTERS: [&str; 6] = ["BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits", "Sequence"];

/// What is read of `tokenizer_config.json`.
#[derive(Debug, Default, Deserialize)]
struct Settings {
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    unk_token: Option<Special>,
    cls_token: Option<Special>,
    sep_token: Option<Special>,
    pad_token: Option<Special>,
    mask_token: Option<Special>,
}

/// A special token's name, plain or as an object of its properties.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Special {
    Name(String),
    Properties { content: String },
}

impl Settings {
    /// Names of the special tokens: unknown, class, separator, padding, mask.
    fn names(&self) -> [&str; 5] {
        let tokens = [&self.unk_token, &self.cls_token, &self.sep_token, &self.pad_token, &self.mask_token];
        let mut names = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"];
        for (name, token) in names.iter_mut().zip(tokens) {
            if let Some(Special::Name(given) | Special::Properties { content: given }) = token {
                *name = given;
            }
        }
        names
    }
}

/// See [`Tokenizer::load`].
pub(super) fn load(folder: &Path) -> Result<Tokenizer> {
    let mut companions = Vec::new();
    for name in COMPANIONS {
        companions.extend(read(&folder.join(name))?.map(|bytes| (name, bytes)));
    }
    let companion = |wanted| companions.iter().find(|(name, _)| *name == wanted).map(|(_, bytes)| bytes.as_slice());
    let settings = match companion("tokenizer_config.json") {
        Some(bytes) => serde_json::from_slice(bytes).map_err(|e| {
            Error::malformed(
                folder.join("tokenizer_config.json"),
                format!("expected a tokeniser's settings as JSON: {e}"),
            )
        })?,
        None => Settings::default(),
    };
    let path = folder.join("tokenizer.json");
    let tokenizer = match (read(&path)?, companion("vocab.txt")) {
        (Some(description), _) => build(&description, &settings).map_err(|message| Error::malformed(&path, message)),
        (None, Some(vocabulary)) => describe(vocabulary, &settings)
            .and_then(|description| build(&description, &settings))
            .map_err(|message| Error::malformed(folder.join("vocab.txt"), message)),
        (None, None) => Err(Error::malformed(
            folder,
            "no tokenizer.json or vocab.txt; give the folder of a Hugging Face BERT model with its tokeniser",
        )),
    }?;
    Ok(Tokenizer { companions, ..tokenizer })
}

/// See [`Tokenizer::save`].
pub(super) fn save(tokenizer: &Tokenizer, folder: &Path) -> Result<()> {
    let mut whole = tokenizer.inner.clone();
    whole.with_post_processor(tokenizer.post_processor.clone());
    let path = folder.join("tokenizer.json");
    let text =
        whole.to_string(false).map_err(|e| Error::malformed(&path, format!("cannot be written as JSON: {e}")))?;
    std::fs::create_dir_all(folder).map_err(|e| Error::io("create folder", folder, e))?;
    let write = |path: &Path, bytes: &[u8]| atomic_file::write(path, |file| file.write_all(bytes));
    write(&path, text.as_bytes())?;
    tokenizer.companions.iter().try_for_each(|(name, bytes)| write(&folder.join(name), bytes))
}

/// See [`Tokenizer::from_json`].
pub(super) fn from_json(json: &[u8]) -> Result<Tokenizer> {
    build(json, &Settings::default()).map_err(|message| Error::malformed("tokenizer.json", message))
}

/// See [`Tokenizer::to_json`].
pub(super) fn to_json(tokenizer: &Tokenizer) -> Result<String> {
    let mut whole = tokenizer.inner.clone();
    let named = |id: u32| whole.id_to_token(id).map(|name| (name, id));
    let frame = || Some(BertProcessing::new(named(tokenizer.sep)?, named(tokenizer.cls)?).into());
    let frame = tokenizer.post_processor.clone().or_else(frame);
    whole.with_post_processor(frame);
    whole.to_string(false).map_err(|e| Error::malformed("tokenizer.json", format!("cannot be written as JSON: {e}")))
}

/// The content of a file, if there is one.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let failed = |e| Error::io("read tokeniser file", path, e);
    match std::fs::metadata(path) {
        Ok(data) if data.len() > MAX_BYTES => {
            Err(Error::malformed(path, format!("{} bytes; expected at most {MAX_BYTES}", data.len())))
        }
        Ok(_) => std::fs::read(path).map(Some).map_err(failed),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(e)),
    }
}

/// The `tokenizer.json` that is equivalent to a `vocab.txt`: a token a line, its id the line's number from 0.
fn describe(vocabulary: &[u8], settings: &Settings) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(vocabulary).map_err(|e| format!("not UTF-8 text: {e}"))?;
    let ids: serde_json::Map<String, Value> = text
        .lines()
        .enumerate()
        .filter(|(_, token)| !token.is_empty())
        .map(|(id, token)| (token.into(), id.into()))
        .collect();
    let names = settings.names();
    let [unknown, cls, sep, ..] = names;
    let id = |name: &str| ids.get(name).cloned().ok_or_else(|| format!("no token {name}; it is not BERT's vocabulary"));
    let special = |name: &str| -> Option<Value> {
        Some(json!({
            "id": ids.get(name)?, "content": name, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        }))
    };
    let description = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": names.into_iter().filter_map(special).collect::<Vec<_>>(),
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": true,
            "handle_chinese_chars": settings.tokenize_chinese_chars.unwrap_or(true),
            "strip_accents": settings.strip_accents,
            "lowercase": settings.do_lower_case.unwrap_or(true),
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": [sep, id(sep)?], "cls": [cls, id(cls)?]},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {
            "type": "WordPiece", "unk_token": unknown, "continuing_subword_prefix": "##",
            "max_input_chars_per_word": MAX_WORD, "vocab": ids
        }
    });
    Ok(description.to_string().into_bytes())
}

/// What is checked of a `tokenizer.json`. The vocabulary, nearly all of the file, is not kept: a start waits for this.
#[derive(Deserialize)]
struct Parts {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    #[serde(default)]
    model: ModelPart,
}

#[derive(Default, Deserialize)]
struct ModelPart {
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
    vocab: LargestId,
}

/// The largest id of a vocabulary; 0 for one that is no map of tokens to ids, which the library then refuses.
#[derive(Default)]
struct LargestId(u64);

impl<'de> Deserialize<'de> for LargestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Ids;
        impl<'de> Visitor<'de> for Ids {
            type Value = LargestId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a vocabulary")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<LargestId, A::Error> {
                let mut largest = 0;
                while let Some((_, id)) = entries.next_entry::<IgnoredAny, Value>()? {
                    largest = largest.max(id.as_u64().unwrap_or(0));
                }
                Ok(LargestId(largest))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<LargestId, A::Error> {
                while entries.next_element::<IgnoredAny>()?.is_some() {}
                Ok(LargestId(0))
            }
        }
        deserializer.deserialize_any(Ids)
    }
}

/// The tokeniser of a `tokenizer.json`, without companions.
fn build(description: &[u8], settings: &Settings) -> Result<Tokenizer, String> {
    // The parts are checked by name before the library builds them: some of those refused here panic on bad settings.
    let parts: Parts = serde_json::from_slice(description).map_err(|e| format!("not JSON of a tokeniser: {e}"))?;
    let model = &parts.model;
    // The first versions of the format do not name the type; the prefix tells WordPiece from the others.
    let untagged = model.kind.is_null() && model.continuing_subword_prefix.is_string() && model.merges.is_none();
    if model.kind != "WordPiece" && !untagged {
        return Err(format!("expected a WordPiece tokeniser, BERT's kind, found model type {}", model.kind));
    }
    let longest_word = model.max_input_chars_per_word.as_u64().unwrap_or(0);
    if !(1..=MAX_WORD_CAP as u64).contains(&longest_word) {
        let found = &model.max_input_chars_per_word;
        return Err(format!("`max_input_chars_per_word`: expected 1 to {MAX_WORD_CAP}, found {found}"));
    }
    only("normalizer", &parts.normalizer, &NORMALIZERS)?;
    if parts.pre_tokenizer.is_null() {
        return Err("no `pre_tokenizer`; expected BertPreTokenizer, which splits a text into words".into());
    }
    only("pre_tokenizer", &parts.pre_tokenizer, &SPLITTERS)?;
    let framed = frame(&parts.post_processor)?;

    let mut inner: Inner = serde_json::from_slice(description).map_err(|e| format!("not a tokeniser: {e}"))?;
    let missing = |name: &str| format!("the vocabulary has no {name}, which BERT's tokenisers need");
    let id = |name: &str| inner.token_to_id(name).ok_or_else(|| missing(name));
    let [_, cls, sep, pad, _] = settings.names();
    // The model itself must have it: without, a word that cannot be spelt is an error of the library.
    let unknown = model.unk_token.as_str().unwrap_or_default();
    let unknown = inner.get_model().token_to_id(unknown).ok_or_else(|| missing(unknown))?;
    let (cls, sep) = match framed {
        Some([cls, sep]) => (framing(&inner, cls)?, framing(&inner, sep)?),
        None => (id(cls)?, id(sep)?),
    };
    let pad = inner.token_to_id(pad).or(inner.get_padding().map(|padding| padding.pad_id)).unwrap_or(0);
    let added = inner.get_added_vocabulary().get_added_tokens_decoder().keys().max();
    let last = model.vocab.0.max(added.map_or(0, |&id| u64::from(id)));
    if last >= u64::from(MAX_VOCABULARY) {
        return Err(format!("expected token ids below {MAX_VOCABULARY}, found {last}"));
    }
    let longest_added =
        inner.get_added_vocabulary().get_added_tokens_decoder().values().map(|t| t.content.chars().count());
    let margin = longest_added.max().unwrap_or(0) + longest_word as usize;

    let post_processor = inner.get_post_processor().cloned();
    inner.with_post_processor(None::<tokenizers::PostProcessorWrapper>).with_padding(None);
    inner.with_truncation(None).map_err(|e| format!("cannot drop truncation: {e}"))?;
    let vocab_size = last as usize + 1;
    Ok(Tokenizer { inner, post_processor, cls, sep, pad, unknown, vocab_size, margin, companions: Vec::new() })
}

/// Refuses a part of another type than `known`, itself or within a sequence.
fn only(key: &str, part: &Value, known: &[&str]) -> Result<(), String> {
    if part.is_null() {
        return Ok(());
    }
    if !known.iter().any(|&name| part["type"] == name) {
        return Err(format!("`{key}`: expected one of {}, found {}", known.join(", "), part["type"]));
    }
    let nested = part.get("normalizers").or(part.get("pretokenizers")).and_then(Value::as_array);
    nested.into_iter().flatten().try_for_each(|part| only(key, part, known))
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
                let token = |name, kind| json!({"SpecialToken": {"id": name, "type_id": kind}});
                let text = |name, kind| json!({"Sequence": {"id": name, "type_id": kind}});
                let single = [token(cls, 0), text("A", 0), token(sep, 0)];
                let pair = [&single[..], &[text("B", 1), token(sep, 1)]].concat();
                let ids = |name: &str| part["special_tokens"][name]["ids"].as_array().filter(|ids| ids.len() == 1);
                let as_bert = part["single"] == json!(single) && part["pair"] == json!(pair);
                as_bert.then_some(())?;
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

/// The id of a token of the frame, which vocabulary and post-processor must agree on.
fn framing(tokenizer: &Inner, (name, id): (&str, &Value)) -> Result<u32, String> {
    let known = tokenizer.token_to_id(name);
    known.filter(|&known| *id == known).ok_or_else(|| {
        let known = known.map_or("not in the vocabulary".into(), |known| format!("id {known} in the vocabulary"));
        format!("`post_processor`: {name} is {known}, but {id} in the frame")
    })
}
