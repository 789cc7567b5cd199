//! Which file a user means by the name of a model, and where models are looked for.
//!
//! A path that exists is that path. Otherwise a name is looked up in turn in `models/` of the working folder and of the folders
//! above it up to the repository's, beside the program, in the folders of `BITSPIKE_MODELS`, and in the hub's cache; the model
//! that is compiled into the program comes last. The first that has it wins.
//!
//! A name of a repository in the cache may end in `@` and a branch, tag or commit that was fetched: `OWNER/NAME@v2`. Without it the
//! model is the one that `main` was at the last look; of a repository whose `main` was never fetched, the only one that was.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::MODEL;
use crate::config::HubConfig;
use crate::error::{Error, Result};
use crate::names::{check_id, check_revision, is_commit, is_name, split_revision};
use crate::packed_model::PackedModel;

/// The variable that names folders of models, separated as those of `PATH`.
const VARIABLE: &str = "BITSPIKE_MODELS";

/// Every place where models are looked for, in order.
#[derive(Debug, Clone)]
pub struct Registry(Vec<Shelf>);

/// A place where models are looked for.
#[derive(Debug, Clone)]
enum Shelf {
    /// A folder with a folder for every model, and why it is one.
    Folder(PathBuf, &'static str),
    /// The hub's cache.
    Hub(PathBuf),
    /// A place that is not there, and why.
    Missing(String),
}

impl Registry {
    /// The places that the crate's page lists, by the working folder, the program's place and the environment.
    pub fn from_env() -> Self {
        let mut shelves = Vec::new();
        let mut add = |folder: &Path, why| shelves.push(Shelf::Folder(folder.join("models"), why));
        if let Ok(here) = std::env::current_dir() {
            add(&here, "the working folder's");
            if let Some(root) = here.ancestors().find(|folder| folder.join(".git").exists())
                && root != here
            {
                add(root, "the repository's");
            }
        }
        if let Some(program) = std::env::current_exe().ok().and_then(|program| program.canonicalize().ok())
            && let Some(folder) = program.parent()
        {
            add(folder, "beside the program");
            // `repository/target/release/bitspike`
            if let Some(target) = folder.ancestors().find(|folder| folder.ends_with("target"))
                && let Some(root) = target.parent()
            {
                add(root, "of the repository that the program was built in");
            }
        }
        match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
            Some(value) => shelves.extend(std::env::split_paths(&value).map(|folder| match folder.is_dir() {
                true => Shelf::Folder(folder, VARIABLE),
                false => Shelf::Missing(format!("{} ({VARIABLE}, no such folder)", folder.display())),
            })),
            None => shelves.push(Shelf::Missing(format!("{VARIABLE} (not set)"))),
        }
        shelves.push(match HubConfig::from_env() {
            Ok(config) => Shelf::Hub(config.cache),
            Err(error) => Shelf::Missing(format!("the hub's cache ({error})")),
        });
        Self(shelves)
    }

    /// Folders of models, and then the hub's cache in the folder `cache`, whatever the environment says.
    pub fn of(folders: impl IntoIterator<Item = PathBuf>, cache: Option<PathBuf>) -> Self {
        let folders = folders.into_iter().map(|folder| Shelf::Folder(folder, "given"));
        Self(folders.chain(cache.map(Shelf::Hub)).collect())
    }

    /// The packed model called `name`.
    ///
    /// # Errors
    /// If there is none; the message says where it was looked for and which models there are. [`Error::Ambiguous`] if several
    /// repositories in the cache have that name.
    pub fn find(&self, name: &str) -> Result<PackedModel> {
        let (id, revision) = split_revision(name);
        if check_id(id).is_err() || revision.is_some_and(|revision| check_revision(revision).is_err()) {
            return Err(Error::NoName { argument: name.to_owned(), known: self.known(name) });
        }
        for shelf in &self.0 {
            if let Some(found) = shelf.find(id, revision)? {
                return Ok(found);
            }
        }
        let builtin = PackedModel::builtin();
        if builtin.name() == name {
            return Ok(builtin);
        }
        let looked = self.0.iter().map(ToString::to_string).collect();
        Err(Error::NotFound { name: name.to_owned(), looked, known: self.known(name) })
    }

    /// The folder of the teacher called `name` in the hub's cache: a BERT that was fetched.
    ///
    /// # Errors
    /// [`Error::Ambiguous`] if several repositories in the cache have that name, [`Error::Revisions`] if several of its revisions were
    /// fetched and none is named.
    pub fn teacher(&self, name: &str) -> Result<Option<PathBuf>> {
        let (id, revision) = split_revision(name);
        if check_id(id).is_err() || revision.is_some_and(|revision| check_revision(revision).is_err()) {
            return Ok(None);
        }
        for shelf in &self.0 {
            if let Shelf::Hub(cache) = shelf
                && let Some(folder) = find_cached(cache, id, revision, |folder| folder.join("config.json").is_file())?
            {
                return Ok(Some(folder));
            }
        }
        Ok(None)
    }

    /// Every model that can be named, the first of each name, in the order in which they are looked for.
    pub fn all(&self) -> Vec<PackedModel> {
        let mut found: Vec<PackedModel> = Vec::new();
        for model in self.0.iter().flat_map(Shelf::models).chain([PackedModel::builtin()]) {
            if found.iter().all(|earlier| earlier.name() != model.name()) {
                found.push(model);
            }
        }
        found
    }

    /// The models there are, for a message, and the one that was probably meant by `name`.
    fn known(&self, name: &str) -> String {
        let names: Vec<String> = self.all().iter().map(|found| found.name().to_owned()).collect();
        let near = names.iter().map(|known| (strsim::damerau_levenshtein(known, name), known));
        let meant = near.min().filter(|(edits, known)| 3 * edits <= known.len());
        let meant = meant.map(|(_, known)| format!("did you mean `{known}`? ")).unwrap_or_default();
        format!("{meant}models are {} (see `bitspike models`)", names.join(", "))
    }
}

/// Whether a folder holds a packed model: neither a run nor a teacher, which may have a file of that name too.
pub(crate) fn is_model_folder(folder: &Path) -> bool {
    folder.join(MODEL).is_file() && !["model.json", "config.json"].iter().any(|other| folder.join(other).exists())
}

impl Shelf {
    /// The model called `id`; two parts, or a revision, are a repository of the hub.
    fn find(&self, id: &str, revision: Option<&str>) -> Result<Option<PackedModel>> {
        match self {
            Self::Folder(folder, _) if !id.contains('/') && revision.is_none() => {
                let folder = folder.join(id);
                Ok(is_model_folder(&folder).then(|| PackedModel::file(folder.join(MODEL))))
            }
            Self::Hub(cache) => {
                let called = revision.map_or_else(|| id.to_owned(), |revision| format!("{id}@{revision}"));
                let folder = find_cached(cache, id, revision, is_model_folder)?;
                Ok(folder.map(|folder| PackedModel::file(folder.join(MODEL)).called(called)))
            }
            _ => Ok(None),
        }
    }

    /// The models that it holds, by name. What cannot be read has none to offer.
    fn models(&self) -> Vec<PackedModel> {
        let mut models: Vec<PackedModel> = match self {
            Self::Folder(folder, _) => {
                let entries = folder.read_dir().into_iter().flatten().flatten();
                let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_name));
                let folders = named.map(|entry| entry.path()).filter(|folder| is_model_folder(folder));
                folders.map(|folder| PackedModel::file(folder.join(MODEL))).collect()
            }
            Self::Hub(cache) => {
                let found = cached(cache, None, is_model_folder).into_iter();
                found.map(|(name, folder)| PackedModel::file(folder.join(MODEL)).called(name)).collect()
            }
            Self::Missing(_) => Vec::new(),
        };
        models.sort_by(|a, b| a.name().cmp(b.name()));
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

/// The folder in the hub's cache of the model `id`, or of the one with that last part, among those that are `wanted`.
fn find_cached(
    cache: &Path,
    id: &str,
    revision: Option<&str>,
    wanted: impl Fn(&Path) -> bool + Copy,
) -> Result<Option<PathBuf>> {
    let is_named = |repository: &str| repository == id || repository.rsplit('/').next() == Some(id);
    let mut named = cached(cache, revision, wanted);
    named.retain(|(repository, _)| is_named(repository));
    match &mut named[..] {
        [(_, folder)] => return Ok(Some(std::mem::take(folder))),
        [] => {}
        several => {
            let repositories = several.iter().map(|(repository, _)| repository.clone()).collect();
            let name = revision.map_or_else(|| id.to_owned(), |revision| format!("{id}@{revision}"));
            return Err(Error::Ambiguous { name, repositories });
        }
    }
    if revision.is_some() {
        return Ok(None);
    }
    for (repository, folder) in repositories(cache).into_iter().filter(|(repository, _)| is_named(repository)) {
        let revisions = revisions(&folder, wanted);
        if revisions.len() > 1 {
            return Err(Error::Revisions { name: repository, revisions });
        }
    }
    Ok(None)
}

/// The commits of the repository in `folder` whose folders are `wanted`, by the names under which they were fetched, if they had any.
fn revisions(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<String> {
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<_>>()
    };
    let refs = names(&folder.join("refs"));
    let named = |commit: &str| {
        let is =
            |name: &&String| fs::read_to_string(folder.join("refs").join(name)).is_ok_and(|at| at.trim() == commit);
        refs.iter().find(is).cloned()
    };
    let commits = names(&folder.join("snapshots"));
    let mut found: Vec<String> = commits
        .iter()
        .filter(|commit| is_commit(commit) && wanted(&folder.join("snapshots").join(commit)))
        .map(|commit| named(commit).unwrap_or_else(|| commit.clone()))
        .collect();
    found.sort();
    found
}

/// The models in the hub's cache: the id of each repository and its folder at `revision`, of those that are `wanted`.
fn cached(cache: &Path, revision: Option<&str>, wanted: impl Fn(&Path) -> bool) -> Vec<(String, PathBuf)> {
    let found = repositories(cache).into_iter();
    found.filter_map(|(id, folder)| Some((id, snapshot(&folder, revision).filter(|at| wanted(at))?))).collect()
}

/// The models in the hub's cache: the id and the folder of each repository.
fn repositories(cache: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(|name| name.strip_prefix("models--")) else { continue };
        let id = id.replacen("--", "/", 1);
        if check_id(&id).is_ok() {
            found.push((id, entry.path()));
        }
    }
    found.sort();
    found
}

/// The folder of a commit of the repository in `folder`, by the cache's layout.
fn snapshot(folder: &Path, revision: Option<&str>) -> Option<PathBuf> {
    let snapshots = folder.join("snapshots");
    let named = |revision: &str| {
        let commit = fs::read_to_string(folder.join("refs").join(revision)).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| is_commit(commit))
    };
    let commit = match revision {
        Some(commit) if is_commit(commit) => commit.to_owned(),
        Some(revision) => named(revision)?,
        None => match named("main") {
            Some(commit) => commit,
            None => {
                let mut commits =
                    fs::read_dir(&snapshots).ok()?.flatten().filter_map(|e| e.file_name().into_string().ok());
                let only = commits.next().filter(|commit| is_commit(commit))?;
                commits.next().is_none().then_some(only)?
            }
        },
    };
    Some(snapshots.join(commit))
}
