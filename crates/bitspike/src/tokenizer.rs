//! From text to token ids: BERT's WordPiece tokeniser, read from a model folder.
//!
//! A text is cleaned and split into words and punctuation, each word into the longest pieces the vocabulary has, and the pieces
//! are framed as `[CLS] first [SEP]` or `[CLS] first [SEP] second [SEP]`, the second text with type id 1.

mod added;
mod bert;
mod chars;
mod description;
mod folder;
pub(crate) mod packed;
mod parts;
mod pipeline;
mod vocabulary;
mod wordpiece;

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Fault, Result};
use crate::parallel;
use added::{AddedToken, Finder, Part};
use bert::Bert;
use pipeline::{Normalizer, Splitter};
use wordpiece::{Hashes, WordPiece};

/// Characters of a text that are looked at first for each token wanted; more than any natural language needs, so that only
/// odd texts (long runs of spaces or of unbroken letters) need a second look.
const CHARS_PER_TOKEN: usize = 8;

/// Texts given to a thread at a time.
const TEXTS_PER_TASK: usize = 32;

/// A tokeniser of BERT's kind; a clone shares its vocabulary.
///
/// Texts of any length are safe to encode: the cost is bounded by the tokens wanted unless the text holds fewer tokens than its
/// length suggests, and then by one pass over it (see [`Tokenizer::encode`]).
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: Arc<Inner>,
    /// Other files of the folder that belong to the tokeniser: name and content.
    companions: Arc<[(&'static str, Vec<u8>)]>,
}

/// What a text goes through, in this order.
#[derive(Debug)]
struct Inner {
    /// Finds the added tokens that are looked for in the text as it is.
    raw: Option<Finder>,
    /// Rewrite what is between them.
    normalizers: Vec<Normalizer>,
    /// Finds the other added tokens.
    normalized: Option<Finder>,
    /// Split what is between them into words.
    splitters: Vec<Splitter>,
    /// Spells the words.
    pieces: WordPiece,
    /// The four steps between `raw` and the end in one pass, where they are BERT's own.
    bert: Option<Bert>,
    /// All added tokens, in the order of their ids.
    added: Vec<AddedToken>,
    cls: u32,
    sep: u32,
    pad: u32,
    /// The largest id plus 1.
    ids: usize,
    /// Tokens that the end of a cut text can change at most.
    margin: usize,
}

/// A text or pair of texts as the model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids with `[CLS]` and `[SEP]`.
    pub ids: Vec<u32>,
    /// For each token 0, or 1 from the second text on to its `[SEP]`.
    pub type_ids: Vec<u32>,
}

impl Tokenizer {
    fn new(inner: Inner, companions: Vec<(&'static str, Vec<u8>)>) -> Self {
        Self { inner: Arc::new(inner), companions: companions.into() }
    }

    /// Reads `tokenizer.json` of a model folder or, where there is none, `vocab.txt` with the settings of
    /// `tokenizer_config.json` (`do_lower_case`, `strip_accents`, `tokenize_chinese_chars`, names of the special tokens; the
    /// defaults are those of an uncased BERT). Truncation and padding that `tokenizer.json` asks for are dropped.
    ///
    /// # Errors
    /// If neither file is there, one is malformed, the tokeniser is not a WordPiece tokeniser with BERT's frame, or the
    /// vocabulary lacks `[CLS]`, `[SEP]` or `[UNK]`; the file is named.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self> {
        folder::load(folder.as_ref())
    }

    /// Writes `tokenizer.json` into `folder`, beside copies of the files that belong to the tokeniser in the folder it came
    /// from (`vocab.txt`, `tokenizer_config.json`, `special_tokens_map.json`), atomically file by file.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        folder::save(self, folder.as_ref())
    }

    /// Reads the content of a `tokenizer.json` that stands alone, such as [`Tokenizer::to_json`] gives.
    ///
    /// # Errors
    /// As [`Tokenizer::load`].
    pub fn from_json(json: &[u8]) -> Result<Self> {
        folder::from_json(json)
    }

    /// The tokeniser as a `tokenizer.json` that needs no file beside it: its frame is in it even where [`Tokenizer::load`] had to
    /// take it from `tokenizer_config.json`.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String> {
        description::write(self).map_err(|e| Fault::of("cannot be written as JSON", e).of_bytes("tokenizer.json"))
    }

    /// Token ids of a text or a pair of texts, cut to `max_len` tokens with the frame.
    ///
    /// With `room` tokens left beside the frame, a pair is cut longest first: a text of up to half of `room` is kept whole and
    /// the other gets the rest; where both are longer they share evenly, an odd token going to the longer (to the second if
    /// both alone would fill the room). The frame is always there: `max_len` below 2 (3 for a pair) gives the frame alone.
    ///
    /// Only a beginning of a long text is tokenised, and the result is that of the whole text. BERT's own steps read a text once,
    /// word by word, and stop. Other steps are given a beginning: cutting a text can change no token but those of its last word (a
    /// word of more than 100 characters is one `[UNK]`, so 100 tokens at most) or of a special token that the cut divides. The
    /// beginning, first 8 characters for every token wanted, is therefore extended until it gives that many tokens more than wanted.
    pub fn encode(&self, first: &str, second: Option<&str>, max_len: usize) -> Encoding {
        self.encode_cut(first, second, max_len).0
    }

    /// [`Tokenizer::encode`], and whether tokens were left out.
    pub fn encode_cut(&self, first: &str, second: Option<&str>, max_len: usize) -> (Encoding, bool) {
        let Some(second) = second else {
            let (pieces, cut) = self.pieces(first, max_len.saturating_sub(2));
            return (self.frame(&pieces, None), cut);
        };
        let room = max_len.saturating_sub(3);
        let ((first, cut_first), (second, cut_second)) = (self.pieces(first, room), self.pieces(second, room));
        let (keep_first, keep_second) = share(first.len(), second.len(), room);
        let cut = cut_first || cut_second || keep_first < first.len() || keep_second < second.len();
        (self.frame(&first[..keep_first], Some(&second[..keep_second])), cut)
    }

    /// [`Tokenizer::encode`] of many texts on all cores; results in the order of the texts.
    pub fn encode_batch(&self, texts: &[(&str, Option<&str>)], max_len: usize) -> Vec<Encoding> {
        let encode = |&(first, second): &(&str, Option<&str>)| self.encode(first, second, max_len);
        parallel::map(texts.iter().collect(), TEXTS_PER_TASK, encode)
    }

    /// The text of a token as the vocabulary has it: `[CLS]`, `film`, `##s`; none for an id that it lacks.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.token(id).map(str::to_owned)
    }

    /// Rows that an embedding table needs for this vocabulary: the largest id plus 1.
    pub fn vocab_size(&self) -> usize {
        self.inner.ids
    }

    /// Id of the padding token; 0 where the vocabulary has none (padded places are masked, their id is never seen).
    pub fn pad_id(&self) -> u32 {
        self.inner.pad
    }

    /// Checks that a model whose word table has `vocab_size` rows can read every id of this tokeniser.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names both sizes.
    pub fn check_vocab(&self, vocab_size: usize) -> Result<()> {
        if self.inner.ids <= vocab_size {
            return Ok(());
        }
        let expected =
            format!("ids below the model's vocab_size = {vocab_size} (the tokeniser that the model was trained with)");
        Err(Error::invalid("tokeniser", expected, format!("ids up to {}", self.inner.ids - 1)))
    }

    /// The first `wanted` tokens of a text, without frame, and whether there were more.
    fn pieces(&self, text: &str, wanted: usize) -> (Vec<u32>, bool) {
        let whole = |mut ids: Vec<u32>| {
            let cut = ids.len() > wanted;
            ids.truncate(wanted);
            (ids, cut)
        };
        if self.inner.bert.is_some() {
            return whole(self.inner.tokens(text, wanted));
        }
        let enough = wanted.saturating_add(self.inner.margin);
        let mut chars = enough.saturating_mul(CHARS_PER_TOKEN);
        loop {
            let end = text.char_indices().nth(chars).map(|(end, _)| end);
            let ids = self.inner.tokens(&text[..end.unwrap_or(text.len())], enough);
            if end.is_none() || ids.len() >= enough {
                return whole(ids);
            }
            chars = chars.saturating_mul(4);
        }
    }

    fn frame(&self, first: &[u32], second: Option<&[u32]>) -> Encoding {
        let mut ids = Vec::with_capacity(first.len() + second.map_or(2, |second| second.len() + 3));
        ids.push(self.inner.cls);
        ids.extend_from_slice(first);
        ids.push(self.inner.sep);
        let mut type_ids = vec![0; ids.len()];
        if let Some(second) = second {
            ids.extend_from_slice(second);
            ids.push(self.inner.sep);
            type_ids.resize(ids.len(), 1);
        }
        Encoding { ids, type_ids }
    }
}

impl Inner {
    /// The text of a token.
    fn token(&self, id: u32) -> Option<&str> {
        let added = self.added.binary_search_by_key(&id, |token| token.id);
        added.map_or_else(|_| self.pieces.vocabulary.token(id), |at| Some(&self.added[at].content))
    }

    /// The tokens of a text, without frame; at least `limit` and one, where there are so many.
    fn tokens(&self, text: &str, limit: usize) -> Vec<u32> {
        let mut ids = Vec::new();
        // No more than a limit is reached by breaking.
        let _ = find(self.raw.as_ref(), text, limit, &mut ids, |text, ids| match &self.bert {
            Some(bert) => bert.tokens(text, &self.pieces, limit, ids),
            None => self.step_by_step(text, limit, ids),
        });
        ids
    }

    /// Appends the tokens of a text without raw added tokens, one step after another.
    fn step_by_step(&self, text: &str, limit: usize, ids: &mut Vec<u32>) {
        let text = parts::normalize(&self.normalizers, text);
        let mut hashes = Hashes::new();
        let _ = find(self.normalized.as_ref(), &text, limit, ids, |text, ids| {
            let mut words = Vec::from([Range { start: 0, end: text.len() }]);
            self.splitters.iter().for_each(|splitter| splitter.apply(text, &mut words));
            for word in words {
                self.pieces.spell(&text[word], &mut hashes, ids);
                if ids.len() > limit {
                    return;
                }
            }
        });
    }
}

/// Appends the tokens that `finder` finds, and what `rest` makes of the text between them, until there are more than `limit`.
fn find(
    finder: Option<&Finder>,
    text: &str,
    limit: usize,
    ids: &mut Vec<u32>,
    mut rest: impl FnMut(&str, &mut Vec<u32>),
) -> ControlFlow<()> {
    let mut each = |part: Part<'_>| {
        match part {
            Part::Token(id) => ids.push(id),
            Part::Text(text) => rest(text, ids),
        }
        if ids.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match finder {
        Some(finder) => finder.split(text, each),
        None if text.is_empty() => ControlFlow::Continue(()),
        None => each(Part::Text(text)),
    }
}

/// How many tokens of each text of a pair are kept in `room`, longest first.
fn share(first: usize, second: usize, room: usize) -> (usize, usize) {
    if first + second <= room {
        return (first, second);
    }
    let short = first.min(second).min(room / 2);
    if first > second { (room - short, short) } else { (short, room - short) }
}

#[cfg(test)]
mod tests;
