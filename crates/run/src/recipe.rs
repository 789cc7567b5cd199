//! The recipe: everything that decides a distillation, in one TOML file (`recipes/`), validated before anything runs.

use std::path::{Path, PathBuf};

use bitspike::config::Feedback;
use bitspike::forward::{Dynamics, Simulation};
use bitspike::neuron::Reset;
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A whole distillation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// One line about the recipe, shown while it runs.
    pub description: String,
    /// Seed of everything random: initial weights, order of examples.
    pub seed: u64,
    /// The student's shape and precision.
    pub student: StudentRecipe,
    /// Batches.
    pub data: DataRecipe,
    /// How often to evaluate and to write checkpoints.
    pub run: RunRecipe,
    /// The stages, in order.
    pub stage: Vec<Stage>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            description: String::new(),
            seed: 42,
            student: StudentRecipe::default(),
            data: DataRecipe::default(),
            run: RunRecipe::default(),
            stage: vec![Stage::new(StageKind::Prediction)],
        }
    }
}

/// The student's shape and precision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StudentRecipe {
    /// Encoder layers `N`; 0 means as many as the teacher.
    pub layers: usize,
    /// Where the weights start.
    pub init: Init,
    /// Width `D`, heads and feed-forward width of a student with `init = "random"`; 0 means the teacher's.
    pub hidden: usize,
    /// See `hidden`.
    pub heads: usize,
    /// See `hidden`.
    pub intermediate: usize,
    /// Time steps `T`, the levels of every population.
    pub time_steps: u32,
    /// Signed neurons (rates in [-1, 1]) or the papers' unsigned ones.
    pub signed: bool,
    /// Encoder weights: 1, 1.58 or 32 bits.
    pub weight_bits: WeightBits,
    /// One weight scale a matrix or a row.
    pub granularity: Granularity,
    /// Embedding tables: 32, 8, 4, 1.58 or 1 bits.
    pub embedding_bits: EmbeddingBits,
    /// Whether thresholds are trained.
    pub learn_thresholds: bool,
    /// First thresholds.
    pub thresholds: Thresholds,
    /// Connects the last layer's output back to the embedding population.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
}

impl Default for StudentRecipe {
    fn default() -> Self {
        Self {
            layers: 0,
            init: Init::Teacher,
            hidden: 0,
            heads: 0,
            intermediate: 0,
            time_steps: 16,
            signed: true,
            weight_bits: WeightBits::Ternary,
            granularity: Granularity::Matrix,
            embedding_bits: EmbeddingBits::Full,
            learn_thresholds: true,
            thresholds: Thresholds::default(),
            feedback: None,
        }
    }
}

/// Where a student's weights start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Init {
    /// From the teacher's layers and embeddings.
    Teacher,
    /// From a normal distribution.
    Random,
}

/// First thresholds `theta` by kind of population.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// After the embeddings' layer norm.
    pub embedding: f32,
    /// Keys.
    pub key: f32,
    /// Values.
    pub value: f32,
    /// Attention's weighted sums of values.
    pub context: f32,
    /// After the attention's layer norm.
    pub attention: f32,
    /// After GELU.
    pub feed_forward: f32,
    /// After the layer's last norm.
    pub output: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { embedding: 2.0, key: 2.0, value: 1.0, context: 1.0, attention: 2.0, feed_forward: 2.0, output: 2.0 }
    }
}

/// How batches are made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataRecipe {
    /// Tokens kept of an example, `[CLS]` and `[SEP]` included.
    pub max_length: usize,
    /// Examples a step.
    pub batch_size: usize,
    /// Train on this many examples chosen by the seed; 0 means all.
    pub limit: usize,
}

impl Default for DataRecipe {
    fn default() -> Self {
        Self { max_length: 128, batch_size: 64, limit: 0 }
    }
}

/// Evaluations and checkpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunRecipe {
    /// Evaluations on the dev set an epoch.
    pub evals_per_epoch: f64,
    /// Minutes between checkpoints to resume from; an evaluation that finds a better model writes one too.
    pub checkpoint_minutes: f64,
    /// Steps between lines in `metrics.jsonl`.
    pub log_every: u64,
}

impl Default for RunRecipe {
    fn default() -> Self {
        Self { evals_per_epoch: 2.0, checkpoint_minutes: 5.0, log_every: 20 }
    }
}

/// One stage. What its `kind` implies is a set of loss weights, each of which may be set by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// `general`, `internal`, `prediction` or `labels`.
    pub kind: StageKind,
    /// Passes over the training examples (or the corpus).
    #[serde(default = "one")]
    pub epochs: f64,
    /// Peak learning rate.
    #[serde(default = "learning_rate")]
    pub learning_rate: f64,
    /// The thresholds' learning rate is this many times the other weights'.
    #[serde(default = "ten")]
    pub threshold_rate: f64,
    /// Part of the stage over which the learning rate rises from 0.
    #[serde(default = "tenth")]
    pub warmup: f64,
    /// What the learning rate does after the warm-up.
    #[serde(default)]
    pub schedule: Schedule,
    /// Decoupled weight decay of the matrices (biases, norms and thresholds have none).
    #[serde(default = "hundredth")]
    pub weight_decay: f64,
    /// Largest norm of the whole gradient.
    #[serde(default = "one")]
    pub clip_norm: f64,
    /// Temperature `tau` of the soft labels.
    #[serde(default = "one")]
    pub temperature: f64,
    /// Weight of the hidden-state loss; unset: 1 in `general` and `internal`, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden_weight: Option<f64>,
    /// Weight of the attention-score loss; unset: 0.1 in `general` and `internal`, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention_weight: Option<f64>,
    /// Weight of the loss against the teacher's logits; unset: 1 in `prediction`, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prediction_weight: Option<f64>,
    /// Weight of the loss against the true labels; unset: 1 in `labels`, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_weight: Option<f64>,
    /// Weight of the mean firing rate over all populations: buys energy with accuracy.
    #[serde(default)]
    pub rate_penalty: f64,
    /// Train through a spiking simulation instead of the quantised equilibrium.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulate: Option<SimulatedForward>,
}

/// A forward pass whose firing rates come from a simulation, while the gradient stays that of the equilibrium map
/// (`docs/model.md`, "Training through spikes").
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatedForward {
    /// What operators see.
    pub dynamics: Dynamics,
    /// `T_conv`: steps of the simulation.
    #[serde(default = "hundred")]
    pub time_steps: u32,
    /// Leak of every neuron.
    #[serde(default = "no_leak")]
    pub beta: f32,
    /// What a spike leaves of a potential.
    #[serde(default)]
    pub reset: Reset,
    /// Part of the stage after which the simulation takes over from the quantised equilibrium.
    #[serde(default)]
    pub from: f64,
}

fn hundred() -> u32 {
    100
}
fn no_leak() -> f32 {
    1.0
}

impl SimulatedForward {
    /// The simulation itself.
    pub fn simulation(&self) -> Simulation {
        Simulation { beta: self.beta, reset: self.reset, ..Simulation::new(self.dynamics, self.time_steps) }
    }
}

fn one() -> f64 {
    1.0
}
fn ten() -> f64 {
    10.0
}
fn tenth() -> f64 {
    0.1
}
fn hundredth() -> f64 {
    0.01
}
fn learning_rate() -> f64 {
    3e-4
}

/// Which losses a stage has unless it says so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageKind {
    /// Hidden states and attention scores on unlabelled text.
    General,
    /// Hidden states and attention scores on the task's sentences.
    Internal,
    /// The teacher's logits.
    Prediction,
    /// The true labels.
    Labels,
}

impl StageKind {
    /// The name in recipes and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Internal => "internal",
            Self::Prediction => "prediction",
            Self::Labels => "labels",
        }
    }
}

/// What the learning rate does after the warm-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Falls in a line to 0.
    #[default]
    Linear,
    /// Falls along half a cosine to 0.
    Cosine,
    /// Stays.
    Constant,
}

/// The loss weights of a stage after defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossWeights {
    /// Hidden states.
    pub hidden: f64,
    /// Attention scores.
    pub attention: f64,
    /// Teacher's logits.
    pub prediction: f64,
    /// True labels.
    pub label: f64,
    /// Mean firing rate.
    pub rate: f64,
}

impl Stage {
    /// A stage of `kind` with every value at its default.
    pub fn new(kind: StageKind) -> Self {
        Self {
            kind,
            epochs: one(),
            learning_rate: learning_rate(),
            threshold_rate: ten(),
            warmup: tenth(),
            schedule: Schedule::default(),
            weight_decay: hundredth(),
            clip_norm: one(),
            temperature: one(),
            hidden_weight: None,
            attention_weight: None,
            prediction_weight: None,
            label_weight: None,
            rate_penalty: 0.0,
            simulate: None,
        }
    }

    /// Loss weights after the defaults of the kind.
    pub fn loss_weights(&self) -> LossWeights {
        let inner = matches!(self.kind, StageKind::General | StageKind::Internal);
        let default = |on: bool, weight: f64| if on { weight } else { 0.0 };
        LossWeights {
            hidden: self.hidden_weight.unwrap_or(default(inner, 1.0)),
            attention: self.attention_weight.unwrap_or(default(inner, 0.1)),
            prediction: self.prediction_weight.unwrap_or(default(self.kind == StageKind::Prediction, 1.0)),
            label: self.label_weight.unwrap_or(default(self.kind == StageKind::Labels, 1.0)),
            rate: self.rate_penalty,
        }
    }

    /// Learning rate at `step` (0-based) of the stage's `steps`.
    pub fn rate_at(&self, step: u64, steps: u64) -> f64 {
        let warmup = (self.warmup * steps as f64).floor() + 1.0;
        let step = step as f64;
        if step < warmup {
            return self.learning_rate * (step + 1.0) / (warmup + 1.0);
        }
        let left = (steps as f64 - step) / (steps as f64 - warmup).max(1.0);
        self.learning_rate
            * match self.schedule {
                Schedule::Linear => left,
                Schedule::Cosine => 0.5 - 0.5 * (std::f64::consts::PI * left).cos(),
                Schedule::Constant => 1.0,
            }
    }
}

impl Recipe {
    /// Reads a recipe and sets the values of `overrides`, each `key=value` with a dotted key (`stage.0.epochs=3`,
    /// `student.signed=false`) and a TOML value; a bare word is taken as a string.
    ///
    /// # Errors
    /// If the file is missing, is not TOML, has an unknown key, or a value is out of range.
    pub fn load(path: Option<&Path>, overrides: &[String]) -> Result<Self> {
        let wrong = |message: String| Error::Recipe { path: path.map(PathBuf::from), message };
        let text = match path {
            Some(path) => std::fs::read_to_string(path).map_err(|e| Error::io("read recipe", path, e))?,
            None => toml::to_string(&Self::default()).expect("the default recipe is TOML"),
        };
        // Parsed once as it stands, so that an error in the file points at the file's line.
        let _: Self = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        Self::of(&text, overrides).map_err(wrong)
    }

    /// This recipe with the values of `overrides`, as [`Recipe::load`] takes them.
    ///
    /// # Errors
    /// If a key is unknown or a value is out of range.
    pub fn with(&self, overrides: &[String]) -> Result<Self> {
        Self::of(&self.to_toml(), overrides).map_err(|message| Error::Recipe { path: None, message })
    }

    fn of(text: &str, overrides: &[String]) -> Result<Self, String> {
        let mut table: toml::Table = toml::from_str(text).map_err(|e| e.to_string())?;
        for assignment in overrides {
            set(&mut table, assignment)?;
        }
        let recipe: Self = table.try_into().map_err(|e: toml::de::Error| e.to_string())?;
        recipe.validate()?;
        Ok(recipe)
    }

    /// The recipe as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a recipe is TOML")
    }

    fn validate(&self) -> Result<(), String> {
        let check = |ok: bool, key: &str, expected: &str, found: f64| {
            if ok { Ok(()) } else { Err(format!("`{key}`: expected {expected}, found {found}")) }
        };
        let student = &self.student;
        check(
            (1..=127).contains(&student.time_steps),
            "student.time_steps",
            "1 to 127",
            f64::from(student.time_steps),
        )?;
        let t = &student.thresholds;
        let thresholds = [t.embedding, t.key, t.value, t.context, t.attention, t.feed_forward, t.output];
        for theta in thresholds {
            check(theta.is_finite() && theta > 0.0, "student.thresholds", "a positive number", f64::from(theta))?;
        }
        if let Some(feedback) = &student.feedback {
            feedback.validate().map_err(|e| format!("student.{e}"))?;
        }
        let data = &self.data;
        check((3..=65_536).contains(&data.max_length), "data.max_length", "3 to 65536", data.max_length as f64)?;
        check((1..=65_536).contains(&data.batch_size), "data.batch_size", "1 to 65536", data.batch_size as f64)?;
        let run = &self.run;
        check(
            run.evals_per_epoch > 0.0 && run.evals_per_epoch.is_finite(),
            "run.evals_per_epoch",
            "a positive number",
            run.evals_per_epoch,
        )?;
        check(run.checkpoint_minutes >= 0.0, "run.checkpoint_minutes", "0 or more", run.checkpoint_minutes)?;
        check(run.log_every > 0, "run.log_every", "1 or more", run.log_every as f64)?;
        if self.stage.is_empty() {
            return Err("no `[[stage]]`: say at least one, such as `[[stage]]` with `kind = \"prediction\"`".into());
        }
        for (i, stage) in self.stage.iter().enumerate() {
            let key = |name: &str| format!("stage.{i}.{name}");
            check(
                stage.epochs > 0.0 && stage.epochs <= 10_000.0,
                &key("epochs"),
                "a number in (0, 10000]",
                stage.epochs,
            )?;
            let rate = stage.learning_rate;
            check(rate > 0.0 && rate < 1.0, &key("learning_rate"), "a number in (0, 1)", rate)?;
            check(
                stage.threshold_rate >= 0.0 && stage.threshold_rate <= 1e4,
                &key("threshold_rate"),
                "0 to 10000",
                stage.threshold_rate,
            )?;
            check((0.0..1.0).contains(&stage.warmup), &key("warmup"), "a number in [0, 1)", stage.warmup)?;
            check(
                (0.0..1.0).contains(&stage.weight_decay),
                &key("weight_decay"),
                "a number in [0, 1)",
                stage.weight_decay,
            )?;
            check(stage.clip_norm > 0.0, &key("clip_norm"), "a positive number", stage.clip_norm)?;
            check(
                stage.temperature > 0.0 && stage.temperature <= 100.0,
                &key("temperature"),
                "a number in (0, 100]",
                stage.temperature,
            )?;
            let weights = stage.loss_weights();
            let all = [weights.hidden, weights.attention, weights.prediction, weights.label, weights.rate];
            for weight in all {
                check(weight.is_finite() && weight >= 0.0, &key("*_weight"), "0 or more", weight)?;
            }
            check(all[..4].iter().sum::<f64>() > 0.0, &key("*_weight"), "at least one loss above 0", 0.0)?;
            if let Some(simulate) = &stage.simulate {
                simulate.simulation().validate().map_err(|e| format!("`{}`: {e}", key("simulate")))?;
                if student.feedback.is_some() {
                    return Err(format!(
                        "`{}`: a student with feedback trains at its fixed point; leave one out",
                        key("simulate")
                    ));
                }
                check((0.0..1.0).contains(&simulate.from), &key("simulate.from"), "a number in [0, 1)", simulate.from)?;
            }
            if stage.kind == StageKind::General && weights.prediction + weights.label > 0.0 {
                return Err(format!(
                    "`stage.{i}`: a general stage has unlabelled text: prediction_weight and label_weight are 0"
                ));
            }
        }
        Ok(())
    }
}

/// Sets one dotted key of a table.
fn set(table: &mut toml::Table, assignment: &str) -> Result<(), String> {
    let (key, value) =
        assignment.split_once('=').ok_or_else(|| format!("override `{assignment}`: expected key=value"))?;
    let (key, value) = (key.trim(), value.trim());
    let parsed = format!("x = {value}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("x"));
    let value = parsed.unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let mut parts = key.split('.').peekable();
    let mut here = table;
    loop {
        let part =
            parts.next().filter(|part| !part.is_empty()).ok_or_else(|| format!("override `{key}`: empty key"))?;
        if parts.peek().is_none() {
            here.insert(part.to_owned(), value);
            return Ok(());
        }
        let next = here.entry(part.to_owned()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        here = match next {
            toml::Value::Table(table) => table,
            toml::Value::Array(items) => {
                let index = parts.next().unwrap_or_default();
                let count = items.len();
                let item = index.parse::<usize>().ok().and_then(|i| items.get_mut(i));
                let item =
                    item.ok_or_else(|| format!("override `{key}`: there are {count} of `{part}`, none is `{index}`"))?;
                item.as_table_mut().ok_or_else(|| format!("override `{key}`: `{part}.{index}` has no keys"))?
            }
            _ => return Err(format!("override `{key}`: `{part}` is a value, not a table")),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, overrides: &[&str]) -> Result<Recipe> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.toml");
        std::fs::write(&path, text).unwrap();
        Recipe::load(Some(&path), &overrides.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn values_and_overrides_arrive() {
        let text = "seed = 7\n[student]\nlayers = 4\nweight_bits = 1\n[[stage]]\nkind = \"internal\"\nepochs = 0.5\n[[stage]]\nkind = \"prediction\"\n";
        let recipe =
            load(text, &["stage.1.learning_rate=1e-4", "student.signed=false", "student.weight_bits=1.58"]).unwrap();
        assert_eq!((recipe.seed, recipe.student.layers, recipe.student.signed), (7, 4, false));
        assert_eq!(recipe.student.weight_bits, WeightBits::Ternary);
        assert_eq!((recipe.stage[0].epochs, recipe.stage[1].learning_rate), (0.5, 1e-4));
        assert_eq!(recipe.stage[0].loss_weights().attention, 0.1);
        assert_eq!(recipe.stage[1].loss_weights().hidden, 0.0);
        let again: Recipe = toml::from_str(&recipe.to_toml()).unwrap();
        assert_eq!(again, recipe);
    }

    #[test]
    fn mistakes_are_named() {
        let stage = "[[stage]]\nkind = \"prediction\"\n";
        for (text, overrides, expected) in [
            ("sed = 1\n", &[][..], "unknown field `sed`"),
            ("[student]\nlayer = 3\n", &[], "unknown field `layer`"),
            ("[[stage]]\nkind = \"predict\"\n", &[], "unknown variant `predict`"),
            ("[[stage]]\nkind = \"labels\"\nepoch = 1\n", &[], "unknown field `epoch`"),
            ("stage = []\n", &[], "no `[[stage]]`"),
            (stage, &["student.time_steps=0"], "student.time_steps"),
            (stage, &["student.weight_bits=2"], "2"),
            (stage, &["stage.1.epochs=1"], "there are 1 of `stage`, none is `1`"),
            (stage, &["stage.0.epochs=-1"], "stage.0.epochs"),
            (stage, &["stage.0.learning_rate=nan"], "stage.0.learning_rate"),
            (stage, &["student.thresholds.key=-1"], "student.thresholds"),
            (stage, &["nonsense"], "expected key=value"),
            ("seed = 1\n[[stage]]\nkind = \"labels\"\n", &["seed.x=1"], "`seed` is a value"),
            (stage, &["stage.0.prediction_weight=0"], "at least one loss above 0"),
            (stage, &["stage.0.simulate.dynamics=sometimes"], "sometimes"),
            (stage, &["stage.0.simulate.dynamics=phased", "stage.0.simulate.time_steps=0"], "time_steps"),
            (stage, &["stage.0.simulate.dynamics=phased", "stage.0.simulate.beta=1.5"], "beta"),
            (stage, &["stage.0.simulate.dynamics=phased", "stage.0.simulate.from=1"], "simulate.from"),
            (stage, &["stage.0.simulate.steps=3"], "steps"),
            (stage, &["student.feedback.spectral_norm=-1"], "spectral_norm"),
            (stage, &["student.feedback.solver=newton"], "solver"),
            (stage, &["student.feedback.memory=4", "stage.0.simulate.dynamics=phased"], "fixed point"),
        ] {
            let error = load(text, overrides).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?} {overrides:?}: {error}");
        }
    }

    #[test]
    fn the_learning_rate_rises_then_falls_to_nothing() {
        let stage = Stage { learning_rate: 1.0, ..Stage::new(StageKind::Labels) };
        let rates: Vec<f64> = (0..100).map(|step| stage.rate_at(step, 100)).collect();
        assert!(rates[..11].windows(2).all(|w| w[0] < w[1]), "{rates:?}");
        assert!(rates[11..].windows(2).all(|w| w[0] > w[1]), "{rates:?}");
        assert!(rates[0] > 0.0 && rates[99] > 0.0 && rates[99] < 0.02 && rates.iter().all(|&r| r <= 1.0));
        assert!(Stage { schedule: Schedule::Constant, ..stage }.rate_at(99, 100) == 1.0);
    }
}
