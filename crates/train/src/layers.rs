//! The pieces that teacher and student share: affine maps, layer norms, embeddings, and the packed batch they read.

use std::sync::Arc;

use bitspike::quantize::EmbeddingBits;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rand_distr::Distribution;

use crate::error::Result;
use crate::ops::{self, Precision, Segments};
use bitspike_run::weights::Weights;

/// Tokens of several sentences, one after another, without padding.
#[derive(Debug, Clone)]
pub struct PackedTokens {
    /// Vocabulary rows that occur, each once, ascending.
    pub vocabulary: Arc<[u32]>,
    /// For each token its row in `vocabulary`.
    pub words: Arc<[u32]>,
    /// For each token its place in its sentence.
    pub positions: Arc<[u32]>,
    /// For each token its segment type.
    pub types: Arc<[u32]>,
    /// Where the sentences begin.
    pub segments: Segments,
}

impl PackedTokens {
    /// Packs sentences given as `(token ids, type ids)`.
    pub fn new<'a>(sentences: impl IntoIterator<Item = (&'a [u32], &'a [u32])>) -> Self {
        let (mut ids, mut types, mut positions, mut lengths) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (sentence, sentence_types) in sentences {
            ids.extend_from_slice(sentence);
            types.extend_from_slice(sentence_types);
            positions.extend(0..sentence.len() as u32);
            lengths.push(sentence.len());
        }
        let mut vocabulary = ids.clone();
        vocabulary.sort_unstable();
        vocabulary.dedup();
        let row = |id: &u32| vocabulary.binary_search(id).expect("every id is in the list made of them") as u32;
        Self {
            words: ids.iter().map(row).collect(),
            vocabulary: vocabulary.into(),
            positions: positions.into(),
            types: types.into(),
            segments: Segments::from_lengths(lengths),
        }
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// `y = W x + b` with `W [O, K]`, `b [1, O]`.
#[derive(Module, Debug)]
pub struct Affine {
    /// `[O, K]`, full precision; quantised on use where the caller says so.
    pub weight: Param<Tensor<2>>,
    /// `[1, O]`
    pub bias: Param<Tensor<2>>,
}

impl Affine {
    /// From `{name}.weight` and `{name}.bias` of a checkpoint.
    ///
    /// # Errors
    /// If one is missing or has another shape.
    pub fn load(weights: &mut Weights, name: &str, [rows, columns]: [usize; 2], device: &Device) -> Result<Self> {
        Ok(Self {
            weight: parameter(weights.take(&format!("{name}.weight"), &[rows, columns])?, [rows, columns], device),
            bias: parameter(weights.take(&format!("{name}.bias"), &[rows])?, [1, rows], device),
        })
    }

    /// Normal weights of standard deviation `deviation`, zero bias.
    pub fn random([rows, columns]: [usize; 2], deviation: f32, rng: &mut impl Rng, device: &Device) -> Self {
        let weight = normal(rows * columns, deviation, rng);
        Self { weight: parameter(weight, [rows, columns], device), bias: parameter(vec![0.0; rows], [1, rows], device) }
    }

    /// The identity map on `size` values.
    pub fn identity(size: usize, device: &Device) -> Self {
        let weight = (0..size * size).map(|i| f32::from(i / size == i % size)).collect();
        Self { weight: parameter(weight, [size, size], device), bias: parameter(vec![0.0; size], [1, size], device) }
    }

    /// The same with its outputs in another order: the `i`-th is the present `order[i]`-th.
    pub(crate) fn in_order(&self, order: &[usize]) -> Self {
        let [rows, columns] = self.weight.dims();
        assert_eq!(rows, order.len(), "an output for each");
        let pick = |parameter: &Param<Tensor<2>>, width: usize, shape| {
            let values = crate::parameters::floats(parameter.val().inner());
            let rows = order.iter().flat_map(|&row| values[row * width..][..width].iter().copied());
            self::parameter(rows.collect(), shape, &parameter.val().device())
        };
        Self { weight: pick(&self.weight, columns, [rows, columns]), bias: pick(&self.bias, 1, [1, rows]) }
    }

    /// The map of a population's `(counts, scale)` through the quantised weight: `[M, K]` to `[M, O]`.
    pub fn spikes(&self, (counts, scale): &Population, precision: Precision) -> Tensor<2> {
        ops::linear(counts.clone(), scale.clone(), self.weight.val(), self.bias.val(), precision)
    }

    /// The map of plain values in full precision: `[M, K]` to `[M, O]`.
    pub fn values(&self, x: Tensor<2>) -> Tensor<2> {
        let one = Tensor::ones([1, 1], &x.device().inner());
        self.spikes(&(x, one), Precision::FULL)
    }
}

/// What a population hands on: its spike counts `[M, D]` and its scale `theta/T` `[1, 1]`.
pub type Population = (Tensor<2>, Tensor<2>);

/// Gain and bias of a layer normalisation, `[1, D]` each.
#[derive(Module, Debug)]
pub struct Norm {
    /// `[1, D]`
    pub gain: Param<Tensor<2>>,
    /// `[1, D]`
    pub bias: Param<Tensor<2>>,
}

impl Norm {
    /// From `{name}.weight` and `{name}.bias` of a checkpoint.
    ///
    /// # Errors
    /// If one is missing or has another shape.
    pub fn load(weights: &mut Weights, name: &str, size: usize, device: &Device) -> Result<Self> {
        Ok(Self {
            gain: parameter(weights.take(&format!("{name}.weight"), &[size])?, [1, size], device),
            bias: parameter(weights.take(&format!("{name}.bias"), &[size])?, [1, size], device),
        })
    }

    /// Gain 1, bias 0.
    pub fn unit(size: usize, device: &Device) -> Self {
        Self {
            gain: parameter(vec![1.0; size], [1, size], device),
            bias: parameter(vec![0.0; size], [1, size], device),
        }
    }

    /// `LN(x)`.
    pub fn forward(&self, x: Tensor<2>, epsilon: f32) -> Tensor<2> {
        ops::layer_norm(x, self.gain.val(), self.bias.val(), epsilon)
    }

    /// `LN(x + scale * counts)`.
    pub fn residual(&self, x: Tensor<2>, population: &Population, epsilon: f32) -> Tensor<2> {
        ops::residual_norm(x, population.clone(), self.gain.val(), self.bias.val(), epsilon)
    }
}

/// Position and type embeddings with their layer norm; the word table lives in a [`WordTable`] beside the module.
#[derive(Module, Debug)]
pub struct Embeddings {
    /// `[max_positions, D]`
    pub position: Param<Tensor<2>>,
    /// `[type_vocab, D]`
    pub token_type: Param<Tensor<2>>,
    /// The norm over their sum.
    pub norm: Norm,
}

impl Embeddings {
    /// `LN(word + position + type)`: `[M, D]`. `rows` are the word rows of `tokens.vocabulary`.
    pub fn forward(&self, rows: Tensor<2>, tokens: &PackedTokens, bits: EmbeddingBits, epsilon: f32) -> Tensor<2> {
        let tables = [rows, self.position.val(), self.token_type.val()];
        let indices = [tokens.words.clone(), tokens.positions.clone(), tokens.types.clone()];
        self.norm.forward(ops::embed(tables, indices, bits), epsilon)
    }
}

/// The word embeddings `[vocabulary, D]`. A batch touches few of its rows, so it is kept outside the module: a step gathers
/// the rows that occur, and only those have a gradient and are updated.
#[derive(Debug, Clone, PartialEq)]
pub struct WordTable {
    /// Row-major values.
    pub values: Vec<f32>,
    /// `D`
    pub width: usize,
}

impl WordTable {
    /// Adds the table to a checkpoint.
    pub(crate) fn store(&self, weights: &mut Weights) {
        weights.insert("words", &[self.values.len() / self.width, self.width], self.values.clone());
    }

    /// Takes the table back from a checkpoint.
    pub(crate) fn restore(&mut self, weights: &mut Weights) -> Result<()> {
        self.values = weights.take("words", &[self.values.len() / self.width, self.width])?;
        Ok(())
    }

    /// The rows `[ids.len(), D]` on `device`.
    ///
    /// # Panics
    /// If an id is outside the vocabulary.
    pub fn rows(&self, ids: &[u32], device: &Device) -> Tensor<2> {
        let rows = ids.iter().flat_map(|&id| &self.values[id as usize * self.width..][..self.width]).copied().collect();
        matrix(rows, [ids.len(), self.width], device)
    }
}

/// A matrix on `device`.
pub fn matrix(values: Vec<f32>, shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(burn::tensor::TensorData::new(values, shape), device)
}

/// A trainable matrix on `device`.
pub fn parameter(values: Vec<f32>, shape: [usize; 2], device: &Device) -> Param<Tensor<2>> {
    Param::from_tensor(matrix(values, shape, device))
}

/// `count` draws of a normal distribution of mean 0.
pub fn normal(count: usize, deviation: f32, rng: &mut impl Rng) -> Vec<f32> {
    let distribution = rand_distr::Normal::new(0.0, deviation).expect("a finite deviation");
    (0..count).map(|_| distribution.sample(rng)).collect()
}

/// The value of a `[1, 1]` tensor.
pub fn scalar(tensor: &Tensor<2>) -> f64 {
    tensor.clone().into_data().iter::<f64>().next().expect("one value")
}
