//! What a tokeniser is, where several files say it: decided as transformers 5 does, with a note of what is not obeyed.

use serde_json::Value;

use super::Tokenizer;
use super::added::AddedToken;
use super::description::Description;
use super::parts::{Frame, Parts};
use super::pipeline::{Normalizer, Splitter};
use super::settings::{Class, Settings};
use super::truncation::Side;
use super::vocabulary::Vocabulary;
use crate::error::Fault;

/// Characters of the longest word that is split into pieces, and what the pieces but its first begin with: BERT's class has no other.
const MAX_WORD: usize = 100;
const PREFIX: &str = "##";

/// Where the vocabulary comes from.
pub(super) enum Source {
    Description(Box<Description>),
    Vocabulary(Vocabulary),
}

/// A tokeniser's parts, and what is known of them.
pub(super) struct Decision {
    parts: Parts,
    settings: Settings,
    /// Contents of tokens that are there for their names alone.
    implied: Vec<String>,
    max_length: Option<usize>,
    notes: Vec<String>,
}

impl Decision {
    /// What `settings` make of a vocabulary.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub(super) fn of(mut settings: Settings, source: Source) -> Result<Self, Fault> {
        let mut notes = Vec::new();
        let (parts, implied) = match (settings.class, source) {
            (Class::Described, Source::Description(file)) => described(&mut settings, *file, &mut notes)?,
            (Class::Described, Source::Vocabulary(_)) => {
                let message = "`tokenizer_class`: expected BertTokenizer beside vocab.txt, found PreTrainedTokenizerFast, which \
                               needs tokenizer.json";
                return Err(message.into());
            }
            (_, Source::Description(file)) => {
                settings.add_described(&file.added);
                let found = bert(&settings, file.side)?;
                found.compare(&file, &mut notes);
                found.with(file.vocabulary)
            }
            (_, Source::Vocabulary(vocabulary)) => bert(&settings, None)?.with(vocabulary),
        };
        notes.extend(settings.note());
        Ok(Self { parts, implied, max_length: settings.max_length()?, settings, notes })
    }

    /// The tokeniser.
    ///
    /// # Errors
    /// What is wrong with the vocabulary.
    pub(super) fn tokenizer(self) -> Result<Tokenizer, Fault> {
        let Self { parts, settings, implied, max_length, mut notes } = self;
        let inner = parts.assemble()?;
        let id = |content: &str| inner.added.iter().find(|token| token.content == content).map(|token| token.id);
        for (stated, content) in settings.stated() {
            if let Some(id) = id(content).filter(|&id| id != stated) {
                notes.push(format!(
                    "added token {content:?}: the files give it the id {stated}, it has {id}, its place in the vocabulary or \
                     the next that is free, as in transformers"
                ));
            }
        }
        let implied = implied.iter().filter_map(|content| id(content)).collect();
        Ok(Tokenizer { implied, max_length, notes: notes.into(), ..Tokenizer::new(inner) })
    }
}

/// BERT's class, or another that is made as it is, without its vocabulary.
struct BertClass {
    name: &'static str,
    normalizer: Normalizer,
    added: Vec<AddedToken>,
    implied: Vec<String>,
    unk: String,
    cls: String,
    sep: String,
    pad: String,
    second_type: u32,
    doubled: bool,
    side: Side,
}

fn bert(settings: &Settings, side: Option<Side>) -> Result<BertClass, Fault> {
    let (added, named) = settings.tokens(&[])?;
    Ok(BertClass {
        name: settings.class.name(),
        doubled: settings.class == Class::Mpnet,
        normalizer: Normalizer::Bert {
            clean_text: true,
            handle_chinese_chars: settings.flag("tokenize_chinese_chars")?.unwrap_or(true),
            strip_accents: settings.flag("strip_accents")?,
            lowercase: settings.flag("do_lower_case")?.unwrap_or(true),
        },
        implied: contents(&added[named]),
        added,
        unk: settings.name("unk_token")?,
        cls: settings.name("cls_token")?,
        sep: settings.name("sep_token")?,
        pad: settings.name("pad_token")?,
        second_type: settings.second_type()?.unwrap_or(1),
        side: settings.side()?.or(side).unwrap_or_default(),
    })
}

impl BertClass {
    /// Notes what a `tokenizer.json` says otherwise.
    fn compare(&self, file: &Description, notes: &mut Vec<String>) {
        let mut differs = |what: &str, found: &dyn std::fmt::Debug, taken: &dyn std::fmt::Debug, from: &str| {
            notes.push(format!(
                "tokenizer.json says {what} {found:?}; {taken:?} is taken from {from}, as in transformers (`tokenizer_class` \
                 PreTrainedTokenizerFast would take all from tokenizer.json)"
            ));
        };
        if !matches!(&file.normalizers[..], [one] if one.equals(&self.normalizer)) {
            let from = "tokenizer_config.json (do_lower_case, strip_accents, tokenize_chinese_chars; true, none, true by default)";
            differs("normalizer", &file.normalizers, &self.normalizer, from);
        }
        if file.splitters != [Splitter::BertPreTokenizer {}] {
            differs("pre_tokenizer", &file.splitters, &Splitter::BertPreTokenizer {}, self.name);
        }
        if file.longest_word != MAX_WORD {
            differs("max_input_chars_per_word", &file.longest_word, &MAX_WORD, self.name);
        }
        if file.prefix != PREFIX {
            differs("continuing_subword_prefix", &file.prefix, &PREFIX, self.name);
        }
        let names = "the names of special tokens (tokenizer_config.json, special_tokens_map.json)";
        if file.unk != self.unk {
            differs("unk_token", &file.unk, &self.unk, names);
        }
        if let Some(frame) = &file.frame {
            for (what, found, taken) in [("[CLS]", &frame.cls.0, &self.cls), ("[SEP]", &frame.sep.0, &self.sep)] {
                if found != taken {
                    differs(&format!("{what} is"), found, taken, names);
                }
            }
            if frame.second_type != self.second_type {
                differs("type id of second texts", &frame.second_type, &self.second_type, self.name);
            }
            if frame.doubled != self.doubled {
                let count = |doubled| 1 + u32::from(doubled);
                differs("separators between texts", &count(frame.doubled), &count(self.doubled), self.name);
            }
        }
    }

    fn with(self, vocabulary: Vocabulary) -> (Parts, Vec<String>) {
        let parts = Parts {
            normalizers: vec![self.normalizer],
            splitters: vec![Splitter::BertPreTokenizer {}],
            added: self.added,
            prefix: PREFIX.to_owned(),
            longest_word: MAX_WORD,
            frame: Frame::Named {
                unk: self.unk,
                cls: (self.cls, None),
                sep: (self.sep, None),
                pad: (self.pad, Value::Null),
            },
            second_type: self.second_type,
            doubled: self.doubled,
            side: self.side,
            vocabulary,
        };
        (parts, self.implied)
    }
}

/// The class that takes all of `tokenizer.json`, and the tokens of the files beside it.
fn described(
    settings: &mut Settings,
    file: Description,
    notes: &mut Vec<String>,
) -> Result<(Parts, Vec<String>), Fault> {
    if file.frame.is_none() {
        let message = "tokenizer.json has no `post_processor`; expected BERT's frame `[CLS] A [SEP]` there, where `tokenizer_class` \
                       PreTrainedTokenizerFast looks for it";
        return Err(message.into());
    }
    if let Some(token) = file.padding["pad_token"].as_str() {
        settings.pads_with(token);
    }
    settings.add_described(&file.added);
    let (added, named) = settings.tokens(&file.added)?;
    let implied = contents(&added[named]);
    let said = Normalizer::Bert {
        clean_text: true,
        handle_chinese_chars: settings.flag("tokenize_chinese_chars")?.unwrap_or(true),
        strip_accents: settings.flag("strip_accents")?,
        lowercase: settings.flag("do_lower_case")?.unwrap_or(true),
    };
    let said_any = ["do_lower_case", "strip_accents", "tokenize_chinese_chars"];
    let said_any = said_any.into_iter().any(|key| settings.flag(key).is_ok_and(|flag| flag.is_some()));
    if said_any && !matches!(&file.normalizers[..], [one] if one.equals(&said)) {
        notes.push(format!(
            "tokenizer_config.json says normalizer {said:?}; {:?} is taken from tokenizer.json, as in transformers for \
             PreTrainedTokenizerFast",
            file.normalizers
        ));
    }
    let second_type = settings.second_type()?;
    let side = settings.side()?;
    let mut parts = file.into_parts();
    if second_type.is_some_and(|second| second != parts.second_type) {
        let message = "`model_input_names` has no token_type_ids, so the second text of a pair has type id 0 as the first, as in \
                       transformers 5 (transformers 4 gave it 1)";
        notes.push(message.to_owned());
    }
    parts.added.extend(added);
    parts.second_type = second_type.unwrap_or(parts.second_type);
    parts.side = side.unwrap_or(parts.side);
    Ok((parts, implied))
}

fn contents(tokens: &[AddedToken]) -> Vec<String> {
    tokens.iter().map(|token| token.content.clone()).collect()
}
