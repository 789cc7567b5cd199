//! Tokens as the files beside a vocabulary write them.

use std::collections::BTreeMap;

use super::json::{Json, Object};
use crate::error::Fault;

/// The key of an object that is a token wherever it stands: `"AddedToken"` in `tokenizer_config.json`; set to true here for those of
/// `special_tokens_map.json`, which are tokens without it.
pub(super) const TYPE: &str = "__type";

/// Attributes of the special tokens that every tokeniser may have, in the order in which they are added.
pub(super) const NAMED: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// A token as the files give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) content: String,
    pub(super) single_word: bool,
    pub(super) lstrip: bool,
    pub(super) rstrip: bool,
    pub(super) normalized: Option<bool>,
    pub(super) special: bool,
}

impl Object {
    /// The rest, and the tokens of `added_tokens_decoder` by their ids, if it is there.
    pub(super) fn into_decoder(mut self) -> Result<(Self, Option<BTreeMap<u32, Token>>), Fault> {
        const KEY: &str = "added_tokens_decoder";
        let tokens = match self.remove(KEY) {
            None => return Ok((self, None)),
            Some(Json::Object(tokens)) => tokens,
            Some(other) => return Err(wrong(KEY, "an object of tokens by their ids", &other)),
        };
        let mut stated = BTreeMap::new();
        for (id, token) in tokens.0 {
            let number =
                id.trim().parse().map_err(|_| Fault::from(format!("`{KEY}`: expected an id, found {id:?}")))?;
            let Json::Object(properties) = &token else {
                return Err(wrong(KEY, &format!("an object with `content` for id {id}"), &token));
            };
            stated.insert(
                number,
                Token::of(properties, false).ok_or_else(|| {
                    Fault::from(format!(
                        "`{KEY}`: id {id}: expected `content` as text and the other properties as true or false"
                    ))
                })?,
            );
        }
        Ok((self, Some(stated)))
    }
}

impl Token {
    pub(super) fn plain(content: String) -> Self {
        Self { content, single_word: false, lstrip: false, rstrip: false, normalized: None, special: false }
    }

    pub(super) fn special(content: String) -> Self {
        Self { special: true, ..Self::plain(content) }
    }

    /// The token of an object; none where a property has another type.
    fn of(properties: &Object, special: bool) -> Option<Self> {
        let mut token = Self { special, ..Self::plain(content(properties)?) };
        for (key, value) in &properties.0 {
            let place = match key.as_str() {
                "single_word" => &mut token.single_word,
                "lstrip" => &mut token.lstrip,
                "rstrip" => &mut token.rstrip,
                "special" => &mut token.special,
                "normalized" => token.normalized.insert(false),
                _ => continue,
            };
            let Json::Bool(value) = value else { return None };
            *place = *value;
        }
        Some(token)
    }
}

/// A file that holds an object.
pub(super) fn object(file: &[u8], what: &str) -> Result<Object, Fault> {
    match serde_json::from_slice(file).map_err(|e| Fault::of(format!("expected {what} as JSON"), e))? {
        Json::Object(object) => Ok(object),
        other => Err(Fault::from(format!("expected {what} as an object, found {other}"))),
    }
}

/// Whether a key names a special token of a model's own.
pub(super) fn is_own(key: &str) -> bool {
    key.ends_with("_token") && !NAMED.contains(&key)
}

/// Whether transformers takes a value of such a key for a token.
pub(super) fn is_token(value: &Json) -> bool {
    matches!(value, Json::Text(_)) || matches!(value, Json::Object(token) if token.get(TYPE).is_some())
}

/// A token, plain or as an object of its properties.
pub(super) fn read_token(value: &Json) -> Option<Token> {
    match value {
        Json::Text(content) => Some(Token::special(content.clone())),
        Json::Object(properties) => Token::of(properties, false),
        _ => None,
    }
}

/// The token of `special_tokens_map.json`: special, whatever it says.
pub(super) fn special(mut properties: Object) -> Json {
    properties.set("special", Json::Bool(true));
    properties.set(TYPE, Json::Bool(true));
    Json::Object(properties)
}

pub(super) fn content(properties: &Object) -> Option<String> {
    if let Some(Json::Text(content)) = properties.get("content") { Some(content.clone()) } else { None }
}

pub(super) fn wrong(key: &str, expected: &str, found: &Json) -> Fault {
    Fault::from(format!("`{key}`: expected {expected}, found {found}"))
}
