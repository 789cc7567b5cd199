//! What a model says of texts, as far as it is written beside them. The one place that touches the model's own types.

use bitspike::{Input, Model, Target};

/// An answer to one text or pair.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// Index of the class; none for a score.
    pub(super) class: Option<usize>,
    /// Probabilities by class, or the score alone.
    pub(super) values: Vec<f32>,
    /// Tokens read, frame included.
    pub(super) tokens: usize,
    /// Whether the text was longer than the model reads.
    pub(super) truncated: bool,
}

/// Whatever answers as a model does.
pub(super) trait Classifier {
    /// What its answers mean.
    fn target(&self) -> &Target;

    /// Answers to texts or pairs, in their order.
    fn classify(&self, texts: &[(&str, Option<&str>)]) -> bitspike::Result<Vec<Said>>;
}

impl Classifier for Model {
    fn target(&self) -> &Target {
        &self.header().task.target
    }

    fn classify(&self, texts: &[(&str, Option<&str>)]) -> bitspike::Result<Vec<Said>> {
        let texts = texts.iter().map(|&(first, second)| Input { first, second });
        let answers = Self::classify(self, texts)?.into_iter();
        Ok(answers
            .map(|answer| Said {
                class: answer.class(),
                values: answer.score().map_or_else(|| answer.probabilities().to_vec(), |score| vec![score]),
                tokens: answer.tokens,
                truncated: answer.truncated,
            })
            .collect())
    }
}
