//! The spiking student: a post-norm BERT in which every hidden quantity is the spike count of a population
//! (`docs/model.md`, "The student"), evaluated at its quantised equilibrium.

use bitspike::config::StudentConfig;
use bitspike::quantize::{Granularity, WeightBits};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;

use crate::equilibrium::{Solution, SolveReport};
use crate::error::{Error, Result};
use crate::feedback::{FeedbackMap, Spectrum};
use crate::layers::{Affine, Embeddings, Norm, PackedTokens, Population, WordTable, matrix, normal, parameter};
use crate::ops;
use bitspike_run::recipe::Thresholds;
use crate::teacher::Teacher;
use bitspike_run::weights::Weights;

/// A population of neurons sharing one threshold.
#[derive(Module, Debug)]
pub struct Neurons {
    /// `theta`, `[1, 1]`, positive.
    pub theta: Param<Tensor<2>>,
}

impl Neurons {
    fn new(theta: f32, device: &Device) -> Self {
        Self { theta: parameter(vec![theta], [1, 1], device) }
    }

    /// Spike counts of the current `[M, D]` and the scale that turns them into values: `theta/T`, or `theta/W` with the weight
    /// of the simulation that the counts come from.
    fn fire(&self, current: Tensor<2>, config: &StudentConfig, forward: &mut Forward<'_>) -> Population {
        let theta = self.theta.val();
        match forward {
            Forward::Quantised => {
                let counts = ops::neuron(current, theta.clone(), (config.time_steps, config.signed));
                (counts, theta / f64::from(config.time_steps))
            }
            Forward::Continuous => {
                let counts = ops::continuous_neuron(current, theta.clone(), (config.time_steps, config.signed));
                (counts, theta / f64::from(config.time_steps))
            }
            Forward::Simulated { counts, weight } => {
                let counts = counts.next().expect("counts of every population");
                let counts = ops::simulated_neuron(current, theta.clone(), counts, (*weight, config.signed));
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
    query: Affine,
    key: Affine,
    value: Affine,
    attention_output: Affine,
    intermediate: Affine,
    output: Affine,
    attention_norm: Norm,
    output_norm: Norm,
    key_neurons: Neurons,
    value_neurons: Neurons,
    context_neurons: Neurons,
    attention_neurons: Neurons,
    feed_forward_neurons: Neurons,
    output_neurons: Neurons,
}

/// The trainable part of a student, without the word table.
#[derive(Module, Debug)]
pub struct StudentNet {
    embeddings: Embeddings,
    embedding_neurons: Neurons,
    layers: Vec<StudentLayer>,
    classifier: Affine,
    /// `W_fb`, where the configuration has feedback.
    feedback: Option<FeedbackMap>,
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
    /// `[B, classes]`.
    pub logits: Tensor<2>,
    /// Spike counts of every population, by name, in the order of computation.
    pub populations: Vec<(String, Tensor<2>)>,
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
    /// Whether a student of `config` can start from the teacher's weights.
    ///
    /// # Errors
    /// If widths differ, or the student has more layers than the teacher.
    pub fn fits_teacher(config: &StudentConfig, teacher: &Teacher) -> Result<()> {
        let source = &teacher.config;
        let same = [
            ("hidden size", config.hidden, source.hidden_size),
            ("intermediate size", config.intermediate, source.intermediate_size),
            ("attention heads", config.heads, source.num_attention_heads),
            ("vocabulary", config.vocab_size, source.vocab_size),
            ("positions", config.max_positions, source.max_position_embeddings),
            ("token types", config.type_vocab, source.type_vocab_size),
        ];
        if let Some((what, student, teacher)) = same.into_iter().find(|(_, student, teacher)| student != teacher) {
            return Err(Error::Mismatch(format!(
                "a student that starts from its teacher needs the teacher's {what} {teacher}, not {student}; \
                 set `student.init = \"random\"` for a student of another shape"
            )));
        }
        if config.layers > source.num_hidden_layers {
            return Err(Error::Mismatch(format!(
                "a student that starts from its teacher has at most the teacher's {} layers, not {}",
                source.num_hidden_layers, config.layers
            )));
        }
        Ok(())
    }

    /// A student whose layers, embeddings and norms start from the teacher's (`g(n)` uniform), the rest at random.
    ///
    /// # Errors
    /// If widths differ, or the student has more layers than the teacher.
    pub fn from_teacher(
        config: StudentConfig,
        teacher: &Teacher,
        thresholds: &Thresholds,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Result<Self> {
        Self::fits_teacher(&config, teacher)?;
        let source = &teacher.config;
        let mut student = Self::random(config, source.hidden_size, thresholds, source.initializer_range, rng, device);
        student.words = teacher.words.clone();
        let copy = |p: &Param<Tensor<2>>| Param::from_tensor(fresh(&p.val(), device));
        let affine = |a: &Affine| Affine { weight: copy(&a.weight), bias: copy(&a.bias) };
        let norm = |n: &Norm| Norm { gain: copy(&n.gain), bias: copy(&n.bias) };
        let embeddings = teacher.net.embeddings();
        student.net.embeddings = Embeddings {
            position: copy(&embeddings.position),
            token_type: copy(&embeddings.token_type),
            norm: norm(&embeddings.norm),
        };
        for (n, layer) in student.net.layers.iter_mut().enumerate() {
            let from = teacher_layer(n + 1, student.config.layers, source.num_hidden_layers) - 1;
            let (maps, norms) = teacher.net.layer_parts(from);
            [layer.query, layer.key, layer.value, layer.attention_output, layer.intermediate, layer.output] =
                maps.map(affine);
            [layer.attention_norm, layer.output_norm] = norms.map(norm);
        }
        Ok(student)
    }

    /// A student of random weights (normal of the given deviation), for a teacher of width `teacher_width`.
    pub fn random(
        config: StudentConfig,
        teacher_width: usize,
        thresholds: &Thresholds,
        deviation: f32,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Self {
        let (d, f) = (config.hidden, config.intermediate);
        let neurons = |theta: f32| Neurons::new(theta, device);
        let mut affine = |rows, columns| Affine::random([rows, columns], deviation, rng, device);
        let layers = (0..config.layers).map(|_| StudentLayer {
            query: affine(d, d),
            key: affine(d, d),
            value: affine(d, d),
            attention_output: affine(d, d),
            intermediate: affine(f, d),
            output: affine(d, f),
            attention_norm: Norm::unit(d, device),
            output_norm: Norm::unit(d, device),
            key_neurons: neurons(thresholds.key),
            value_neurons: neurons(thresholds.value),
            context_neurons: neurons(thresholds.context),
            attention_neurons: neurons(thresholds.attention),
            feed_forward_neurons: neurons(thresholds.feed_forward),
            output_neurons: neurons(thresholds.output),
        });
        let layers = layers.collect();
        let classifier = affine(config.num_labels, d);
        let fit = if teacher_width == d { Affine::identity(d, device) } else { affine(teacher_width, d) };
        let mut table = |rows: usize| normal(rows * d, deviation, rng);
        let words = WordTable { values: table(config.vocab_size), width: d };
        let embeddings = Embeddings {
            position: parameter(table(config.max_positions), [config.max_positions, d], device),
            token_type: parameter(table(config.type_vocab), [config.type_vocab, d], device),
            norm: Norm::unit(d, device),
        };
        let embedding_neurons = neurons(thresholds.embedding);
        // Last, so that a student without feedback draws the same weights.
        let feedback = config.feedback.map(|_| FeedbackMap::random(d, deviation, rng, device));
        let net = StudentNet { embeddings, embedding_neurons, layers, classifier, feedback, fit };
        Self { config, words, net }
    }

    /// Everything the student computes of `tokens`, its feedback left out, from the word rows of their vocabulary.
    pub fn forward(&self, rows: Tensor<2>, tokens: &PackedTokens, forward: Forward<'_>) -> StudentOutput {
        self.net.forward(&self.config, rows, tokens, forward)
    }

    /// [`Student::forward`] without gradient; with feedback, at the fixed point of the loop.
    pub fn infer(&self, tokens: &PackedTokens, device: &Device) -> StudentOutput {
        if let Some(Solution { x, report }) = self.fixed_point(tokens, false, device) {
            let z = matrix(x, [tokens.len(), self.config.hidden], device);
            let output = self.net.layers_from(&self.config, z, tokens, Forward::Quantised);
            return StudentOutput { solve: Some(report), ..output };
        }
        self.forward(self.words.rows(&tokens.vocabulary, device), tokens, Forward::Quantised)
    }

    /// All weights by their path, for a checkpoint.
    pub fn to_weights(&self) -> Weights {
        let mut weights = crate::parameters::collect(&self.net);
        weights.insert(
            "words",
            &[self.words.values.len() / self.words.width, self.words.width],
            self.words.values.clone(),
        );
        weights
    }

    /// Replaces all weights by those of a checkpoint of the same configuration.
    ///
    /// # Errors
    /// If a weight is missing or has another shape.
    pub fn load_weights(&mut self, weights: &mut Weights) -> Result<()> {
        let width = self.words.width;
        self.words.values = weights.take("words", &[self.words.values.len() / width, width])?;
        self.net = crate::parameters::replace(self.net.clone(), weights)?;
        Ok(())
    }

    /// A student of `config` with the weights of a checkpoint.
    ///
    /// # Errors
    /// If a weight is missing or has another shape.
    pub fn load(config: StudentConfig, weights: &mut Weights, device: &Device) -> Result<Self> {
        let teacher_width = weights.get("fit.bias").map_or(config.hidden, |bias| bias.values.len());
        // Every weight is replaced: the generator's seed does not matter.
        let mut rng = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(0);
        let mut student = Self::random(config, teacher_width, &Thresholds::default(), 0.02, &mut rng, device);
        student.load_weights(weights)?;
        Ok(student)
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
        let precision = (config.weight_bits, config.granularity);
        let mut populations = vec![("embedding".to_owned(), x.0.clone())];
        let (mut hidden, mut query_key) = (vec![x.clone()], Vec::new());
        for (i, layer) in self.layers.iter().enumerate() {
            let query = layer.query.spikes(&x, precision);
            let key = layer.key_neurons.fire(layer.key.spikes(&x, precision), config, forward);
            let value = layer.value_neurons.fire(layer.value.spikes(&x, precision), config, forward);
            let ctx = ops::attention(query.clone(), key.clone(), value.clone(), config.heads, &tokens.segments);
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
        let starts = tokens.segments.starts().iter().map(|&row| row as u32).collect();
        let cls = (ops::gather_rows(x.0, starts), x.1);
        let logits = self.classifier.spikes(&cls, (WeightBits::Full, Granularity::Matrix));
        StudentOutput { hidden, query_key, logits, populations, solve: None }
    }
}

/// `g(n)`: the teacher's hidden state that the student's `n`-th (of `0..=layers`) is compared with, spread uniformly.
///
/// ```
/// # use bitspike_train::student::teacher_layer;
/// assert_eq!((0..=4).map(|n| teacher_layer(n, 4, 12)).collect::<Vec<_>>(), [0, 3, 6, 9, 12]);
/// assert_eq!((0..=4).map(|n| teacher_layer(n, 4, 6)).collect::<Vec<_>>(), [0, 2, 3, 5, 6]);
/// ```
pub fn teacher_layer(n: usize, layers: usize, teacher_layers: usize) -> usize {
    (2 * n * teacher_layers + layers) / (2 * layers)
}

/// A copy that shares no memory with `tensor`, so that training one model never touches the other.
fn fresh(tensor: &Tensor<2>, device: &Device) -> Tensor<2> {
    Tensor::from_data(tensor.clone().inner().into_data(), device)
}
