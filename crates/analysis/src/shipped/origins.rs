//! Whose data and whose teacher: the few lines of a card that no program can measure, in a TOML file.
//!
//! ```toml
//! [data.sst2]                    # by task
//! name = "..."
//! origin = "..."
//! licence = "..."
//!
//! [teacher.sst2]                 # by task
//! name = "..."
//! origin = "..."
//! licence = "..."
//!
//! [model.sst2-ternary]           # by model
//! about = "..."
//! limits = ["..."]
//! made = "..."                   # what a run does not know of how it came about; may be left out
//! example = ["..."]              # a text to try, or the two of a pair; may be left out
//! reproduce = "..."              # the command that makes it anew; may be left out
//! teacher = { name = "...", origin = "...", licence = "..." }  # where it is not that of the task
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Longest line.
const MAX_LINE: usize = 1000;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origins {
    /// Where it was read from.
    #[serde(skip)]
    path: PathBuf,
    data: BTreeMap<String, Origin>,
    teacher: BTreeMap<String, Origin>,
    model: BTreeMap<String, About>,
}

/// Where something comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the other fields are what their names say")]
pub struct Origin {
    pub name: String,
    pub origin: String,
    pub licence: String,
}

/// What is said of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    about: String,
    limits: Vec<String>,
    made: Option<String>,
    #[serde(default)]
    example: Vec<String>,
    reproduce: Option<String>,
    teacher: Option<Origin>,
}

/// What the file says of one model, its data and its teacher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginsOf {
    /// A sentence about the model.
    pub about: String,
    /// What it cannot do.
    pub limits: Vec<String>,
    /// What a run does not know of how it came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// A text to try, or the two of a pair.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub example: Vec<String>,
    /// The command that makes it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reproduce: Option<String>,
    /// What it was trained on.
    pub data: Origin,
    /// What it learnt from.
    pub teacher: Origin,
}

impl Origins {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, has an unknown key or lacks one, or a line is empty, too long or more than one.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
        let origins: Self = toml::from_str(&text)
            .map_err(|source| Error::Toml { what: path.display().to_string(), source: Box::new(source) })?;
        let of = |origin: &Origin| [origin.name.clone(), origin.origin.clone(), origin.licence.clone()];
        let own = origins.model.values().filter_map(|model| model.teacher.as_ref());
        let lines = origins.data.values().chain(origins.teacher.values()).chain(own).flat_map(of);
        let of_model = |model: &About| {
            let About { about, limits, made, example, reproduce, .. } = model;
            std::iter::once(about)
                .chain(limits)
                .chain(made)
                .chain(example)
                .chain(reproduce)
                .cloned()
                .collect::<Vec<_>>()
        };
        let about = origins.model.values().flat_map(of_model);
        for line in lines.chain(about) {
            if line.trim().is_empty() || line.len() > MAX_LINE || line.chars().any(char::is_control) {
                let shown: String = line.chars().take(40).collect();
                let found = shown.escape_debug();
                let message = format!("expected lines of 1 to {MAX_LINE} characters each, found `{found}`");
                return Err(Error::unusable(path, message));
            }
        }
        Ok(Self { path: path.to_path_buf(), ..origins })
    }

    /// What it says of the model `name`, made for `task`.
    ///
    /// # Errors
    /// If it says nothing of one of the three.
    pub fn of(&self, name: &str, task: &str) -> Result<OriginsOf> {
        let missing = |table: &str, key: &str| {
            let message = format!("no table [{table}.{key}]; a card says whose data and teacher it is of");
            Error::unusable(&self.path, message)
        };
        let data = self.data.get(task).ok_or_else(|| missing("data", task))?.clone();
        let model = self.model.get(name).ok_or_else(|| missing("model", name))?.clone();
        let About { about, limits, made, example, reproduce, teacher } = model;
        let teacher = teacher.or_else(|| self.teacher.get(task).cloned()).ok_or_else(|| missing("teacher", task))?;
        Ok(OriginsOf { about, limits, made, example, reproduce, data, teacher })
    }
}

#[cfg(test)]
mod tests;
