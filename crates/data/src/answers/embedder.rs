//! A model that embeds, as one that answers.

use bitspike::vector::prefix;
use bitspike::{Model, Task};

use super::model::{Classifier, Said};

/// A model whose answers are vectors, or the first values of them.
#[derive(Debug, Clone, Copy)]
pub struct Embedder<'a> {
    model: &'a Model,
    dims: usize,
    normalize: bool,
}

impl<'a> Embedder<'a> {
    /// The vectors of `model`, or the first `dims` values of them, brought to length 1 again where the model brings its own to it.
    ///
    /// # Errors
    /// [`bitspike::Error::Invalid`] if the model gives classes or scores, or `dims` is not from 1 to the width of its vectors.
    pub fn new(model: &'a Model, dims: Option<usize>) -> bitspike::Result<Self> {
        model.check_embeds()?;
        let width = model.header().student.hidden;
        let dims = dims.unwrap_or(width);
        if !(1..=width).contains(&dims) {
            return Err(bitspike::Error::invalid("dimensions of a vector", format!("1 to {width}"), dims));
        }
        Ok(Self { model, dims, normalize: model.task().target.normalizes() })
    }

    /// Values of a vector.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Tokens of a text that the model reads, frame included.
    pub fn max_length(&self) -> usize {
        self.model.header().max_length
    }

    /// Whether vectors are of length 1.
    pub fn normalizes(&self) -> bool {
        self.normalize
    }

    /// Lengths for which the model was trained, where this is none of them.
    pub fn trained_dims(&self) -> Option<Vec<usize>> {
        let trained = [&[self.model.header().student.hidden], self.model.task().target.prefixes()].concat();
        (!trained.contains(&self.dims)).then_some(trained)
    }
}

impl Classifier for Embedder<'_> {
    fn task(&self) -> &Task {
        self.model.task()
    }

    fn answer(&self, texts: &[(&str, Option<&str>)]) -> bitspike::Result<Vec<Said>> {
        let vectors = self.model.embed(texts.iter().map(|&(first, _)| first))?.into_iter();
        vectors
            .map(|vector| {
                let whole = vector.values.len() == self.dims;
                let values = if whole { vector.values } else { prefix(&vector.values, self.dims, self.normalize)? };
                Ok(Said { class: None, values, tokens: vector.tokens, truncated: vector.truncated })
            })
            .collect()
    }
}
