//! A tokeniser put together of what its files say.

use serde_json::Value;

use super::added::{AddedToken, Finder};
use super::bert::Bert;
use super::inner::{Inner, Special};
use super::pipeline::{Normalizer, Splitter, normalize};
use super::truncation::Side;
use super::vocabulary::{MAX_VOCABULARY, Vocabulary};
use super::wordpiece::WordPiece;
use crate::order::order;

/// Largest number of characters of words that are spelt which a file may name: spelling takes time quadratic in it.
const MAX_WORD_CAP: usize = 1000;

/// Most steps of either kind: each is a pass over the text.
const MAX_STEPS: usize = 64;

/// What a tokeniser is made of.
pub(super) struct Parts {
    pub(super) normalizers: Vec<Normalizer>,
    pub(super) splitters: Vec<Splitter>,
    /// Their ids are given in [`Parts::assemble`].
    pub(super) added: Vec<AddedToken>,
    pub(super) prefix: String,
    pub(super) longest_word: usize,
    pub(super) frame: Frame,
    /// Type id of a second text.
    pub(super) second_type: u32,
    /// Whether two separators stand between the texts of a pair, as in MPNet's frame `<s> A </s></s> B </s>`.
    pub(super) doubled: bool,
    /// The end that too long a text loses.
    pub(super) side: Side,
    pub(super) vocabulary: Vocabulary,
}

/// The special tokens.
pub(super) enum Frame {
    /// By name; with the id that the name must have, where one is stated.
    Named {
        unk: String,
        cls: (String, Option<Value>),
        sep: (String, Option<Value>),
        /// The name and, if there is no such token, the id.
        pad: (String, Value),
    },
    /// By id.
    Ids { unk: u32, cls: u32, sep: u32, pad: u32 },
}

impl Parts {
    /// Those of `inner` without some added tokens, none of which is in the frame or in the vocabulary.
    pub(super) fn without(inner: &Inner, tokens: &[u32]) -> Self {
        let Special { cls, sep, pad, second_type, doubled } = inner.special;
        let added = inner.added.iter().filter(|token| !tokens.contains(&token.id)).cloned().collect();
        Self {
            normalizers: inner.normalizers.clone(),
            splitters: inner.splitters.clone(),
            added,
            prefix: inner.pieces.prefix.clone(),
            longest_word: inner.pieces.longest_word,
            frame: Frame::Ids { unk: inner.pieces.unk, cls, sep, pad: if tokens.contains(&pad) { 0 } else { pad } },
            second_type,
            doubled,
            side: inner.side,
            vocabulary: inner.pieces.vocabulary.clone(),
        }
    }

    /// The tokeniser.
    ///
    /// # Errors
    /// What is wrong, by name, expected and found.
    pub(super) fn assemble(self) -> Result<Inner, String> {
        let Self { normalizers, splitters, added, prefix, longest_word, frame, second_type, doubled, side, vocabulary } =
            self;
        if !(1..=MAX_WORD_CAP).contains(&longest_word) {
            return Err(format!("`max_input_chars_per_word`: expected 1 to {MAX_WORD_CAP}, found {longest_word}"));
        }
        let most = normalizers.len().max(splitters.len());
        if most > MAX_STEPS {
            return Err(format!("expected at most {MAX_STEPS} normalizers and as many splitters, found {most}"));
        }
        let added = number(added, &vocabulary)?;
        let ids = vocabulary.ids().max(added.last().map_or(0, |token| token.id as usize + 1));
        let id = |name: &str| {
            let token = added.iter().find(|token| token.content == name).map(|token| token.id);
            token.or_else(|| vocabulary.id(name))
        };
        let missing = |name: &str| format!("the vocabulary has no {name}, which BERT's tokenisers need");
        let framed = |(name, stated): (String, Option<Value>)| match (id(&name), stated) {
            (Some(id), None) => Ok(id),
            (None, None) => Err(missing(&name)),
            (Some(id), Some(stated)) if stated == id => Ok(id),
            (known, Some(stated)) => {
                let known = known.map_or("not in the vocabulary".into(), |id| format!("id {id} in the vocabulary"));
                Err(format!("`post_processor`: {name} is {known}, but {stated} in the frame"))
            }
        };
        let [unk, cls, sep, pad] = match frame {
            Frame::Named { unk, cls, sep, pad: (pad, pad_id) } => {
                // The vocabulary itself must have the first: a word that cannot be spelt is looked up there.
                let unk = vocabulary.id(&unk).ok_or_else(|| missing(&unk))?;
                let stated = || pad_id.as_u64().map_or(0, |id| u32::try_from(id).unwrap_or(u32::MAX));
                [unk, framed(cls)?, framed(sep)?, id(&pad).unwrap_or_else(stated)]
            }
            Frame::Ids { unk, cls, sep, pad } => {
                let known = |id: u32| vocabulary.token(id).is_some() || added.iter().any(|token| token.id == id);
                if vocabulary.token(unk).is_none() {
                    return Err(format!("`unk`: expected the id of a token of the vocabulary, found {unk}"));
                }
                if let Some((key, id)) = [("cls", cls), ("sep", sep)].into_iter().find(|&(_, id)| !known(id)) {
                    return Err(format!("`{key}`: expected the id of a token, found {id}"));
                }
                [unk, cls, sep, pad]
            }
        };
        if pad as usize >= ids {
            return Err(format!("padding: expected an id below {ids}, found {pad}"));
        }
        let (normalized, raw): (Vec<AddedToken>, _) = added.iter().cloned().partition(|token| token.normalized);
        let normalized: Vec<(String, AddedToken)> =
            normalized.into_iter().map(|token| (normalize(&normalizers, &token.content), token)).collect();
        let lengths = added.iter().map(|token| &token.content).chain(normalized.iter().map(|(pattern, _)| pattern));
        let margin = lengths.map(|text| text.chars().count()).max().unwrap_or(0) + longest_word;
        let raw = raw.into_iter().map(|token| (token.content.clone(), token)).collect();
        let [raw, normalized] = [Finder::new(raw)?, Finder::new(normalized)?];
        let bert = if normalized.is_none() { Bert::of(&normalizers, &splitters) } else { None };
        let pieces = WordPiece::new(vocabulary, prefix, longest_word, unk);
        let special = Special { cls, sep, pad, second_type, doubled };
        Ok(Inner { normalizers, splitters, added, pieces, raw, normalized, bert, special, side, ids, margin })
    }
}

/// Added tokens in the order of their ids. A token of the vocabulary has its id there; others have those from the number of tokens
/// on, in the order in which they are named. A token named again has the later properties; one without text is passed over.
fn number(added: Vec<AddedToken>, vocabulary: &Vocabulary) -> Result<Vec<AddedToken>, String> {
    let mut next = vocabulary.count();
    let mut numbered: Vec<AddedToken> = Vec::with_capacity(added.len());
    let mut places: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for mut token in added {
        if token.content.is_empty() {
            continue;
        }
        if let Some(&place) = places.get(&token.content) {
            numbered[place] = AddedToken { id: numbered[place].id, ..token };
            continue;
        }
        token.id = match vocabulary.id(&token.content) {
            Some(id) => id,
            None => {
                let id = next as u32;
                next += 1;
                if let Some(other) = vocabulary.token(id) {
                    let content = &token.content;
                    return Err(format!(
                        "added token {content:?}: expected the id {id} to be free, found {other:?} there"
                    ));
                }
                if id >= MAX_VOCABULARY {
                    return Err(format!("expected token ids below {MAX_VOCABULARY}, found {id}"));
                }
                id
            }
        };
        places.insert(token.content.clone(), numbered.len());
        numbered.push(token);
    }
    let order = order(numbered.len(), &|a, b| numbered[a].id.cmp(&numbered[b].id));
    Ok(order.into_iter().map(|i| numbered[i].clone()).collect())
}
