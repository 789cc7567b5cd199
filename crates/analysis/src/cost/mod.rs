//! What a model costs on a set of sentences: counted operations, energy under named constants, baselines beside it.

mod price;
mod print;
mod rapl;

use std::time::Instant;

use anyhow::{Result, bail};
use bitspike::config::StudentConfig;
use bitspike::forward::Dynamics;
use bitspike_analysis::energy::{BreakEven, Estimate, Precision, Profile, break_even, normalised_operations};
use bitspike::model::Model;
use bitspike::config::population_names;
use bitspike::count::{Counter, DenseShape, Operations};
use bitspike::tokenizer::Encoding;
use bitspike_data::Encoded;
use bitspike_train::evaluate::Predictions;
use bitspike_train::parity::predict_counted;
use serde::{Deserialize, Serialize};

use price::shape;
pub(crate) use price::{Priced, bytes_at};
pub(crate) use print::{print, print_operations};

/// What to count and at which prices.
pub(crate) struct Request<'a> {
    pub(crate) model: &'a Model,
    pub(crate) name: &'a str,
    pub(crate) examples: &'a [Encoded],
    pub(crate) profile: &'a Profile,
    /// The teacher's shape, where it is known.
    pub(crate) teacher: Option<DenseShape>,
}

/// Everything that was counted and reckoned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cost {
    pub(crate) model: String,
    pub(crate) dynamics: Dynamics,
    pub(crate) time_steps: u32,
    pub(crate) examples: usize,
    /// Tokens of all examples.
    pub(crate) tokens: u64,
    /// NeuroBench's figures.
    pub(crate) neurobench: NeuroBench,
    /// Of embedding and classifier, then layer by layer, over all examples.
    pub(crate) layers: Vec<Operations>,
    /// Over all examples.
    pub(crate) total: Operations,
    pub(crate) populations: Vec<PopulationSpikes>,
    /// Normalised operations of the SpikingBERT line, and the energy of an FP32 teacher over the student's that the line derives
    /// from it: `4.6 / (0.9 x normalised operations)`.
    pub(crate) normalised_operations: f64,
    pub(crate) normalised_energy_gain: f64,
    pub(crate) profile: Profile,
    /// The model first, then the baselines, of which the first, in FP32, is what gains refer to: the teacher, or a BERT of the
    /// model's own shape where the teacher's is not known.
    pub(crate) energy: Vec<Row>,
    /// With `phased`, whose counts the quantised network has as values.
    pub(crate) break_even: Option<BreakEven>,
    /// By the processor's own counters, where they can be read.
    pub(crate) measured: Option<MeasuredEnergy>,
    /// Why there are no joules.
    pub(crate) not_measured: Option<String>,
}

/// Complexity metrics as NeuroBench names them, a mean sentence where they are operations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NeuroBench {
    /// Bytes of the packed file.
    pub(crate) footprint: u64,
    /// Share of the encoder's weights that are zero.
    pub(crate) connection_sparsity: f64,
    /// Share of neuron steps without a spike.
    pub(crate) activation_sparsity: f64,
    pub(crate) synaptic_operations: SynapticOperations,
    pub(crate) membrane_updates: f64,
}

/// Synaptic operations of a mean sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SynapticOperations {
    #[serde(rename = "Dense")]
    pub(crate) dense: f64,
    #[serde(rename = "Effective_MACs")]
    pub(crate) effective_macs: f64,
    #[serde(rename = "Effective_ACs")]
    pub(crate) effective_acs: f64,
}

/// Spikes of a population over all examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PopulationSpikes {
    pub(crate) name: String,
    pub(crate) spikes: u64,
    /// Spikes a neuron and step.
    pub(crate) rate: f64,
}

/// One network of the comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) estimate: Estimate,
    /// Bytes of its weights.
    pub(crate) bytes: u64,
    /// Energy of the first baseline over this one's, operations alone.
    pub(crate) gain_compute: f64,
    /// The same with memory.
    pub(crate) gain_total: f64,
}

/// Joules that the processor counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeasuredEnergy {
    /// Microjoules a sentence of the whole package, idle power included.
    pub(crate) microjoules: f64,
    pub(crate) seconds: f64,
}

/// What examples took, over all of them, and the answers to them in their order.
pub(crate) struct Counts {
    pub(crate) predictions: Predictions,
    /// Of embedding and classifier, then layer by layer.
    pub(crate) layers: Vec<Operations>,
    pub(crate) total: Operations,
    /// Of each population, in the order of [`population_names`].
    pub(crate) spikes: Vec<u64>,
    /// Share of the encoder's weights that are zero.
    pub(crate) connection_sparsity: f64,
    examples: usize,
    /// Bytes of the packed file.
    bytes: u64,
}

impl Counts {
    /// Runs `model` on `examples` with every spike counted.
    ///
    /// # Errors
    /// If a current is not finite.
    pub(crate) fn new(model: &Model, examples: &[Encoded]) -> Result<Self> {
        let counter = Counter::new(model.encoder());
        let config = &model.header().student;
        let mut layers = vec![Operations::default(); config.layers + 1];
        let mut spikes = vec![0; 1 + 6 * config.layers];
        let predictions = predict_counted(model, examples, |example, run| {
            let sentence = counter.sentence(run, example.ids.len(), model.simulation());
            layers.iter_mut().zip(sentence).for_each(|(sum, layer)| *sum += layer);
            spikes.iter_mut().zip(&run.spikes).for_each(|(sum, &n)| *sum += u64::from(n));
        })?;
        Ok(Self {
            predictions,
            total: layers.iter().copied().sum(),
            layers,
            spikes,
            connection_sparsity: counter.connection_sparsity(),
            examples: examples.len(),
            bytes: model.packed().file_bytes().len() as u64,
        })
    }

    /// The same as NeuroBench has it.
    pub(crate) fn neurobench(&self) -> NeuroBench {
        let total = &self.total;
        let mean = |amount: u64| amount as f64 / self.examples as f64;
        NeuroBench {
            footprint: self.bytes,
            connection_sparsity: self.connection_sparsity,
            activation_sparsity: 1.0 - total.spikes as f64 / total.membrane_updates as f64,
            synaptic_operations: SynapticOperations {
                dense: mean(total.synaptic_dense + total.classifier_macs),
                effective_macs: mean(total.effective_macs()),
                effective_acs: mean(total.effective_acs()),
            },
            membrane_updates: mean(total.membrane_updates),
        }
    }
}

/// Counts the examples and prices them.
///
/// # Errors
/// If there are no examples, or a current is not finite.
pub(crate) fn measure(request: &Request<'_>) -> Result<(Cost, Predictions)> {
    let Request { model, name, examples, profile, .. } = *request;
    if examples.is_empty() {
        bail!("no examples to count");
    }
    let config = &model.header().student;
    let simulation = model.simulation();
    let counts = Counts::new(model, examples)?;
    let neurobench = counts.neurobench();
    let Counts { predictions, layers, total, spikes, connection_sparsity, bytes, .. } = counts;
    let tokens: u64 = examples.iter().map(|example| example.ids.len() as u64).sum();
    let populations = population_names(config.layers).into_iter().zip(&spikes);
    let populations: Vec<PopulationSpikes> =
        populations.map(|(name, &spikes)| PopulationSpikes { rate: predictions.rates[&name], name, spikes }).collect();
    let normalised = normalised_operations(reads(config, &spikes, tokens));
    let lengths: Vec<usize> = examples.iter().map(|example| example.ids.len()).collect();
    let priced = Priced { profile, student: config, operations: &total, bytes, lengths: &lengths };
    let energy = rows(&priced, simulation.dynamics, request.teacher);
    let (measured, not_measured) = match joules(model, examples) {
        Ok(measured) => (Some(measured), None),
        Err(reason) => (None, Some(reason.to_string())),
    };
    let phased = simulation.dynamics == Dynamics::Phased;
    let cost = Cost {
        model: name.to_owned(),
        dynamics: simulation.dynamics,
        time_steps: simulation.time_steps,
        examples: examples.len(),
        tokens,
        neurobench,
        layers,
        populations,
        normalised_operations: normalised,
        normalised_energy_gain: 4.6 / (0.9 * normalised),
        profile: profile.clone(),
        energy,
        break_even: phased
            .then(|| break_even(profile, &total, tokens, (config.encoder_weights(), connection_sparsity))),
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

/// The model and its baselines.
fn rows(priced: &Priced<'_>, dynamics: Dynamics, teacher: Option<DenseShape>) -> Vec<Row> {
    let Priced { student, bytes, .. } = *priced;
    let own = shape(student);
    let (teacher_name, teacher) = match teacher {
        Some(teacher) => ("teacher", teacher),
        None => ("BERT of this shape", own),
    };
    let full = |model: DenseShape| {
        let DenseShape { layers, hidden, intermediate, .. } = model;
        StudentConfig { layers, hidden, intermediate, ..student.clone() }.full_bytes()
    };
    let values = |name: &str, model: DenseShape, precision: Precision| {
        let bytes = bytes_at(full(model), precision);
        (priced.values(name, model, precision, bytes), bytes)
    };
    let mut found = vec![
        (priced.spikes(&format!("student, {dynamics}")), bytes),
        values(&format!("{teacher_name}, FP32"), teacher, Precision::Fp32),
        values(&format!("{teacher_name}, INT8"), teacher, Precision::Int8),
    ];
    if teacher != own {
        found.push(values("student's shape dense, FP32", own, Precision::Fp32));
    }
    if dynamics == Dynamics::Phased {
        let name = format!("quantised network, {}-bit activations", priced.activation_bits());
        found.push((priced.quantised(&name), bytes));
    }
    let (compute, with_memory) = (found[1].0.compute_picojoules, found[1].0.total_picojoules);
    let row = |(estimate, bytes): (Estimate, u64)| Row {
        gain_compute: compute / estimate.compute_picojoules,
        gain_total: with_memory / estimate.total_picojoules,
        bytes,
        estimate,
    };
    found.into_iter().map(row).collect()
}

/// What the processor's counters say of classifying the examples once.
fn joules(model: &Model, examples: &[Encoded]) -> Result<MeasuredEnergy> {
    let counters = rapl::Counters::open()?;
    let encodings: Vec<Encoding> = examples.iter().map(Encoded::encoding).collect();
    let (before, began) = (counters.read()?, Instant::now());
    std::hint::black_box(model.classify_ids(&encodings)?);
    let (microjoules, seconds) = (counters.since(&before)?, began.elapsed().as_secs_f64());
    Ok(MeasuredEnergy { microjoules: microjoules as f64 / examples.len() as f64, seconds })
}
