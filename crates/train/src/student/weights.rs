//! Where a student's weights come from: the teacher, chance, a checkpoint.

use bitspike::arithmetic::RELATIVE_BUCKETS;
use bitspike::config::StudentConfig;
use bitspike_run::recipe::Thresholds;
use bitspike_run::weights::Weights;
use burn::module::Param;
use burn::tensor::{Device, Tensor};
use rand::Rng;

use super::network::{Neurons, Student, StudentLayer, StudentNet};
use crate::error::{Error, Result};
use crate::feedback::FeedbackMap;
use crate::layers::{Affine, Embeddings, Norm, WordTable, normal, parameter};
use crate::parameters::{collect, replace};
use crate::teacher::Teacher;

/// How random weights are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Width of the teacher, which the map of the hidden-state loss leads to.
    pub teacher_width: usize,
    /// First thresholds.
    pub thresholds: &'a Thresholds,
    /// Standard deviation of the weights.
    pub deviation: f32,
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
        let start = Start { teacher_width: source.hidden_size, thresholds, deviation: source.initializer_range };
        let mut student = Self::random(config, start, rng, device);
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
        student.net.relative_position = teacher.net.relative_position.as_ref().map(copy);
        for (n, layer) in student.net.layers.iter_mut().enumerate() {
            let from = teacher_layer(n + 1, student.config.layers, source.num_hidden_layers) - 1;
            let (maps, norms) = teacher.net.layer_parts(from);
            [layer.query, layer.key, layer.value, layer.attention_output, layer.intermediate, layer.output] =
                maps.map(affine);
            [layer.attention_norm, layer.output_norm] = norms.map(norm);
        }
        Ok(student)
    }

    /// A student of random weights, normal of mean 0.
    pub fn random(config: StudentConfig, start: Start<'_>, rng: &mut impl Rng, device: &Device) -> Self {
        let Start { teacher_width, thresholds, deviation } = start;
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
        let classifier = config.pooling.is_none().then(|| affine(config.num_labels, d));
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
        let biases = [RELATIVE_BUCKETS, config.heads];
        let relative_position =
            config.relative_attention.then(|| parameter(normal(biases[0] * biases[1], deviation, rng), biases, device));
        let net = StudentNet { embeddings, embedding_neurons, layers, relative_position, classifier, feedback, fit };
        Self { config, words, net }
    }

    /// The same student with its outputs in another order of classes: class `i` is the present class `order[i]`.
    ///
    /// # Panics
    /// If `order` does not name every output once.
    #[must_use]
    pub fn in_class_order(mut self, order: &[usize]) -> Self {
        self.net.classifier = self.net.classifier.map(|classifier| classifier.in_order(order));
        if !self.config.labels.is_empty() {
            self.config.labels = order.iter().map(|&class| self.config.labels[class].clone()).collect();
        }
        self
    }

    /// All weights by their path, for a checkpoint.
    pub fn to_weights(&self) -> Weights {
        let mut weights = collect(&self.net);
        self.words.store(&mut weights);
        weights
    }

    /// Replaces all weights by those of a checkpoint of the same configuration.
    ///
    /// # Errors
    /// If a weight is missing or has another shape.
    pub fn load_weights(&mut self, weights: &mut Weights) -> Result<()> {
        self.words.restore(weights)?;
        self.net = replace(self.net.clone(), weights)?;
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
        let start = Start { teacher_width, thresholds: &Thresholds::default(), deviation: 0.02 };
        let mut student = Self::random(config, start, &mut rng, device);
        student.load_weights(weights)?;
        Ok(student)
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
