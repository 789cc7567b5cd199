//! What a student or a teacher learns from.

use std::path::{Path, PathBuf};

use bitspike::tokenizer::Tokenizer;
use bitspike_data::{
    Dataset, DevShare, Encoded, Labels, Split, TaskSpec, choose, encode, load_for_training, load_with, read_corpus,
};

use crate::error::{Error, Result};
use crate::soft::SoftLabels;

/// The texts of a training.
#[derive(Debug, Default)]
pub struct Texts {
    /// The task's training examples.
    pub train: Vec<Encoded>,
    /// The task's dev examples.
    pub dev: Vec<Encoded>,
    /// Unlabelled windows for `general` stages.
    pub corpus: Vec<Encoded>,
    /// What was decided about the files without being asked, a line each.
    pub notes: Vec<String>,
}

/// How the texts of a task are read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Tokens kept of an example.
    pub max_length: usize,
    /// Whether training examples need labels; dev examples always do.
    pub labels: Labels,
    /// The part of the training examples that serves as the dev split; none where the data has one.
    pub dev: Option<DevShare>,
    /// What somebody says of the training examples.
    pub soft: Option<&'a SoftLabels>,
}

impl Texts {
    /// Reads and tokenises the training and dev examples of `task` from `data`, of each at most `max_length` tokens.
    ///
    /// # Errors
    /// If a split is missing or bad.
    pub fn of_task(task: &TaskSpec, data: &Path, tokenizer: &Tokenizer, max_length: usize) -> Result<Self> {
        Self::read(task, data, tokenizer, &Reading { max_length, labels: Labels::Required, dev: None, soft: None })
    }

    /// As [`Texts::of_task`], with what is said of labels and of a dev split.
    ///
    /// # Errors
    /// If a split is missing or bad, or training and dev examples would be the same.
    pub fn read(task: &TaskSpec, data: &Path, tokenizer: &Tokenizer, reading: &Reading<'_>) -> Result<Self> {
        let Reading { max_length, labels, dev, soft } = *reading;
        let (train, dev) = load_for_training(task, data, labels, dev)?;
        let encode = |dataset: &Dataset| encode(dataset, tokenizer, max_length);
        let mut encoded = encode(&train);
        if let Some(soft) = soft {
            soft.check_foreign(&[&train, &dev])?;
            soft.attach(&train, &mut encoded)?;
        }
        let mut notes = train.notes.clone();
        notes.extend(dev.notes.iter().filter(|note| !train.notes.contains(note)).cloned());
        Ok(Self { train: encoded, dev: encode(&dev), corpus: Vec::new(), notes })
    }

    /// Texts to learn vectors of, in the files `corpus`, whose tables have them in `columns` where those are stated, and the dev split of the scored pairs in `data`: each pair is two examples in
    /// a row, the first of which has the score.
    ///
    /// # Errors
    /// If no corpus is given, a file is missing or bad, or a pair has no score.
    pub fn of_vectors(
        task: &TaskSpec,
        (corpus, columns): (&[PathBuf], &[String]),
        data: &Path,
        tokenizer: &Tokenizer,
        max_length: usize,
    ) -> Result<Self> {
        if corpus.is_empty() {
            let message = "a student that embeds learns from texts without labels: give files of them with --corpus";
            return Err(Error::Mismatch(message.into()));
        }
        let dev = load_with(task, data, Split::Dev, Labels::Required)?;
        let texts = read_corpus(corpus, columns)?;
        let pairs: Vec<(&str, Option<&str>)> = texts.iter().map(|text| (text.as_str(), None)).collect();
        let encodings = tokenizer.encode_batch(&pairs, max_length).into_iter().enumerate();
        let train = encodings.map(|(i, encoding)| Encoded::new(i.to_string(), encoding, None));
        Ok(Self {
            train: train.collect(),
            dev: encode(&dev, tokenizer, max_length),
            corpus: Vec::new(),
            notes: dev.notes,
        })
    }

    /// These with `limit` training examples that `seed` chooses; all of them where `limit` is 0.
    #[must_use]
    pub fn limited(self, limit: usize, seed: u64) -> Self {
        Self { train: choose(self.train, limit, seed), ..self }
    }
}

/// The tokens kept of a text where `asked` are asked for, and what is to be said if the model's tokeniser allows fewer
/// (`model_max_length`).
///
/// # Errors
/// If it allows fewer than 3: the two marks around a text, and a token.
pub(crate) fn length(tokenizer: &Tokenizer, asked: usize) -> Result<(usize, Option<String>)> {
    match tokenizer.max_length() {
        Some(most) if most < 3 => Err(Error::Mismatch(format!(
            "the teacher's tokenizer_config.json has a `model_max_length` of {most}; expected 3 or more tokens, two of which stand \
             around the text"
        ))),
        Some(most) if most < asked => Ok((
            most,
            Some(format!(
                "texts are cut to {most} tokens, the teacher's `model_max_length`, where {asked} are asked for (`max_length`)"
            )),
        )),
        _ => Ok((asked, None)),
    }
}
