//! What a model says of texts, as far as it is written beside them. The one place that touches the model's own types.

use bitspike::Target;
use bitspike::model::{Model, Text};

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
        let texts: Vec<Text<'_>> = texts.iter().map(|&(first, second)| Text { first, second }).collect();
        let classes = !self.labels().is_empty();
        let answers = Self::classify(self, &texts)?.into_iter();
        Ok(answers
            .map(|answer| Said {
                class: classes.then_some(answer.label),
                values: answer.probabilities,
                tokens: answer.tokens,
                truncated: answer.truncated,
            })
            .collect())
    }
}
