//! What is asked of a simulation, and what it says of a sentence.

use super::ExitRule;
use crate::arithmetic::vectorised;
use crate::encoder::Encoder;
use crate::error::{Error, Result};

/// Sentences one after another, as they enter an encoder.
#[derive(Debug, Clone, Copy)]
pub struct Sentences<'a> {
    /// Currents of the embedding population, `[M, D]` for the `M` tokens of all sentences.
    pub currents: &'a [f32],
    /// Tokens of each sentence, at least one.
    pub lengths: &'a [usize],
}

impl<'a> Sentences<'a> {
    /// The currents of each sentence.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the shapes do not fit.
    pub(super) fn split(self, encoder: &Encoder) -> Result<Vec<&'a [f32]>> {
        let Self { mut currents, lengths } = self;
        let width = encoder.config.hidden;
        let rows = lengths.iter().try_fold(0usize, |sum, &length| sum.checked_add(length));
        if rows.and_then(|rows| rows.checked_mul(width)) != Some(currents.len()) || lengths.contains(&0) {
            let expected = format!("rows of {width} values, as many as the sentences have tokens, each at least one");
            return Err(Error::invalid("embedding currents", expected, format!("{} values", currents.len())));
        }
        let most = encoder.config.max_positions;
        if let Some(length) = lengths.iter().find(|&&length| encoder.relative.is_some() && length > most) {
            return Err(Error::invalid("tokens of a sentence", format!("at most {most}, the positions"), length));
        }
        let parts = lengths.iter().map(|&length| currents.split_off(..length * width).expect("a sum that was checked"));
        Ok(parts.collect())
    }
}

/// The steps after which a simulation notes its answer. Memory grows with their number, not with `T`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rows<'a> {
    /// After every step.
    #[default]
    All,
    /// After the last that a sentence takes.
    Last,
    /// After these, in rising order, and after the last that a sentence takes.
    At(&'a [u32]),
}

impl Rows<'_> {
    /// Whether there is a row for `step`, if the sentence goes on behind it.
    pub(super) fn has(self, step: u32) -> bool {
        match self {
            Self::All => true,
            Self::Last => false,
            Self::At(steps) => steps.binary_search(&step).is_ok(),
        }
    }
}

/// What a caller wants of a simulation besides answers and spike counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// End a sentence when this rule says that its answer is settled. Not for `phased`, which has one answer.
    pub exit: Option<ExitRule>,
    /// Keep the sums of every neuron.
    pub sums: bool,
    /// Keep what every neuron sent, summed over the tokens and over the steps that the sentence took.
    pub sent: bool,
    /// After which steps answer, change and spikes are noted.
    pub rows: Rows<'a>,
    /// Find answers alone: `accumulated` and `instantaneous` then compute nothing of the last layer at other tokens than `[CLS]`
    /// but keys and values, and count no spikes. Without effect where sums, what neurons sent, or a record are asked for.
    pub answers_only: bool,
}

/// What a simulation found of one sentence. `rows` are those of [`Wanted::rows`]; there is 1 for `phased`, which has an answer
/// only at its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SentenceRun {
    /// Steps taken; fewer than `T` where an exit rule ended it.
    pub steps: u32,
    /// `[rows, classes]`: the classifier on the rates up to each step.
    pub logits: Vec<f32>,
    /// `[rows]`: how much the value of `[CLS]` changed against the step before, `|m[t] - m[t-1]| / |m[t]|`; 1 at the first.
    pub change: Vec<f32>,
    /// `[rows, populations]`: spikes of either sign in the steps since the row before.
    pub spikes: Vec<u64>,
    /// Per population `[L, width]`: weighted sums `A[t] = beta A[t-1] + s[t]` after the last step; empty unless asked for.
    pub sums: Vec<Vec<f32>>,
    /// Per population: what its neurons sent; empty unless asked for.
    pub sent: Vec<Sent>,
}

/// What the neurons of a population sent, over all tokens and steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// `[width]`: spikes of either sign.
    pub spikes: Vec<u64>,
    /// `[width]`: tokens for which the net count over the window is not 0; `phased` alone, else empty.
    pub active: Vec<u64>,
}

impl SentenceRun {
    /// The classifier's outputs after the last step.
    pub(crate) fn last_logits(&self, classes: usize) -> Vec<f32> {
        self.logits[self.logits.len() - classes..].to_vec()
    }
}

impl Sent {
    /// Of `width` neurons that have sent nothing; `active` too if it is wanted.
    pub(super) fn silent(width: usize, active: bool) -> Self {
        Self { spikes: vec![0; width], active: vec![0; if active { width } else { 0 }] }
    }

    /// Adds rows of spikes of one step.
    pub(super) fn add_spikes(&mut self, spikes: &[i8]) {
        add_rows(spikes, &mut self.spikes, |spike| u64::from(spike != 0));
    }

    /// Adds rows of the sums of a window.
    pub(super) fn add_active(&mut self, sums: &[f32]) {
        add_rows(sums, &mut self.active, |sum| u64::from(sum != 0.0));
    }
}

/// Adds the rows of `values` to `sums` after `f`.
fn add_rows<T: Copy>(values: &[T], sums: &mut [u64], f: impl Fn(T) -> u64) {
    vectorised!(move || {
        for row in values.chunks_exact(sums.len()) {
            sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f(value));
        }
    });
}
