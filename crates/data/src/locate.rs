//! Finding the file, the shards or the folder of a split.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::builtin::GlueTask;
use super::error::{Error, Result};
use super::names::{extension, file_names, folder_names, shard};
use super::parts;
use super::split::Split;
use super::table::Form;
use super::task::TaskSpec;

/// File name extensions that can be read.
const EXTENSIONS: [&str; 7] = ["tsv", "csv", "jsonl", "ndjson", "json", "parquet", "txt"];

/// Those of them that a split may have; `.txt` is MRPC's alone.
pub(super) const OF_SPLITS: &[&str] = EXTENSIONS.split_at(6).0;

/// The files of `split`: `path` itself where it is a file, otherwise what the folder holds for it; none where it holds
/// nothing.
///
/// A folder is searched first itself, then its `data`, then a subfolder with the task's official or short name; where none of
/// them holds any split, then its `default`, or the one subfolder that holds some, as the hub's converted data sets do. Shards
/// (`train-00000-of-00002.parquet`) are returned in order, and so are the parts of a split that is a folder (`train/0000.parquet`,
/// Spark's `train.parquet/part-00000-..`).
///
/// # Errors
/// If the folder cannot be read, the task has no such split, several files claim the split, a shard or part is missing, or several
/// subfolders hold splits.
pub(super) fn find(task: &TaskSpec, path: &Path, split: Split) -> Result<Vec<PathBuf>> {
    let metadata = fs::metadata(path).map_err(|e| match (e.kind(), task.glue) {
        (ErrorKind::NotFound, Some(_)) => {
            let (name, folder) = (&task.name, path.display());
            let message = format!(
                "no such file or folder; give the folder that holds the task's train and dev (`bitspike data fetch {name} --out {folder}` \
                 fetches them)"
            );
            Error::malformed(path, message)
        }
        _ => Error::io("open", path, e),
    })?;
    if !task.splits().contains(&split) {
        let names = task.splits().iter().map(|s| s.name()).collect::<Vec<_>>().join(", ");
        return Err(Error::invalid(format!("split of task {}", task.name), format!("one of {names}"), split));
    }
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    if is_one(path) {
        let none = || {
            Error::malformed(
                path,
                format!("no part that can be read; expected files ending in .{}", OF_SPLITS.join(", .")),
            )
        };
        return parts::of(path, &of_split(split), OF_SPLITS)?.ok_or_else(none);
    }
    for folder in folders(task, path) {
        if let Some(files) = find_in(task, &folder, split)? {
            return Ok(files);
        }
    }
    match configuration(task, path)? {
        Some(folder) => Ok(find_in(task, &folder, split)?.unwrap_or_default()),
        None => Ok(Vec::new()),
    }
}

/// Whether `path` is one table, a file or a folder with its parts, rather than a folder of splits.
pub(super) fn is_one(path: &Path) -> bool {
    if !path.is_dir() {
        return true;
    }
    let splits = [file_names(path), folder_names(path)].into_iter().flatten().flatten().any(|name| is_split(&name));
    !splits && (path.join("_SUCCESS").exists() || Form::of(path).is_some())
}

/// Whether a file or folder of that name is a split of some task, or a part of one.
fn is_split(name: &str) -> bool {
    let stem = name.split(['.', '-']).next().unwrap_or(name).to_lowercase();
    let mut stems = Split::ALL.iter().flat_map(|split| [split.stems(false), split.stems(true)]).flatten();
    stems.any(|wanted| *wanted == stem)
}

/// What messages call it.
fn of_split(split: Split) -> String {
    format!("the {split} split")
}

/// The files of the one table at `path`: itself, or the parts of the folder that it is, in their order.
///
/// # Errors
/// If the folder cannot be read, holds nothing that can be read or the splits of a data set, or its parts are of several forms or
/// not all there.
pub fn table_files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let names = names_in(path);
    let splits: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| is_split(name.trim_end_matches('/'))).collect();
    if !splits.is_empty() {
        let message =
            format!("expected a table, found a folder of splits: {}; name the one that is meant", splits.join(", "));
        return Err(Error::malformed(path, message));
    }
    parts::of(path, "the table", &EXTENSIONS)?.ok_or_else(|| {
        let found = if names.is_empty() { "no files".to_owned() } else { names[..names.len().min(20)].join(", ") };
        let message = format!(
            "expected a file, or a folder with the parts of a table, ending in .{}; found a folder with {found}",
            EXTENSIONS.join(", .")
        );
        Error::malformed(path, message)
    })
}

/// The subfolder that holds the splits of a data set with named configurations.
///
/// # Errors
/// If there are several, none of them called `default`.
fn configuration(task: &TaskSpec, path: &Path) -> Result<Option<PathBuf>> {
    // What is wrong with a split is said once it is asked for.
    let holds = |folder: &Path, split: Split| !matches!(find_in(task, folder, split), Ok(None));
    let any = |folder: &Path| task.splits().iter().any(|&split| holds(folder, split));
    if folders(task, path).iter().any(|folder| any(folder)) {
        return Ok(None);
    }
    let mut found = Vec::new();
    for name in folder_names(path)? {
        if any(&path.join(&name)) {
            found.push(name);
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [name] => Ok(Some(path.join(name))),
        names if names.iter().any(|name| name == "default") => Ok(Some(path.join("default"))),
        names => {
            let message = format!("several folders hold splits: {}; name the one that is meant", names.join(", "));
            Err(Error::malformed(path, message))
        }
    }
}

/// As [`find`], but nothing found is an error that says what was looked for.
pub(super) fn require(task: &TaskSpec, path: &Path, split: Split) -> Result<Vec<PathBuf>> {
    let files = find(task, path, split)?;
    if !files.is_empty() {
        return Ok(files);
    }
    let (mut stems, extensions) = (split.stems(task.has_halves()).join(" or "), OF_SPLITS.join(", ."));
    if let Some(name) = paraphrase_corpus(task, split) {
        stems = format!("{stems} or {name}.txt");
    }
    let found: Vec<String> = folders(task, path).iter().flat_map(|folder| names_in(folder)).take(20).collect();
    let found = if found.is_empty() { "no files".to_owned() } else { found.join(", ") };
    let message = format!(
        "no file for the {split} split of task {}; looked for {stems}, ending in .{extensions}; found {found}",
        task.name
    );
    Err(Error::malformed(path, message))
}

/// The form of the file at `path`, by its extension; MRPC's `.txt` is TSV.
///
/// # Errors
/// If the extension is none of those that can be read.
pub(super) fn form(path: &Path) -> Result<Form> {
    let known = extension(path).is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()));
    match Form::of(path).filter(|_| known) {
        Some(Form::Text) => Ok(Form::Tsv),
        Some(form) => Ok(form),
        None => {
            let message =
                format!("cannot tell the format; expected a name ending in one of .{}", EXTENSIONS.join(", ."));
            Err(Error::malformed(path, message))
        }
    }
}

fn folders(task: &TaskSpec, path: &Path) -> Vec<PathBuf> {
    let official = task.glue.map(|glue| path.join(glue.folder()));
    let inner = [Some(path.join("data")), official, Some(path.join(&task.name))];
    let mut folders = vec![path.to_owned()];
    folders.extend(inner.into_iter().flatten().filter(|folder| folder.is_dir()));
    folders
}

/// Names of the files and folders in `folder`, for a message.
fn names_in(folder: &Path) -> Vec<String> {
    let mut names = file_names(folder).unwrap_or_default();
    names.extend(folder_names(folder).unwrap_or_default().into_iter().map(|name| format!("{name}/")));
    names
}

/// MRPC as Microsoft distributes it, before GLUE's own conversion.
fn paraphrase_corpus(task: &TaskSpec, split: Split) -> Option<&'static str> {
    match (task.glue, split) {
        (Some(GlueTask::Mrpc), Split::Train) => Some("msr_paraphrase_train"),
        (Some(GlueTask::Mrpc), Split::Test) => Some("msr_paraphrase_test"),
        _ => None,
    }
}

fn find_in(task: &TaskSpec, folder: &Path, split: Split) -> Result<Option<Vec<PathBuf>>> {
    let names = file_names(folder)?;
    let mut whole: Vec<&str> = Vec::new();
    // By stem, number of shards and extension: the shards present, by index.
    let mut sharded: BTreeMap<(&str, usize, String), BTreeMap<usize, &str>> = BTreeMap::new();
    for name in &names {
        let path = Path::new(name);
        let (Some(stem), Some(extension)) = (path.file_stem().and_then(|s| s.to_str()), extension(path)) else {
            continue;
        };
        if !OF_SPLITS.contains(&extension.as_str()) {
            continue;
        }
        let stem = stem.to_lowercase();
        for &wanted in split.stems(task.has_halves()) {
            if stem == wanted {
                whole.push(name);
            } else if let Some((index, count)) = stem.strip_prefix(wanted).and_then(shard) {
                sharded.entry((wanted, count, extension.clone())).or_default().insert(index, name);
            }
        }
    }
    if whole.is_empty() && sharded.is_empty() {
        let name = paraphrase_corpus(task, split).map(|stem| format!("{stem}.txt"));
        if let Some(name) = name.filter(|name| names.contains(name)) {
            return Ok(Some(vec![folder.join(name)]));
        }
        return folder_of(task, folder, split)?
            .map_or(Ok(None), |folder| parts::of(&folder, &of_split(split), OF_SPLITS));
    }
    if whole.len() + sharded.len() > 1 {
        let all: Vec<&str> = whole.into_iter().chain(sharded.values().flat_map(|set| set.values().copied())).collect();
        let message =
            format!("several files for the {split} split: {}; keep one, or name the file itself", all.join(", "));
        return Err(Error::malformed(folder, message));
    }
    if let Some(((stem, count, extension), shards)) = sharded.into_iter().next() {
        if let Some(missing) = (0..count).find(|i| !shards.contains_key(i)) {
            let message = format!(
                "shard {stem}-{missing:05}-of-{count:05}.{extension} is missing; fetch the {split} split again"
            );
            return Err(Error::malformed(folder, message));
        }
        return Ok(Some(shards.values().map(|name| folder.join(name)).collect()));
    }
    Ok(Some(whole.iter().map(|name| folder.join(name)).collect()))
}

/// The folder in `folder` that is the split: called so, with or without an extension.
fn folder_of(task: &TaskSpec, folder: &Path, split: Split) -> Result<Option<PathBuf>> {
    let is_split = |name: &String| {
        let name = name.to_lowercase();
        let stem = OF_SPLITS.iter().find_map(|extension| name.strip_suffix(extension)?.strip_suffix('.'));
        split.stems(task.has_halves()).contains(&stem.unwrap_or(&name))
    };
    let mut names = folder_names(folder)?;
    names.retain(is_split);
    match names.as_slice() {
        [] => Ok(None),
        [name] => Ok(Some(folder.join(name))),
        names => {
            let message =
                format!("several folders for the {split} split: {}; keep one, or name it itself", names.join(", "));
            Err(Error::malformed(folder, message))
        }
    }
}

#[cfg(test)]
mod tests;
