//! A tokeniser's files: `tokenizer.json`, `vocab.txt`, and what stands beside them.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use serde_json::Value;

use super::decision::{Decision, Source};
use super::description::Description;
use super::settings::Settings;
use super::vocabulary::Vocabulary;
use super::{Tokenizer, written};
use crate::error::{Error, Fault, Result};
use crate::{atomic_file, pointer};

const DESCRIPTION: &str = "tokenizer.json";
const VOCABULARY: &str = "vocab.txt";
const CONFIG: &str = "tokenizer_config.json";
const MAP: &str = "special_tokens_map.json";
const ADDED: &str = "added_tokens.json";

/// The files that [`Tokenizer::save`] writes beside `tokenizer.json`.
const COMPANIONS: [&str; 4] = [VOCABULARY, CONFIG, MAP, ADDED];

/// Largest file read; the largest multilingual tokenisers have a quarter of it.
const MAX_BYTES: u64 = 64 << 20;

/// Files beside `tokenizer.json`: name and content.
type Companions = Vec<(&'static str, Vec<u8>)>;

/// See [`Tokenizer::load`].
pub(super) fn load(folder: &Path) -> Result<Tokenizer> {
    let companions = companions(folder)?;
    let companion = |wanted| companions.iter().find(|(name, _)| *name == wanted).map(|(_, bytes)| bytes.as_slice());
    let at = |name: &'static str| move |fault: Fault| fault.at(folder.join(name));
    let model = read(&folder.join("config.json"))?;
    let description = read(&folder.join(DESCRIPTION))?;
    if let Some(json) = &description
        && model.is_none()
        && [CONFIG, MAP, ADDED].into_iter().all(|name| companion(name).is_none())
    {
        return Ok(alone(json).map_err(at(DESCRIPTION))?.with(companions));
    }
    // What else is wrong with it is said by whoever reads the model.
    let class = model.and_then(|model| serde_json::from_slice::<Value>(&model).ok());
    let class = class.and_then(|model| {
        // A family has a class of its own, where none is named.
        let family = match model["model_type"].as_str() {
            Some("distilbert") => Some("DistilBertTokenizer"),
            Some("mpnet") => Some("MPNetTokenizer"),
            _ => None,
        };
        model["tokenizer_class"].as_str().or(family).map(str::to_owned)
    });
    let mut settings = Settings::new(companion(CONFIG), class).map_err(at(CONFIG))?;
    companion(MAP).map_or(Ok(()), |file| settings.add_map(file)).map_err(at(MAP))?;
    companion(ADDED).map_or(Ok(()), |file| settings.add_tokens(file)).map_err(at(ADDED))?;
    let (source, file) = match (description, companion(VOCABULARY)) {
        (Some(json), _) => {
            (Source::Description(Box::new(Description::read(&json).map_err(at(DESCRIPTION))?)), DESCRIPTION)
        }
        (None, Some(lines)) => (Source::Vocabulary(of_lines(lines).map_err(at(VOCABULARY))?), VOCABULARY),
        (None, None) => {
            return Err(Error::malformed(
                folder,
                "no tokenizer.json or vocab.txt; give the folder of a Hugging Face BERT model with its tokeniser",
            ));
        }
    };
    let decision = Decision::of(settings, source).map_err(at(CONFIG))?;
    Ok(decision.tokenizer().map_err(at(file))?.with(companions))
}

/// See [`Tokenizer::load_saved`].
pub(super) fn load_saved(folder: &Path) -> Result<Tokenizer> {
    let path = folder.join(DESCRIPTION);
    match read(&path)? {
        Some(json) => Ok(alone(&json).map_err(|fault| fault.at(&path))?.with(companions(folder)?)),
        None => load(folder),
    }
}

/// See [`Tokenizer::save`].
pub(super) fn save(tokenizer: &Tokenizer, folder: &Path) -> Result<()> {
    let text = tokenizer.to_json()?;
    std::fs::create_dir_all(folder).map_err(|e| Error::io("create folder", folder, e))?;
    let write = |path: &Path, bytes: &[u8]| atomic_file::write(path, |file| file.write_all(bytes));
    write(&folder.join(DESCRIPTION), text.as_bytes())?;
    tokenizer.companions.iter().try_for_each(|(name, bytes)| write(&folder.join(name), bytes))
}

/// See [`Tokenizer::from_json`].
pub(super) fn from_json(json: &[u8]) -> Result<Tokenizer> {
    alone(json).map_err(|fault| fault.of_bytes(DESCRIPTION))
}

/// See [`Tokenizer::to_json`].
pub(super) fn to_json(tokenizer: &Tokenizer) -> Result<String> {
    written::write(tokenizer).map_err(|e| Fault::of("cannot be written as JSON", e).of_bytes(DESCRIPTION))
}

/// The tokeniser of a `tokenizer.json` alone: the one that the tokenisers library makes of it.
fn alone(json: &[u8]) -> Result<Tokenizer, Fault> {
    Ok(Tokenizer::new(Description::read(json)?.into_parts().assemble()?))
}

fn companions(folder: &Path) -> Result<Companions> {
    let mut companions = Vec::new();
    for name in COMPANIONS {
        companions.extend(read(&folder.join(name))?.map(|bytes| (name, bytes)));
    }
    Ok(companions)
}

/// The content of a file, if there is one.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let failed = |e| Error::io("read tokeniser file", path, e);
    match std::fs::metadata(path) {
        Ok(data) if data.len() > MAX_BYTES => {
            Err(Error::malformed(path, format!("{} bytes; expected at most {MAX_BYTES}", data.len())))
        }
        Ok(_) => {
            let bytes = std::fs::read(path).map_err(failed)?;
            match pointer::explain(&bytes) {
                Some(message) => Err(Error::malformed(path, message)),
                None => Ok(Some(bytes)),
            }
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(e)),
    }
}

/// The vocabulary of a `vocab.txt`: a token a line, without the spaces at its end, its id the line's number from 0. Of a token named
/// twice the last line counts; an empty line is a token that no word has.
fn of_lines(lines: &[u8]) -> Result<Vocabulary, Fault> {
    let text = std::str::from_utf8(lines).map_err(|e| Fault::of("not UTF-8 text", e))?;
    let mut seen = HashSet::new();
    let mut tokens: Vec<(u32, &str)> = (0..).zip(text.lines().map(str::trim_end)).collect();
    tokens.reverse();
    tokens.retain(|&(_, token)| seen.insert(token));
    Ok(Vocabulary::new(tokens.into_iter().rev().map(Ok), text.len())?)
}
