//! A tokeniser's files: `tokenizer.json`, `vocab.txt`, and what stands beside them.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::added::AddedToken;
use super::parts::{Frame, Parts};
use super::pipeline::{Normalizer, Splitter};
use super::vocabulary::Vocabulary;
use super::{Inner, Tokenizer, description};
use crate::atomic_file;
use crate::error::{Error, Fault, Result};

/// Files that are carried along: [`Tokenizer::save`] writes them beside `tokenizer.json`.
const COMPANIONS: [&str; 3] = ["vocab.txt", "tokenizer_config.json", "special_tokens_map.json"];

/// Largest file read; the largest multilingual tokenisers have a quarter of it.
const MAX_BYTES: u64 = 64 << 20;

/// Characters of the longest word that is split into pieces, where `vocab.txt` leaves it open.
const MAX_WORD: usize = 100;

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
            Fault::of("expected a tokeniser's settings as JSON", e).at(folder.join("tokenizer_config.json"))
        })?,
        None => Settings::default(),
    };
    let path = folder.join("tokenizer.json");
    let inner = match (read(&path)?, companion("vocab.txt")) {
        (Some(json), _) => of_json(&json, &settings).map_err(|fault| fault.at(&path)),
        (None, Some(vocabulary)) => of_lines(vocabulary, &settings).map_err(|fault| fault.at(folder.join("vocab.txt"))),
        (None, None) => Err(Error::malformed(
            folder,
            "no tokenizer.json or vocab.txt; give the folder of a Hugging Face BERT model with its tokeniser",
        )),
    }?;
    Ok(Tokenizer::new(inner, companions))
}

/// See [`Tokenizer::save`].
pub(super) fn save(tokenizer: &Tokenizer, folder: &Path) -> Result<()> {
    let text = tokenizer.to_json()?;
    std::fs::create_dir_all(folder).map_err(|e| Error::io("create folder", folder, e))?;
    let write = |path: &Path, bytes: &[u8]| atomic_file::write(path, |file| file.write_all(bytes));
    write(&folder.join("tokenizer.json"), text.as_bytes())?;
    tokenizer.companions.iter().try_for_each(|(name, bytes)| write(&folder.join(name), bytes))
}

/// See [`Tokenizer::from_json`].
pub(super) fn from_json(json: &[u8]) -> Result<Tokenizer> {
    match of_json(json, &Settings::default()) {
        Ok(inner) => Ok(Tokenizer::new(inner, Vec::new())),
        Err(fault) => Err(fault.of_bytes("tokenizer.json")),
    }
}

fn of_json(json: &[u8], settings: &Settings) -> Result<Inner, Fault> {
    let [_, cls, sep, pad, _] = settings.names();
    description::read(json, [cls, sep, pad])
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

/// The tokeniser of a `vocab.txt`: a token a line, its id the line's number from 0. Of a token named twice the last line counts.
fn of_lines(vocabulary: &[u8], settings: &Settings) -> Result<Inner, Fault> {
    let text = std::str::from_utf8(vocabulary).map_err(|e| Fault::of("not UTF-8 text", e))?;
    let mut seen = HashSet::new();
    let mut tokens: Vec<(u32, &str)> = (0..).zip(text.lines()).filter(|(_, token)| !token.is_empty()).collect();
    tokens.reverse();
    tokens.retain(|&(_, token)| seen.insert(token));
    let vocabulary = Vocabulary::new(tokens.into_iter().rev().map(Ok), text.len())?;
    let names = settings.names();
    let [unk, cls, sep, pad, _] = names;
    for name in [sep, cls] {
        vocabulary.id(name).ok_or_else(|| format!("no token {name}; it is not BERT's vocabulary"))?;
    }
    let special = |name: &str| {
        let id = vocabulary.id(name)?;
        let content = name.to_owned();
        Some(AddedToken {
            id,
            content,
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: true,
        })
    };
    Parts {
        normalizers: vec![Normalizer::Bert {
            clean_text: true,
            handle_chinese_chars: settings.tokenize_chinese_chars.unwrap_or(true),
            strip_accents: settings.strip_accents,
            lowercase: settings.do_lower_case.unwrap_or(true),
        }],
        splitters: vec![Splitter::BertPreTokenizer {}],
        added: names.into_iter().filter_map(special).collect(),
        prefix: "##".into(),
        longest_word: MAX_WORD,
        frame: Frame::Named { unk, cls: (cls, None), sep: (sep, None), pad: (pad, &Value::Null) },
        vocabulary,
    }
    .assemble()
    .map_err(Fault::from)
}
