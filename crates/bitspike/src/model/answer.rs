//! What a model answers.

use std::sync::Arc;

use crate::arithmetic::largest;
use crate::config::Target;
use crate::trace::Trace;
use crate::vector::unit;

/// What a model says of a text.
///
/// ```
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/stsb-ternary/model.safetensors");
/// let model = bitspike::Model::load(path)?;
/// let answers = model.classify([("A man plays a guitar.", "A man is playing music.")])?;
/// assert_eq!((answers[0].label(), answers[0].class()), (None, None)); // a number from 0 to 5, and no class
/// assert!(answers[0].score().is_some_and(|score| score > 2.0));
/// # Ok::<(), bitspike::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The class or the score.
    pub output: Output,
    /// The classifier's outputs: one a class, or the score alone; a vector before it is brought to length 1.
    pub logits: Vec<f32>,
    /// Tokens read, frame included.
    pub tokens: usize,
    /// Whether the text was longer than the model reads.
    pub truncated: bool,
    /// Time steps taken.
    pub steps: u32,
}

/// A class or a score.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// One of the model's classes.
    Class {
        /// The class with the largest logit, the first of equals.
        index: usize,
        /// Its name.
        label: Arc<str>,
        /// Softmax of the logits, class by class.
        probabilities: Vec<f32>,
    },
    /// A number on the task's scale.
    Score(f32),
    /// A vector that stands for the text.
    Vector(Vec<f32>),
}

/// What a model did with one text, spike by spike.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced {
    /// Text of each token, from `[CLS]` on.
    pub tokens: Vec<String>,
    /// The spikes.
    pub trace: Trace,
    /// `[T, classes]`: the classifier's outputs after each step; of `phased`, which has an answer at its end alone, those.
    pub readings: Vec<f32>,
    /// After the last step.
    pub answer: Answer,
    /// Of the quantised equilibrium: `phased` with as many steps and neurons without leak.
    pub equilibrium: Answer,
}

impl Output {
    /// What `logits` say of a model for `target`, given the names of the classes.
    pub(super) fn of(target: &Target, labels: &[Arc<str>], logits: &[f32]) -> Self {
        if let Target::Embedding { normalize, .. } = target {
            return Self::Vector(if *normalize { unit(logits) } else { logits.to_vec() });
        }
        let index = largest(logits);
        match labels.get(index) {
            Some(label) => Self::Class { index, label: label.clone(), probabilities: probabilities(logits) },
            None => Self::Score(logits[0]),
        }
    }
}

impl Answer {
    /// Name of the class; none where the model gives a score or a vector.
    pub fn label(&self) -> Option<&str> {
        match &self.output {
            Output::Class { label, .. } => Some(label),
            Output::Score(_) | Output::Vector(_) => None,
        }
    }

    /// Index of the class; none where the model gives a score.
    pub fn class(&self) -> Option<usize> {
        match self.output {
            Output::Class { index, .. } => Some(index),
            Output::Score(_) | Output::Vector(_) => None,
        }
    }

    /// The score; none where the model gives a class.
    pub fn score(&self) -> Option<f32> {
        match self.output {
            Output::Class { .. } | Output::Vector(_) => None,
            Output::Score(score) => Some(score),
        }
    }

    /// Probability of each class; none of a score.
    pub fn probabilities(&self) -> &[f32] {
        match &self.output {
            Output::Class { probabilities, .. } => probabilities,
            Output::Score(_) | Output::Vector(_) => &[],
        }
    }
}

/// Softmax of `logits`, in `f64`: what [`Answer::probabilities`] are.
pub fn probabilities(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&x| f64::from(x - max).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| (power / sum) as f32).collect()
}
