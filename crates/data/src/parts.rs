//! A split that is a folder: its parts, as the hub's converter, Spark and other writers of many files leave them.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{Error, Result};
use super::labels::in_order;
use super::names::{extension, file_names, folder_names, shard};

/// Extensions of data that is not read.
const UNREADABLE: [&str; 8] = ["arrow", "feather", "gz", "bz2", "zst", "avro", "orc", "xlsx"];

/// The parts of `whole`, such as "the train split", in `folder`, in the order of their numbers: files that end in one of
/// `extensions`. Names that begin with `_` or `.` are marks of the writer, and
/// a part without a byte is none. Nothing, if the folder holds nothing that looks like data.
///
/// # Errors
/// If the folder holds parts of several forms, a part that cannot be read, folders of a partition, the traces of an
/// unfinished writer, or if one of numbered parts is missing.
pub(super) fn of(folder: &Path, whole: &str, extensions: &[&str]) -> Result<Option<Vec<PathBuf>>> {
    let refuse = |message: String| Err(Error::malformed(folder, message));
    if folder.join("_temporary").exists() {
        return refuse("it holds `_temporary`, so that its writer has not finished; write it again".to_owned());
    }
    let extension = |name: &String| extension(Path::new(name)).unwrap_or_default();
    let mut names = file_names(folder)?;
    names.retain(|name| !name.starts_with(['_', '.']));
    if let Some(name) = names.iter().find(|name| UNREADABLE.contains(&extension(name).as_str())) {
        return refuse(format!("{name}: cannot read this form; write {whole} as one of .{}", extensions.join(", .")));
    }
    names.retain(|name| extensions.contains(&extension(name).as_str()));
    let folders = folder_names(folder)?;
    let partition = folders.iter().find(|name| name.contains('='));
    if let Some(name) = partition.or(folders.first().filter(|_| !names.is_empty())) {
        let kept = if name.contains('=') { ", whose names hold the values of a column" } else { "" };
        return refuse(format!("expected the parts of {whole}, found a folder in it: {name}{kept}; write it without"));
    }
    let Some(first) = names.first() else { return Ok(None) };
    if let Some(other) = names.iter().find(|name| extension(name) != extension(first)) {
        return refuse(format!("parts of several forms: {first} and {other}; keep one"));
    }
    names.sort_by(|a, b| in_order(a, b));
    if let Some(missing) = missing(&names) {
        return refuse(format!("part {missing} of {whole} is missing; fetch or write it again"));
    }
    let paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    let has_bytes = |path: &&PathBuf| fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
    let parts: Vec<PathBuf> = paths.iter().filter(has_bytes).cloned().collect();
    Ok(Some(if parts.is_empty() { paths } else { parts }))
}

/// The first part that is missing among those that count themselves: `0000.parquet`, `data-00000-of-00002.parquet`.
fn missing(names: &[String]) -> Option<String> {
    let stem =
        |name: &String| Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
    let stems: Vec<String> = names.iter().map(stem).collect();
    let numbers: Option<Vec<usize>> = stems.iter().map(|stem| stem.parse().ok()).collect();
    if let Some(numbers) =
        numbers.filter(|numbers| numbers.first().is_some_and(|first| *first == 0 || stems[0].len() > 1))
    {
        let gap = (0..numbers.len()).find(|&i| numbers[i] != i)?;
        return Some(format!("{gap:0width$}", width = stems[0].len()));
    }
    let counted = |stem: &String| {
        let at = stem.find("-of-").and_then(|at| at.checked_sub(6))?;
        Some((stem.get(..at)?.to_owned(), shard(stem.get(at..)?)?))
    };
    let shards: Vec<(String, (usize, usize))> = stems.iter().filter_map(counted).collect();
    let (name, (_, count)) = shards.first()?;
    let gap = (0..*count).find(|i| !shards.iter().any(|(other, (index, _))| other == name && index == i))?;
    Some(format!("{name}-{gap:05}-of-{count:05}"))
}
