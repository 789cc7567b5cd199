//! Tasks of a user's own: columns by name, labels or range stated or read off the training split.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::columns::TaskColumns;
use super::error::{Error, Result, shorten};
use super::labels::{self, Classes, Labels};
use super::locate;
use super::metrics::Metric;
use super::records::{self, Record};
use super::split::Split;
use super::task::TaskSpec;
use bitspike::config::{MAX_CLASSES, Target, steers};

/// What is asked of a user's own label column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomTarget {
    /// These classes, in this order. A file may give a class by name or, unless a name is itself a whole number, by index.
    Classes(Vec<String>),
    /// The classes that the training file names itself, in its order; otherwise those that occur there, numbers by their value
    /// and names by their bytes, but with the numbers within them by value (`c2` before `c10`). A class is one however it is
    /// written: `1` and `1.0`, `True` and `true`.
    DiscoverClasses,
    /// A score within these bounds; one outside is an error.
    Scores {
        /// Lowest score.
        min: f32,
        /// Highest score.
        max: f32,
    },
    /// A score whose range is that of the training split; other splits may exceed it.
    DiscoverScores,
}

/// A task as a user states it; [`CustomTask::resolve`] completes it from the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomTask {
    /// Short name: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Column of the first text.
    pub first: String,
    /// Column of the second text, for pairs.
    #[serde(default)]
    pub second: Option<String>,
    /// Column of the label or score.
    pub label: String,
    /// What the label means.
    pub target: CustomTarget,
    /// How answers are scored, the deciding metric first. Empty takes accuracy and, for two classes, F1 of the second; for
    /// scores Pearson and Spearman.
    #[serde(default)]
    pub metrics: Vec<Metric>,
}

impl CustomTask {
    /// The complete task. Discovery reads the training split of the folder `data`, or `data` itself where it is a file;
    /// otherwise `data` is not touched.
    ///
    /// # Errors
    /// If the training split is missing or bad (with the line), all its labels are equal, there are more than 1000 classes, or
    /// the result does not pass [`TaskSpec::validate`].
    pub fn resolve(self, data: &Path) -> Result<TaskSpec> {
        let discovered = matches!(self.target, CustomTarget::DiscoverClasses | CustomTarget::DiscoverScores);
        let mut task = TaskSpec {
            name: self.name,
            glue: None,
            first: self.first,
            second: self.second,
            label: self.label,
            // Stands in while labels are discovered; reading them needs the columns only.
            target: match self.target {
                CustomTarget::DiscoverScores => Target::Regression { min: f32::MIN, max: f32::MAX },
                _ => Target::Classification { labels: Vec::new() },
            },
            metrics: self.metrics,
            discovered,
        };
        task.target = match self.target {
            CustomTarget::Classes(labels) => Target::Classification { labels },
            CustomTarget::Scores { min, max } => Target::Regression { min, max },
            CustomTarget::DiscoverClasses => discover_classes(&task, data)?,
            CustomTarget::DiscoverScores => discover_range(&task, data)?,
        };
        if task.metrics.is_empty() {
            task.metrics = match (&task.target, task.num_outputs()) {
                (Target::Regression { .. }, _) => vec![Metric::Pearson, Metric::Spearman],
                (_, 2) => vec![Metric::Accuracy, Metric::F1],
                _ => vec![Metric::Accuracy],
            };
        }
        task.validate()?;
        Ok(task)
    }
}

fn discover_classes(task: &TaskSpec, data: &Path) -> Result<Target> {
    let mut classes = Classes::default();
    let named = each_label(task, data, |label| {
        if labels::stands_for_none(label) {
            return Err(
                "the label -1 stands for \"no label\"; name the classes yourself (--labels) if it is one".to_owned()
            );
        }
        if label.contains(steers) {
            let found = shorten(label);
            return Err(format!(
                "column `{}`: a class has control characters, which would steer a terminal: {found}",
                task.label
            ));
        }
        classes.add(label);
        if classes.len() > MAX_CLASSES {
            let message = format!(
                "more than {MAX_CLASSES} different values in column `{}`; if they are scores, make it a regression",
                task.label
            );
            return Err(message);
        }
        Ok(())
    })?;
    if let Some(labels) = named {
        return Ok(Target::Classification { labels });
    }
    if classes.len() < 2 {
        let message =
            format!("column `{}` holds {} different label; expected at least two classes", task.label, classes.len());
        return Err(Error::malformed(data, message));
    }
    if let Some([one, other]) = classes.composed_alike() {
        let (one, other) = (shorten(one), shorten(other));
        let message = format!(
            "column `{}`: the classes {one} and {other} look alike but are composed of other Unicode characters; write both alike \
             (NFC), or name the classes yourself (--labels)",
            task.label
        );
        return Err(Error::malformed(data, message));
    }
    Ok(Target::Classification { labels: classes.into_names() })
}

fn discover_range(task: &TaskSpec, data: &Path) -> Result<Target> {
    let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let _ = each_label(task, data, |label| {
        let score = label.parse::<f32>().ok().filter(|score| score.is_finite());
        let score = score
            .ok_or_else(|| format!("column `{}`: expected a finite number, found {}", task.label, shorten(label)))?;
        (min, max) = (min.min(score), max.max(score));
        let wide = label.parse::<f64>().unwrap_or(f64::from(score));
        (low, high) = (low.min(wide), high.max(wide));
        Ok(())
    })?;
    if min >= max && low < high {
        let message = format!(
            "column `{}`: the scores of the training split, from {low} to {high}, are all the same 32-bit number, {min}, and cannot \
             be told apart; subtract a constant from all of them, or scale them",
            task.label
        );
        return Err(Error::malformed(data, message));
    }
    if min >= max {
        let message = format!(
            "column `{}`: all scores of the training split are {min}; expected at least two different ones",
            task.label
        );
        return Err(Error::malformed(data, message));
    }
    Ok(Target::Regression { min, max })
}

/// Calls `use_label` with the label of every training record, as text. Where classes are wanted and the files themselves name them
/// beside numbers, gives those names instead.
fn each_label(
    task: &TaskSpec,
    data: &Path,
    mut use_label: impl FnMut(&str) -> Result<(), String>,
) -> Result<Option<Vec<String>>> {
    let columns = TaskColumns::new(task, Labels::Required);
    let mut any = false;
    for path in locate::require(task, data, Split::Train)? {
        let records = records::open(&path, &columns)?;
        if let Some(names) = records.classes().filter(|_| !task.target.is_regression()) {
            return Ok(Some(names.to_vec()));
        }
        for record in records {
            let Record::Row(row) = record? else { continue };
            let label = row.label.as_ref().and_then(labels::written).unwrap_or_default();
            let checked = if label.is_empty() {
                Err(format!(
                    "column `{}` is empty; name the classes yourself (--labels) if that means no label",
                    task.label
                ))
            } else {
                use_label(&label)
            };
            checked.map_err(|message| Error::record(&path.clone().into(), row.line, message))?;
            any = true;
        }
    }
    if any { Ok(None) } else { Err(Error::malformed(data, "no training examples to read the labels from")) }
}

#[cfg(test)]
mod tests;
