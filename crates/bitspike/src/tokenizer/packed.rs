//! A tokeniser within a packed model: its settings as JSON, its vocabulary as bytes. `docs/format.md` specifies both.

use serde::{Deserialize, Serialize};

use super::Tokenizer;
use super::added::AddedToken;
use super::inner::Inner;
use super::parts::{Frame, Parts};
use super::pipeline::{Normalizer, Splitter};
use super::truncation::Side;
use super::vocabulary::{MAX_VOCABULARY, Vocabulary};
use crate::error::Fault;

/// Names of the vocabulary's tensors: a length for each id, and the tokens one after another.
pub(crate) const LENGTHS: &str = "vocabulary.lengths";
pub(crate) const TEXT: &str = "vocabulary.text";

/// Most bytes of text; the largest multilingual vocabularies have a tenth of it.
const MAX_TEXT: usize = 64 << 20;

/// Most bytes of lengths.
const MAX_LENGTHS: usize = 2 * MAX_VOCABULARY as usize;

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
    /// Type id of a second text.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    second_type: u32,
    /// Two separators between the texts of a pair.
    #[serde(default, skip_serializing_if = "is_false")]
    double_separator: bool,
    #[serde(default, skip_serializing_if = "Side::is_right")]
    truncation_side: Side,
    added_tokens: Vec<AddedToken>,
}

fn one() -> u32 {
    1
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

/// A tokeniser's packed form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed {
    /// The metadata's entry `tokenizer`.
    pub(crate) settings: String,
    /// The tensor [`LENGTHS`].
    pub(crate) lengths: Vec<u8>,
    /// The tensor [`TEXT`].
    pub(crate) text: Vec<u8>,
}

impl Tokenizer {
    /// The packed form.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the vocabulary is larger than a reader takes.
    pub(crate) fn pack(&self) -> crate::Result<Packed> {
        let inner = &*self.inner;
        let pieces = &inner.pieces;
        let settings = Settings {
            normalizers: inner.normalizers.clone(),
            splitters: inner.splitters.clone(),
            continuing_subword_prefix: pieces.prefix.clone(),
            max_input_chars_per_word: pieces.longest_word,
            unk: pieces.unk,
            cls: inner.special.cls,
            sep: inner.special.sep,
            pad: inner.special.pad,
            second_type: inner.special.second_type,
            double_separator: inner.special.doubled,
            truncation_side: inner.side,
            added_tokens: inner.added.clone(),
        };
        let (mut lengths, mut text) = (Vec::new(), String::new());
        for token in pieces.vocabulary.tokens() {
            encode(token, &mut lengths);
            text.push_str(token.unwrap_or_default());
        }
        let (found, added) = ([lengths.len(), text.len()], settings.added_tokens.len());
        if found[0] > MAX_LENGTHS || found[1] > MAX_TEXT || added > MAX_ADDED {
            let expected =
                format!("at most {MAX_LENGTHS} bytes of lengths, {MAX_TEXT} of text and {MAX_ADDED} added tokens");
            let found = format!("{} bytes, {} bytes and {added} tokens", found[0], found[1]);
            return Err(crate::Error::invalid("tokeniser", expected, found));
        }
        let settings = serde_json::to_string(&settings).expect("settings are JSON");
        Ok(Packed { settings, lengths, text: text.into_bytes() })
    }

    /// The tokeniser of the packed form.
    ///
    /// # Errors
    /// What is wrong, by name, expected and found, and at which byte.
    pub(crate) fn unpack(settings: &str, lengths: &[u8], text: &[u8]) -> Result<Self, Fault> {
        Ok(Self::new(unpack(settings, decode(lengths, text)?)?))
    }
}

fn unpack(settings: &str, vocabulary: Vocabulary) -> Result<Inner, Fault> {
    let settings: Settings =
        serde_json::from_slice(settings.as_bytes()).map_err(|e| Fault::of("metadata `tokenizer`", e))?;
    let found = settings.added_tokens.len();
    if found > MAX_ADDED {
        return Err(Fault::from(format!(
            "metadata `tokenizer`: added_tokens: expected at most {MAX_ADDED}, found {found}"
        )));
    }
    let Settings { unk, cls, sep, pad, second_type, double_separator: doubled, truncation_side: side, .. } = settings;
    if second_type > 1 {
        return Err(Fault::from(format!("metadata `tokenizer`: second_type: expected 0 or 1, found {second_type}")));
    }
    let stated: Vec<u32> = settings.added_tokens.iter().map(|token| token.id).collect();
    let parts = Parts {
        normalizers: settings.normalizers,
        splitters: settings.splitters,
        added: settings.added_tokens,
        prefix: settings.continuing_subword_prefix,
        longest_word: settings.max_input_chars_per_word,
        frame: Frame::Ids { unk, cls, sep, pad },
        second_type,
        doubled,
        side,
        vocabulary,
    };
    let inner = parts.assemble().map_err(|message| format!("metadata `tokenizer`: {message}"))?;
    let expected: Vec<u32> = inner.added.iter().map(|token| token.id).collect();
    if let Some(at) = (0..stated.len().max(expected.len())).find(|&at| stated.get(at) != expected.get(at)) {
        let id = |ids: &[u32]| ids.get(at).map_or("no token".to_owned(), |id| format!("the id {id}"));
        let (expected, found) = (id(&expected), id(&stated));
        return Err(Fault::from(format!(
            "metadata `tokenizer`: added_tokens: entry {at}: expected {expected}, found {found}"
        )));
    }
    Ok(inner)
}

/// Appends what stands for the next id: 0 for no token; else the token's length plus 1, seven bits a byte from the lowest, all
/// bytes but the last with the top bit set.
fn encode(token: Option<&str>, lengths: &mut Vec<u8>) {
    let mut rest = token.map_or(0, |token| token.len() + 1);
    while rest >= usize::from(CONTINUED) {
        lengths.push(rest as u8 | CONTINUED);
        rest >>= 7;
    }
    lengths.push(rest as u8);
}

/// The vocabulary of lengths that [`encode`] made, and no others, and of the text of its tokens.
fn decode(lengths: &[u8], text: &[u8]) -> Result<Vocabulary, Fault> {
    if text.len() > MAX_TEXT || lengths.len() > MAX_LENGTHS {
        let (found, text) = (lengths.len(), text.len());
        return Err(Fault::from(format!(
            "vocabulary: expected at most {MAX_LENGTHS} bytes of lengths and {MAX_TEXT} of text, found {found} and {text}"
        )));
    }
    let text = str::from_utf8(text)
        .map_err(|e| Fault::of(format!("tensor `{TEXT}`: expected UTF-8, found other bytes"), e))?;
    let mut ends = Vec::with_capacity(lengths.len());
    let (mut rest, mut end, mut tokens, mut empty) = (lengths, 0, 0, None);
    while let [first, ..] = *rest {
        let (place, id) = (lengths.len() - rest.len(), ends.len() as u32);
        let refuse = |message: String| Err(format!("tensor `{LENGTHS}`: byte {place}, id {id}: {message}").into());
        if id >= MAX_VOCABULARY {
            return refuse(format!("expected ids below {MAX_VOCABULARY}"));
        }
        let length = match first {
            CONTINUED.. => match number(&mut rest) {
                Ok(length) => length,
                Err(message) => return refuse(message),
            },
            _ => {
                rest = &rest[1..];
                usize::from(first)
            }
        };
        if let Some(length) = length.checked_sub(1) {
            if !text.is_char_boundary(end + length) {
                let left = text.len() - end;
                return refuse(format!(
                    "expected a token of {length} bytes that are whole characters, {left} are left"
                ));
            }
            end += length;
            tokens += 1;
            if length == 0
                && let Some(earlier) = empty.replace(id)
            {
                return refuse(format!("expected the empty token once, found it as id {earlier} too"));
            }
        } else if rest.is_empty() {
            return refuse("expected a token at the last id, found none".into());
        }
        ends.push(end as u32);
    }
    if end < text.len() {
        return Err(Fault::from(format!(
            "tensor `{TEXT}`: expected {end} bytes, as `{LENGTHS}` says, found {}",
            text.len()
        )));
    }
    Vocabulary::of_text(text.to_owned(), ends, (tokens, empty))
        .map_err(|message| format!("tensor `{TEXT}`: {message}").into())
}

/// Takes a number of more than one byte from the front of `bytes`.
fn number(bytes: &mut &[u8]) -> Result<usize, String> {
    let mut number = 0;
    // Four bytes hold more than the longest text.
    for (i, &byte) in bytes.iter().take(4).enumerate() {
        number |= usize::from(byte & !CONTINUED) << (7 * i);
        if byte == 0 {
            return Err("expected a length in as few bytes as it needs, found more".into());
        }
        if byte < CONTINUED {
            *bytes = &bytes[i + 1..];
            return Ok(number);
        }
    }
    Err("expected a length of at most four bytes, found none that ends".into())
}
