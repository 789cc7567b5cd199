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
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// Longest line.
const MAX_LINE: usize = 1000;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Origins {
    data: BTreeMap<String, Origin>,
    teacher: BTreeMap<String, Origin>,
    model: BTreeMap<String, About>,
}

/// Where something comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Origin {
    pub(crate) name: String,
    pub(crate) origin: String,
    pub(crate) licence: String,
}

/// What is said of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    about: String,
    limits: Vec<String>,
}

/// What the file says of one model, its data and its teacher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OriginsOf {
    pub(crate) about: String,
    pub(crate) limits: Vec<String>,
    pub(crate) data: Origin,
    pub(crate) teacher: Origin,
}

impl Origins {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, has an unknown key or lacks one, or a line is empty, too long or more than one.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let origins: Self = toml::from_str(&text).with_context(|| path.display().to_string())?;
        let of = |origin: &Origin| [origin.name.clone(), origin.origin.clone(), origin.licence.clone()];
        let lines = origins.data.values().chain(origins.teacher.values()).flat_map(of);
        let about =
            origins.model.values().flat_map(|model| std::iter::once(&model.about).chain(&model.limits)).cloned();
        for line in lines.chain(about) {
            if line.trim().is_empty() || line.len() > MAX_LINE || line.chars().any(char::is_control) {
                let shown: String = line.chars().take(40).collect();
                bail!(
                    "{}: expected lines of 1 to {MAX_LINE} characters each, found `{}`",
                    path.display(),
                    shown.escape_debug()
                );
            }
        }
        Ok(origins)
    }

    /// What it says of the model `name`, made for `task`.
    ///
    /// # Errors
    /// If it says nothing of one of the three.
    pub(crate) fn of(&self, name: &str, task: &str) -> Result<OriginsOf> {
        let missing =
            |table: &str, key: &str| format!("no table [{table}.{key}]; a card says whose data and teacher it is of");
        let data = self.data.get(task).with_context(|| missing("data", task))?.clone();
        let teacher = self.teacher.get(task).with_context(|| missing("teacher", task))?.clone();
        let About { about, limits } = self.model.get(name).with_context(|| missing("model", name))?.clone();
        Ok(OriginsOf { about, limits, data, teacher })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[data.rte]\nname = 'RTE'\norigin = 'here'\nlicence = 'free'\n\
        [teacher.rte]\nname = 'T'\norigin = 'there'\nlicence = 'MIT'\n\
        [model.small]\nabout = 'A model.'\nlimits = ['English only.']\n";

    fn load(text: &str) -> Result<Origins> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cards.toml");
        std::fs::write(&path, text).unwrap();
        Origins::load(&path)
    }

    #[test]
    fn a_model_gets_its_lines() {
        let origins = load(GOOD).unwrap();
        let of = origins.of("small", "rte").unwrap();
        assert_eq!((of.about.as_str(), of.data.licence.as_str(), of.teacher.name.as_str()), ("A model.", "free", "T"));
        for (name, task, says) in [("small", "sst2", "[data.sst2]"), ("large", "rte", "[model.large]")] {
            let error = origins.of(name, task).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn what_no_card_could_hold_is_refused() {
        for (from, to, says) in [
            ("'free'", "''", "1 to 1000"),
            ("'free'", "\"a\\u001bb\"", "1 to 1000"),
            ("licence = 'free'", "license = 'free'", "license"),
            ("limits = ['English only.']", "", "limits"),
            ("[data.rte]", "[data.rte", "cards.toml"),
        ] {
            let error = format!("{:#}", load(&GOOD.replacen(from, to, 1)).unwrap_err());
            assert!(error.contains(says), "{to}: {error}");
        }
    }
}
