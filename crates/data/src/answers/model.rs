//! What a model says of texts, as far as it is written beside them. The one place that touches the model's own types.

use bitspike::{Input, Model, Task};

/// What is said of one text or pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Index of the class; none for a score.
    pub class: Option<usize>,
    /// Probabilities by class, or the score alone.
    pub values: Vec<f32>,
    /// Tokens read, frame included.
    pub tokens: usize,
    /// Whether the text was longer than the model reads.
    pub truncated: bool,
}

impl Said {
    /// Whether the text, or both of a pair, had no word: nothing was read but the frame.
    pub fn is_wordless(&self, pair: bool) -> bool {
        let frame = if pair { 3 } else { 2 };
        self.tokens <= frame && !self.truncated
    }
}

/// Whatever answers as a model does.
pub trait Classifier {
    /// The task it was trained on.
    fn task(&self) -> &Task;

    /// Answers to texts or pairs, in their order.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    fn answer(&self, texts: &[(&str, Option<&str>)]) -> bitspike::Result<Vec<Said>>;
}

impl Classifier for Model {
    fn task(&self) -> &Task {
        &self.header().task
    }

    fn answer(&self, texts: &[(&str, Option<&str>)]) -> bitspike::Result<Vec<Said>> {
        let texts = texts.iter().map(|&(first, second)| Input { first, second });
        let answers = self.classify(texts)?.into_iter();
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
