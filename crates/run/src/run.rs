//! A run's folder: what it holds, how it is written so that a crash costs at most one checkpoint interval, how it is read.
//!
//! | file | what |
//! |---|---|
//! | `recipe.toml` | the recipe with every override applied |
//! | `model.json` | the student's configuration, the task and the sentence length ([`Description`]) |
//! | `tokenizer.json` | the tokeniser |
//! | `origin.json` | digests of teacher and data, and the program ([`Origin`](crate::Origin)) |
//! | `metrics.jsonl` | every event, one a line ([`crate::progress`]) |
//! | `best.safetensors` | the student that scored best on dev |
//! | `last.before.safetensors` | the checkpoint before `last.safetensors`, until the run has ended |
//! | `last.safetensors` | the student, the optimiser and the counters to resume from |

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use bitspike::atomic_file;
use bitspike::config::StudentConfig;
use bitspike::forward::Dynamics;
use bitspike::tokenizer::Tokenizer;
use bitspike_data::TaskSpec;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::recipe::Recipe;
use crate::weights::Weights;

/// What a run's model is, in `model.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Always [`FORMAT`].
    pub format: String,
    /// The student.
    pub student: StudentConfig,
    /// What it was trained for.
    pub task: TaskSpec,
    /// Tokens kept of an example.
    pub max_length: usize,
}

/// The `format` of [`Description`]s that this version writes and reads.
pub const FORMAT: &str = "bitspike-run-1";

/// The counters of a run, inside its checkpoints.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counters {
    /// Steps taken over all stages.
    pub step: u64,
    /// Seconds of training so far.
    pub elapsed_s: f64,
    /// Best dev value of the primary metric so far.
    pub best: Option<f64>,
    /// The step it was found at.
    pub best_step: Option<u64>,
    /// The dynamics it was found in, where it was through spikes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_dynamics: Option<Dynamics>,
}

/// Which student of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Checkpoint {
    /// The one that scored best on dev, or the last one of a run that was never evaluated.
    #[default]
    Best,
    /// The one at the last step, whatever it scores.
    Last,
}

impl Checkpoint {
    /// `best` or `last`
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A run's folder.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder of a new run. One that ended before its first checkpoint leaves nothing to keep but its log, and is
    /// replaced.
    ///
    /// # Errors
    /// If it already holds a run with a checkpoint, or cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let folder = Self { path: path.to_path_buf() };
        let files = [folder.last(), before(&folder.last()), folder.best()];
        if let Some(file) = files.into_iter().find(|file| file.exists()) {
            let message = "this folder already holds a run; continue it with --resume, or choose another --out";
            return Err(Error::checkpoint(file, message));
        }
        std::fs::create_dir_all(path).map_err(|e| Error::io("create folder", path, e))?;
        // Found out now rather than after the first hour.
        tempfile::tempfile_in(path).map_err(|e| Error::io("write into", path, e))?;
        Ok(folder)
    }

    /// Opens the folder of an earlier run.
    ///
    /// # Errors
    /// If it holds no run.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Self { path: path.to_path_buf() };
        if folder.file("model.json").exists() {
            return Ok(folder);
        }
        Err(Error::checkpoint(path, "no run here: model.json is missing; give the --out folder of `bitspike distil`"))
    }

    /// The folder as it is, half-written or none at all: every reader says for itself what is missing.
    pub fn unchecked(path: &Path) -> Self {
        Self { path: path.to_path_buf() }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `metrics.jsonl`
    pub fn metrics(&self) -> PathBuf {
        self.file("metrics.jsonl")
    }

    /// `best.safetensors`
    pub fn best(&self) -> PathBuf {
        self.file("best.safetensors")
    }

    /// `last.safetensors`
    pub fn last(&self) -> PathBuf {
        self.file("last.safetensors")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes recipe, description and tokeniser.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn describe(&self, recipe: &Recipe, description: &Description, tokenizer: &Tokenizer) -> Result<()> {
        self.write_recipe(recipe)?;
        tokenizer.save(&self.path)?;
        self.write("model.json", &serde_json::to_string_pretty(description).expect("a description is JSON"))
    }

    /// Writes `recipe.toml`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_recipe(&self, recipe: &Recipe) -> Result<()> {
        self.write("recipe.toml", &recipe.to_toml())
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        Ok(atomic_file::write(&self.file(name), |file| file.write_all(text.as_bytes()))?)
    }

    /// Reads `recipe.toml`.
    ///
    /// # Errors
    /// If it is missing or no recipe.
    pub fn recipe(&self) -> Result<Recipe> {
        Recipe::load(Some(&self.file("recipe.toml")), &[])
    }

    /// Reads `model.json`.
    ///
    /// # Errors
    /// If it is missing, of another version, or malformed.
    pub fn description(&self) -> Result<Description> {
        let path = self.file("model.json");
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io("read", &path, e))?;
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|source| json(&path, "not JSON", source))?;
        let format = value.get("format").and_then(serde_json::Value::as_str).unwrap_or("none");
        if format != FORMAT {
            return Err(Error::checkpoint(&path, format!("expected format `{FORMAT}`, found `{format}`")));
        }
        let description: Description =
            serde_json::from_value(value).map_err(|source| json(&path, "not a model description", source))?;
        description.student.validate()?;
        Ok(description)
    }

    /// The tokeniser of the run.
    ///
    /// # Errors
    /// If it is missing or malformed.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        Ok(Tokenizer::load_saved(&self.path)?)
    }

    /// The weights of the student that scored best, or of the last one of a run that was never evaluated.
    ///
    /// # Errors
    /// If there is no complete checkpoint.
    pub fn weights(&self) -> Result<Weights> {
        self.weights_of(Checkpoint::Best)
    }

    /// The weights of one of its students.
    ///
    /// # Errors
    /// If there is no complete checkpoint.
    pub fn weights_of(&self, checkpoint: Checkpoint) -> Result<Weights> {
        let best = checkpoint == Checkpoint::Best && self.best().exists();
        let path = if best { self.best() } else { self.last() };
        if !path.exists() {
            return Err(Error::checkpoint(&self.path, "the run has written no checkpoint yet"));
        }
        Weights::load(&path)
    }

    /// [`claim`]s the folder.
    ///
    /// # Errors
    /// If another process trains into it.
    pub fn lock(&self) -> Result<File> {
        claim(&self.path)
    }
}

/// Makes `folder` and claims it for this process until the result is dropped.
///
/// # Errors
/// If it cannot be written, or another process trains into it.
pub fn claim(folder: &Path) -> Result<File> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io("create folder", folder, e))?;
    let path = folder.join(".lock");
    let file = File::create(&path).map_err(|e| Error::io("create", &path, e))?;
    match file.try_lock() {
        Ok(()) => {
            atomic_file::remove_unfinished(folder)?;
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Error::checkpoint(folder, "another process is training into this folder; wait for it or stop it"))
        }
        Err(std::fs::TryLockError::Error(e)) => Err(Error::io("lock", &path, e)),
    }
}

/// Writes weights with `counters` beside them, atomically.
///
/// # Errors
/// If the disk is full or the folder cannot be written; the old file is then untouched.
pub fn save(path: &Path, mut weights: Weights, counters: &Counters) -> Result<PathBuf> {
    weights.metadata.insert("counters".into(), serde_json::to_string(counters).expect("counters are JSON"));
    weights.save_checked(path, None)?;
    Ok(path.to_path_buf())
}

/// The same of a checkpoint that training goes on from; the one that was there is kept [beside](before) it.
///
/// # Errors
/// As [`save`].
pub fn save_keeping(path: &Path, mut weights: Weights, counters: &Counters) -> Result<PathBuf> {
    weights.metadata.insert("counters".into(), serde_json::to_string(counters).expect("counters are JSON"));
    weights.save_checked(path, Some(&before(path)))?;
    Ok(path.to_path_buf())
}

/// Where the checkpoint before the one at `path` is: `last.safetensors` has `last.before.safetensors`.
pub fn before(path: &Path) -> PathBuf {
    path.with_extension("before.safetensors")
}

/// The checkpoint at `path` or, where that is damaged or was being replaced, the one before it, and then what is to be said.
///
/// # Errors
/// If neither can be read; what is wrong with the first is said.
pub fn load_kept(path: &Path) -> Result<(Weights, Option<String>)> {
    let error = match Weights::load(path) {
        Ok(weights) => return Ok((weights, None)),
        Err(error) => error,
    };
    let Ok(weights) = Weights::load(&before(path)) else { return Err(error) };
    let Ok(Counters { step, .. }) = counters(&weights) else { return Err(error) };
    let note = format!("{}: goes on from the checkpoint before it, of step {step}", bitspike::error::explain(&error));
    Ok((weights, Some(note)))
}

/// Whether there is a checkpoint at `path`, or one before it.
pub fn is_kept(path: &Path) -> bool {
    path.exists() || before(path).exists()
}

/// Removes the checkpoint before the one at `path`, which a run that has ended well does not need.
///
/// # Errors
/// If it cannot be removed.
pub fn forget_before(path: &Path) -> Result<()> {
    match std::fs::remove_file(before(path)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", before(path), e)),
        _ => Ok(()),
    }
}

/// The counters beside weights.
///
/// # Errors
/// If there are none, or they are damaged.
pub fn counters(weights: &Weights) -> Result<Counters> {
    let text = weights.metadata.get("counters").map_or("", String::as_str);
    serde_json::from_str(text).map_err(|source| json(weights.origin(), "its counters are damaged", source))
}

fn json(path: &Path, what: &'static str, source: serde_json::Error) -> Error {
    Error::Json { path: path.to_path_buf(), what, source }
}
