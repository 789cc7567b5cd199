//! The encoder itself, with an optional pooler and classifier.

use std::path::Path;

use bitspike::arithmetic::RELATIVE_BUCKETS;
use bitspike::config::BertConfig;
use bitspike::quantize::EmbeddingBits;
use bitspike::tokenizer::Tokenizer;
use bitspike_data::TaskSpec;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;

use crate::error::{Error, Result};
use crate::layers::{Affine, Embeddings, Norm, PackedTokens, WordTable, matrix, normal, parameter};
use crate::ops;
use crate::vectors::{self, SentenceSettings};

/// One encoder layer.
#[derive(Module, Debug)]
pub struct TeacherLayer {
    pub(super) query: Affine,
    pub(super) key: Affine,
    pub(super) value: Affine,
    pub(super) attention_output: Affine,
    pub(super) attention_norm: Norm,
    pub(super) intermediate: Affine,
    pub(super) output: Affine,
    pub(super) output_norm: Norm,
}

/// The trainable part of a teacher, without the word table.
#[derive(Module, Debug)]
pub struct TeacherNet {
    pub(super) embeddings: Embeddings,
    pub(super) layers: Vec<TeacherLayer>,
    /// Biases of attention scores by distance `[32, heads]`, in every layer the same, where the family has them.
    pub(crate) relative_position: Option<Param<Tensor<2>>>,
    pub(super) pooler: Option<Affine>,
    pub(crate) classifier: Option<Affine>,
}

/// An encoder of BERT's kind, with pooler and classifier where the checkpoint has them.
#[derive(Debug, Clone)]
pub struct Teacher {
    /// Sizes, labels and everything else of `config.json`.
    pub config: BertConfig,
    /// Word embeddings.
    pub words: WordTable,
    /// All other weights.
    pub net: TeacherNet,
    /// How its vectors of texts are made, where they are what is learnt from it.
    pub sentence: Option<SentenceSettings>,
    /// What was read otherwise than its files say, a sentence each.
    pub notes: Vec<String>,
}

/// What a teacher computes of a batch of `M` tokens in `B` sentences.
#[derive(Debug, Clone, Default)]
pub struct TeacherOutput {
    /// Embedding output and the output of each layer: `N + 1` matrices `[M, D]`.
    pub hidden: Vec<Tensor<2>>,
    /// Per layer the queries and keys, `[M, D]` each; their products are the attention scores.
    pub query_key: Vec<(Tensor<2>, Tensor<2>)>,
    /// `tanh` of the pooler on the first token (in DistilBERT a rectifier): `[B, D]`, if there is a pooler.
    pub pooled: Option<Tensor<2>>,
    /// `[B, classes]`, if there is a classifier.
    pub logits: Option<Tensor<2>>,
}

/// What reads values on their way through a teacher.
#[derive(Debug, Clone, Copy)]
pub enum Reader<'a> {
    /// A map of weights.
    Map(&'a Affine),
    /// Attention, of keys or of values.
    Attention,
}

/// Zeroes values at random in training; the identity otherwise. Whoever does so may also watch what is read.
pub trait Dropout {
    /// `x` with each value zeroed with the configured probability `p` and the others divided by `1 - p`.
    fn apply(&mut self, x: Tensor<2>) -> Tensor<2>;

    /// Sees the values `x` `[M, K]` that `reader` reads.
    fn reads(&mut self, _reader: Reader<'_>, _x: &Tensor<2>) {}
}

/// No dropout.
impl Dropout for () {
    fn apply(&mut self, x: Tensor<2>) -> Tensor<2> {
        x
    }
}

/// Dropout of probability `p` with a generator of its own, so that a step is reproducible from its seed.
#[derive(Debug)]
pub struct RandomDropout<R> {
    /// Probability of zeroing a value, in `[0, 1)`.
    pub p: f32,
    /// Source of the masks.
    pub rng: R,
}

impl<R: Rng> Dropout for RandomDropout<R> {
    fn apply(&mut self, x: Tensor<2>) -> Tensor<2> {
        if self.p <= 0.0 {
            return x;
        }
        let [rows, columns] = x.dims();
        // 16 random bits a value decide; the probability is thereby rounded to 1/65536.
        let threshold = (self.p * 65536.0) as u16;
        let keep = 1.0 / (1.0 - self.p);
        let mut bytes = vec![0u8; rows * columns * 2];
        self.rng.fill_bytes(&mut bytes);
        let mask = bytes.as_chunks::<2>().0.iter().map(|&b| if u16::from_le_bytes(b) < threshold { 0.0 } else { keep });
        let mask = matrix(mask.collect(), [rows, columns], &x.device().inner());
        x * mask.autodiff()
    }
}

impl Teacher {
    /// Number of its values.
    pub fn parameters(&self) -> usize {
        self.net.num_params() + self.words.values.len()
    }

    /// A teacher of random weights (normal, `config.initializer_range`), with pooler and no classifier.
    pub fn random(config: BertConfig, rng: &mut impl Rng, device: &Device) -> Self {
        let (d, f, deviation) = (config.hidden_size, config.intermediate_size, config.initializer_range);
        let mut affine = |rows, columns| Affine::random([rows, columns], deviation, rng, device);
        let layers = (0..config.num_hidden_layers).map(|_| TeacherLayer {
            query: affine(d, d),
            key: affine(d, d),
            value: affine(d, d),
            attention_output: affine(d, d),
            attention_norm: Norm::unit(d, device),
            intermediate: affine(f, d),
            output: affine(d, f),
            output_norm: Norm::unit(d, device),
        });
        let layers = layers.collect();
        let pooler = Some(affine(d, d));
        let mut table = |rows: usize| normal(rows * d, deviation, rng);
        let words = WordTable { values: table(config.vocab_size), width: d };
        let embeddings = Embeddings {
            position: parameter(table(config.max_position_embeddings), [config.max_position_embeddings, d], device),
            token_type: parameter(table(config.type_vocab_size), [config.type_vocab_size, d], device),
            norm: Norm::unit(d, device),
        };
        let heads = config.num_attention_heads;
        let biases = || parameter(normal(RELATIVE_BUCKETS * heads, deviation, rng), [RELATIVE_BUCKETS, heads], device);
        let relative_position = config.family().has_distances().then(biases);
        let net = TeacherNet { embeddings, layers, relative_position, pooler, classifier: None };
        Self { words, net: net.without_types(&config), config, sentence: None, notes: Vec::new() }
    }

    /// Gives the teacher a classifier for `labels` (regression: one label) unless it has one of that size already; adds a
    /// pooler where there is none. Returns whether a new classifier was made.
    pub fn ensure_classifier(&mut self, labels: usize, rng: &mut impl Rng, device: &Device) -> bool {
        let (d, deviation) = (self.config.hidden_size, self.config.initializer_range);
        if self.net.pooler.is_none() {
            self.net.pooler = Some(Affine::random([d, d], deviation, rng, device));
        }
        let fits = self.net.classifier.as_ref().is_some_and(|classifier| classifier.weight.dims()[0] == labels);
        if !fits {
            self.net.classifier = Some(Affine::random([labels, d], deviation, rng, device));
        }
        !fits
    }

    /// Whether it reads texts, or pairs of them, that `tokenizer` gives type ids.
    ///
    /// # Errors
    /// If a second text has a type id that it has no row for.
    pub fn check_types(&self, tokenizer: &Tokenizer, pairs: bool) -> Result<()> {
        let (rows, wanted) = (self.config.type_vocab_size, tokenizer.second_type() as usize + 1);
        if !pairs || rows >= wanted {
            return Ok(());
        }
        let message = format!(
            "`type_vocab_size`: expected {wanted} or more token types for a task on pairs of texts, found {rows}; choose a BERT that \
             was trained on pairs, or a task on single texts"
        );
        Err(Error::Mismatch(message))
    }

    /// Number of outputs of the classifier, if there is one.
    pub fn num_outputs(&self) -> Option<usize> {
        self.net.classifier.as_ref().map(|classifier| classifier.weight.dims()[0])
    }

    /// Everything the teacher computes of `tokens`, with `dropout` on the embedding output, both sublayer outputs and the
    /// pooled vector (as BERT, but for the attention probabilities).
    pub fn forward(&self, rows: Tensor<2>, tokens: &PackedTokens, dropout: &mut impl Dropout) -> TeacherOutput {
        self.net.forward(&self.config, rows, tokens, dropout)
    }

    /// The same as a teacher of `task`: where that is of vectors, of those that its folder describes ([`SentenceSettings::read`]) or
    /// else of the mean, of length 1; its classifier, if there is one, is then not read.
    ///
    /// # Errors
    /// If the folder asks for what is not done here.
    pub fn for_task(mut self, task: &TaskSpec, folder: &Path) -> Result<Self> {
        if !task.target.is_embedding() {
            return Ok(self);
        }
        self.sentence = Some(SentenceSettings::read(folder)?.unwrap_or_default());
        self.net.classifier = None;
        Ok(self)
    }

    /// Vectors of the texts of `output` `[B, D]`, not yet of length 1; none unless it is a teacher of vectors.
    pub fn vectors(&self, output: &TeacherOutput, tokens: &PackedTokens) -> Option<Tensor<2>> {
        let SentenceSettings { pooling, .. } = self.sentence?;
        Some(vectors::pool(output.hidden.last()?.clone(), &tokens.segments, pooling))
    }

    /// [`Teacher::forward`] without gradient or dropout.
    pub fn infer(&self, tokens: &PackedTokens, device: &Device) -> TeacherOutput {
        self.forward(self.words.rows(&tokens.vocabulary, device), tokens, &mut ())
    }
}

impl TeacherNet {
    /// The same without types, where the family has none: one row of zeros that no training changes.
    pub(super) fn without_types(mut self, config: &BertConfig) -> Self {
        if !config.family().has_types() {
            let types = self.embeddings.token_type.val();
            self.embeddings.token_type = Param::from_tensor(types.zeros_like()).set_require_grad(false);
        }
        self
    }

    /// See [`Teacher::forward`].
    pub fn forward(
        &self,
        config: &BertConfig,
        rows: Tensor<2>,
        tokens: &PackedTokens,
        dropout: &mut impl Dropout,
    ) -> TeacherOutput {
        let epsilon = config.layer_norm_eps;
        let x = self.embeddings.forward(rows, tokens, EmbeddingBits::Full, epsilon);
        let mut x = dropout.apply(x);
        let one: Tensor<2> = Tensor::ones([1, 1], &x.device().inner());
        let (mut hidden, mut query_key) = (vec![x.clone()], Vec::new());
        for layer in &self.layers {
            for map in [&layer.query, &layer.key, &layer.value] {
                dropout.reads(Reader::Map(map), &x);
            }
            let [query, key, value] = [&layer.query, &layer.key, &layer.value].map(|map| map.values(x.clone()));
            [&key, &value].iter().for_each(|read| dropout.reads(Reader::Attention, read));
            let ctx = ops::attention(
                query.clone(),
                (key.clone(), one.clone()),
                (value, one.clone()),
                ops::Heads {
                    count: config.num_attention_heads,
                    segments: &tokens.segments,
                    relative: self.relative_position.as_ref().map(Param::val),
                },
            );
            query_key.push((query, key));
            dropout.reads(Reader::Map(&layer.attention_output), &ctx);
            let attended = dropout.apply(layer.attention_output.values(ctx));
            let attended = layer.attention_norm.residual(attended, &(x, one.clone()), epsilon);
            dropout.reads(Reader::Map(&layer.intermediate), &attended);
            let inner = ops::gelu(layer.intermediate.values(attended.clone()));
            dropout.reads(Reader::Map(&layer.output), &inner);
            let inner = dropout.apply(layer.output.values(inner));
            x = layer.output_norm.residual(inner, &(attended, one.clone()), epsilon);
            hidden.push(x.clone());
        }
        let pooled = self.pooler.as_ref().map(|pooler| {
            let starts = tokens.segments.starts().iter().map(|&row| row as u32).collect();
            let pooled = pooler.values(ops::gather_rows(x, starts));
            if config.family().rectifies() { burn::tensor::activation::relu(pooled) } else { pooled.tanh() }
        });
        let logits =
            self.classifier.as_ref().zip(pooled.as_ref()).map(|(c, pooled)| c.values(dropout.apply(pooled.clone())));
        TeacherOutput { hidden, query_key, pooled, logits }
    }

    /// The maps and norms of layer `i` that a student's layer starts from.
    pub(crate) fn layer_parts(&self, i: usize) -> ([&Affine; 6], [&Norm; 2]) {
        let layer = &self.layers[i];
        let maps =
            [&layer.query, &layer.key, &layer.value, &layer.attention_output, &layer.intermediate, &layer.output];
        (maps, [&layer.attention_norm, &layer.output_norm])
    }

    /// The embeddings that a student starts from.
    pub(crate) fn embeddings(&self) -> &Embeddings {
        &self.embeddings
    }
}
