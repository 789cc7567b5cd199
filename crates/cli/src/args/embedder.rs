//! `--model`, `--isa`, `--threads`: a model that embeds, and how it is run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike::kernels::Kernels;
use bitspike::{Model, Options};
use bitspike_hub::Subject;
use bitspike_search::Mark;

use super::checkpoint::CheckpointArgs;
use super::threads::Threads;

/// The model that embeds where none is named.
const DEFAULT: &str = "embed-ternary";

/// A model that embeds, and how it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct EmbedderArgs {
    /// The packed model: a name (see `bitspike models`), or a file; `embed-ternary`, unless given
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    #[command(flatten)]
    threads: Threads,
    /// Kernels by name, such as `avx2`, instead of the best that this machine has
    #[arg(long, value_name = "NAME")]
    isa: Option<Kernels>,
}

/// A model that embeds, as it was found.
pub(crate) struct Found {
    pub(crate) model: Model,
    pub(crate) mark: Mark,
    /// The file, where there is one.
    pub(crate) file: Option<PathBuf>,
}

impl EmbedderArgs {
    /// Starts the threads and loads the model: the one that is named, else `other`, else the usual one.
    ///
    /// # Errors
    /// If it cannot be found or read, or does not embed.
    pub(crate) fn load(&self, other: Option<&str>) -> Result<Found> {
        let name = self.model.clone().unwrap_or_else(|| PathBuf::from(other.unwrap_or(DEFAULT)));
        let found = self.checkpoint.resolve(&name);
        let subject = match self.model {
            Some(_) => found?,
            None => found.with_context(|| {
                let name = name.to_string_lossy();
                let name = name.escape_debug();
                match other {
                    Some(_) => format!("model {name}, as the index calls it; say where it is with --model"),
                    None => format!("model {name}, since none is named with --model"),
                }
            })?,
        };
        self.threads.start()?;
        let mut options = Options::new();
        if let Some(kernels) = self.isa {
            options = options.kernels(kernels);
        }
        if let Some(folder) = subject.teacher() {
            bail!("--model {}: expected a packed model, found a teacher", folder.display());
        }
        let model = subject.model(&options)?;
        model.check_embeds()?;
        Ok(Found { mark: Mark::of(name.to_string_lossy(), &model), file: file_of(&subject), model })
    }
}

fn file_of(subject: &Subject) -> Option<PathBuf> {
    subject.packed().and_then(|model| model.path().map(Path::to_owned))
}
