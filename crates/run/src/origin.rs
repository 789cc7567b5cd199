//! What a run was made from, in `origin.json`: enough to tell, when it goes on, whether that is still the same.

use std::io::Write;
use std::path::{Path, PathBuf};

use bitspike::atomic_file;
use bitspike_data::{DevShare, TaskSpec};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::run::RunFolder;

/// The `format` of [`Origin`]s that this version writes and reads.
pub const FORMAT: &str = "bitspike-origin-1";

/// What a run was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Always [`FORMAT`].
    pub format: String,
    /// Name, version and, where it is known, commit of the program that began the run.
    pub program: String,
    /// The teacher, or the encoder that is fine-tuned.
    pub model: Source,
    /// Where the task's data was.
    pub data: PathBuf,
    /// The training examples.
    pub train: Examples,
    /// The dev examples.
    pub dev: Examples,
    /// The windows of plain text of `general` stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corpus: Option<Examples>,
    /// The run whose student this one starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Source>,
}

/// Weights: where they were, and what they were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The folder.
    pub path: PathBuf,
    /// SHA-256 of the values as they are used, in hexadecimal digits.
    pub sha256: String,
}

/// Encoded examples, wherever they were.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Examples {
    /// How many.
    pub count: u64,
    /// SHA-256 of tokens, labels and what a teacher said of them in their order, in hexadecimal digits.
    pub sha256: String,
    /// The same of any order: examples that were only shuffled have it in common.
    pub unordered: String,
}

/// The dev examples of a run whose data has no dev split.
#[derive(Debug, Clone)]
pub struct SetAside {
    /// What they were read for.
    pub task: TaskSpec,
    /// Which share of the training examples they were.
    pub share: DevShare,
    /// Tokens kept of an example.
    pub max_length: usize,
    /// What they were.
    pub dev: Examples,
}

impl SetAside {
    /// Of a distillation.
    ///
    /// # Errors
    /// If the folder's `recipe.toml`, `model.json` or `origin.json` is damaged.
    pub fn of_run(run: &RunFolder) -> Result<Option<Self>> {
        let Some(share) = run.recipe()?.data.dev else { return Ok(None) };
        let description = run.description()?;
        let (task, max_length) = (description.task, description.max_length);
        Ok(Origin::read(run.path())?.map(|origin| Self { task, share, max_length, dev: origin.dev }))
    }

    /// Of a teacher that was fine-tuned here, as its `finetune.json` says.
    ///
    /// # Errors
    /// If that or `origin.json` is damaged.
    pub fn of_teacher(folder: &Path) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        struct Plan {
            task: TaskSpec,
            settings: Settings,
        }
        #[derive(Deserialize)]
        struct Settings {
            max_length: usize,
            #[serde(default)]
            dev: Option<DevShare>,
        }
        let path = folder.join("finetune.json");
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
        let read = serde_json::from_str(&text);
        let Plan { task, settings } = read.map_err(|source| Error::Json { path, what: "not a fine-tuning", source })?;
        let Settings { max_length, dev: Some(share) } = settings else { return Ok(None) };
        Ok(Origin::read(folder)?.map(|origin| Self { task, share, max_length, dev: origin.dev }))
    }
}

impl Origin {
    /// Where the origin of the run in `folder` is.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("origin.json")
    }

    /// Writes `origin.json`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).expect("an origin is JSON");
        Ok(atomic_file::write(&Self::path(folder), |file| file.write_all(text.as_bytes()))?)
    }

    /// Reads `origin.json`; none in the folder of a version that wrote none.
    ///
    /// # Errors
    /// If it is damaged or of another version.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = Self::path(folder);
        let text = match std::fs::read_to_string(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|e| Error::io("read", &path, e))?,
        };
        let read = serde_json::from_str(&text);
        let origin: Self = read.map_err(|source| Error::Json { path: path.clone(), what: "not an origin", source })?;
        match origin.format.as_str() {
            FORMAT => Ok(Some(origin)),
            found => Err(Error::checkpoint(path, format!("expected format `{FORMAT}`, found `{found}`"))),
        }
    }

    /// What of `now` is not as it was, a phrase each: weights and examples; where they lie does not count, nor which program it was.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.model.sha256 != now.model.sha256 {
            let (now, then) = (now.model.path.display(), self.model.path.display());
            found.push(format!("the model {now} has other weights or classes than {then} had"));
        }
        let none = Examples::default();
        for (what, then, now) in [
            ("training examples", &self.train, &now.train),
            ("dev examples", &self.dev, &now.dev),
            ("windows of the corpus", self.corpus.as_ref().unwrap_or(&none), now.corpus.as_ref().unwrap_or(&none)),
        ] {
            found.extend(then.difference(now, what));
        }
        if let (Some(then), Some(now)) = (&self.from, &now.from)
            && then.sha256 != now.sha256
        {
            let (now, then) = (now.path.display(), then.path.display());
            found.push(format!("the run to start from, {now}, is not {then} as it was"));
        }
        if let (None, Some(now)) = (&self.from, &now.from) {
            found.push(format!("it was started without --from, and not from {}", now.path.display()));
        }
        found
    }
}

impl Examples {
    fn difference(&self, now: &Self, what: &str) -> Option<String> {
        if self.sha256 == now.sha256 {
            return None;
        }
        let (then, count) = (self.count, now.count);
        Some(if self.unordered == now.unordered {
            format!("the {what} stand in another order")
        } else if then != count {
            format!("there were {then} {what} and are {count}")
        } else {
            format!("the {count} {what} are others")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        let examples =
            |count: u64, name: &str| Examples { count, sha256: name.into(), unordered: format!("{name} of any order") };
        Origin {
            format: FORMAT.into(),
            program: "bitspike 0".into(),
            model: Source { path: "teacher".into(), sha256: "weights".into() },
            data: "data".into(),
            train: examples(10, "train"),
            dev: examples(5, "dev"),
            corpus: None,
            from: None,
        }
    }

    #[test]
    fn what_is_written_is_read_and_what_is_missing_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Origin::read(folder.path()).unwrap(), None);
        origin().write(folder.path()).unwrap();
        assert_eq!(Origin::read(folder.path()).unwrap(), Some(origin()));
        let other = Origin { format: "bitspike-origin-2".into(), ..origin() };
        other.write(folder.path()).unwrap();
        assert!(Origin::read(folder.path()).unwrap_err().to_string().contains("bitspike-origin-2"));
    }

    #[test]
    fn places_and_program_may_change_and_nothing_else() {
        let then = origin();
        let moved = Origin {
            program: "bitspike 1".into(),
            model: Source { path: "elsewhere".into(), ..then.model.clone() },
            data: "there".into(),
            ..then.clone()
        };
        assert_eq!(then.differences(&moved), [""; 0]);
        let shuffled = Examples { sha256: "x".into(), ..then.train.clone() };
        let fewer = Examples { count: 3, sha256: "y".into(), unordered: "y".into() };
        let other = Examples { count: 5, sha256: "z".into(), unordered: "z".into() };
        let from = Source { path: "run".into(), sha256: "s".into() };
        for (now, says) in [
            (Origin { train: shuffled, ..then.clone() }, "training examples stand in another order"),
            (Origin { train: fewer.clone(), ..then.clone() }, "there were 10 training examples and are 3"),
            (Origin { dev: other, ..then.clone() }, "the 5 dev examples are others"),
            (Origin { corpus: Some(fewer), ..then.clone() }, "there were 0 windows of the corpus and are 3"),
            (Origin { from: Some(from), ..then.clone() }, "without --from"),
            (
                Origin { model: Source { path: "b".into(), sha256: "other".into() }, ..then.clone() },
                "the model b has other weights or classes than teacher had",
            ),
        ] {
            let found = then.differences(&now);
            assert!(found.len() == 1 && found[0].contains(says), "{found:?}");
        }
    }
}
