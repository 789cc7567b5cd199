//! What a model costs on a set of sentences: counted operations, energy under named constants, baselines beside it.

mod codes;
mod networks;
mod rapl;
mod text;

use std::collections::BTreeMap;
use std::time::Instant;

use bitspike::Model;
use bitspike::config::{StudentConfig, population_names};
use bitspike::count::{DenseShape, Operations};
use bitspike::forward::{Dynamics, ExitRule};
use bitspike::neuron::Code;
use bitspike_data::Predictions;
use serde::Serialize;

use crate::counts::{Counts, NeuroBench};
use crate::energy::{BreakEven, CountedStudent, Int8Products, Profile, Synapses, break_even, normalised_operations};
use crate::error::{Error, Result};
use crate::examples::EncodedSplit;

pub use codes::CodeCost;
pub use networks::{Network, NetworkCost};
pub use text::{TextCost, TextMeter};

/// At which prices, and beside which teacher.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct CostOptions<'a> {
    pub profile: &'a Profile,
    /// The teacher's shape, where it is known; its outputs are taken to be the model's.
    pub teacher: Option<DenseShape>,
    /// Multiply-adds of the teacher in INT8 without those of a zero, on the same examples, where somebody ran it.
    pub int8: Option<Int8Products>,
    /// Whether the other codes are counted too, each by a run of its own.
    pub codes: bool,
}

/// Everything that was counted and reckoned.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Cost {
    pub task: String,
    pub split: &'static str,
    /// Empty where the split has no labels.
    pub metrics: BTreeMap<String, f64>,
    pub model: String,
    pub dynamics: Dynamics,
    /// `T`: steps of a window, or most steps that a sentence could take.
    pub time_steps: u32,
    /// When sentences could end early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<ExitRule>,
    /// With an exit rule, the mean number of steps that sentences took; all operations are those of these steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_steps: Option<f64>,
    /// How counts are handed on; `unary` but in `phased`.
    pub code: Code,
    /// Bits, with the sign, that the sums of the weight matrices provably fit; none where weights are no codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum_bits: Option<u32>,
    /// The same sentences in every code, where that was asked for; `phased` alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<CodeCost>,
    pub examples: usize,
    /// Tokens of all examples.
    pub tokens: u64,
    /// NeuroBench's figures.
    pub neurobench: NeuroBench,
    /// Of embedding and classifier, then layer by layer, over all examples.
    pub layers: Vec<Operations>,
    /// Over all examples.
    pub total: Operations,
    /// In the order of computation.
    pub populations: Vec<PopulationSpikes>,
    /// Normalised operations of the SpikingBERT line, and the energy of an FP32 teacher over the student's that the line derives
    /// from it: `4.6 / (0.9 x normalised operations)`.
    pub normalised_operations: f64,
    /// See [`Cost::normalised_operations`]; 0 where it is not defined.
    pub normalised_energy_gain: f64,
    pub profile: Profile,
    /// The model first, then the baselines, of which the first, in FP32, is what gains refer to: the teacher, or a BERT of the
    /// model's own shape where the teacher's is not known.
    pub energy: Vec<NetworkCost>,
    /// With `phased`, whose counts the quantised network has as values.
    pub break_even: Option<BreakEven>,
    /// Figures that are not defined, which are 0 or none, with the reason: a student that never spikes has no energy to divide
    /// by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<String, String>,
    /// By the processor's own counters, where they can be read.
    pub measured: Option<MeasuredEnergy>,
    /// Why there are no joules.
    pub not_measured: Option<String>,
}

/// Spikes of a population over all examples.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct PopulationSpikes {
    pub name: String,
    pub spikes: u64,
    /// Spikes a neuron and step.
    pub rate: f64,
}

/// Joules that the processor counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasuredEnergy {
    /// Microjoules a sentence of the whole package, idle power included.
    pub microjoules: f64,
    /// Seconds that all sentences took.
    pub seconds: f64,
}

impl Cost {
    /// Whether not a single spike was sent: such a student costs nothing and says nothing.
    pub fn is_silent(&self) -> bool {
        self.total.spikes == 0
    }
}

/// Counts what `model`, called `name`, does on `split`, and prices it; with the answers.
///
/// # Errors
/// If there are no examples, or a current is not finite.
pub fn measure(
    model: &Model,
    name: &str,
    split: &EncodedSplit,
    options: &CostOptions<'_>,
) -> Result<(Cost, Predictions)> {
    if split.examples.is_empty() {
        return Err(Error::no_examples("to count"));
    }
    let config = &model.header().student;
    let simulation = model.simulation();
    let counts = Counts::new(model, &split.examples)?;
    let neurobench = counts.neurobench();
    let Counts {
        predictions,
        layers,
        total,
        spikes,
        connection_sparsity,
        bytes,
        mean_steps,
        sum_bits,
        attention_values,
        ..
    } = counts;
    let tokens = split.tokens();
    let populations = population_names(config.layers).into_iter().zip(&spikes);
    let populations: Vec<PopulationSpikes> =
        populations.map(|(name, &spikes)| PopulationSpikes { rate: predictions.rates[&name], name, spikes }).collect();
    let normalised = normalised_operations(reads(config, &spikes, tokens));
    let lengths = split.lengths();
    let counted = CountedStudent {
        profile: options.profile,
        student: config,
        operations: &total,
        bytes,
        lengths: &lengths,
        sum_bits,
        counts: simulation.counts(config.signed),
        attention_values,
    };
    let teacher = options.teacher.map(|teacher| DenseShape { num_labels: config.classes(), ..teacher });
    let energy = networks::beside(&counted, simulation, mean_steps, teacher, options.int8);
    let (measured, not_measured) = match joules(model, split) {
        Ok(measured) => (Some(measured), None),
        Err(reason) => (None, Some(reason.to_string())),
    };
    let synapses = Synapses { tokens, weights: config.encoder_weights(), zeros: connection_sparsity };
    let phased = simulation.dynamics == Dynamics::Phased;
    let break_even = if phased { break_even(&counted.prices(bytes), &total, &synapses) } else { None };
    let codes = if options.codes { codes::compare(model, split, &counted, &synapses)? } else { Vec::new() };
    let mut undefined = BTreeMap::new();
    if normalised == 0.0 {
        let reason = if total.spikes == 0 { "no neuron sent a spike" } else { "no matrix received a spike" };
        undefined.insert("normalised_energy_gain".to_owned(), reason.to_owned());
    }
    if phased && break_even.is_none() {
        let reason = "there is no weight that is not zero, or an accumulate costs nothing in this profile";
        undefined.insert("break_even".to_owned(), reason.to_owned());
    }
    let cost = Cost {
        task: split.task.name.clone(),
        split: split.dataset.split.name(),
        metrics: split.metrics(&predictions)?,
        model: name.to_owned(),
        dynamics: simulation.dynamics,
        time_steps: simulation.time_steps,
        exit: model.exit().copied(),
        mean_steps,
        code: simulation.code,
        sum_bits,
        codes,
        examples: split.examples.len(),
        tokens,
        neurobench,
        layers,
        populations,
        normalised_operations: normalised,
        normalised_energy_gain: if normalised == 0.0 { 0.0 } else { 4.6 / (0.9 * normalised) },
        profile: options.profile.clone(),
        energy,
        break_even,
        undefined,
        total,
        measured,
        not_measured,
    };
    Ok((cost, predictions))
}

/// For every map, the spikes a neuron of the population that it reads over the whole run, and the map's weights.
fn reads<'a>(config: &'a StudentConfig, spikes: &'a [u64], tokens: u64) -> impl Iterator<Item = (f64, u64)> + use<'a> {
    let (d, f) = (config.hidden as u64, config.intermediate as u64);
    (0..config.layers).flat_map(move |i| {
        let rate = move |population: usize, width: u64| spikes[population] as f64 / (tokens * width) as f64;
        let input = rate(6 * i, d);
        [(input, 3 * d * d), (rate(6 * i + 3, d), d * d), (rate(6 * i + 4, d), d * f), (rate(6 * i + 5, f), d * f)]
    })
}

/// What the processor's counters say of answering the examples once.
fn joules(model: &Model, split: &EncodedSplit) -> Result<MeasuredEnergy> {
    let counters = rapl::Counters::open()?;
    let encodings = split.encodings();
    let (before, began) = (counters.read()?, Instant::now());
    std::hint::black_box(model.answer_ids(&encodings)?);
    let (microjoules, seconds) = (counters.since(&before)?, began.elapsed().as_secs_f64());
    Ok(MeasuredEnergy { microjoules: microjoules as f64 / encodings.len() as f64, seconds })
}

#[cfg(test)]
mod tests;
