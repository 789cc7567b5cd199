//! Which file a user means by the name of a model, and where models are looked for.
//!
//! A path that exists is that path. Otherwise a name is looked up in turn in `models/` of the working folder and of the folders
//! above it up to the repository's, beside the program, in the folders of `BITSPIKE_MODELS`, and in the hub's cache; the model
//! that is compiled into the program comes last. The first that has it wins.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike::model::{Model, Options};
use bitspike::format::Packed;

use super::builtin::{BUILTIN, Builtin};
use super::metrics::Metrics;
use super::{METRICS, MODEL, TOKENIZER};
use crate::hub::{RepoKind, Repository, Settings, cached_models};

/// The variable that names folders of models, separated as those of `PATH`.
const VARIABLE: &str = "BITSPIKE_MODELS";

/// A packed model that was found.
#[derive(Debug)]
pub(crate) struct Found {
    name: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Builtin(&'static Builtin),
}

impl Found {
    fn file(path: PathBuf) -> Self {
        // `sst2-tiny/model.safetensors` is called after its folder, any other file after itself.
        let named = if path.file_name().is_some_and(|file| file == MODEL) { path.parent() } else { None };
        let named = named.and_then(Path::file_name).or(path.file_stem()).unwrap_or(path.as_os_str());
        Self { name: named.to_string_lossy().into_owned(), place: Place::File(path) }
    }

    /// The model's name: that of its folder.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The packed file; none for the one that is compiled in.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Builtin(_) => None,
        }
    }

    /// Opens the packed file.
    ///
    /// # Errors
    /// If it is missing or damaged.
    pub(crate) fn open(&self) -> Result<Packed> {
        match &self.place {
            Place::File(path) => Ok(Packed::open(path)?),
            Place::Builtin(builtin) => builtin.open(),
        }
    }

    /// Loads the model with its tokeniser.
    ///
    /// # Errors
    /// If either is missing or damaged, or an option is out of range.
    pub(crate) fn load(&self, options: &Options) -> Result<Model> {
        match &self.place {
            Place::File(path) => Ok(Model::load(path, options)?),
            Place::Builtin(builtin) => builtin.load(options),
        }
    }

    /// The bytes of the packed file and of `tokenizer.json`, read anew and not checked.
    ///
    /// # Errors
    /// If either cannot be read.
    pub(crate) fn bytes(&self) -> Result<[Vec<u8>; 2]> {
        match &self.place {
            Place::File(path) => {
                let read = |path: &Path| std::fs::read(path).with_context(|| format!("read {}", path.display()));
                Ok([read(path)?, read(&path.with_file_name(TOKENIZER))?])
            }
            Place::Builtin(builtin) => Ok([builtin.model.to_vec(), builtin.tokenizer.to_vec()]),
        }
    }

    /// What `metrics.json` beside it says; none where there is none.
    ///
    /// # Errors
    /// If it cannot be read or is not what this version writes.
    pub(crate) fn metrics(&self) -> Result<Option<Metrics>> {
        match &self.place {
            Place::File(path) => Metrics::load(&path.with_file_name(METRICS)),
            Place::Builtin(builtin) => {
                builtin.metrics.map(|bytes| Metrics::parse(bytes, Path::new(METRICS))).transpose()
            }
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Builtin(builtin) => write!(f, "{} (compiled in)", builtin.name),
        }
    }
}

/// The model that answers where none is named: the one that is compiled in.
///
/// # Errors
/// If the program was built without it.
pub(crate) fn default() -> Result<Found> {
    builtin().with_context(|| format!("this program was built without a model; name one with --model: {}", known()))
}

fn builtin() -> Option<Found> {
    BUILTIN.as_ref().map(|builtin| Found { name: builtin.name.to_owned(), place: Place::Builtin(builtin) })
}

/// The model that a user means by `argument`.
///
/// # Errors
/// If there is none; the message says where it was looked for and which models there are.
pub(crate) fn find(argument: &Path) -> Result<Found> {
    if argument.symlink_metadata().is_ok() {
        let path = if is_model_folder(argument) { argument.join(MODEL) } else { argument.to_owned() };
        return Ok(Found::file(path));
    }
    let id = argument.to_str().filter(|id| Repository::new(RepoKind::Model, id).is_ok());
    let Some(id) = id else {
        bail!(
            "{}: no such file, and not the name of a model (letters, digits, `-`, `_` and `.`; of one from the hub OWNER/NAME); \
             {}",
            argument.display().to_string().escape_debug(),
            known()
        );
    };
    let shelves = shelves();
    for shelf in &shelves {
        if let Some(found) = shelf.find(id)? {
            return Ok(found);
        }
    }
    match &BUILTIN {
        Some(builtin) if builtin.name == id => default(),
        _ => {
            let looked: Vec<String> = shelves.iter().map(ToString::to_string).collect();
            bail!("{id}: no such file, and no model of that name in {}; {}", looked.join(", "), known())
        }
    }
}

/// Every model that can be named, the first of each name, in the order in which they are looked for.
pub(crate) fn all() -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for model in shelves().iter().flat_map(Shelf::models).chain(builtin()) {
        if found.iter().all(|earlier| earlier.name != model.name) {
            found.push(model);
        }
    }
    found
}

/// The models there are, for a message.
fn known() -> String {
    let names: Vec<String> = all().into_iter().map(|found| found.name).collect();
    if names.is_empty() {
        return format!(
            "no models are here: `bitspike pack` makes one of a run, and {VARIABLE} names folders of models"
        );
    }
    format!("models are {} (see `bitspike models`)", names.join(", "))
}

/// Whether a folder holds a packed model: neither a run nor a teacher, which may have a file of that name too.
fn is_model_folder(folder: &Path) -> bool {
    folder.join(MODEL).is_file() && !["model.json", "config.json"].iter().any(|other| folder.join(other).exists())
}

/// A place where models are looked for.
enum Shelf {
    /// A folder with a folder for every model, and why it is one.
    Folder(PathBuf, &'static str),
    /// The hub's cache.
    Hub(PathBuf),
    /// A place that is not there, and why.
    Missing(String),
}

impl Shelf {
    /// The model called `id`; two parts are a repository of the hub.
    fn find(&self, id: &str) -> Result<Option<Found>> {
        match self {
            Self::Folder(folder, _) if !id.contains('/') => {
                let folder = folder.join(id);
                Ok(is_model_folder(&folder).then(|| Found::file(folder.join(MODEL))))
            }
            Self::Hub(cache) => {
                let mut named = cached_models(cache);
                named.retain(|(repository, folder)| {
                    let name = repository.rsplit('/').next();
                    (repository == id || name == Some(id)) && is_model_folder(folder)
                });
                match &named[..] {
                    [] => Ok(None),
                    [(_, folder)] => Ok(Some(Found { name: id.to_owned(), place: Place::File(folder.join(MODEL)) })),
                    several => {
                        let names: Vec<&str> = several.iter().map(|(repository, _)| repository.as_str()).collect();
                        bail!(
                            "{id}: the hub's cache has several models of that name, {}; give OWNER/NAME",
                            names.join(", ")
                        )
                    }
                }
            }
            _ => Ok(None),
        }
    }

    /// The models that it holds, by name.
    fn models(&self) -> Vec<Found> {
        let mut models = Vec::new();
        match self {
            Self::Folder(folder, _) => {
                // A folder that cannot be read has none to offer.
                for entry in folder.read_dir().into_iter().flatten().flatten() {
                    if is_model_folder(&entry.path()) && entry.file_name().to_str().is_some_and(is_name) {
                        models.push(Found::file(entry.path().join(MODEL)));
                    }
                }
            }
            Self::Hub(cache) => {
                for (name, folder) in cached_models(cache) {
                    if is_model_folder(&folder) {
                        models.push(Found { name, place: Place::File(folder.join(MODEL)) });
                    }
                }
            }
            Self::Missing(_) => {}
        }
        models.sort_by(|a, b| a.name.cmp(&b.name));
        models
    }
}

impl fmt::Display for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder, why) => write!(f, "{} ({why})", folder.display()),
            Self::Hub(cache) => write!(f, "{} (the hub's cache)", cache.display()),
            Self::Missing(why) => f.write_str(why),
        }
    }
}

/// Whether models may be called so: as a repository without an owner.
pub(crate) fn is_name(name: &str) -> bool {
    !name.contains('/') && Repository::new(RepoKind::Model, name).is_ok()
}

/// Every place where models are looked for, in order.
fn shelves() -> Vec<Shelf> {
    let mut shelves = Vec::new();
    if let Ok(here) = std::env::current_dir() {
        shelves.push(Shelf::Folder(here.join("models"), "the working folder's"));
        if let Some(root) = here.ancestors().find(|folder| folder.join(".git").exists())
            && root != here
        {
            shelves.push(Shelf::Folder(root.join("models"), "the repository's"));
        }
    }
    if let Some(program) = std::env::current_exe().ok().and_then(|program| program.canonicalize().ok())
        && let Some(folder) = program.parent()
    {
        shelves.push(Shelf::Folder(folder.join("models"), "beside the program"));
        // `repository/target/release/bitspike`
        if let Some(target) = folder.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "target"))
            && let Some(root) = target.parent()
        {
            shelves.push(Shelf::Folder(root.join("models"), "of the repository that the program was built in"));
        }
    }
    match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        Some(value) => shelves.extend(std::env::split_paths(&value).map(|folder| match folder.is_dir() {
            true => Shelf::Folder(folder, VARIABLE),
            false => Shelf::Missing(format!("{} ({VARIABLE}, no such folder)", folder.display())),
        })),
        None => shelves.push(Shelf::Missing(format!("{VARIABLE} (not set)"))),
    }
    shelves.push(match Settings::from_env() {
        Ok(settings) => Shelf::Hub(settings.cache_folder().to_owned()),
        Err(error) => Shelf::Missing(format!("the hub's cache ({error})")),
    });
    shelves
}
