//! The recipe: everything that decides a distillation, in one TOML file (`recipes/`), validated before anything runs.

mod change;
pub(crate) mod error;
mod named;
mod overrides;
mod stage;
mod student;

use std::path::{Path, PathBuf};

use bitspike_data::DevShare;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub use change::{Change, changes};
pub use error::RecipeError;
pub use named::names;
pub use stage::{LossWeights, Schedule, SimulatedForward, Stage, StageKind, VectorWeights};
pub use student::{Init, StudentRecipe, Thresholds};

/// A whole distillation.
///
/// ```
/// use bitspike_run::recipe::Recipe;
///
/// let recipe = Recipe::default().with(&["student.layers=3".into(), "stage.0.epochs=0.5".into()])?;
/// assert_eq!((recipe.student.layers, recipe.stage[0].epochs), (3, 0.5));
/// # Ok::<(), bitspike_run::Error>(())
/// ```
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
    /// The part of the training examples that is kept from training and chooses the best student, for data without a dev split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dev: Option<DevShare>,
}

impl Default for DataRecipe {
    fn default() -> Self {
        Self { max_length: 128, batch_size: 64, limit: 0, dev: None }
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

impl Recipe {
    /// Reads a recipe, from a file or by its name ([`names`]), or takes the default one, and sets the values of `overrides`, each
    /// `key=value` with a dotted key (`stage.0.epochs=3`, `student.signed=false`) and a TOML value; a bare word is taken as a
    /// string.
    ///
    /// # Errors
    /// If there is no such file or name, it is not TOML, has an unknown key, or a value is out of range.
    pub fn load(path: Option<&Path>, overrides: &[String]) -> Result<Self> {
        let Some(path) = path else { return Self::default().with(overrides) };
        let text = named::text(path)?;
        // Parsed once as it stands, so that an error in the file points at the file's line.
        let parsed = toml::from_str::<Self>(&text).map_err(RecipeError::from);
        parsed.and_then(|_| Self::of(&text, overrides)).map_err(|source| wrong(Some(path), source))
    }

    /// This recipe with the values of `overrides`, as [`Recipe::load`] takes them.
    ///
    /// # Errors
    /// If a key is unknown or a value is out of range.
    pub fn with(&self, overrides: &[String]) -> Result<Self> {
        Self::of(&self.to_toml(), overrides).map_err(|source| wrong(None, source))
    }

    fn of(text: &str, overrides: &[String]) -> Result<Self, RecipeError> {
        let mut table: toml::Table = toml::from_str(text)?;
        overrides.iter().try_for_each(|assignment| overrides::set(&mut table, assignment))?;
        let recipe: Self = table.try_into()?;
        recipe.validate()?;
        Ok(recipe)
    }

    /// What `now` has otherwise, by key.
    pub fn changes(&self, now: &Self) -> Vec<Change> {
        changes(self, now)
    }

    /// The recipe as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a recipe is TOML")
    }

    fn validate(&self) -> Result<(), RecipeError> {
        self.student.validate()?;
        let sizes = |n: f64, least: f64| (least..=65_536.0).contains(&n);
        check("data.max_length", self.data.max_length as f64, "3 to 65536", |n| sizes(n, 3.0))?;
        check("data.batch_size", self.data.batch_size as f64, "1 to 65536", |n| sizes(n, 1.0))?;
        if let Some(dev) = self.data.dev {
            check("data.dev.share", dev.share, "a number above 0 and below 1", |x| x > 0.0 && x < 1.0)?;
        }
        let RunRecipe { evals_per_epoch, checkpoint_minutes, log_every } = self.run;
        check("run.evals_per_epoch", evals_per_epoch, "a positive number", |x| x > 0.0 && x.is_finite())?;
        check("run.checkpoint_minutes", checkpoint_minutes, "0 or more", |x| x >= 0.0)?;
        check("run.log_every", log_every as f64, "1 or more", |n| n > 0.0)?;
        if self.stage.is_empty() {
            let message = "no `[[stage]]`: say at least one, such as `[[stage]]` with `kind = \"prediction\"`";
            return Err(RecipeError::Conflict(message.into()));
        }
        self.stage.iter().enumerate().try_for_each(|(i, stage)| stage.validate(i, &self.student))
    }
}

fn wrong(path: Option<&Path>, source: RecipeError) -> Error {
    Error::Recipe { path: path.map(PathBuf::from), source }
}

fn check(
    key: impl Into<String>,
    found: impl Into<f64>,
    expected: &'static str,
    holds: impl FnOnce(f64) -> bool,
) -> Result<(), RecipeError> {
    let found = found.into();
    if holds(found) { Ok(()) } else { Err(RecipeError::Value { key: key.into(), expected, found }) }
}

#[cfg(test)]
mod tests;
