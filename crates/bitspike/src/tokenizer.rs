//! From text to token ids: the WordPiece tokeniser of BERT, DistilBERT and MPNet, read from a model folder.
//!
//! A text is cleaned and split into words and punctuation, each word into the longest pieces the vocabulary has, and the pieces
//! are framed as `[CLS] first [SEP]` or `[CLS] first [SEP] second [SEP]`, the second text with type id 1; those of MPNet as
//! `<s> first </s>` or `<s> first </s></s> second </s>`, without type ids.

mod added;
mod aligned;
mod bert;
mod chars;
mod decision;
mod description;
mod folder;
mod inner;
mod json;
pub(crate) mod packed;
mod parts;
mod pieces;
mod pipeline;
mod plain;
mod refused;
mod settings;
mod token;
mod truncation;
mod unicode;
mod vocabulary;
mod wordpiece;
mod written;

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::parallel;
use inner::{Inner, Special};
use parts::Parts;
pub use pieces::{Piece, Pieces};
pub use truncation::Side;
use truncation::share;

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
    /// Added tokens that are there as names of special tokens alone, whether the model has rows for them or not.
    implied: Arc<[u32]>,
    max_length: Option<usize>,
    notes: Arc<[String]>,
}

/// A text or pair of texts as the model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids with `[CLS]` and `[SEP]`.
    pub ids: Vec<u32>,
    /// For each token 0, or 1 from the second text on to its `[SEP]` (0 where the model is given no type ids).
    pub type_ids: Vec<u32>,
}

impl Tokenizer {
    fn new(inner: Inner) -> Self {
        let (companions, implied, notes) = (Vec::new().into(), Vec::new().into(), Vec::new().into());
        Self { inner: Arc::new(inner), companions, implied, max_length: None, notes }
    }

    fn with(self, companions: Vec<(&'static str, Vec<u8>)>) -> Self {
        Self { companions: companions.into(), ..self }
    }

    /// Reads the tokeniser of a model folder as `AutoTokenizer` of transformers 5 does: `tokenizer.json` or, where there is none,
    /// `vocab.txt`, with what `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` say. `docs/models-read.md`
    /// lists every key. A `tokenizer.json` with none of these beside it and no `config.json` says all.
    ///
    /// # Errors
    /// If there is no vocabulary, a file is malformed, the tokeniser is not a WordPiece tokeniser with BERT's frame or asks for what
    /// is not done here, or the vocabulary lacks the unknown token; file and key are named.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self> {
        folder::load(folder.as_ref())
    }

    /// Reads what [`Tokenizer::save`] wrote: `tokenizer.json` says all, whatever stands beside it.
    ///
    /// # Errors
    /// As [`Tokenizer::load`].
    pub fn load_saved(folder: impl AsRef<Path>) -> Result<Self> {
        folder::load_saved(folder.as_ref())
    }

    /// Writes `tokenizer.json` into `folder`, beside copies of the files that belong to the tokeniser in the folder it came from
    /// (`vocab.txt`, `tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json`), atomically file by file.
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

    /// The tokeniser as a `tokenizer.json` that needs no file beside it: what [`Tokenizer::load`] took from elsewhere is in it.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String> {
        folder::to_json(self)
    }

    /// What the files of the folder say and this tokeniser, like that of transformers, does not do, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// `model_max_length` of the folder: the tokens that a text is cut to where nothing else is asked for.
    pub fn max_length(&self) -> Option<usize> {
        self.max_length
    }

    /// Type id of a second text: 1, or 0 where the model is given no type ids.
    pub fn second_type(&self) -> u32 {
        self.inner.special.second_type
    }

    /// Whether two separators stand between the texts of a pair, as MPNet has them.
    pub fn doubles_separator(&self) -> bool {
        self.inner.special.doubled
    }

    /// Tokens of the frame of a text, or of a pair.
    pub fn frame_tokens(&self, pair: bool) -> usize {
        if pair { 3 + usize::from(self.inner.special.doubled) } else { 2 }
    }

    /// The end that too long a text loses.
    pub fn truncation_side(&self) -> Side {
        self.inner.side
    }

    /// Token ids of a text or a pair of texts, cut to `max_len` tokens with the frame.
    ///
    /// With `room` tokens left beside the frame, a pair is cut longest first: a text of up to half of `room` is kept whole and
    /// the other gets the rest; where both are longer they share evenly, an odd token going to the longer, to the second of equals.
    /// The frame is always there: `max_len` below [`Tokenizer::frame_tokens`] gives the frame alone. What is cut is the end that
    /// [`Tokenizer::truncation_side`] names.
    ///
    /// Of a text that loses its end only a beginning is tokenised (of a pair that shares an odd room, as much as shows which is
    /// longer), and the result is that of the whole text. BERT's own steps read a text once,
    /// word by word, and stop. Other steps are given a beginning: cutting a text can change no token but those of its last word (a
    /// word of more than 100 characters is one `[UNK]`, so 100 tokens at most) or of a special token that the cut divides. The
    /// beginning, first 8 characters for every token wanted, is therefore extended until it gives that many tokens more than wanted.
    pub fn encode(&self, first: &str, second: Option<&str>, max_len: usize) -> Encoding {
        self.encode_cut(first, second, max_len).0
    }

    /// [`Tokenizer::encode`], and whether tokens were left out.
    pub fn encode_cut(&self, first: &str, second: Option<&str>, max_len: usize) -> (Encoding, bool) {
        let Some(second) = second else {
            let (pieces, cut) = self.kept(first, max_len.saturating_sub(self.frame_tokens(false)));
            return (self.frame(&pieces, None), cut);
        };
        let room = max_len.saturating_sub(self.frame_tokens(true));
        let ((mut first_pieces, cut_first), (mut second_pieces, cut_second)) =
            (self.kept(first, room), self.kept(second, room));
        // What was cut is longer than the room.
        let lengths = [first_pieces.len() + usize::from(cut_first), second_pieces.len() + usize::from(cut_second)];
        let (mut keep_first, mut keep_second) = share(lengths[0], lengths[1], room);
        if cut_first && cut_second && keep_first < keep_second && self.is_longer(first, second, room) {
            (keep_first, keep_second) = (keep_second, keep_first);
        }
        let cut = keep_first < lengths[0] || keep_second < lengths[1];
        for (pieces, keep) in [(&mut first_pieces, keep_first), (&mut second_pieces, keep_second)] {
            let kept = self.inner.side.kept(pieces.len(), keep);
            pieces.truncate(kept.end);
            pieces.drain(..kept.start);
        }
        (self.frame(&first_pieces, Some(&second_pieces)), cut)
    }

    /// Whether `first` has more tokens than `second`, both of which have more than `room`.
    fn is_longer(&self, first: &str, second: &str, room: usize) -> bool {
        let mut enough = room.max(64);
        loop {
            enough = enough.saturating_mul(4);
            let [(first, more_first), (second, more_second)] = [first, second].map(|text| self.beginning(text, enough));
            match (more_first, more_second) {
                (false, false) => return first.len() > second.len(),
                (true, true) => {}
                (more_first, _) => return more_first,
            }
        }
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
        self.inner.special.pad
    }

    /// Id of the token that stands for words that the vocabulary cannot spell.
    pub fn unk_id(&self) -> u32 {
        self.inner.pieces.unk
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

    /// The same tokeniser for a model whose word table has `vocab_size` rows. Special tokens that are neither in the vocabulary nor
    /// among the added tokens of a file, but in every BERT tokeniser by their names, are left out where the model has no row for
    /// them: texts that hold such a name are spelt.
    ///
    /// # Errors
    /// As [`Tokenizer::check_vocab`], if another token has no row.
    pub fn fitted(self, vocab_size: usize) -> Result<Self> {
        let has_row = |id: u32| (id as usize) < vocab_size;
        let left_out: Vec<u32> = self.implied.iter().copied().filter(|&id| !has_row(id)).collect();
        let Special { cls, sep, .. } = self.inner.special;
        if left_out.is_empty() || left_out.contains(&cls) || left_out.contains(&sep) {
            return self.check_vocab(vocab_size).map(|()| self);
        }
        let inner = Parts::without(&self.inner, &left_out).assemble().expect("a part of what was assembled");
        let fitted = Self { inner: Arc::new(inner), ..self };
        fitted.check_vocab(vocab_size).map(|()| fitted)
    }

    /// The `wanted` tokens of a text that are kept, without frame, and whether there were more.
    fn kept(&self, text: &str, wanted: usize) -> (Vec<u32>, bool) {
        if self.inner.side.is_right() {
            return self.beginning(text, wanted);
        }
        let mut ids = self.inner.tokens(text, usize::MAX);
        let kept = self.inner.side.kept(ids.len(), wanted);
        ids.drain(..kept.start);
        (ids, kept.start > 0)
    }

    /// The first `wanted` tokens of a text, and whether there were more.
    fn beginning(&self, text: &str, wanted: usize) -> (Vec<u32>, bool) {
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
        let mut ids = Vec::with_capacity(first.len() + second.map_or(2, |second| second.len() + 4));
        let Special { cls, sep, second_type, doubled, .. } = self.inner.special;
        ids.push(cls);
        ids.extend_from_slice(first);
        ids.push(sep);
        if second.is_some() && doubled {
            ids.push(sep);
        }
        let mut type_ids = vec![0; ids.len()];
        if let Some(second) = second {
            ids.extend_from_slice(second);
            ids.push(sep);
            type_ids.resize(ids.len(), second_type);
        }
        Encoding { ids, type_ids }
    }
}

#[cfg(test)]
mod tests;
