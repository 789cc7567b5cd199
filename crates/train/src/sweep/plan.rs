//! What a sweep is, in `sweep.toml`: the recipe that its cells vary, the grid, and what they are distilled from.

use std::io::Write;
use std::path::{Path, PathBuf};

use bitspike::atomic_file;
use bitspike_analysis::digest::hexadecimal;
use bitspike_data::{Encoded, StatedClasses, TaskSpec};
use bitspike_run::recipe::Recipe;
use bitspike_run::run::RunFolder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::grid::Grid;
use crate::error::{Error, Result};
use crate::texts::Texts;

/// The `format` of the files in a sweep's folder that this version writes and reads.
pub(super) const FORMAT: &str = "bitspike-sweep-1";

/// A sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepPlan {
    /// Always the same in files of this version.
    pub format: String,
    /// What the cells are distilled from.
    pub inputs: Paths,
    /// SHA-256 of what lies there, as far as it decides results.
    pub digest: String,
    /// What they learn.
    pub task: TaskSpec,
    /// What varies.
    pub grid: Grid,
    /// The recipe that axes and seeds change.
    pub recipe: Recipe,
}

/// What the cells are distilled from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paths {
    /// Folder of the teacher.
    pub teacher: PathBuf,
    /// Folder (or file) with the task's data.
    pub data: PathBuf,
    /// Plain text for `general` stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corpus: Option<PathBuf>,
    /// What somebody says of the training examples, instead of the teacher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_labels: Option<PathBuf>,
    /// Run whose student every cell starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// Which output of the teacher is which class, where it has to be stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<StatedClasses>,
}

impl SweepPlan {
    /// Where the plan of the sweep in `folder` are.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("sweep.toml")
    }

    /// Writes `sweep.toml`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = toml::to_string(self).expect("a plan is TOML");
        Ok(atomic_file::write(&Self::path(folder), |file| file.write_all(text.as_bytes()))?)
    }

    /// Reads `sweep.toml`.
    ///
    /// # Errors
    /// If it is missing, of another version, or damaged.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = Self::path(folder);
        if !path.exists() {
            let message =
                format!("{}: no sweep here: sweep.toml is missing; start one without --resume", folder.display());
            return Err(Error::Mismatch(message));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io("read", &path, e))?;
        let table: toml::Table = toml::from_str(&text).map_err(|e| Error::damaged(&path, e))?;
        format_of(&path, table.get("format").and_then(toml::Value::as_str).unwrap_or("none"))?;
        let plan: Self = toml::from_str(&text).map_err(|e| Error::damaged(&path, e))?;
        plan.grid.check().map_err(|e| Error::damaged(&path, e))?;
        plan.recipe.with(&[]).map_err(|e| Error::damaged(&path, e))?;
        Ok(plan)
    }
}

/// Refuses a file of another version than this program writes.
pub(super) fn format_of(path: &Path, found: &str) -> Result<()> {
    let message = format!("{}: expected format `{FORMAT}`, found `{found}`", path.display());
    if found == FORMAT { Ok(()) } else { Err(Error::Mismatch(message)) }
}

impl Paths {
    /// The same, from the root.
    ///
    /// # Errors
    /// If the current folder is gone.
    pub(super) fn absolute(&self) -> Result<Self> {
        let absolute =
            |path: &PathBuf| std::path::absolute(path).map_err(|e| Error::io("find the absolute path of", path, e));
        Ok(Self {
            teacher: absolute(&self.teacher)?,
            data: absolute(&self.data)?,
            corpus: self.corpus.as_ref().map(absolute).transpose()?,
            soft_labels: self.soft_labels.as_ref().map(absolute).transpose()?,
            from: self.from.as_ref().map(absolute).transpose()?,
            map: self.map.clone(),
        })
    }

    /// The digest of earlier versions, which took in every weight file in the teacher's folder, also the optimiser's that a
    /// fine-tuning may have left there.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(super) fn earlier_digest(&self, texts: &Texts) -> Result<String> {
        let mut hash = Sha256::new();
        let reading = |e| Error::io("read", &self.teacher, e);
        let files = self.teacher.read_dir().map_err(reading)?.map(|entry| entry.map(|entry| entry.path()));
        let mut files = files.collect::<std::io::Result<Vec<_>>>().map_err(reading)?;
        files.retain(|file| file.extension().is_some_and(|kind| kind == "safetensors" || kind == "bin"));
        files.sort_unstable();
        if let Some(from) = &self.from {
            let run = RunFolder::open(from)?;
            files.push(if run.best().exists() { run.best() } else { run.last() });
        }
        for path in files {
            let mut file = std::fs::File::open(&path).map_err(|e| Error::io("read", &path, e))?;
            std::io::copy(&mut file, &mut Writer(&mut hash)).map_err(|e| Error::io("read", &path, e))?;
        }
        for split in [&texts.train, &texts.dev, &texts.corpus] {
            hash.update((split.len() as u64).to_le_bytes());
            for Encoded { ids, types, target, .. } in split {
                hash.update((ids.len() as u64).to_le_bytes());
                ids.iter().chain(types).for_each(|id| hash.update(id.to_le_bytes()));
                hash.update(target.unwrap_or(f32::NAN).to_le_bytes());
            }
        }
        Ok(hexadecimal(&hash.finalize()))
    }
}

/// Writes into a hash.
struct Writer<'a>(&'a mut Sha256);

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
