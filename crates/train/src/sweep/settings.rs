//! What a sweep is, in `sweep.toml`: the recipe that its cells vary, the grid, and what they are distilled from.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike::atomic_file;
use bitspike_data::TaskSpec;
use bitspike_data::Encoded;
use bitspike_train::distill::Texts;
use bitspike_run::recipe::Recipe;
use bitspike_run::run::RunFolder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::grid::Grid;

/// The `format` of the files in a sweep's folder that this version writes and reads.
pub(crate) const FORMAT: &str = "bitspike-sweep-1";

/// A sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Always [`FORMAT`].
    pub(crate) format: String,
    pub(crate) inputs: Paths,
    /// SHA-256 of what lies there, as far as it decides results.
    pub(crate) digest: String,
    pub(crate) task: TaskSpec,
    pub(crate) grid: Grid,
    /// The recipe that axes and seeds change.
    pub(crate) recipe: Recipe,
}

/// What the cells are distilled from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paths {
    pub(crate) teacher: PathBuf,
    pub(crate) data: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) corpus: Option<PathBuf>,
    /// Run whose student every cell starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<PathBuf>,
}

impl Settings {
    /// Where the settings of the sweep in `folder` are.
    pub(crate) fn path(folder: &Path) -> PathBuf {
        folder.join("sweep.toml")
    }

    /// Writes `sweep.toml`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let text = toml::to_string(self).context("write the sweep's settings as TOML")?;
        Ok(atomic_file::write(&Self::path(folder), |file| file.write_all(text.as_bytes()))?)
    }

    /// Reads `sweep.toml`.
    ///
    /// # Errors
    /// If it is missing, of another version, or damaged.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let path = Self::path(folder);
        if !path.exists() {
            bail!("{}: no sweep here: sweep.toml is missing; start one without --resume", folder.display());
        }
        let damaged = || format!("{} is damaged", path.display());
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let table: toml::Table = toml::from_str(&text).with_context(damaged)?;
        let format = table.get("format").and_then(toml::Value::as_str).unwrap_or("none");
        if format != FORMAT {
            bail!("{}: expected format `{FORMAT}`, found `{format}`", path.display());
        }
        let settings: Self = toml::from_str(&text).with_context(damaged)?;
        settings.grid.check().with_context(damaged)?;
        settings.recipe.with(&[]).with_context(damaged)?;
        Ok(settings)
    }
}

impl Paths {
    /// The same, from the root.
    ///
    /// # Errors
    /// If the current folder is gone.
    pub(crate) fn absolute(&self) -> Result<Self> {
        let absolute = |path: &PathBuf| {
            std::path::absolute(path).with_context(|| format!("find the absolute path of {}", path.display()))
        };
        Ok(Self {
            teacher: absolute(&self.teacher)?,
            data: absolute(&self.data)?,
            corpus: self.corpus.as_ref().map(absolute).transpose()?,
            from: self.from.as_ref().map(absolute).transpose()?,
        })
    }

    /// SHA-256 of the teacher's weights, the student to start from and `texts`, wherever they lie.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn digest(&self, texts: &Texts) -> Result<String> {
        let mut hash = Sha256::new();
        let reading = || format!("read {}", self.teacher.display());
        let files = self.teacher.read_dir().with_context(reading)?.map(|entry| entry.map(|entry| entry.path()));
        let mut files = files.collect::<std::io::Result<Vec<_>>>().with_context(reading)?;
        files.retain(|file| file.extension().is_some_and(|kind| kind == "safetensors" || kind == "bin"));
        files.sort_unstable();
        if let Some(from) = &self.from {
            let run = RunFolder::open(from)?;
            files.push(if run.best().exists() { run.best() } else { run.last() });
        }
        for path in files {
            let mut file = std::fs::File::open(&path).with_context(|| format!("read {}", path.display()))?;
            std::io::copy(&mut file, &mut Writer(&mut hash)).with_context(|| format!("read {}", path.display()))?;
        }
        for split in [&texts.train, &texts.dev, &texts.corpus] {
            hash.update((split.len() as u64).to_le_bytes());
            for Encoded { ids, types, target, .. } in split {
                hash.update((ids.len() as u64).to_le_bytes());
                ids.iter().chain(types).for_each(|id| hash.update(id.to_le_bytes()));
                hash.update(target.unwrap_or(f32::NAN).to_le_bytes());
            }
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
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
