//! What stands beside a vocabulary: `tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json`.
//!
//! The files overlap, and contradict each other in circulation. What counts is what transformers 5 makes of them, step by step:
//! `PreTrainedTokenizerBase._from_pretrained`, then the constructors of `BertTokenizer` and `TokenizersBackend`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::added::AddedToken;
use super::json::{Json, Object};
use super::refused::refuse;
use super::token::{NAMED, TYPE, Token, content, is_own, is_token, object, read_token, special, wrong};
use crate::error::Fault;

/// Names that BERT's class gives special tokens that no file names.
const BERT: [(&str, &str); 5] = [
    ("unk_token", "[UNK]"),
    ("sep_token", "[SEP]"),
    ("pad_token", "[PAD]"),
    ("cls_token", "[CLS]"),
    ("mask_token", "[MASK]"),
];

/// Those that MPNet's class gives.
const MPNET: [(&str, &str); 7] = [
    ("bos_token", "<s>"),
    ("eos_token", "</s>"),
    ("unk_token", "[UNK]"),
    ("sep_token", "</s>"),
    ("pad_token", "<pad>"),
    ("cls_token", "<s>"),
    ("mask_token", "<mask>"),
];

/// The class that transformers reads a folder with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `BertTokenizer`: takes the vocabulary of `tokenizer.json`, and makes the rest itself.
    Bert,
    /// `DistilBertTokenizer`: the same without type ids.
    DistilBert,
    /// `MPNetTokenizer`: made as BERT's is, with other special tokens and another frame of pairs, without type ids.
    Mpnet,
    /// `TokenizersBackend`, once `PreTrainedTokenizerFast`: takes all of `tokenizer.json`.
    Described,
}

impl Class {
    /// What transformers calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bert => "BertTokenizer",
            Self::DistilBert => "DistilBertTokenizer",
            Self::Mpnet => "MPNetTokenizer",
            Self::Described => "PreTrainedTokenizerFast",
        }
    }

    /// The names of special tokens that no file names.
    fn defaults(self) -> &'static [(&'static str, &'static str)] {
        if self == Self::Mpnet { &MPNET } else { &BERT }
    }
}

/// What the files say.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) class: Class,
    /// Arguments of the class, as transformers passes them.
    pub(super) arguments: Object,
    /// Special tokens under names of the model's own.
    own: Object,
    /// Whether `tokenizer_config.json` has `added_tokens_decoder`: then nothing else names tokens.
    decides: bool,
    /// Added tokens by the ids that files give them.
    stated: BTreeMap<u32, Token>,
    /// Tokens of files that are not read because of that.
    unread: Vec<String>,
}

impl Settings {
    /// Reads `tokenizer_config.json`, if there is one; `class` is the one that `config.json` names.
    pub(super) fn new(file: Option<&[u8]>, class: Option<String>) -> Result<Self, Fault> {
        let mut arguments = file.map_or(Ok(Object::default()), |file| object(file, "a tokeniser's settings"))?;
        let class = match arguments.remove("tokenizer_class") {
            Some(Json::Text(name)) => Some(name),
            None | Some(Json::Null) => class,
            Some(other) => return Err(wrong("tokenizer_class", "the name of a class", &other)),
        };
        let class = match class.as_deref() {
            None | Some("BertTokenizer" | "BertTokenizerFast") => Class::Bert,
            Some("DistilBertTokenizer" | "DistilBertTokenizerFast") => Class::DistilBert,
            Some("MPNetTokenizer" | "MPNetTokenizerFast") => Class::Mpnet,
            Some("PreTrainedTokenizerFast" | "TokenizersBackend") => Class::Described,
            Some(other) => {
                return Err(Fault::from(format!(
                    "`tokenizer_class`: expected BertTokenizer, DistilBertTokenizer, MPNetTokenizer, or PreTrainedTokenizerFast \
                     with all in tokenizer.json, found \
                     {other}, which splits texts in another way; choose a BERT whose tokeniser is WordPiece"
                )));
            }
        };
        refuse(&arguments)?;
        let given = |key: &str| arguments.get(key).is_some_and(|value| !value.is_empty());
        if arguments.get("additional_special_tokens").is_some() && !given("extra_special_tokens") {
            let tokens = arguments.remove("additional_special_tokens").unwrap_or(Json::Null);
            arguments.set("extra_special_tokens", tokens);
        }
        let is_own = |(key, value): &(String, Json)| is_own(key) && matches!(value, Json::Text(_));
        let (own, rest) = arguments.0.into_iter().partition(is_own);
        let (arguments, stated) = Object(rest).into_decoder()?;
        let decides = stated.is_some();
        let stated = stated.unwrap_or_default();
        let mut settings = Self { class, arguments, own: Object(own), decides, stated, unread: Vec::new() };
        settings.take_named_extras();
        Ok(settings)
    }

    /// Adds what `special_tokens_map.json` says.
    pub(super) fn add_map(&mut self, file: &[u8]) -> Result<(), Fault> {
        let map = object(file, "a map of special tokens")?;
        if self.decides {
            let tokens = map.0.iter().flat_map(|(key, value)| match value {
                Json::List(tokens) => tokens.iter().map(|token| (None, token)).collect(),
                token => vec![(Some(key.as_str()), token)],
            });
            let unread = tokens.filter_map(|(key, token)| Some((key, read_token(token)?.content)));
            let unread = unread.filter(|(key, token)| match key {
                Some(key) => self.name(key).is_ok_and(|name| name != *token),
                None => true,
            });
            let unread: Vec<String> = unread.map(|(_, token)| token).collect();
            unread.into_iter().for_each(|token| self.leave(token));
            return Ok(());
        }
        for (key, value) in map.0 {
            let value = match value {
                value
                    if NAMED.contains(&key.as_str())
                        && !matches!(value, Json::Null | Json::Text(_) | Json::Object(_)) =>
                {
                    return Err(wrong(&key, "a token", &value));
                }
                Json::Object(token) if key != "extra_special_tokens" => special(token),
                Json::List(tokens) if key == "extra_special_tokens" => {
                    let mut all = match self.arguments.remove(&key) {
                        Some(Json::List(tokens)) => tokens,
                        _ => Vec::new(),
                    };
                    for token in tokens {
                        let token = if let Json::Object(token) = token { special(token) } else { token };
                        if !all.contains(&token) {
                            all.push(token);
                        }
                    }
                    Json::List(all)
                }
                other => other,
            };
            self.arguments.set(&key, value);
        }
        self.take_named_extras();
        Ok(())
    }

    /// Adds the tokens of `added_tokens.json`.
    pub(super) fn add_tokens(&mut self, file: &[u8]) -> Result<(), Fault> {
        let tokens = object(file, "a map from tokens to ids")?;
        if self.decides {
            tokens.0.into_iter().for_each(|(token, _)| self.leave(token));
            return Ok(());
        }
        let text = |value: &Json| match value {
            Json::Text(text) => Some(text.clone()),
            // Others are not tokens yet where transformers compares.
            Json::Object(token) if token.get(TYPE) == Some(&Json::Bool(true)) => content(token),
            _ => None,
        };
        let extras = match self.arguments.get("extra_special_tokens") {
            Some(Json::List(tokens)) => tokens.as_slice(),
            _ => &[],
        };
        let named = NAMED.iter().filter_map(|key| self.arguments.get(key));
        let special: Vec<String> = named.chain(extras).filter_map(text).collect();
        for (content, id) in tokens.0 {
            let id = match id {
                Json::Number(id) if id >= 0.0 && id <= f64::from(u32::MAX) && id.fract() == 0.0 => id as u32,
                other => return Err(wrong(&content, "an id", &other)),
            };
            let special = special.contains(&content);
            let token = Token { normalized: Some(!special), special, ..Token::plain(content) };
            if let Some(earlier) = self.stated.insert(id, token) {
                return Err(Fault::from(format!(
                    "expected one token of each id, found {:?} too as {id}",
                    earlier.content
                )));
            }
        }
        Ok(())
    }

    /// Adds the tokens of a `tokenizer.json`.
    pub(super) fn add_described(&mut self, tokens: &[AddedToken]) {
        if self.decides {
            // The other class reads them all the same.
            if self.class != Class::Described {
                tokens.iter().for_each(|token| self.leave(token.content.clone()));
            }
            return;
        }
        for token in tokens {
            let AddedToken { id, single_word, lstrip, rstrip, normalized, special, .. } = *token;
            let content = token.content.clone();
            self.stated
                .insert(id, Token { content, single_word, lstrip, rstrip, normalized: Some(normalized), special });
        }
    }

    /// The tokens to add to those that are there, in the order in which new ones get ids; and which of them no file states but as
    /// the names of special tokens.
    pub(super) fn tokens(&self, there: &[AddedToken]) -> Result<(Vec<AddedToken>, Range<usize>), Fault> {
        let named = self.named()?;
        let mut tokens: Vec<Token> = self.stated.values().cloned().collect();
        let known: Vec<String> = there
            .iter()
            .map(|token| &token.content)
            .chain(tokens.iter().map(|token| &token.content))
            .cloned()
            .collect();
        let mut add = |new: &mut dyn Iterator<Item = &Token>| {
            for token in new {
                if !known.contains(&token.content) && !tokens.contains(token) {
                    tokens.push(token.clone());
                }
            }
            tokens.len()
        };
        let end = add(&mut named.iter().map(|(_, token)| token));
        add(&mut self.extras()?.iter());
        let special = |token: &Token| token.special || named.iter().any(|(_, named)| named.content == token.content);
        let tokens = tokens.into_iter().map(|token| {
            let special = special(&token);
            let Token { content, single_word, lstrip, rstrip, normalized, .. } = token;
            AddedToken {
                id: 0,
                content,
                single_word,
                lstrip,
                rstrip,
                normalized: normalized.unwrap_or(!special),
                special,
            }
        });
        Ok((tokens.collect(), self.stated.len()..end))
    }

    /// Remembers a token of a file that is not read, unless it is known from another.
    fn leave(&mut self, token: String) {
        let named = || NAMED.iter().any(|key| self.name(key).is_ok_and(|name| name == token));
        if !self.unread.contains(&token) && self.stated.values().all(|stated| stated.content != token) && !named() {
            self.unread.push(token);
        }
    }

    /// What was not read.
    pub(super) fn note(&self) -> Option<String> {
        (!self.unread.is_empty()).then(|| {
            format!(
                "tokenizer_config.json has `added_tokens_decoder`, so tokens of other files are not read, as in transformers: {:?}",
                self.unread
            )
        })
    }

    /// The ids that files give tokens.
    pub(super) fn stated(&self) -> impl Iterator<Item = (u32, &str)> {
        self.stated.iter().map(|(&id, token)| (id, token.content.as_str()))
    }

    /// The name of a special token: that of the files, or of BERT's class.
    pub(super) fn name(&self, attribute: &str) -> Result<String, Fault> {
        match self.argument(attribute)? {
            Some(token) => Ok(token.content),
            None if self.arguments.get(attribute).is_some()
                && attribute != "mask_token"
                && attribute != "pad_token" =>
            {
                Err(wrong(attribute, "a token", &Json::Null))
            }
            None => Ok(self
                .class
                .defaults()
                .iter()
                .find(|(key, _)| *key == attribute)
                .map_or("", |(_, name)| name)
                .to_owned()),
        }
    }

    /// Sets the padding token that `tokenizer.json` names, where no file beside it does.
    pub(super) fn pads_with(&mut self, token: &str) {
        if self.class == Class::Described && self.arguments.get("pad_token").is_none() {
            self.arguments.set("pad_token", Json::Text(token.to_owned()));
        }
    }

    /// The special tokens with a name, in the order in which they are added.
    fn named(&self) -> Result<Vec<(String, Token)>, Fault> {
        let mut named = Vec::new();
        for key in NAMED {
            let default = self.class.defaults().iter().find(|(name, _)| *name == key && self.class != Class::Described);
            let default = default.filter(|_| self.arguments.get(key).is_none());
            let token = self.argument(key)?.or(default.map(|(_, name)| Token::special((*name).to_owned())));
            // Where the class makes this token of a name, the space before it is part of it.
            let named_alone = matches!(self.arguments.get(key), None | Some(Json::Text(_)));
            let takes_space = self.class == Class::Mpnet && key == "mask_token" && named_alone;
            let stated = |token: &Token| self.stated.values().any(|stated| stated.content == token.content);
            let token = token.map(|token| Token { lstrip: token.lstrip || takes_space && !stated(&token), ..token });
            named.extend(token.map(|token| (key.to_owned(), token)));
        }
        // Those under names of the model's own: of those that stand in both places, the place of the first and the token of the other.
        let mut own = Object::default();
        if let Some(Json::Object(tokens)) = self.extra() {
            own.0.extend(tokens.0.iter().cloned());
        }
        let arguments = self.arguments.0.iter().filter(|(key, value)| is_own(key) && is_token(value));
        arguments.for_each(|(key, value)| own.set(key, value.clone()));
        self.own.0.iter().for_each(|(key, value)| own.set(key, value.clone()));
        for (key, value) in own.0 {
            let token = read_token(&value).ok_or_else(|| wrong(&key, "a token", &value))?;
            named.push((key, token));
        }
        Ok(named)
    }

    /// What files say of special tokens beside those of [`NAMED`].
    fn extra(&self) -> Option<&Json> {
        self.arguments.get("extra_special_tokens").or_else(|| self.arguments.get("additional_special_tokens"))
    }

    /// The special tokens without a name.
    fn extras(&self) -> Result<Vec<Token>, Fault> {
        match self.extra() {
            // Those with names are special tokens of the model's own.
            None | Some(Json::Null | Json::Object(_)) => Ok(Vec::new()),
            Some(Json::List(tokens)) => tokens
                .iter()
                .map(|token| {
                    // An object that says no type is not taken by transformers 5, and is special to 4.
                    let untyped = matches!(token, Json::Object(properties) if properties.get(TYPE).is_none());
                    let token = read_token(token).ok_or_else(|| wrong("additional_special_tokens", "tokens", token))?;
                    Ok(Token { special: token.special || untyped, ..token })
                })
                .collect(),
            Some(other) => Err(wrong("additional_special_tokens", "a list of tokens", other)),
        }
    }

    /// The token of one of [`NAMED`], if files give it one.
    fn argument(&self, key: &str) -> Result<Option<Token>, Fault> {
        match self.arguments.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(value) => {
                let token = read_token(value).ok_or_else(|| wrong(key, "a token", value))?;
                Ok(Some(
                    self.stated.values().rev().find(|stated| stated.content == token.content).cloned().unwrap_or(token),
                ))
            }
        }
    }

    /// Moves extra tokens that have names to the model's own.
    fn take_named_extras(&mut self) {
        if let Some(Json::Object(_)) = self.arguments.get("extra_special_tokens")
            && let Some(Json::Object(tokens)) = self.arguments.remove("extra_special_tokens")
        {
            tokens.0.into_iter().for_each(|(key, value)| self.own.set(&key, value));
        }
    }
}
