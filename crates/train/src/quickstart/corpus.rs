//! A corpus of judgements in which the words alone say next to nothing and their order says everything.
//!
//! Sentences such as "nobody thought that the soup was not very greasy." come from a small grammar of negation,
//! affirming and denying main clauses, contrast, concession, counterfactuals, comparisons and intensity, nested at
//! most twice; the grammar gives each exactly one label. They are drawn as *minimal pairs*: two sentences with the
//! same nouns, adjectives and verbs and opposite labels, both in the same split, so that these words are as frequent
//! with either label. Only one sentence in six is plain and unpaired, to show which words praise. Dev is a test of
//! composition: no noun of dev stands with a predicate with which it stands in train.

mod grammar;
mod lexicon;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use bitspike::atomic_file;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::error::{Error, Result};
use grammar::{Pattern, Pool, TURN, Writer};
use lexicon::{
    ACTORS, ACTS, ADJECTIVE_ADVERBS, BAD, DETERMINERS, DISLIKED, FRAMES, FUNCTION_WORDS, GOOD, LIKED, OPENERS, PEOPLE,
    REFERENCES, STRONG, TIMES, TOPICS, VERB_ADVERBS, WEAK,
};

/// The most sentences a split can have. The grammar gives more for either split, so that drawing them ends.
const LARGEST: usize = 50_000;

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorpusConfig {
    /// The same seed gives the same corpus on every machine; dev does not depend on `train`, nor train on `dev`.
    pub seed: u64,
    /// Sentences to train on.
    pub train: usize,
    /// Sentences to score on.
    pub dev: usize,
    /// Only sentences without any operator ("on monday the soup was very greasy."), which a bag of words can label.
    pub plain: bool,
}

/// Sentences with their labels: 1 for praise, 0 for blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corpus {
    /// Sentences to train on, in random order, no two alike.
    pub train: Vec<(String, u8)>,
    /// Sentences to score on, in random order, no two alike and none in `train`.
    pub dev: Vec<(String, u8)>,
}

impl Corpus {
    /// Generates a corpus. In each split both labels are equally frequent, up to one sentence where its size is odd.
    ///
    /// # Errors
    /// If a split is to have more than 50,000 sentences.
    pub fn generate(config: &CorpusConfig) -> Result<Self> {
        for (split, count) in [("train", config.train), ("dev", config.dev)] {
            if count > LARGEST {
                let found = format!("{count}; ask for fewer");
                let most = format!("at most {LARGEST} sentences");
                return Err(bitspike::Error::invalid(format!("corpus, {split}"), most, found).into());
            }
        }
        let stream = |stream| {
            let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
            rng.set_stream(stream);
            rng
        };
        let [train, dev] = Pool::split(&mut stream(0));
        let patterns = if config.plain { &[Pattern::Plain] } else { &TURN[..] };
        Ok(Self {
            train: draw(&train, patterns, config.train, &mut stream(1)),
            dev: draw(&dev, patterns, config.dev, &mut stream(2)),
        })
    }

    /// Writes `train.tsv` and `dev.tsv` in the layout of SST-2 (a header, then sentence, tab, label), `vocab.txt` (a
    /// word-level WordPiece vocabulary: the special tokens, then every word and mark of the grammar, sorted) and
    /// `tokenizer_config.json` into the folder `dir`, which it creates. Each file is written whole or not at all.
    ///
    /// # Errors
    /// If the folder or a file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        std::fs::create_dir_all(dir).map_err(|e| Error::io("create", dir, e))?;
        let mut vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].join("\n");
        words().into_iter().for_each(|word| vocabulary.extend(["\n", word]));
        vocabulary.push('\n');
        let tokenizer = serde_json::json!({
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": true,
            "model_max_length": 64,
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "mask_token": "[MASK]",
        });
        let files = [
            ("train.tsv", table(&self.train)),
            ("dev.tsv", table(&self.dev)),
            ("vocab.txt", vocabulary),
            ("tokenizer_config.json", format!("{tokenizer:#}\n")),
        ];
        for (name, text) in files {
            atomic_file::write(&dir.join(name), |file| file.write_all(text.as_bytes()))?;
        }
        Ok(())
    }
}

/// Every word and mark that a sentence can hold, sorted.
fn words() -> BTreeSet<&'static str> {
    let topics = TOPICS.iter().flat_map(|topic| topic.nouns.iter().chain(&topic.good).chain(&topic.bad));
    let lists: [&[&str]; 15] = [
        &GOOD,
        &BAD,
        &LIKED,
        &DISLIKED,
        &DETERMINERS,
        &PEOPLE,
        &OPENERS,
        &ADJECTIVE_ADVERBS,
        &VERB_ADVERBS,
        &STRONG,
        &WEAK,
        &REFERENCES,
        &ACTORS,
        &ACTS,
        &TIMES,
    ];
    let frames = FRAMES.iter().flat_map(|(affirm, deny)| [affirm, deny]);
    let phrases = topics.chain(lists.into_iter().flatten()).chain(frames).chain(&FUNCTION_WORDS);
    phrases.flat_map(|phrase| phrase.split(' ')).collect()
}

/// A split in SST-2's layout.
fn table(sentences: &[(String, u8)]) -> String {
    sentences.iter().fold("sentence\tlabel\n".to_owned(), |mut text, (sentence, label)| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{sentence}\t{label}");
        text
    })
}

/// `count` different sentences of `patterns` in turn, in random order.
fn draw(pool: &Pool, patterns: &[Pattern], count: usize, rng: &mut ChaCha8Rng) -> Vec<(String, u8)> {
    let mut seen = HashSet::new();
    let mut sentences: Vec<(String, u8)> = Vec::with_capacity(count + 1);
    let mut turn = 0;
    while sentences.len() < count {
        // Both signs of a pattern follow each other, so that its operators too are as frequent with either label.
        let (pattern, positive) = (patterns[turn / 2 % patterns.len()], turn % 2 == 0);
        let pair = Writer { pool, rng }.pair(pattern, positive);
        if pair.iter().any(|sentence| seen.contains(sentence)) {
            continue;
        }
        turn += 1;
        seen.extend(pair.iter().cloned());
        sentences.extend(pair.into_iter().zip([u8::from(positive), u8::from(!positive)]));
    }
    sentences.truncate(count);
    sentences.shuffle(rng);
    sentences
}
