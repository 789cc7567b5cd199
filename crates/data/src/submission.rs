//! Prediction files: the form the GLUE server takes, and the same with a task's own labels.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use bitspike::{Target, atomic_file};

use super::error::{Error, Result};
use super::split::Split;
use super::table::{Column, Form, TableWriter};
use super::task::TaskSpec;

/// The file that [`write_submission`] writes for `path`: itself or, where it is a folder, the official name in it.
///
/// # Errors
/// If the task is not of GLUE, or the split is not a test split.
pub fn submission_path(task: &TaskSpec, split: Split, path: &Path) -> Result<PathBuf> {
    let Some(glue) = task.glue else {
        return Err(Error::invalid("submission", "one of the nine tasks of GLUE", format!("task {}", task.name)));
    };
    let Some(name) = glue.submission_name(split) else {
        return Err(Error::invalid(format!("submission of task {}", task.name), "a test split", split));
    };
    Ok(if path.is_dir() { path.join(name) } else { path.to_owned() })
}

/// Writes the GLUE server's file for a test split: a header `index<TAB>prediction`, then a line an example in the order given.
///
/// `predictions` are class indices or scores. CoLA, SST-2, MRPC, QQP and WNLI are written as class indices, the other
/// classification tasks as label names, STS-B clipped to [0, 5] with three decimals. `path` is the file to write or, where
/// it is a folder, gets the official name (`RTE.tsv`, `MNLI-m.tsv`, `MNLI-mm.tsv`). Returns the file written, which appears
/// whole or not at all.
///
/// # Errors
/// If the task is not of GLUE, the split is not a test split, `ids` and `predictions` differ in length, an id is empty,
/// repeated or holds a tab or line break, a prediction is none of the task's, or the file cannot be written.
pub fn write_submission(
    task: &TaskSpec,
    split: Split,
    ids: &[String],
    predictions: &[f32],
    path: &Path,
) -> Result<PathBuf> {
    let path = submission_path(task, split, path)?;
    let mut seen = HashSet::new();
    if let Some(id) = ids.iter().find(|id| !seen.insert(*id)) {
        return Err(Error::invalid(
            format!("predictions of task {}", task.name),
            "ids that differ",
            format!("{id:?} twice"),
        ));
    }
    let answers = answers(task, ids, predictions, task.glue.is_some_and(|glue| glue.submits_indices()))?;
    write_table(&path, ids, &answers)?;
    Ok(path)
}

/// Writes predictions of any task and split to the file `path`: a header `index<TAB>prediction`, then a line an example with
/// the label's name or the score.
///
/// # Errors
/// As [`write_submission`], without its demands on task and split; ids may repeat.
pub fn write_predictions(task: &TaskSpec, ids: &[String], predictions: &[f32], path: &Path) -> Result<()> {
    let answers = answers(task, ids, predictions, false)?;
    write_table(path, ids, &answers)
}

fn answers(task: &TaskSpec, ids: &[String], predictions: &[f32], as_indices: bool) -> Result<Vec<String>> {
    let what = || format!("predictions of task {}", task.name);
    if ids.len() != predictions.len() {
        return Err(Error::invalid(what(), format!("one for each of {} ids", ids.len()), predictions.len()));
    }
    if let Some(id) = ids.iter().find(|id| id.is_empty() || id.contains(['\t', '\n', '\r'])) {
        return Err(Error::invalid(what(), "ids that are not empty and hold no tab or line break", format!("{id:?}")));
    }
    let answer = |(&prediction, id): (&f32, &String)| match &task.target {
        Target::Regression { min, max } if prediction.is_finite() => {
            let bounded = if task.glue.is_some() { prediction.clamp(*min, *max) } else { prediction };
            Ok(format!("{bounded:.3}"))
        }
        Target::Embedding { .. } if prediction.is_finite() => Ok(format!("{prediction:.6}")),
        Target::Regression { .. } | Target::Embedding { .. } => {
            Err(Error::invalid(what(), "finite scores", format!("{prediction} for id {id}")))
        }
        Target::Classification { labels } => {
            let index = prediction as usize;
            match labels.get(index).filter(|_| prediction >= 0.0 && prediction.fract() == 0.0) {
                Some(_) if as_indices => Ok(index.to_string()),
                Some(label) => Ok(label.clone()),
                None => {
                    let expected = format!("class indices from 0 to {}", labels.len().saturating_sub(1));
                    Err(Error::invalid(what(), expected, format!("{prediction} for id {id}")))
                }
            }
        }
    };
    predictions.iter().zip(ids).map(answer).collect()
}

fn write_table(path: &Path, ids: &[String], answers: &[String]) -> Result<()> {
    let mut table = Vec::new();
    let mut writer = TableWriter::create(&mut table, Form::Tsv, ["index", "prediction"].map(Column::text).into())?;
    for (id, answer) in ids.iter().zip(answers) {
        writer.write(vec![id.as_str().into(), answer.as_str().into()])?;
    }
    writer.finish()?;
    Ok(atomic_file::write(path, |file| std::io::Write::write_all(file, &table))?)
}

#[cfg(test)]
mod tests;
