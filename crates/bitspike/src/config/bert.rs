//! `config.json` of a Hugging Face checkpoint of BERT's kind.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::family::Family;
use super::refused::{ADAPTER, REFUSED, is_adapter, is_off, preview};
use super::{Sizes, cap, positive, within};
use crate::error::{Error, Fault, Result};
use crate::pointer;

/// The `config.json` of an encoder or sequence classifier of BERT's kind, as Hugging Face writes it. Those of other families
/// ([`Family`]) are read into BERT's keys, and written under their own: positions then count from the first token, and a family without
/// token types has one.
///
/// The sizes are required, everything else has the default of the format. Keys not named here are kept in `other`, so that
/// writing the config back loses nothing. [`Default`] is an encoder of BERT-base's sizes.
///
/// ```
/// # use bitspike::config::BertConfig;
/// let config = BertConfig { hidden_size: 64, num_attention_heads: 4, ..BertConfig::default() };
/// config.validate()?;
/// assert_eq!(BertConfig::from_json(&config.to_json())?, config);
/// # Ok::<(), bitspike::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BertConfig {
    /// The family: "bert", "distilbert" or "mpnet"; older checkpoints of BERT leave it out.
    #[serde(default = "bert")]
    pub model_type: String,
    /// Width `D`.
    pub hidden_size: usize,
    /// Encoder layers.
    pub num_hidden_layers: usize,
    /// Attention heads `H`, a divisor of `D`.
    pub num_attention_heads: usize,
    /// Feed-forward width `F`.
    pub intermediate_size: usize,
    /// Rows of the word table.
    pub vocab_size: usize,
    /// Rows of the position table: the longest text in tokens.
    pub max_position_embeddings: usize,
    /// Rows of the type table.
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    /// Added to the variance in layer norms.
    #[serde(default = "epsilon")]
    pub layer_norm_eps: f32,
    /// Activation of the feed-forward block.
    #[serde(default)]
    pub hidden_act: HiddenAct,
    /// Id of the padding token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad_token_id: Option<u32>,
    /// Probability of zeroing a value of a block's output in training.
    #[serde(default = "tenth")]
    pub hidden_dropout_prob: f32,
    /// Probability of zeroing an attention weight in training.
    #[serde(default = "tenth")]
    pub attention_probs_dropout_prob: f32,
    /// Standard deviation of new weights.
    #[serde(default = "fiftieth")]
    pub initializer_range: f32,
    /// Always "absolute".
    #[serde(default = "absolute")]
    pub position_embedding_type: String,
    /// Name of each class by its index, as decimal text. A name that the file gives as a number or a truth value is read as the
    /// text that it is written as.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "names")]
    pub id2label: Option<BTreeMap<String, String>>,
    /// Index of each class by its name. Kept and written; read only where `id2label` has no names of its own (`LABEL_0`, ..), since
    /// files in circulation hold stale or textual indices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label2id: Option<BTreeMap<String, Value>>,
    /// Number of classes, where a config gives it without names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_labels: Option<usize>,
    /// What the classifier's outputs mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem_type: Option<ProblemType>,
    /// Every other key of the file.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Activation of the feed-forward block. The other activations of the format are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HiddenAct {
    /// `x/2 * (1 + erf(x / sqrt 2))`.
    #[default]
    #[serde(alias = "gelu_python")]
    Gelu,
}

/// What `model_type` may be.
const FAMILIES: &str = "\"bert\", \"distilbert\" or \"mpnet\" (choose a checkpoint of one of these)";

/// Names of that activation; the second is the first, written out in Python.
const GELU: [&str; 2] = ["gelu", "gelu_python"];

/// What the outputs of a classifier mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemType {
    /// One output, a score.
    Regression,
    /// One output a class, exactly one class is true.
    SingleLabelClassification,
    /// One output a class, any number of classes is true.
    MultiLabelClassification,
}

impl BertConfig {
    /// Reads and checks `config.json` of a model folder.
    ///
    /// # Errors
    /// If the file is missing or no config of a supported BERT; the file and the key are named.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self> {
        let path = folder.as_ref().join("config.json");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && is_adapter(folder.as_ref()) => {
                return Err(Error::malformed(folder, ADAPTER));
            }
            Err(e) => return Err(Error::io("read model config", &path, e)),
        };
        if let Some(message) = pointer::explain(&bytes) {
            return Err(Error::malformed(&path, message));
        }
        let text = std::str::from_utf8(&bytes).map_err(|e| Fault::of("not UTF-8 text", e).at(&path))?;
        Self::from_json(text).map_err(|e| Fault::from(e).at(&path))
    }

    /// Reads and checks the text of a `config.json`.
    ///
    /// # Errors
    /// [`Error::Bytes`] if it is not JSON of a config, [`Error::Invalid`] if it is not one of a supported BERT; the key is named.
    pub fn from_json(text: &str) -> Result<Self> {
        let wrong = |e: serde_json::Error| {
            Fault::because(format!("expected the keys and types of a config.json, found {e}"), e)
                .of_bytes("BERT config")
        };
        let value: Value = serde_json::from_str(text).map_err(wrong)?;
        // Before anything else: another architecture has other keys, and its missing sizes are not what is wrong with it.
        let family = match value.get("model_type") {
            None => Family::Bert,
            Some(found) => {
                found.as_str().and_then(Family::of).ok_or_else(|| Error::invalid("`model_type`", FAMILIES, found))?
            }
        };
        let value = match value {
            Value::Object(keys) => Value::Object(family.to_bert(keys)?),
            other => other,
        };
        if let Some(found) = value.get("hidden_act").filter(|found| !GELU.iter().any(|name| *found == name)) {
            let expected =
                "\"gelu\" (the erf form, the only activation supported; use a BERT checkpoint trained with it)";
            return Err(Error::invalid("`hidden_act`", expected, found));
        }
        let config: Self =
            serde_json::from_value(value.clone()).map_err(|e| mistyped(&value).unwrap_or_else(|| wrong(e)))?;
        config.validate()?;
        Ok(config)
    }

    /// The config as the text of a `config.json`.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("text keys and plain values are JSON");
        match self.family() {
            Family::Bert => text,
            family => {
                let keys = serde_json::from_str(&text).expect("an object, as it was written");
                serde_json::to_string_pretty(&family.of_bert(keys)).expect("the same under other keys")
            }
        }
    }

    /// The family that `model_type` names.
    ///
    /// # Panics
    /// If it was changed to something that [`BertConfig::validate`] refuses.
    pub fn family(&self) -> Family {
        Family::of(&self.model_type).expect("a config that was validated")
    }

    /// Checks sizes and ranges.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the first key that is wrong.
    pub fn validate(&self) -> Result<()> {
        let refuse =
            |key: &str, expected: &str, found: String| Err(Error::invalid(format!("`{key}`"), expected, found));
        if Family::of(&self.model_type).is_none() {
            return refuse("model_type", FAMILIES, format!("\"{}\"", self.model_type));
        }
        if self.position_embedding_type != "absolute" {
            return refuse("position_embedding_type", "\"absolute\"", format!("\"{}\"", self.position_embedding_type));
        }
        for (key, expected) in REFUSED {
            if let Some(value) = self.other.get(key).filter(|value| !is_off(value)) {
                return refuse(key, expected, preview(value));
            }
        }
        self.sizes().validate()?;
        positive("layer_norm_eps", self.layer_norm_eps)?;
        positive("initializer_range", self.initializer_range)?;
        for (key, p) in [
            ("hidden_dropout_prob", self.hidden_dropout_prob),
            ("attention_probs_dropout_prob", self.attention_probs_dropout_prob),
        ] {
            if !(0.0..1.0).contains(&p) {
                return refuse(key, "a probability in [0, 1)", p.to_string());
            }
        }
        if let Some(pad) = self.pad_token_id.filter(|&pad| pad as usize >= self.vocab_size) {
            return refuse("pad_token_id", &format!("an id below vocab_size = {}", self.vocab_size), pad.to_string());
        }
        self.label_names().map(|_| ())
    }

    /// Names of the classes in the order of their indices: `id2label`, or `LABEL_0`, `LABEL_1`, ... where only `num_labels` is
    /// given; empty for an encoder without either.
    ///
    /// # Panics
    /// If `id2label` was changed to something that [`BertConfig::validate`] refuses.
    pub fn labels(&self) -> Vec<String> {
        self.label_names().expect("a config that was validated")
    }

    /// The architecture that the config names, if it has a head of another kind than a classifier of texts: its `classifier` then
    /// answers for tokens, or for one of several texts.
    pub fn other_head(&self) -> Option<&str> {
        let mut names = self.other.get("architectures")?.as_array()?.iter().filter_map(Value::as_str);
        names.find(|name| ["TokenClassification", "MultipleChoice"].iter().any(|head| name.ends_with(head)))
    }

    /// Replaces the classes.
    pub fn set_labels(&mut self, labels: &[String]) {
        self.id2label = Some(labels.iter().enumerate().map(|(id, name)| (id.to_string(), name.clone())).collect());
        self.label2id = Some(labels.iter().enumerate().map(|(id, name)| (name.clone(), id.into())).collect());
        self.num_labels = None;
    }

    /// The names in the order of their indices.
    fn label_names(&self) -> Result<Vec<String>> {
        let names = self.named()?;
        let generic = names.iter().enumerate().all(|(id, name)| *name == format!("LABEL_{id}"));
        let stated = self.label2id.as_ref().filter(|stated| generic && stated.len() == names.len());
        let by_id = |id: usize| stated?.iter().find_map(|(name, own)| (*own == id).then(|| name.clone()));
        let stated: Option<Vec<String>> = (0..names.len()).map(by_id).collect();
        Ok(stated.unwrap_or(names))
    }

    fn named(&self) -> Result<Vec<String>> {
        if let Some(count) = self.num_labels {
            within(("num_labels", count), cap::LABELS)?;
        }
        let Some(names) = &self.id2label else {
            return Ok((0..self.num_labels.unwrap_or(0)).map(|id| format!("LABEL_{id}")).collect());
        };
        if self.num_labels.is_some_and(|count| count != names.len()) || names.len() > cap::LABELS {
            let expected =
                self.num_labels.map_or(format!("at most {}", cap::LABELS), |count| format!("num_labels = {count}"));
            return Err(Error::invalid("number of names in `id2label`", expected, names.len()));
        }
        let name = |id: usize| {
            names.get(&id.to_string()).cloned().ok_or_else(|| {
                let expected = format!("the ids 0 to {}, each once", names.len() - 1);
                Error::invalid("`id2label`", expected, format!("no id {id}"))
            })
        };
        (0..names.len()).map(name).collect()
    }

    fn sizes(&self) -> Sizes<'_> {
        Sizes {
            hidden: ("hidden_size", self.hidden_size),
            heads: ("num_attention_heads", self.num_attention_heads),
            intermediate: ("intermediate_size", self.intermediate_size),
            layers: ("num_hidden_layers", self.num_hidden_layers),
            vocabulary: ("vocab_size", self.vocab_size),
            positions: ("max_position_embeddings", self.max_position_embeddings),
            types: ("type_vocab_size", self.type_vocab_size),
        }
    }
}

impl Default for BertConfig {
    fn default() -> Self {
        Self {
            model_type: bert(),
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            vocab_size: 30_522,
            max_position_embeddings: 512,
            type_vocab_size: two(),
            layer_norm_eps: epsilon(),
            hidden_act: HiddenAct::Gelu,
            pad_token_id: Some(0),
            hidden_dropout_prob: tenth(),
            attention_probs_dropout_prob: tenth(),
            initializer_range: fiftieth(),
            position_embedding_type: absolute(),
            id2label: None,
            label2id: None,
            num_labels: None,
            problem_type: None,
            other: Map::new(),
        }
    }
}

/// Which key of a config that is not one has a value of another type than the format says, if it is that.
fn mistyped(found: &Value) -> Option<Error> {
    let base = serde_json::to_value(BertConfig::default()).ok()?;
    let is_wrong = |(key, value): &(&String, &Value)| {
        let mut probe = base.clone();
        probe[key.as_str()] = (*value).clone();
        serde_json::from_value::<BertConfig>(probe).is_err()
    };
    let (key, value) = found.as_object()?.iter().find(is_wrong)?;
    let expected = match base.get(key)? {
        Value::Number(number) if number.is_u64() => "a whole number",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        _ => return None,
    };
    Some(Error::invalid(format!("`{key}`"), expected, preview(value)))
}

/// Reads names that may be written as numbers or truth values.
fn names<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    let name = |(id, name): (String, Value)| match name {
        Value::String(name) => Ok((id, name)),
        Value::Number(_) | Value::Bool(_) => Ok((id, name.to_string())),
        other => Err(serde::de::Error::custom(format!("`id2label`: expected a name for id {id}, found {other}"))),
    };
    let names = match Option::<Value>::deserialize(deserializer)? {
        None => return Ok(None),
        Some(Value::Object(names)) => names,
        Some(other) => {
            let message = format!("`id2label`: expected an object such as {{\"0\": \"negative\"}}, found {other}");
            return Err(serde::de::Error::custom(message));
        }
    };
    names.into_iter().map(name).collect::<Result<_, _>>().map(Some)
}

fn bert() -> String {
    "bert".into()
}

fn absolute() -> String {
    "absolute".into()
}

fn two() -> usize {
    2
}

fn epsilon() -> f32 {
    1e-12
}

fn tenth() -> f32 {
    0.1
}

fn fiftieth() -> f32 {
    0.02
}
