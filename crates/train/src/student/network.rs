//! The network itself, and what it computes of a batch.

use bitspike::config::{Pooling, StudentConfig};
use bitspike::neuron::Levels;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::equilibrium::{Solution, SolveReport};
use crate::feedback::{Around, FeedbackMap, Spectrum};
use crate::layers::{Affine, Embeddings, Norm, PackedTokens, Population, WordTable, matrix, parameter, scalar};
use crate::ops::{self, Precision, Segments};
use crate::vectors;

/// A population of neurons sharing one threshold.
#[derive(Module, Debug)]
pub struct Neurons {
    /// `theta`, `[1, 1]`, positive.
    pub theta: Param<Tensor<2>>,
}

impl Neurons {
    pub(super) fn new(theta: f32, device: &Device) -> Self {
        Self { theta: parameter(vec![theta], [1, 1], device) }
    }

    /// Spike counts of the current `[M, D]` and the scale that turns them into values: `theta/T`, or `theta/W` with the weight
    /// of the simulation that the counts come from.
    fn fire(&self, current: Tensor<2>, config: &StudentConfig, forward: &mut Forward<'_>) -> Population {
        let theta = self.theta.val();
        let (time_steps, signed) = (config.time_steps, config.signed);
        match forward {
            Forward::Quantised => {
                let counts = match config.code {
                    Levels::Unary => ops::neuron(current, theta.clone(), time_steps, signed),
                    Levels::Single => ops::single_neuron(current, theta.clone(), time_steps, signed),
                };
                (counts, theta / f64::from(time_steps))
            }
            Forward::Continuous => {
                let counts = ops::continuous_neuron(current, theta.clone(), time_steps, signed);
                (counts, theta / f64::from(time_steps))
            }
            Forward::Simulated { counts, weight } => {
                let counts = counts.next().expect("counts of every population");
                let counts = ops::simulated_neuron(current, theta.clone(), counts, *weight, signed);
                (counts, theta / f64::from(*weight))
            }
        }
    }
}

/// What the populations of a forward pass hand on. The gradient is that of the equilibrium map in every case.
pub enum Forward<'a> {
    /// Their equilibrium under the current, quantised to `T` levels.
    Quantised,
    /// Their equilibrium before rounding: gradients are then exact, for checks.
    Continuous,
    /// Counts that a simulation found, whatever the current.
    Simulated {
        /// `[M, D]` of each population, in the order of computation.
        counts: &'a mut dyn Iterator<Item = Tensor<2>>,
        /// What a neuron that fires at every step counts.
        weight: f32,
    },
}

/// One encoder layer.
#[derive(Module, Debug)]
pub struct StudentLayer {
    pub(super) query: Affine,
    pub(super) key: Affine,
    pub(super) value: Affine,
    pub(super) attention_output: Affine,
    pub(super) intermediate: Affine,
    pub(super) output: Affine,
    pub(super) attention_norm: Norm,
    pub(super) output_norm: Norm,
    pub(super) key_neurons: Neurons,
    pub(super) value_neurons: Neurons,
    pub(super) context_neurons: Neurons,
    pub(super) attention_neurons: Neurons,
    pub(super) feed_forward_neurons: Neurons,
    pub(super) output_neurons: Neurons,
}

/// The trainable part of a student, without the word table.
#[derive(Module, Debug)]
pub struct StudentNet {
    pub(super) embeddings: Embeddings,
    pub(super) embedding_neurons: Neurons,
    pub(super) layers: Vec<StudentLayer>,
    /// Biases of attention scores by distance `[32, heads]`, in every layer the same, where the configuration has them.
    pub(super) relative_position: Option<Param<Tensor<2>>>,
    /// Of a student that embeds, none.
    pub(super) classifier: Option<Affine>,
    /// `W_fb`, where the configuration has feedback.
    pub(super) feedback: Option<FeedbackMap>,
    /// `W_td`: student width to teacher width, for the hidden-state loss only; full precision, not part of the model.
    pub(crate) fit: Affine,
}

/// A student with its configuration and word table.
#[derive(Debug, Clone)]
pub struct Student {
    /// What the model is.
    pub config: StudentConfig,
    /// Word embeddings.
    pub words: WordTable,
    /// All other weights.
    pub net: StudentNet,
}

/// What a student computes of a batch of `M` tokens in `B` sentences.
#[derive(Debug, Clone)]
pub struct StudentOutput {
    /// Embedding population and the output population of each layer: `N + 1` of `[M, D]`.
    pub hidden: Vec<Population>,
    /// Per layer the query currents `[M, D]` and the key population.
    pub query_key: Vec<(Tensor<2>, Population)>,
    /// `[B, classes]`; of a student that embeds its vectors `[B, D]`, not yet of length 1.
    pub logits: Tensor<2>,
    /// Spike counts of every population, by name, in the order of computation.
    pub populations: Vec<(String, Tensor<2>)>,
    /// Where each sentence begins.
    pub segments: Segments,
    /// How the fixed point of a student with feedback was found.
    pub solve: Option<SolveReport>,
}

impl StudentOutput {
    /// Mean of `|n|/levels` of every population, by name; `levels` is `T`, or the weight of a simulation.
    pub fn firing_rates(&self, levels: f32) -> Vec<(String, f64)> {
        let rate = |counts: &Tensor<2>| crate::layers::scalar(&ops::mean_absolute(counts.clone())) / f64::from(levels);
        self.populations.iter().map(|(name, counts)| (name.clone(), rate(counts))).collect()
    }
}

impl Student {
    /// Everything the student computes of `tokens`, its feedback left out, from the word rows of their vocabulary.
    pub fn forward(&self, rows: Tensor<2>, tokens: &PackedTokens, forward: Forward<'_>) -> StudentOutput {
        self.net.forward(&self.config, rows, tokens, forward)
    }

    /// [`Student::forward`] without gradient; with feedback, at the fixed point of the loop.
    pub fn infer(&self, tokens: &PackedTokens, device: &Device) -> StudentOutput {
        if let Some(Solution { x, report }) = self.fixed_point(&Around { tokens, continuous: false, device }) {
            let z = matrix(x, [tokens.len(), self.config.hidden], device);
            let output = self.net.layers_from(&self.config, z, tokens, Forward::Quantised);
            return StudentOutput { solve: Some(report), ..output };
        }
        self.forward(self.words.rows(&tokens.vocabulary, device), tokens, Forward::Quantised)
    }
}

impl StudentNet {
    /// `LN(word + position + type)`, `[M, D]`.
    pub(crate) fn embedding_currents(
        &self,
        config: &StudentConfig,
        rows: Tensor<2>,
        tokens: &PackedTokens,
    ) -> Tensor<2> {
        self.embeddings.forward(rows, tokens, config.embedding_bits, config.layer_norm_eps)
    }

    /// The same network with other thresholds: `f` of the name of each population and its threshold.
    pub(crate) fn with_thresholds(mut self, f: impl Fn(&str, f32) -> f32) -> Self {
        let set = |name: &str, neurons: &mut Neurons| {
            let theta = neurons.theta.val();
            let value = f(name, scalar(&theta.clone().inner()) as f32);
            *neurons = Neurons::new(value, &theta.device());
        };
        set("embedding", &mut self.embedding_neurons);
        for (i, layer) in self.layers.iter_mut().enumerate() {
            let set = |kind: &str, neurons: &mut Neurons| set(&format!("layer.{i}.{kind}"), neurons);
            set("key", &mut layer.key_neurons);
            set("value", &mut layer.value_neurons);
            set("context", &mut layer.context_neurons);
            set("attention", &mut layer.attention_neurons);
            set("feed_forward", &mut layer.feed_forward_neurons);
            set("output", &mut layer.output_neurons);
        }
        self
    }

    /// `W_fb`, where there is feedback.
    pub(crate) fn feedback_map(&self) -> Option<&FeedbackMap> {
        self.feedback.as_ref()
    }

    /// The embedding population: under its current, plus that of the last layer's output `above` where there is feedback.
    pub(crate) fn embedding_population(
        &self,
        config: &StudentConfig,
        currents: Tensor<2>,
        above: Option<(&Population, &Spectrum)>,
        forward: &mut Forward<'_>,
    ) -> Population {
        let current = match (above, &self.feedback) {
            (Some((above, spectrum)), Some(map)) => currents + map.current(above, spectrum, config),
            _ => currents,
        };
        self.embedding_neurons.fire(current, config, forward)
    }

    /// The layers above the counts `z` `[M, D]` of the embedding population.
    pub(crate) fn layers_from(
        &self,
        config: &StudentConfig,
        z: Tensor<2>,
        tokens: &PackedTokens,
        mut forward: Forward<'_>,
    ) -> StudentOutput {
        let scale = self.embedding_neurons.theta.val() / f64::from(config.time_steps);
        self.layers_above(config, (z, scale), tokens, &mut forward)
    }

    /// Embedding population without feedback, and the layers above it.
    pub fn forward(
        &self,
        config: &StudentConfig,
        rows: Tensor<2>,
        tokens: &PackedTokens,
        mut forward: Forward<'_>,
    ) -> StudentOutput {
        let currents = self.embedding_currents(config, rows, tokens);
        let x = self.embedding_population(config, currents, None, &mut forward);
        self.layers_above(config, x, tokens, &mut forward)
    }

    fn layers_above(
        &self,
        config: &StudentConfig,
        mut x: Population,
        tokens: &PackedTokens,
        forward: &mut Forward<'_>,
    ) -> StudentOutput {
        let epsilon = config.layer_norm_eps;
        let precision = Precision { bits: config.weight_bits, granularity: config.granularity };
        let mut populations = vec![("embedding".to_owned(), x.0.clone())];
        let (mut hidden, mut query_key) = (vec![x.clone()], Vec::new());
        for (i, layer) in self.layers.iter().enumerate() {
            let query = layer.query.spikes(&x, precision);
            let key = layer.key_neurons.fire(layer.key.spikes(&x, precision), config, forward);
            let value = layer.value_neurons.fire(layer.value.spikes(&x, precision), config, forward);
            let heads = ops::Heads {
                count: config.heads,
                segments: &tokens.segments,
                relative: self.relative_position.as_ref().map(Param::val),
            };
            let ctx = ops::attention(query.clone(), key.clone(), value.clone(), heads);
            let ctx = layer.context_neurons.fire(ctx, config, forward);
            let attended = layer.attention_output.spikes(&ctx, precision);
            let attended =
                layer.attention_neurons.fire(layer.attention_norm.residual(attended, &x, epsilon), config, forward);
            let inner = ops::gelu(layer.intermediate.spikes(&attended, precision));
            let inner = layer.feed_forward_neurons.fire(inner, config, forward);
            let out = layer.output_norm.residual(layer.output.spikes(&inner, precision), &attended, epsilon);
            x = layer.output_neurons.fire(out, config, forward);
            query_key.push((query, key.clone()));
            hidden.push(x.clone());
            let named = [
                ("key", key),
                ("value", value),
                ("context", ctx),
                ("attention", attended),
                ("feed_forward", inner),
                ("output", x.clone()),
            ];
            populations.extend(named.into_iter().map(|(name, (counts, _))| (format!("layer.{i}.{name}"), counts)));
        }
        let read = (vectors::pool(x.0, &tokens.segments, config.pooling.unwrap_or(Pooling::Cls)), x.1);
        let logits = match &self.classifier {
            Some(classifier) => classifier.spikes(&read, Precision::FULL),
            None => read.0 * read.1,
        };
        let segments = tokens.segments.clone();
        StudentOutput { hidden, query_key, logits, populations, segments, solve: None }
    }
}
