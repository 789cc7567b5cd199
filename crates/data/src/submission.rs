//! Prediction files: the form the GLUE server takes, and the same with a task's own labels.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use bitspike::{Target, atomic_file};

use super::error::{Error, Result};
use super::split::Split;
use super::table::{Column, Form, TableWriter};
use super::task::TaskSpec;

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
    let Some(glue) = task.glue else {
        return Err(Error::invalid("submission", "one of the nine tasks of GLUE", format!("task {}", task.name)));
    };
    let Some(name) = glue.submission_name(split) else {
        return Err(Error::invalid(format!("submission of task {}", task.name), "a test split", split));
    };
    let answers = answers(task, ids, predictions, glue.submits_indices())?;
    let path = if path.is_dir() { path.join(name) } else { path.to_owned() };
    write_table(&path, ids, &answers)?;
    Ok(path)
}

/// Writes predictions of any task and split to the file `path`: a header `index<TAB>prediction`, then a line an example with
/// the label's name or the score.
///
/// # Errors
/// As [`write_submission`], without its demands on task and split.
pub fn write_predictions(task: &TaskSpec, ids: &[String], predictions: &[f32], path: &Path) -> Result<()> {
    let answers = answers(task, ids, predictions, false)?;
    write_table(path, ids, &answers)
}

fn answers(task: &TaskSpec, ids: &[String], predictions: &[f32], as_indices: bool) -> Result<Vec<String>> {
    let what = || format!("predictions of task {}", task.name);
    if ids.len() != predictions.len() {
        return Err(Error::invalid(what(), format!("one for each of {} ids", ids.len()), predictions.len()));
    }
    let mut seen = HashSet::new();
    for id in ids {
        if id.is_empty() || id.contains(['\t', '\n', '\r']) || !seen.insert(id) {
            return Err(Error::invalid(
                what(),
                "ids that differ, are not empty and hold no tab or line break",
                format!("{id:?}"),
            ));
        }
    }
    let answer = |(&prediction, id): (&f32, &String)| match &task.target {
        Target::Regression { min, max } if prediction.is_finite() => {
            let bounded = if task.glue.is_some() { prediction.clamp(*min, *max) } else { prediction };
            Ok(format!("{bounded:.3}"))
        }
        Target::Regression { .. } => Err(Error::invalid(what(), "finite scores", format!("{prediction} for id {id}"))),
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
mod tests {
    use super::*;

    fn ids(count: usize) -> Vec<String> {
        (0..count).map(|i| i.to_string()).collect()
    }

    fn submit(task: &str, split: Split, predictions: &[f32]) -> Result<(String, String), String> {
        let folder = tempfile::tempdir().unwrap();
        let task = TaskSpec::glue(task).unwrap();
        let path = write_submission(&task, split, &ids(predictions.len()), predictions, folder.path())
            .map_err(|e| e.to_string())?;
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only the result is left");
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        Ok((name, std::fs::read_to_string(path).unwrap()))
    }

    #[test]
    fn names_and_labels_are_the_servers() {
        let file = |task, split, predictions: &[f32]| submit(task, split, predictions).unwrap();
        let expect = |name: &str, body: &str| (name.to_owned(), format!("index\tprediction\n{body}"));
        for (task, name) in [("cola", "CoLA"), ("sst2", "SST-2"), ("mrpc", "MRPC"), ("qqp", "QQP"), ("wnli", "WNLI")] {
            assert_eq!(file(task, Split::Test, &[1.0, 0.0]), expect(&format!("{name}.tsv"), "0\t1\n1\t0\n"));
        }
        for (task, name) in [("qnli", "QNLI"), ("rte", "RTE")] {
            let body = "0\tnot_entailment\n1\tentailment\n";
            assert_eq!(file(task, Split::Test, &[1.0, 0.0]), expect(&format!("{name}.tsv"), body));
        }
        let body = "0\tentailment\n1\tneutral\n2\tcontradiction\n";
        assert_eq!(file("mnli", Split::Test, &[0.0, 1.0, 2.0]), expect("MNLI-m.tsv", body));
        assert_eq!(file("mnli", Split::TestMismatched, &[0.0, 1.0, 2.0]), expect("MNLI-mm.tsv", body));
        let body = "0\t0.000\n1\t2.346\n2\t5.000\n";
        assert_eq!(file("stsb", Split::Test, &[-0.5, 2.3456, 6.0]), expect("STS-B.tsv", body));
    }

    #[test]
    fn nothing_is_written_for_bad_predictions() {
        let folder = tempfile::tempdir().unwrap();
        let task = TaskSpec::glue("rte").unwrap();
        let refuse = |split, ids: &[String], predictions: &[f32]| {
            let message = write_submission(&task, split, ids, predictions, folder.path()).unwrap_err().to_string();
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
            message
        };
        assert!(refuse(Split::Test, &ids(1), &[2.0]).contains("class indices from 0 to 1, found 2 for id 0"));
        for bad in [-1.0, 0.5, f32::NAN, f32::INFINITY] {
            assert!(refuse(Split::Test, &ids(1), &[bad]).contains("class indices"));
        }
        assert!(refuse(Split::Test, &ids(2), &[1.0]).contains("each of 2 ids"));
        assert!(refuse(Split::Test, &["7".into(), "7".into()], &[1.0, 1.0]).contains("\"7\""));
        assert!(refuse(Split::Test, &["a\tb".into()], &[1.0]).contains("no tab"));
        assert!(refuse(Split::Dev, &ids(1), &[1.0]).contains("a test split, found dev"));
        assert!(submit("stsb", Split::Test, &[f32::NAN]).unwrap_err().contains("finite scores"));
    }

    #[test]
    fn a_users_own_task_writes_its_labels() {
        let folder = tempfile::tempdir().unwrap();
        let mut task = TaskSpec::glue("sst2").unwrap();
        task.glue = None;
        assert!(write_submission(&task, Split::Test, &ids(1), &[1.0], folder.path()).is_err());
        let path = folder.path().join("out.tsv");
        std::fs::write(&path, "old").unwrap();
        write_predictions(&task, &["x7".into()], &[1.0], &path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "index\tprediction\nx7\tpositive\n");
        let missing = folder.path().join("no/such/out.tsv");
        let message = write_predictions(&task, &ids(1), &[1.0], &missing).unwrap_err().to_string();
        assert!(message.starts_with(&format!("write {}", missing.display())), "{message}");
    }
}
