//! The teacher: a BERT encoder with an optional pooler and classifier, read from and written to the Hugging Face layout.

use std::path::Path;

use bitspike::atomic_file;
use bitspike::config::BertConfig;
use bitspike::quantize::EmbeddingBits;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::Rng;

use crate::error::{Error, Result};
use crate::layers::{Affine, Embeddings, Norm, PackedTokens, WordTable, matrix, normal, parameter};
use crate::ops;
use bitspike_run::weights::{Weights, floats};
use safetensors::tensor::Dtype;

/// One encoder layer.
#[derive(Module, Debug)]
pub struct TeacherLayer {
    query: Affine,
    key: Affine,
    value: Affine,
    attention_output: Affine,
    attention_norm: Norm,
    intermediate: Affine,
    output: Affine,
    output_norm: Norm,
}

/// The trainable part of a teacher, without the word table.
#[derive(Module, Debug)]
pub struct TeacherNet {
    embeddings: Embeddings,
    layers: Vec<TeacherLayer>,
    pooler: Option<Affine>,
    classifier: Option<Affine>,
}

/// A BERT encoder, with pooler and classifier where the checkpoint has them.
#[derive(Debug, Clone)]
pub struct Teacher {
    /// Sizes, labels and everything else of `config.json`.
    pub config: BertConfig,
    /// Word embeddings.
    pub words: WordTable,
    /// All other weights.
    pub net: TeacherNet,
}

/// What a teacher computes of a batch of `M` tokens in `B` sentences.
#[derive(Debug, Clone)]
pub struct TeacherOutput {
    /// Embedding output and the output of each layer: `N + 1` matrices `[M, D]`.
    pub hidden: Vec<Tensor<2>>,
    /// Per layer the queries and keys, `[M, D]` each; their products are the attention scores.
    pub query_key: Vec<(Tensor<2>, Tensor<2>)>,
    /// `tanh` of the pooler on `[CLS]`: `[B, D]`, if there is a pooler.
    pub pooled: Option<Tensor<2>>,
    /// `[B, classes]`, if there is a classifier.
    pub logits: Option<Tensor<2>>,
}

/// Zeroes values at random in training; the identity otherwise.
pub trait Dropout {
    /// `x` with each value zeroed with the configured probability `p` and the others divided by `1 - p`.
    fn apply(&mut self, x: Tensor<2>) -> Tensor<2>;
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
    /// Reads `config.json` and `model.safetensors` (or `pytorch_model.bin`) of a Hugging Face BERT folder, with or without
    /// the `bert.` prefix, pooler and classifier.
    ///
    /// # Errors
    /// If a file is missing or damaged, or a tensor of the encoder is missing or has another shape than the config says.
    pub fn load(folder: &Path, device: &Device) -> Result<Self> {
        let config = BertConfig::load(folder)?;
        let mut weights = load_checkpoint(folder)?;
        weights.rename(|name| {
            let name = name.strip_prefix("bert.").unwrap_or(name);
            // Checkpoints converted from TensorFlow call the layer norm's gain and bias gamma and beta.
            name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
        });
        let [d, f] = [config.hidden_size, config.intermediate_size];
        let words = weights.take("embeddings.word_embeddings.weight", &[config.vocab_size, d])?;
        let mut table = |name: &str, rows| -> Result<Param<Tensor<2>>> {
            Ok(parameter(weights.take(&format!("embeddings.{name}.weight"), &[rows, d])?, [rows, d], device))
        };
        let position = table("position_embeddings", config.max_position_embeddings)?;
        let token_type = table("token_type_embeddings", config.type_vocab_size)?;
        let norm = Norm::load(&mut weights, "embeddings.LayerNorm", d, device)?;
        let layers = (0..config.num_hidden_layers).map(|i| -> Result<TeacherLayer> {
            let at = |part: &str| format!("encoder.layer.{i}.{part}");
            Ok(TeacherLayer {
                query: Affine::load(&mut weights, &at("attention.self.query"), [d, d], device)?,
                key: Affine::load(&mut weights, &at("attention.self.key"), [d, d], device)?,
                value: Affine::load(&mut weights, &at("attention.self.value"), [d, d], device)?,
                attention_output: Affine::load(&mut weights, &at("attention.output.dense"), [d, d], device)?,
                attention_norm: Norm::load(&mut weights, &at("attention.output.LayerNorm"), d, device)?,
                intermediate: Affine::load(&mut weights, &at("intermediate.dense"), [f, d], device)?,
                output: Affine::load(&mut weights, &at("output.dense"), [d, f], device)?,
                output_norm: Norm::load(&mut weights, &at("output.LayerNorm"), d, device)?,
            })
        });
        let layers = layers.collect::<Result<_>>()?;
        let pooler = weights
            .contains("pooler.dense.weight")
            .then(|| Affine::load(&mut weights, "pooler.dense", [d, d], device))
            .transpose()?;
        let classifier = match weights.get("classifier.weight").map(|array| array.shape.clone()) {
            Some(shape) if shape.len() == 2 => Some(Affine::load(&mut weights, "classifier", [shape[0], d], device)?),
            Some(shape) => {
                let message = format!("tensor `classifier.weight`: expected shape [labels, {d}], found {shape:?}");
                return Err(Error::checkpoint(weights.origin(), message));
            }
            None => None,
        };
        if classifier.is_some() && pooler.is_none() {
            let message =
                "there is a `classifier` but no `pooler`, which a BERT classifier reads; the checkpoint is incomplete";
            return Err(Error::checkpoint(weights.origin(), message));
        }
        if let Some(extra) = weights.names().find(|name| name.starts_with("encoder.layer.")) {
            let message = format!(
                "tensor `{extra}` is not part of a {}-layer BERT as config.json says",
                config.num_hidden_layers
            );
            return Err(Error::checkpoint(weights.origin(), message));
        }
        let embeddings = Embeddings { position, token_type, norm };
        let net = TeacherNet { embeddings, layers, pooler, classifier };
        Ok(Self { config, words: WordTable { values: words, width: d }, net })
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
        Self { words, net: TeacherNet { embeddings, layers, pooler, classifier: None }, config }
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

    /// Number of outputs of the classifier, if there is one.
    pub fn num_outputs(&self) -> Option<usize> {
        self.net.classifier.as_ref().map(|classifier| classifier.weight.dims()[0])
    }

    /// Writes `config.json` and `model.safetensors` (F32, `bert.` prefix) into `folder`, atomically file by file.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let mut weights = Weights::default();
        weights.metadata.insert("format".into(), "pt".into());
        let d = self.config.hidden_size;
        let mut put = |name: String, parameter: &Param<Tensor<2>>, vector: bool| {
            let shape = parameter.dims();
            let values = crate::optimizer::floats(parameter.val().inner());
            weights.insert(name, if vector { &shape[1..] } else { &shape }, values);
        };
        let mut affine = |name: String, affine: &Affine| {
            put(format!("{name}.weight"), &affine.weight, false);
            put(format!("{name}.bias"), &affine.bias, true);
        };
        for (i, layer) in self.net.layers.iter().enumerate() {
            let at = |part: &str| format!("bert.encoder.layer.{i}.{part}");
            affine(at("attention.self.query"), &layer.query);
            affine(at("attention.self.key"), &layer.key);
            affine(at("attention.self.value"), &layer.value);
            affine(at("attention.output.dense"), &layer.attention_output);
            affine(at("intermediate.dense"), &layer.intermediate);
            affine(at("output.dense"), &layer.output);
        }
        if let Some(pooler) = &self.net.pooler {
            affine("bert.pooler.dense".into(), pooler);
        }
        if let Some(classifier) = &self.net.classifier {
            affine("classifier".into(), classifier);
        }
        let mut norm = |name: String, norm: &Norm| {
            put(format!("{name}.weight"), &norm.gain, true);
            put(format!("{name}.bias"), &norm.bias, true);
        };
        norm("bert.embeddings.LayerNorm".into(), &self.net.embeddings.norm);
        for (i, layer) in self.net.layers.iter().enumerate() {
            norm(format!("bert.encoder.layer.{i}.attention.output.LayerNorm"), &layer.attention_norm);
            norm(format!("bert.encoder.layer.{i}.output.LayerNorm"), &layer.output_norm);
        }
        put("bert.embeddings.position_embeddings.weight".into(), &self.net.embeddings.position, false);
        put("bert.embeddings.token_type_embeddings.weight".into(), &self.net.embeddings.token_type, false);
        let vocabulary = self.words.values.len() / d;
        weights.insert("bert.embeddings.word_embeddings.weight", &[vocabulary, d], self.words.values.clone());
        weights.save(&folder.join("model.safetensors"))?;
        let config = self.config.to_json();
        atomic_file::write(&folder.join("config.json"), |file| {
            use std::io::Write;
            file.write_all(config.as_bytes())
        })?;
        Ok(())
    }

    /// Everything the teacher computes of `tokens`, with `dropout` on the embedding output, both sublayer outputs and the
    /// pooled vector (as BERT, but for the attention probabilities).
    pub fn forward(&self, rows: Tensor<2>, tokens: &PackedTokens, dropout: &mut impl Dropout) -> TeacherOutput {
        self.net.forward(&self.config, rows, tokens, dropout)
    }

    /// [`Teacher::forward`] without gradient or dropout.
    pub fn infer(&self, tokens: &PackedTokens, device: &Device) -> TeacherOutput {
        self.forward(self.words.rows(&tokens.vocabulary, device), tokens, &mut ())
    }
}

impl TeacherNet {
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
            let [query, key, value] = [&layer.query, &layer.key, &layer.value].map(|map| map.values(x.clone()));
            let ctx = ops::attention(
                query.clone(),
                (key.clone(), one.clone()),
                (value, one.clone()),
                config.num_attention_heads,
                &tokens.segments,
            );
            query_key.push((query, key));
            let attended = dropout.apply(layer.attention_output.values(ctx));
            let attended = layer.attention_norm.residual(attended, &(x, one.clone()), epsilon);
            let inner = ops::gelu(layer.intermediate.values(attended.clone()));
            let inner = dropout.apply(layer.output.values(inner));
            x = layer.output_norm.residual(inner, &(attended, one.clone()), epsilon);
            hidden.push(x.clone());
        }
        let pooled = self.pooler.as_ref().map(|pooler| {
            let starts = tokens.segments.starts().iter().map(|&row| row as u32).collect();
            pooler.values(ops::gather_rows(x, starts)).tanh()
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

fn load_checkpoint(folder: &Path) -> Result<Weights> {
    let safetensors = folder.join("model.safetensors");
    if safetensors.exists() {
        return Ok(Weights::load(&safetensors)?);
    }
    let pytorch = folder.join("pytorch_model.bin");
    if pytorch.exists() {
        return load_pytorch(&pytorch);
    }
    Err(Error::checkpoint(
        folder,
        "no model.safetensors or pytorch_model.bin; give a Hugging Face BERT folder or fetch one with `bitspike data fetch --model`",
    ))
}

/// Reads a PyTorch state dictionary (`pytorch_model.bin`).
fn load_pytorch(path: &Path) -> Result<Weights> {
    let malformed = |e: String| Error::checkpoint(path, format!("not a PyTorch state dictionary: {e}"));
    let reader = pytorch_reader::PytorchReader::new(path).map_err(|e| malformed(e.to_string()))?;
    let mut weights = Weights::from_file(path);
    for (name, tensor) in reader.into_tensors() {
        let bytes = tensor.read().map_err(|e| malformed(format!("tensor `{name}`: {e}")))?;
        let dtype = match tensor.dtype() {
            pytorch_reader::DType::F32 => Dtype::F32,
            pytorch_reader::DType::F16 => Dtype::F16,
            pytorch_reader::DType::BF16 => Dtype::BF16,
            _ => continue,
        };
        let shape = tensor.shape().to_vec();
        if let Some(values) = floats(&bytes, dtype) {
            weights.insert(name, &shape, values);
        }
    }
    Ok(weights)
}
