//! What a model's answers took: operations, counted spike by spike.

use bitspike::Model;
use bitspike::count::{Counter, Operations};
use bitspike::format::Packed;
use bitspike::forward::{Dynamics, SentenceRun, Simulation};
use bitspike_data::{Encoded, Predictions};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::predict::predict_counted;

/// What was counted, over all examples and as NeuroBench has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counted {
    /// Of which dynamics.
    pub dynamics: Dynamics,
    /// `T`: steps of a window, or most steps that a sentence could take.
    pub time_steps: u32,
    /// With an exit rule, the mean number of steps that sentences took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_steps: Option<f64>,
    /// As NeuroBench names it, of a mean sentence.
    pub neurobench: NeuroBench,
    /// Over all examples.
    pub total: Operations,
}

/// Complexity metrics as NeuroBench names them, a mean sentence where they are operations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NeuroBench {
    /// Bytes of the packed file.
    pub footprint: u64,
    /// Share of the encoder's weights that are zero.
    pub connection_sparsity: f64,
    /// Share of neuron steps without a spike.
    pub activation_sparsity: f64,
    /// Operations at synapses.
    pub synaptic_operations: SynapticOperations,
    /// The same of the encoder's matrices alone, which is what NeuroBench's own counter finds where they are linear layers that
    /// receive spikes step by step: it does not see attention, and the classifier, which receives values once, is left out.
    pub linear_operations: SynapticOperations,
    /// Potentials brought up to date.
    pub membrane_updates: f64,
}

/// Synaptic operations of a mean sentence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SynapticOperations {
    /// Whether anything is zero or not.
    #[serde(rename = "Dense")]
    pub dense: f64,
    /// Multiply-adds.
    #[serde(rename = "Effective_MACs")]
    pub effective_macs: f64,
    /// Accumulates.
    #[serde(rename = "Effective_ACs")]
    pub effective_acs: f64,
}

/// What examples took, over all of them, and the answers to them in their order.
#[derive(Debug, Clone)]
pub struct Counts {
    /// The answers.
    pub predictions: Predictions,
    /// Of embedding and classifier, then layer by layer.
    pub layers: Vec<Operations>,
    /// Over all layers.
    pub total: Operations,
    /// Spikes of each population, in the order of [`bitspike::config::population_names`].
    pub spikes: Vec<u64>,
    /// Share of the encoder's weights that are zero.
    pub connection_sparsity: f64,
    /// Number of examples.
    pub examples: usize,
    /// With an exit rule, the mean number of steps that examples took.
    pub mean_steps: Option<f64>,
    /// Bytes of the packed file.
    pub bytes: u64,
    /// Neurons of a token, and weights of the encoder's matrices, which each token meets at each step.
    sizes: (u64, u64),
    /// Bits that the sums of the weight matrices provably fit ([`Counter::sum_bits`]).
    pub sum_bits: Option<u32>,
    /// Multiply-adds of attention in the quantised network of the same counts ([`Counter::attention_values`]).
    pub attention_values: u64,
}

/// Operations of runs, added up sentence by sentence.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    counter: Counter,
    layers: Vec<Operations>,
    spikes: Vec<u64>,
    steps: u64,
    attention_values: u64,
    examples: usize,
    bytes: u64,
    sizes: (u64, u64),
}

impl Tally {
    /// Of nothing yet.
    pub(crate) fn new(model: &Model) -> Self {
        let student = &model.header().student;
        let layers = student.layers;
        let neurons: usize = student.population_widths().into_iter().sum();
        Self {
            sizes: (neurons as u64, student.encoder_weights()),
            counter: Counter::new(model.encoder()),
            layers: vec![Operations::default(); layers + 1],
            spikes: vec![0; 1 + 6 * layers],
            steps: 0,
            attention_values: 0,
            examples: 0,
            bytes: weight_bytes(model.packed()),
        }
    }

    /// Adds a sentence of `tokens` tokens that ran in `simulation`, its spikes in one row.
    pub(crate) fn add(&mut self, run: &SentenceRun, tokens: usize, simulation: &Simulation) {
        let sentence = self.counter.sentence(run, tokens, simulation);
        self.layers.iter_mut().zip(sentence).for_each(|(sum, layer)| *sum += layer);
        self.spikes.iter_mut().zip(&run.spikes).for_each(|(sum, &n)| *sum += n);
        let attention = self.counter.attention_values(run, tokens);
        self.attention_values = self.attention_values.saturating_add(attention);
        self.steps += u64::from(run.steps);
        self.examples += 1;
    }

    /// All that was added, of runs in `simulation`; `exit` says whether sentences could end early, and `predictions` are the
    /// answers.
    pub(crate) fn finish(self, simulation: &Simulation, exit: bool, predictions: Predictions) -> Result<Counts> {
        let Self { counter, layers, spikes, steps, attention_values, examples, bytes, sizes } = self;
        let total: Operations = layers.iter().copied().sum();
        if let Some(count) = total.overflows() {
            let expected = "less than 2^64 operations of a kind; count fewer examples (--limit) or steps";
            return Err(Error::invalid(format!("count `{count}`"), expected, "more"));
        }
        Ok(Counts {
            predictions,
            total,
            layers,
            spikes,
            connection_sparsity: counter.connection_sparsity(),
            examples,
            mean_steps: exit.then(|| steps as f64 / examples.max(1) as f64),
            bytes,
            sizes,
            sum_bits: counter.sum_bits(simulation.time_steps),
            attention_values,
        })
    }
}

impl Counts {
    /// Runs `model` on `examples` with every spike counted, as far as sentences run.
    ///
    /// # Errors
    /// As [`predict`](crate::predict::predict()), and if a count is larger than 64 bits hold.
    pub fn new(model: &Model, examples: &[Encoded]) -> Result<Self> {
        let mut tally = Tally::new(model);
        let add = |example: &Encoded, run: &SentenceRun| tally.add(run, example.ids.len(), model.simulation());
        let predictions = predict_counted(model, examples, add)?;
        tally.finish(model.simulation(), model.exit().is_some(), predictions)
    }

    /// Operations alone, of runs in `simulation`.
    pub fn counted(&self, simulation: &Simulation) -> Counted {
        let Simulation { dynamics, time_steps, .. } = *simulation;
        Counted { dynamics, time_steps, mean_steps: self.mean_steps, neurobench: self.neurobench(), total: self.total }
    }

    /// The same as NeuroBench has it.
    pub fn neurobench(&self) -> NeuroBench {
        let total = &self.total;
        let mean = |amount: u64| amount as f64 / self.examples as f64;
        let (neurons, weights) = self.sizes;
        NeuroBench {
            footprint: self.bytes,
            connection_sparsity: self.connection_sparsity,
            activation_sparsity: 1.0 - total.spikes as f64 / total.membrane_updates as f64,
            synaptic_operations: SynapticOperations {
                dense: mean(total.synaptic_dense + total.classifier_macs),
                effective_macs: mean(total.effective_macs()),
                effective_acs: mean(total.effective_acs()),
            },
            linear_operations: SynapticOperations {
                dense: mean((total.membrane_updates / neurons).saturating_mul(weights)),
                effective_macs: 0.0,
                effective_acs: mean(total.synaptic_acs),
            },
            membrane_updates: mean(total.membrane_updates),
        }
    }
}

/// Bytes of a packed file but for its vocabulary: what the network itself takes.
pub fn weight_bytes(packed: &Packed) -> u64 {
    (packed.file_bytes().len() - packed.vocabulary_bytes()) as u64
}
