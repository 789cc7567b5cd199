//! What a model answers on examples, how good that is, and what it took.

use std::collections::BTreeMap;

use bitspike::Encoding;
use bitspike::Model;
use bitspike::config::population_names;
use bitspike::count::{Counter, Operations};
use bitspike::format::Packed;
use bitspike::forward::{Dynamics, SentenceRun, Simulation};
use bitspike_data::{Encoded, Predictions, sorted_batches};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::examples::EncodedSplit;
use crate::in_time::TimeScore;

/// Examples at a time.
const BATCH: usize = 64;

/// The score of one split, as `--json` prints it.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Score {
    pub model: String,
    pub task: String,
    pub split: &'static str,
    /// How many examples it has.
    pub examples: usize,
    /// Empty where the split has no labels.
    pub metrics: BTreeMap<String, f64>,
    /// Mean firing rate over the populations; none for a teacher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_rate: Option<f64>,
    /// Firing rate of each population; empty for a teacher.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rates: BTreeMap<String, f64>,
    /// The step of training at which a run's best student was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_step: Option<u64>,
    /// Seconds that reading and answering took.
    pub seconds: f64,
    /// Where operations were to be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
    /// Along simulations, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dynamics: Vec<TimeScore>,
}

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
    /// Potentials brought up to date.
    pub membrane_updates: f64,
}

/// Synaptic operations of a mean sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
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

impl Score {
    /// The score of answers to `split`, whoever gave them; without seconds, counts and simulations.
    ///
    /// # Errors
    /// If an answer is not a number.
    pub fn of(model: &str, split: &EncodedSplit, predictions: &Predictions) -> Result<Self> {
        let rates = predictions.rates.clone();
        Ok(Self {
            model: model.to_owned(),
            task: split.task.name.clone(),
            split: split.dataset.split.name(),
            examples: split.examples.len(),
            metrics: split.metrics(predictions)?,
            mean_rate: (!rates.is_empty()).then(|| rates.values().sum::<f64>() / rates.len() as f64),
            rates,
            best_step: None,
            seconds: 0.0,
            counted: None,
            dynamics: Vec::new(),
        })
    }
}

/// Scores `model`, called `name`, on `split`, with its operations counted where `count`.
///
/// # Errors
/// If there are no examples, one does not fit the model, or a current is not finite.
pub fn score(model: &Model, name: &str, split: &EncodedSplit, count: bool) -> Result<(Score, Predictions)> {
    if split.examples.is_empty() {
        return Err(Error::no_examples("to score"));
    }
    let started = std::time::Instant::now();
    let (predictions, counted) = if count {
        let counts = Counts::new(model, &split.examples)?;
        let counted = counts.counted(model.simulation());
        (counts.predictions, Some(counted))
    } else {
        (predict(model, &split.examples)?, None)
    };
    let seconds = started.elapsed().as_secs_f64();
    Ok((Score { seconds, counted, ..Score::of(name, split, &predictions)? }, predictions))
}

/// Bytes of a packed file but for its vocabulary: what the network itself takes.
pub fn weight_bytes(packed: &Packed) -> u64 {
    (packed.file_bytes().len() - packed.vocabulary_bytes()) as u64
}

/// What `model` says of `examples`, with its firing rates.
///
/// # Errors
/// If an example does not fit the model or a current is not finite.
pub fn predict(model: &Model, examples: &[Encoded]) -> Result<Predictions> {
    predict_with(model, examples, |encodings| model.simulate_ids(encodings, false), |_, _| {})
}

/// As [`predict`], with everything counted that each neuron sends: `each` gets the examples one by one, shortest first, with
/// their runs, whose [`SentenceRun::sent`] [`bitspike::count`] reads.
///
/// # Errors
/// As [`predict`].
pub fn predict_counted(
    model: &Model,
    examples: &[Encoded],
    each: impl FnMut(&Encoded, &SentenceRun),
) -> Result<Predictions> {
    predict_with(model, examples, |encodings| model.count_ids(encodings), each)
}

fn predict_with(
    model: &Model,
    examples: &[Encoded],
    run: impl Fn(&[Encoding]) -> bitspike::Result<Vec<SentenceRun>>,
    mut each: impl FnMut(&Encoded, &SentenceRun),
) -> Result<Predictions> {
    let student = &model.header().student;
    let names = population_names(student.layers);
    let mut logits = vec![Vec::new(); examples.len()];
    let (mut spikes, mut steps) = (vec![0u64; names.len()], 0.0);
    for indices in sorted_batches(examples, BATCH) {
        let encodings: Vec<Encoding> = indices.iter().map(|&index| examples[index].encoding()).collect();
        for (index, run) in indices.into_iter().zip(run(&encodings)?) {
            let example = &examples[index];
            each(example, &run);
            spikes.iter_mut().zip(&run.spikes).for_each(|(sum, &n)| *sum += n);
            steps += f64::from(run.steps) * example.ids.len() as f64;
            logits[index] = run.logits;
        }
    }
    let widths = student.population_widths();
    let rate = |((name, spikes), width): ((String, u64), usize)| (name, spikes as f64 / (steps * width as f64));
    let rates = names.into_iter().zip(spikes).zip(widths).map(rate).collect();
    Ok(Predictions { logits, rates })
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
    /// Spikes of each population, in the order of [`population_names`].
    pub spikes: Vec<u64>,
    /// Share of the encoder's weights that are zero.
    pub connection_sparsity: f64,
    /// Number of examples.
    pub examples: usize,
    /// With an exit rule, the mean number of steps that examples took.
    pub mean_steps: Option<f64>,
    /// Bytes of the packed file.
    pub bytes: u64,
    /// Bits that the sums of the weight matrices provably fit ([`Counter::sum_bits`]).
    pub sum_bits: Option<u32>,
}

/// Operations of runs, added up sentence by sentence.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    counter: Counter,
    layers: Vec<Operations>,
    spikes: Vec<u64>,
    steps: u64,
    examples: usize,
    bytes: u64,
}

impl Tally {
    /// Of nothing yet.
    pub(crate) fn new(model: &Model) -> Self {
        let layers = model.header().student.layers;
        Self {
            counter: Counter::new(model.encoder()),
            layers: vec![Operations::default(); layers + 1],
            spikes: vec![0; 1 + 6 * layers],
            steps: 0,
            examples: 0,
            bytes: weight_bytes(model.packed()),
        }
    }

    /// Adds a sentence of `tokens` tokens that ran in `simulation`, its spikes in one row.
    pub(crate) fn add(&mut self, run: &SentenceRun, tokens: usize, simulation: &Simulation) {
        let sentence = self.counter.sentence(run, tokens, simulation);
        self.layers.iter_mut().zip(sentence).for_each(|(sum, layer)| *sum += layer);
        self.spikes.iter_mut().zip(&run.spikes).for_each(|(sum, &n)| *sum += n);
        self.steps += u64::from(run.steps);
        self.examples += 1;
    }

    /// All that was added, of runs in `simulation`; `exit` says whether sentences could end early, and `predictions` are the
    /// answers.
    pub(crate) fn finish(self, simulation: &Simulation, exit: bool, predictions: Predictions) -> Result<Counts> {
        let Self { counter, layers, spikes, steps, examples, bytes } = self;
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
            sum_bits: counter.sum_bits(simulation.time_steps),
        })
    }
}

impl Counts {
    /// Runs `model` on `examples` with every spike counted, as far as sentences run.
    ///
    /// # Errors
    /// As [`predict`], and if a count is larger than 64 bits hold.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{dev_of, model};

    #[test]
    fn counting_changes_no_answer_and_no_rate() {
        let model = model();
        let split = dev_of(&model);
        let (plain, answers) = score(&model, "small", &split, false).unwrap();
        let (counted, same) = score(&model, "small", &split, true).unwrap();
        assert_eq!((answers, plain.metrics, plain.mean_rate), (same, counted.metrics, counted.mean_rate));
        let total = counted.counted.unwrap().total;
        assert!(plain.counted.is_none() && total.spikes > 0);
        assert_eq!((plain.examples, plain.split, plain.rates.len()), (4, "dev", 13));
        let mut none = split;
        none.truncate(0);
        assert!(score(&model, "small", &none, false).unwrap_err().to_string().contains("no examples"));
    }
}
