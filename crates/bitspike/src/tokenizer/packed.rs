//! A tokeniser within a packed model: its settings as JSON, its vocabulary as bytes. `docs/format.md` specifies both.

use serde::{Deserialize, Serialize};

use super::added::AddedToken;
use super::parts::{Frame, Parts};
use super::pipeline::{Normalizer, Splitter};
use super::vocabulary::Vocabulary;
use super::{Inner, Tokenizer};

/// Largest vocabulary in bytes; the largest multilingual ones have a tenth of it.
const MAX_VOCABULARY_BYTES: usize = 64 << 20;

/// Most added tokens.
const MAX_ADDED: usize = 1 << 16;

/// Fewest bytes of a token's length that do not fit one: those of 127 bytes and more.
const CONTINUED: u8 = 0x80;

/// All of a tokeniser but its vocabulary, in the words of `tokenizer.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    normalizers: Vec<Normalizer>,
    splitters: Vec<Splitter>,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    unk: u32,
    cls: u32,
    sep: u32,
    pad: u32,
    added_tokens: Vec<AddedToken>,
}

impl Tokenizer {
    /// Settings and vocabulary.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the vocabulary is larger than a reader takes.
    pub(crate) fn pack(&self) -> crate::Result<(String, Vec<u8>)> {
        let inner = &*self.inner;
        let pieces = &inner.pieces;
        let settings = Settings {
            normalizers: inner.normalizers.clone(),
            splitters: inner.splitters.clone(),
            continuing_subword_prefix: pieces.prefix.clone(),
            max_input_chars_per_word: pieces.longest_word,
            unk: pieces.unk,
            cls: inner.cls,
            sep: inner.sep,
            pad: inner.pad,
            added_tokens: inner.added.clone(),
        };
        let mut bytes = Vec::new();
        pieces.vocabulary.tokens().for_each(|token| encode(token, &mut bytes));
        let (found, added) = (bytes.len(), settings.added_tokens.len());
        if found > MAX_VOCABULARY_BYTES || added > MAX_ADDED {
            let expected = format!("at most {MAX_VOCABULARY_BYTES} bytes of vocabulary and {MAX_ADDED} added tokens");
            return Err(crate::Error::invalid("tokeniser", expected, format!("{found} bytes and {added} tokens")));
        }
        Ok((serde_json::to_string(&settings).expect("settings are JSON"), bytes))
    }

    /// The tokeniser of settings and vocabulary.
    ///
    /// # Errors
    /// What is wrong, by name, expected and found, and at which byte.
    pub(crate) fn unpack(settings: &str, vocabulary: &[u8]) -> Result<Self, String> {
        let inner = unpack(settings, vocabulary)?;
        Ok(Self::new(inner, Vec::new()))
    }
}

fn unpack(settings: &str, vocabulary: &[u8]) -> Result<Inner, String> {
    let settings: Settings = serde_json::from_str(settings).map_err(|e| format!("metadata `tokenizer`: {e}"))?;
    let found = settings.added_tokens.len();
    if found > MAX_ADDED {
        return Err(format!("metadata `tokenizer`: added_tokens: expected at most {MAX_ADDED}, found {found}"));
    }
    let vocabulary = decode(vocabulary).map_err(|message| format!("tensor `vocabulary`: {message}"))?;
    let Settings { unk, cls, sep, pad, .. } = settings;
    let stated: Vec<u32> = settings.added_tokens.iter().map(|token| token.id).collect();
    let parts = Parts {
        normalizers: settings.normalizers,
        splitters: settings.splitters,
        added: settings.added_tokens,
        prefix: settings.continuing_subword_prefix,
        longest_word: settings.max_input_chars_per_word,
        frame: Frame::Ids { unk, cls, sep, pad },
        vocabulary,
    };
    let inner = parts.assemble().map_err(|message| format!("metadata `tokenizer`: {message}"))?;
    let expected: Vec<u32> = inner.added.iter().map(|token| token.id).collect();
    if stated != expected {
        return Err(format!("metadata `tokenizer`: added_tokens: expected the ids {expected:?}, found {stated:?}"));
    }
    Ok(inner)
}

/// Appends what stands for the next id: 0 for no token; else the token's length plus 1, seven bits a byte from the lowest, all
/// bytes but the last with the top bit set; and the token.
fn encode(token: Option<&str>, bytes: &mut Vec<u8>) {
    let mut rest = token.map_or(0, |token| token.len() + 1);
    while rest >= usize::from(CONTINUED) {
        bytes.push(rest as u8 | CONTINUED);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes.extend_from_slice(token.unwrap_or_default().as_bytes());
}

/// The vocabulary of bytes that [`encode`] made, and no others.
fn decode(bytes: &[u8]) -> Result<Vocabulary, String> {
    if bytes.len() > MAX_VOCABULARY_BYTES {
        return Err(format!("expected at most {MAX_VOCABULARY_BYTES} bytes, found {}", bytes.len()));
    }
    let (mut rest, mut id, mut gap) = (bytes, 0u32, false);
    let tokens = std::iter::from_fn(|| {
        while !rest.is_empty() {
            let place = bytes.len() - rest.len();
            let token = match next(&mut rest) {
                Ok(token) => token,
                Err(message) => return Some(Err(format!("byte {place}, id {id}: {message}"))),
            };
            let this = id;
            (id, gap) = (id.saturating_add(1), token.is_none());
            if let Some(token) = token {
                return Some(Ok((this, token)));
            }
        }
        gap.then(|| {
            gap = false;
            Err(format!("expected a token at the last id, {}, found none", id - 1))
        })
    });
    Vocabulary::new(tokens, bytes.len())
}

/// Takes what stands for one id from the front of `bytes`, which are not empty.
fn next<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a str>, String> {
    let (mut length, mut shift) = (0usize, 0);
    loop {
        let Some((&byte, rest)) = bytes.split_first() else {
            return Err("expected a token's length, found the end".into());
        };
        *bytes = rest;
        length |= usize::from(byte & !CONTINUED) << shift;
        if byte < CONTINUED {
            if byte == 0 && shift > 0 {
                return Err("expected a length in as few bytes as it needs, found more".into());
            }
            break;
        }
        shift += 7;
        // Four bytes hold more than the cap.
        if shift > 21 {
            return Err(format!("expected a token of fewer than {MAX_VOCABULARY_BYTES} bytes, found a longer one"));
        }
    }
    let Some(length) = length.checked_sub(1) else { return Ok(None) };
    let Some((token, rest)) = bytes.split_at_checked(length) else {
        return Err(format!("expected a token of {length} bytes, found {} before the end", bytes.len()));
    };
    *bytes = rest;
    std::str::from_utf8(token).map(Some).map_err(|e| format!("expected UTF-8 text, found other bytes: {e}"))
}
