//! Teachers in the Hugging Face layout.

use std::io::Write;
use std::path::Path;

use bitspike::arithmetic::RELATIVE_BUCKETS;
use bitspike::atomic_file;
use bitspike::config::{BertConfig, Family};
use bitspike::tokenizer::Tokenizer;
use bitspike_run::weights::Weights;
use burn::module::Param;
use burn::tensor::{Device, Tensor};

use super::checkpoint;
use super::network::{Teacher, TeacherLayer, TeacherNet};
use crate::error::{Error, Result};
use crate::layers::{Affine, Embeddings, Norm, WordTable, parameter};

/// Biases of attention scores by distance.
const DISTANCES: &str = "encoder.relative_attention_bias.weight";

impl Teacher {
    /// Reads a teacher and its tokeniser from a folder; what the tokeniser does otherwise than its files say is among the teacher's
    /// notes.
    ///
    /// # Errors
    /// If either is missing or damaged, or the two do not fit.
    pub fn with_tokenizer(folder: &Path, device: &Device) -> Result<(Self, Tokenizer)> {
        let mut teacher = Self::load(folder, device)?;
        let fitted = Tokenizer::load(folder)?.fitted(teacher.config.vocab_size);
        let tokenizer = fitted.map_err(|e| Error::from(e).during(folder.display().to_string()))?;
        teacher.notes.extend(tokenizer.notes().iter().map(|note| format!("{}: {note}", folder.display())));
        Ok((teacher, tokenizer))
    }

    /// Reads `config.json` and the weights of a Hugging Face folder of BERT or another family of its kind ([`Family`](bitspike::config::Family);
    /// `model.safetensors` or `pytorch_model.bin`, in one file or split), with or without the family's prefix or that of a trainer, pooler
    /// and classifier. `docs/models-read.md` lists what is
    /// read and what is refused.
    ///
    /// # Errors
    /// If a file is missing or damaged, or a tensor of the encoder is missing or has another shape than the config says.
    pub fn load(folder: &Path, device: &Device) -> Result<Self> {
        let config = BertConfig::load(folder)?;
        let family = config.family();
        let (mut weights, mut notes) = checkpoint::load(folder)?;
        weights.rename(|name| {
            let name = family.bert_name(name);
            // Checkpoints converted from TensorFlow call the layer norm's gain and bias gamma and beta.
            name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
        });
        weights.flush();
        let [d, f] = [config.hidden_size, config.intermediate_size];
        let words = weights.take("embeddings.word_embeddings.weight", &[config.vocab_size, d])?;
        let skipped = family.first_position();
        let mut table = |name: &str, rows: usize, skipped: usize| -> Result<Param<Tensor<2>>> {
            let mut values = weights.take(&format!("embeddings.{name}.weight"), &[skipped + rows, d])?;
            values.drain(..skipped * d);
            Ok(parameter(values, [rows, d], device))
        };
        let position = table("position_embeddings", config.max_position_embeddings, skipped)?;
        let token_type = match family.has_types() {
            true => table("token_type_embeddings", config.type_vocab_size, 0)?,
            false => parameter(vec![0.0; d], [1, d], device),
        };
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
        let biases = [RELATIVE_BUCKETS, config.num_attention_heads];
        let relative_position = match family.has_distances() {
            true => Some(parameter(weights.take(DISTANCES, &biases)?, biases, device)),
            false => None,
        };
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
            let message = "there is a `classifier` but no `pooler` (DistilBERT's `pre_classifier`, MPNet's `classifier.dense`), whose output it \
                 reads; the checkpoint is incomplete";
            return Err(Error::checkpoint(weights.origin(), message));
        }
        if let (Some(head), Some(_)) = (config.other_head(), &classifier) {
            let message = format!(
                "`architectures`: expected one for SequenceClassification, whose `classifier` answers for a text, found {head}; give a \
                 checkpoint of that kind, or one without a classifier"
            );
            return Err(Error::checkpoint(folder.join("config.json"), message));
        }
        if let Some(extra) = weights.names().find(|name| name.starts_with("encoder.layer.")) {
            let message = format!(
                "tensor `{}` is not part of the {} layers that config.json says",
                family.own_name(extra),
                config.num_hidden_layers
            );
            return Err(Error::checkpoint(weights.origin(), message));
        }
        notes.extend(left_out(&weights, family));
        let embeddings = Embeddings { position, token_type, norm };
        let net = TeacherNet { embeddings, layers, relative_position, pooler, classifier }.without_types(&config);
        Ok(Self { config, words: WordTable { values: words, width: d }, net, sentence: None, notes })
    }

    /// Writes `config.json` and `model.safetensors` (F32, names of the family with its prefix) into `folder`, atomically file by file.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let mut weights = Weights::default();
        weights.metadata.insert("format".into(), "pt".into());
        let d = self.config.hidden_size;
        let family = self.config.family();
        let mut put = |name: String, parameter: &Param<Tensor<2>>, vector: bool| {
            let shape = parameter.dims();
            let values = crate::parameters::floats(parameter.val().inner());
            weights.insert(family.own_name(&name), if vector { &shape[1..] } else { &shape }, values);
        };
        let mut affine = |name: String, affine: &Affine| {
            put(format!("{name}.weight"), &affine.weight, false);
            put(format!("{name}.bias"), &affine.bias, true);
        };
        for (i, layer) in self.net.layers.iter().enumerate() {
            let at = |part: &str| format!("encoder.layer.{i}.{part}");
            affine(at("attention.self.query"), &layer.query);
            affine(at("attention.self.key"), &layer.key);
            affine(at("attention.self.value"), &layer.value);
            affine(at("attention.output.dense"), &layer.attention_output);
            affine(at("intermediate.dense"), &layer.intermediate);
            affine(at("output.dense"), &layer.output);
        }
        if let Some(pooler) = &self.net.pooler {
            affine("pooler.dense".into(), pooler);
        }
        if let Some(classifier) = &self.net.classifier {
            affine("classifier".into(), classifier);
        }
        let mut norm = |name: String, norm: &Norm| {
            put(format!("{name}.weight"), &norm.gain, true);
            put(format!("{name}.bias"), &norm.bias, true);
        };
        norm("embeddings.LayerNorm".into(), &self.net.embeddings.norm);
        for (i, layer) in self.net.layers.iter().enumerate() {
            norm(format!("encoder.layer.{i}.attention.output.LayerNorm"), &layer.attention_norm);
            norm(format!("encoder.layer.{i}.output.LayerNorm"), &layer.output_norm);
        }
        if family.has_types() {
            put("embeddings.token_type_embeddings.weight".into(), &self.net.embeddings.token_type, false);
        }
        if let Some(biases) = &self.net.relative_position {
            put(DISTANCES.into(), biases, false);
        }
        // Rows before that of the first token are of padding, which nothing reads.
        let mut positions = vec![0.0; family.first_position() * d];
        positions.extend(crate::parameters::floats(self.net.embeddings.position.val().inner()));
        let rows = positions.len() / d;
        weights.insert(family.own_name("embeddings.position_embeddings.weight"), &[rows, d], positions);
        let vocabulary = self.words.values.len() / d;
        weights.insert(
            family.own_name("embeddings.word_embeddings.weight"),
            &[vocabulary, d],
            self.words.values.clone(),
        );
        weights.save(&folder.join("model.safetensors"))?;
        let config = self.config.to_json();
        atomic_file::write(&folder.join("config.json"), |file| file.write_all(config.as_bytes()))?;
        Ok(())
    }
}

/// What a file holds beside the classifier and is not read; the heads that its family was trained with first are known to be there.
fn left_out(weights: &Weights, family: Family) -> Option<String> {
    let known = |name: &str| family.is_other_head(name);
    let names: Vec<&str> = weights.names().filter(|name| !known(name)).collect();
    let shown = names.iter().take(4).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let more = if names.len() > 4 { ", .." } else { "" };
    (!names.is_empty()).then(|| {
        format!(
            "{}: {} tensors that an encoder with a `classifier` does not have are left out: {shown}{more}",
            weights.origin().display(),
            names.len()
        )
    })
}
