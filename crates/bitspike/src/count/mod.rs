//! What a run costs in operations: counted, not estimated.
//!
//! A run says how many spikes each neuron sent ([`crate::forward::SentenceRun::sent`]); the weights say how many synapses that
//! are not zero each neuron has. Their products are the accumulates that an event-driven machine performs. Everything else
//! follows from shapes, tokens and steps. `docs/energy.md` has the definitions, their sources, and the table of what is counted
//! when. Names follow NeuroBench (Yik et al., arXiv 2304.04640).

mod counter;
mod dense;

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

pub use counter::Counter;
pub use dense::{DenseShape, dense};

/// Bits of a value that is not quantised.
const VALUE: u64 = 32;

/// Operations of a layer, a sentence, or many. All are exact integers; a count that would be larger than `u64` holds stays at its
/// largest number ([`Operations::overflows`]) and never begins anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operations {
    /// Spikes of either sign.
    pub spikes: u64,
    /// Sums of the weight matrices that are doubled between steps, where spikes are digits; else 0.
    #[serde(default)]
    pub doublings: u64,
    /// Scores and contexts that are doubled between steps, where spikes are digits; else 0.
    #[serde(default)]
    pub attention_doublings: u64,
    /// Neurons times steps: every potential is brought up to date at every step.
    pub membrane_updates: u64,
    /// NeuroBench's *dense* synaptic operations: synapses times tokens times steps, whether anything is zero or not; those of
    /// attention, `2 L^2 D` a step, included.
    pub synaptic_dense: u64,
    /// NeuroBench's *effective ACs* of the weight matrices: accumulates of one weight that is not zero, each caused by one
    /// spike.
    pub synaptic_acs: u64,
    /// Effective ACs of attention: a spike of a key adds one value of a query to the score of each of `L` queries; a spike of a
    /// value adds a probability to the context of each.
    pub attention_acs: u64,
    /// Effective MACs of attention: where operators see running rates (`accumulated`), queries, keys, probabilities and values
    /// are all values, and each step multiplies them anew.
    pub attention_macs: u64,
    /// Accumulates of the weight matrices if each count that is not 0 were one value instead of so many spikes: those of the
    /// quantised network that carries the same information. `phased` alone, else 0.
    pub value_acs: u64,
    /// Outputs of the weight matrices, each scaled and biased (one multiply-add) when an operator or a neuron reads it.
    pub scalings: u64,
    /// Softmax: exponentials, which are also summed and divided.
    pub exponentials: u64,
    /// Softmax: rows, each with one reciprocal.
    pub softmax_rows: u64,
    /// Layer norm: values.
    pub norm_values: u64,
    /// Layer norm: rows, each with one reciprocal square root.
    pub norm_rows: u64,
    /// Values added to another before a norm or a softmax (one multiply-add each): the residual connections, and biases of scores by
    /// distance.
    pub residuals: u64,
    /// GELU: values.
    pub gelus: u64,
    /// Values of table rows that are scaled and added: word, position and type.
    pub table_values: u64,
    /// Multiply-adds of the classifier.
    pub classifier_macs: u64,
    /// Weights read, in bits: matrices once a sentence in `phased`, where they serve a whole window, once a step otherwise; table
    /// rows and the classifier once.
    pub weight_bits: u64,
    /// Spikes written once and read once, in bits: a count a neuron in `phased`, one spike a neuron and step otherwise (and in
    /// `phased` with a leak or a hard reset, where a count does not say all); with a sign where any neuron may send -1.
    pub activation_bits: u64,
    /// Values of queries, currents and residual sums, 32 bits each, written once and read once.
    pub value_bits: u64,
    /// Potentials, 32 bits each, read and written once a step.
    pub state_bits: u64,
}

impl Operations {
    /// NeuroBench's effective ACs in all.
    pub fn effective_acs(&self) -> u64 {
        self.synaptic_acs + self.attention_acs
    }

    /// NeuroBench's effective MACs in all: attention on values, and the classifier.
    pub fn effective_macs(&self) -> u64 {
        self.attention_macs + self.classifier_macs
    }
}

/// Adds field by field; one that is forgotten does not compile.
macro_rules! sums {
    ($($field:ident)*) => {
        impl Operations {
            /// The first count that is larger than `u64` holds, if one is.
            pub fn overflows(&self) -> Option<&'static str> {
                let Self { $($field),* } = *self;
                [$((stringify!($field), $field)),*].into_iter().find(|(_, count)| *count == u64::MAX).map(|(name, _)| name)
            }
        }

        impl AddAssign for Operations {
            fn add_assign(&mut self, other: Self) {
                let Self { $($field),* } = other;
                $(self.$field = self.$field.saturating_add($field);)*
            }
        }
    };
}

sums!(spikes doublings attention_doublings membrane_updates synaptic_dense synaptic_acs attention_acs attention_macs value_acs scalings exponentials
    softmax_rows norm_values norm_rows residuals gelus table_values classifier_macs weight_bits activation_bits value_bits
    state_bits);

impl std::iter::Sum for Operations {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

#[cfg(test)]
mod tests;
