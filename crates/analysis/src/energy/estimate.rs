//! Counts times constants.

use serde::{Deserialize, Serialize};

use super::{Constant, Profile};
use bitspike::count::Operations;

/// Multiply-adds of a value in a layer norm: for the mean, for the variance, for gain and bias.
const NORM_MACS: f64 = 3.0;

/// The term of spikes and values that one population hands to another.
const ACTIVATIONS: &str = "activations";

/// Codes of a symmetric value in INT8.
const INT8_CODES: u64 = 255;

/// Functions that a GELU is priced at where it is computed: an exponential and a reciprocal, which its error function takes
/// in most programs. The polynomial of [`bitspike::arithmetic::gelu`] takes 18 multiply-adds, a tenth less.
const GELU_FUNCTIONS: f64 = 2.0;

/// One kind of operation, or of bytes moved, of a mean sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Term {
    pub name: String,
    /// How many a sentence; bytes where memory is meant.
    pub amount: f64,
    /// Picojoules a sentence.
    pub picojoules: f64,
}

/// What a mean sentence costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// What was computed by what.
    pub name: String,
    /// Operations.
    pub compute: Vec<Term>,
    /// Bytes moved.
    pub memory: Vec<Term>,
    /// Sum of `compute`, in picojoules.
    pub compute_picojoules: f64,
    /// Sum of both, in picojoules.
    pub total_picojoules: f64,
}

impl Estimate {
    /// Bytes of activations, spikes or values, that are written and read.
    pub fn activation_bytes(&self) -> f64 {
        self.memory.iter().filter(|term| term.name == ACTIVATIONS).map(|term| term.amount).sum()
    }

    fn new(name: impl Into<String>, compute: Vec<Term>, memory: Vec<Term>) -> Self {
        let sum = |terms: &[Term]| terms.iter().map(|term| term.picojoules).sum::<f64>();
        let compute_picojoules = sum(&compute);
        let total_picojoules = compute_picojoules + sum(&memory);
        Self { name: name.into(), compute, memory, compute_picojoules, total_picojoules }
    }
}

/// What estimates of networks on the same sentences have in common.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Prices<'a> {
    pub profile: &'a Profile,
    /// Sentences that were counted; estimates are of a mean one.
    pub sentences: usize,
    /// What the network's weights take in memory.
    pub bytes: u64,
    /// Bits of the integers that its sums provably fit ([`bitspike::count::Counter::sum_bits`]); none where sums are no integers.
    pub sum_bits: Option<u32>,
    /// Numbers that a window of a neuron can end in, where it ends in one: the count after GELU is then found by comparing the current
    /// with the places where it changes, and GELU is never computed.
    pub counts: Option<u64>,
}

/// What a dense network multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Values and weights in FP32.
    Fp32,
    /// Values and weights in INT8; norms, softmax and GELU in FP32.
    Int8,
}

impl Prices<'_> {
    /// An addition to a sum of the weight matrices: by its width where the profile and the sums have one, else `otherwise`.
    pub fn accumulate(&self, otherwise: &Constant) -> f64 {
        let narrow = self.sum_bits.and_then(|bits| self.profile.compute.integer_add(bits));
        narrow.unwrap_or(otherwise).value
    }

    /// A spiking network with these operations over all sentences.
    pub fn spikes(&self, name: &str, count: &Operations) -> Estimate {
        let compute = &self.profile.compute;
        let mut terms = self.terms();
        let accumulate = self.accumulate(&compute.accumulate);
        terms.add("synaptic accumulates", count.synaptic_acs as f64, accumulate);
        terms.add("sums doubled", count.doublings as f64, accumulate);
        // Queries and probabilities are values of 32 bits, whatever codes the weights have.
        terms.add("attention accumulates", count.attention_acs as f64, compute.fp32_add.value);
        terms.add("scores and contexts doubled", count.attention_doublings as f64, compute.fp32_add.value);
        terms.add("attention multiply-adds", count.attention_macs as f64, compute.fp32_mac.value);
        terms.add("membrane updates", count.membrane_updates as f64, compute.neuron_update.value);
        terms.add("resets", count.spikes as f64, compute.fp32_add.value);
        self.operators(&mut terms, count, self.counts);
        Estimate::new(name, terms.terms, self.memory(count))
    }

    /// A network of values, counted by [`bitspike::count::dense`].
    pub fn values(&self, name: &str, count: &Operations, precision: Precision) -> Estimate {
        let mac = match precision {
            Precision::Fp32 => self.profile.compute.fp32_mac.value,
            Precision::Int8 => self.profile.compute.int8_mac.value,
        };
        let mut terms = self.terms();
        terms.add("weight multiply-adds", (count.synaptic_dense - count.attention_macs) as f64, mac);
        terms.add("attention multiply-adds", count.attention_macs as f64, mac);
        self.operators(&mut terms, count, None);
        Estimate::new(name, terms.terms, self.memory(count))
    }

    /// A network of INT8 values, of whose multiply-adds so many of the weight matrices and of attention have no factor that is 0. Its
    /// GELU is found by comparing among the codes of INT8.
    pub fn int8_without_zeros(&self, name: &str, count: &Operations, weights: u64, attention: u64) -> Estimate {
        let mac = self.profile.compute.int8_mac.value;
        let mut terms = self.terms();
        terms.add("weight multiply-adds", weights as f64, mac);
        terms.add("attention multiply-adds", attention as f64, mac);
        self.operators(&mut terms, count, Some(INT8_CODES));
        Estimate::new(name, terms.terms, self.memory(count))
    }

    /// The quantised network that carries the same information: the counts of a window as values, the same codes as weights. `spikes` are the operations of the student in `phased`, `dense` those of the same shape
    /// without spikes, `attention` its multiply-adds there. A count that is 0 and a weight that is 0 cost nothing, as for the student.
    ///
    /// No code of spikes needs fewer additions than this network does: one for each count that is not 0, at each synapse that is not.
    pub fn quantised(&self, name: &str, spikes: &Operations, dense: &Operations, attention: u64) -> Estimate {
        let compute = &self.profile.compute;
        let mut terms = self.terms();
        terms.add("weight accumulates", spikes.value_acs as f64, self.accumulate(&compute.int_accumulate));
        terms.add("attention multiply-adds", attention as f64, compute.int8_mac.value);
        // One rounding a value, where the student has neurons.
        let values = dense.activation_bits as f64 / (2.0 * 32.0);
        terms.add("rounding", values, compute.fp32_mac.value);
        self.operators(&mut terms, dense, self.counts);
        let moved = Operations {
            weight_bits: spikes.weight_bits,
            activation_bits: spikes.activation_bits,
            value_bits: dense.value_bits,
            ..Operations::default()
        };
        Estimate::new(name, terms.terms, self.memory(&moved))
    }

    fn terms(&self) -> Terms {
        Terms { sentences: self.sentences.max(1) as f64, terms: Vec::new() }
    }

    /// What networks of spikes and of values have in common.
    fn operators(&self, terms: &mut Terms, count: &Operations, counts: Option<u64>) {
        let compute = &self.profile.compute;
        let (mac, function) = (compute.fp32_mac.value, compute.function.value);
        terms.add("scales and biases", count.scalings as f64, mac);
        terms.add("softmax: exponentials", count.exponentials as f64, function + mac);
        terms.add("softmax: reciprocals", count.softmax_rows as f64, function);
        terms.add("residuals", count.residuals as f64, mac);
        terms.add("layer norms: values", count.norm_values as f64, NORM_MACS * mac);
        terms.add("layer norms: roots", count.norm_rows as f64, function);
        match counts {
            // A comparison subtracts. Each halves the places that are left.
            Some(counts) => {
                let each = f64::from(bits(counts)) * compute.fp32_add.value;
                terms.add("GELU, by comparing", count.gelus as f64, each);
            }
            None => terms.add("GELU", count.gelus as f64, GELU_FUNCTIONS * function),
        }
        terms.add("embedding rows", count.table_values as f64, mac);
        terms.add("classifier", count.classifier_macs as f64, mac);
    }

    fn memory(&self, count: &Operations) -> Vec<Term> {
        let memory = &self.profile.memory;
        let (activations, state) = (memory.activations.value, memory.state.value);
        let bytes = |bits: u64| bits as f64 / 8.0;
        let mut terms = self.terms();
        terms.add("weights", bytes(count.weight_bits), self.profile.weight_byte(self.bytes));
        terms.add(ACTIVATIONS, bytes(count.activation_bits), activations);
        terms.add("sums and currents", bytes(count.value_bits), activations);
        terms.add("potentials", bytes(count.state_bits), state);
        terms.terms
    }
}

/// Collects the terms of a mean sentence.
struct Terms {
    sentences: f64,
    terms: Vec<Term>,
}

impl Terms {
    /// `amount` operations, or bytes, of `each` picojoules; nothing where there are none.
    fn add(&mut self, name: &str, amount: f64, each: f64) {
        let amount = amount / self.sentences;
        if amount > 0.0 {
            self.terms.push(Term { name: name.to_owned(), amount, picojoules: amount * each });
        }
    }
}

/// Bits that tell so many numbers apart: `ceil(log2 n)`.
pub(super) fn bits(numbers: u64) -> u32 {
    numbers.max(1).next_power_of_two().trailing_zeros()
}

/// `T x rate`, spikes a neuron and window, up to which accumulates cost less than what they replace, synapse by synapse.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakEven {
    /// What the model has, seen from its synapses: accumulates for each synapse that is not zero and each token.
    pub found: f64,
    /// Against an FP32 multiply-add at every weight, zero or not.
    pub against_fp32: f64,
    /// Against an INT8 multiply-add at every weight.
    pub against_int8: f64,
    /// Against one integer accumulate for each count and weight that are not zero.
    pub against_quantised: f64,
}

/// Weights of an encoder and how often they were met.
#[derive(Debug, Clone, Copy)]
pub struct Synapses {
    /// Tokens of all sentences.
    pub tokens: u64,
    /// Weights of the encoder.
    pub weights: u64,
    /// Share of them that is zero.
    pub zeros: f64,
}

impl Synapses {
    /// Synapses that are not zero, once for each token.
    pub fn there(&self) -> f64 {
        self.tokens as f64 * self.weights as f64 * (1.0 - self.zeros)
    }
}

/// Where spikes and other codes cost the same; nowhere, if every weight is zero or an accumulate costs nothing.
pub fn break_even(prices: &Prices<'_>, count: &Operations, synapses: &Synapses) -> Option<BreakEven> {
    let compute = &prices.profile.compute;
    let accumulate = prices.accumulate(&compute.accumulate);
    let (zeros, synapses) = (synapses.zeros, synapses.there());
    let against = |energy: f64| energy / (accumulate * (1.0 - zeros));
    (synapses > 0.0 && accumulate > 0.0).then(|| BreakEven {
        found: count.synaptic_acs as f64 / synapses,
        against_fp32: against(compute.fp32_mac.value),
        against_int8: against(compute.int8_mac.value),
        against_quantised: count.value_acs as f64 / synapses * prices.accumulate(&compute.int_accumulate) / accumulate,
    })
}

/// The normalised number of operations of the SpikingBERT line (arXiv 2308.10873, "Analysis of power and energy efficiency"):
/// `sum of IFR[i] OPS[i+1] / sum of OPS`, where `IFR` are a population's spikes over the window for each neuron and `OPS` the
/// multiply-adds of a map that reads it. It leaves out attention, norms, softmax, GELU and every zero weight. `reads` are pairs
/// of a population's `IFR` and the weights that read it. 0 of a student that never spikes.
pub fn normalised_operations(reads: impl Iterator<Item = (f64, u64)>) -> f64 {
    let (sum, all) =
        reads.fold((0.0, 0.0), |(sum, all), (rate, weights)| (sum + rate * weights as f64, all + weights as f64));
    sum / f64::max(all, 1.0)
}
