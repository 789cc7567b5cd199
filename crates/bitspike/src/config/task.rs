//! What a model was trained for.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::order::order;

/// What a model predicts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// One of several classes; the class index is the position in `labels`.
    Classification {
        /// Name of each class.
        labels: Vec<String>,
    },
    /// A number.
    Regression {
        /// Lowest score.
        min: f32,
        /// Highest score.
        max: f32,
    },
    /// A vector, as wide as the model, that is near those of texts that mean the same.
    Embedding {
        /// Whether vectors are brought to length 1.
        normalize: bool,
        /// How many of its first values are a vector too, for which the model was trained: falling numbers below its width.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        prefixes: Vec<usize>,
    },
}

/// How the vector of a text is made of those of its tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Their mean, the marks around the text included.
    #[default]
    Mean,
    /// That of the first token.
    Cls,
    /// The largest value in each place.
    Max,
}

/// A task: one or two texts in, a class, a score or a vector out.
///
/// How it is read from data sets and scored is carried along as names; the crate `bitspike-data` knows what they mean.
///
/// ```
/// let task: bitspike::Task = serde_json::from_str(
///     r#"{"name": "mood", "first": "text", "label": "mood", "metrics": ["accuracy"],
///         "target": {"classification": {"labels": ["sad", "happy"]}}}"#,
/// )?;
/// task.validate()?;
/// assert_eq!((task.labels()[1].as_str(), task.num_outputs(), task.is_pair()), ("happy", 2, false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Short name: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Name of the benchmark's task whose files have quirks of their own; none for a user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glue: Option<String>,
    /// Column of the first text.
    pub first: String,
    /// Column of the second text, for tasks on pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
    /// Column of the label or score.
    pub label: String,
    /// What the label means.
    pub target: Target,
    /// How answers are scored; the first metric chooses the best checkpoint.
    pub metrics: Vec<String>,
    /// Whether labels or range were read off the training split rather than stated.
    #[serde(default)]
    pub discovered: bool,
}

/// More classes than this are taken for a mistake: a score or an identifier named as the label column.
pub const MAX_CLASSES: usize = 1000;

impl Target {
    /// Names of the classes by index; empty for scores and vectors.
    pub fn labels(&self) -> &[String] {
        match self {
            Self::Classification { labels } => labels,
            Self::Regression { .. } | Self::Embedding { .. } => &[],
        }
    }

    /// Outputs of a model's classifier: one logit a class, or one score; 0 for vectors, which need none.
    pub fn num_outputs(&self) -> usize {
        match self {
            Self::Classification { labels } => labels.len(),
            Self::Regression { .. } => 1,
            Self::Embedding { .. } => 0,
        }
    }

    /// Whether it is a vector.
    pub fn is_embedding(&self) -> bool {
        matches!(self, Self::Embedding { .. })
    }

    /// Whether it is a vector of length 1.
    pub fn normalizes(&self) -> bool {
        matches!(self, Self::Embedding { normalize: true, .. })
    }

    /// How many of a vector's first values are a vector too; none where the target is no vector, or the whole alone was trained.
    pub fn prefixes(&self) -> &[usize] {
        if let Self::Embedding { prefixes, .. } = self { prefixes } else { &[] }
    }

    /// What a model does for it, as clients are told: `classification`, `regression` or `embedding`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Classification { .. } => "classification",
            Self::Regression { .. } => "regression",
            Self::Embedding { .. } => "embedding",
        }
    }

    /// Whether a score is predicted.
    pub fn is_regression(&self) -> bool {
        matches!(self, Self::Regression { .. })
    }

    /// Refuses classes or a range that no model can have; `task` is named.
    ///
    /// # Errors
    /// [`Error::Invalid`] on fewer than two, too many, empty or repeated labels, on one with control characters, or an empty range.
    pub fn validate(&self, task: &str) -> Result<()> {
        let fail =
            |what: &str, expected: &str, found| Err(Error::invalid(format!("{what} of task {task}"), expected, found));
        match self {
            Self::Classification { labels } => {
                printable(&format!("labels of task {task}"), labels.iter().map(String::as_str))?;
                if !(2..=MAX_CLASSES).contains(&labels.len()) {
                    let found = format!("{} ({})", labels.len(), preview(labels));
                    return fail("labels", &format!("from 2 to {MAX_CLASSES} classes"), found);
                }
                let order = order(labels.len(), &|a, b| labels[a].cmp(&labels[b]));
                if labels[order[0]].is_empty() || order.windows(2).any(|pair| labels[pair[0]] == labels[pair[1]]) {
                    return fail("labels", "different, non-empty names", preview(labels));
                }
            }
            Self::Regression { min, max } => {
                if !(min.is_finite() && max.is_finite() && min < max) {
                    return fail("range", "finite `min` below finite `max`", format!("{min} to {max}"));
                }
            }
            Self::Embedding { prefixes, .. } => {
                if prefixes.contains(&0) || !prefixes.is_sorted_by(|a, b| a > b) {
                    return fail("prefixes", "falling numbers above 0", format!("{prefixes:?}"));
                }
            }
        }
        Ok(())
    }
}

impl Task {
    /// A task of one text, in column `text`, to one of `labels`, in column `label`, scored by accuracy.
    pub fn classification<L: Into<String>>(name: &str, text: &str, labels: impl IntoIterator<Item = L>) -> Self {
        Self {
            name: name.into(),
            glue: None,
            first: text.into(),
            second: None,
            label: "label".into(),
            target: Target::Classification { labels: labels.into_iter().map(Into::into).collect() },
            metrics: vec!["accuracy".into()],
            discovered: false,
        }
    }

    /// Names of the classes by index; empty for scores and vectors.
    pub fn labels(&self) -> &[String] {
        self.target.labels()
    }

    /// Outputs of a model's classifier: one logit a class, or one score; 0 for vectors.
    pub fn num_outputs(&self) -> usize {
        self.target.num_outputs()
    }

    /// Whether it takes two texts.
    pub fn is_pair(&self) -> bool {
        self.second.is_some()
    }

    /// Refuses a task that no model can have.
    ///
    /// # Errors
    /// On a bad name, equal columns, fewer than two or repeated labels, an empty range, no metric, or a name that holds control
    /// characters; the message names the setting.
    pub fn validate(&self) -> Result<()> {
        check_names(&self.name, &self.first, self.second.as_deref(), &self.label)?;
        self.target.validate(&self.name)?;
        if self.metrics.is_empty() {
            return Err(Error::invalid(format!("metrics of task {}", self.name), "at least one metric", "none"));
        }
        printable(&format!("metrics of task {}", self.name), self.metrics.iter().map(String::as_str))?;
        printable(&format!("`glue` of task {}", self.name), self.glue.as_deref())?;
        Ok(())
    }
}

/// Refuses the name of a task, or names of its columns, that cannot be.
///
/// # Errors
/// [`Error::Invalid`] on a name of other characters than letters, digits, `-`, `_`, `.`, and on columns that are empty, equal, or
/// hold control characters.
pub fn check_names(task: &str, first: &str, second: Option<&str>, label: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if task.is_empty() || task.starts_with('.') || !task.chars().all(allowed) {
        return Err(Error::invalid("task name", "letters, digits, `-`, `_`, `.`", format!("`{task}`")));
    }
    let mut columns = vec![first, label];
    columns.extend(second);
    for (i, column) in columns.iter().enumerate() {
        if column.trim().is_empty() || columns[..i].contains(column) {
            let expected = "a different, non-empty name for each text and the label";
            return Err(Error::invalid(format!("columns of task {task}"), expected, format!("{columns:?}")));
        }
    }
    printable(&format!("columns of task {task}"), columns)
}

/// Refuses names that no terminal should be shown, whoever wrote them ([`steers`]).
fn printable<'a>(what: &str, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
    match names.into_iter().find(|name| name.contains(steers)) {
        Some(name) => {
            let expected = "names without control characters, which would steer a terminal";
            Err(Error::invalid(what, expected, format!("`{}`", preview(&[name.to_owned()]))))
        }
        None => Ok(()),
    }
}

/// Whether a character steers whatever shows it: a control character, or one that turns the direction of the text around it.
pub fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// At most ten of `labels`, for a message; what [`steers`] is escaped.
pub fn preview(labels: &[String]) -> String {
    let escape = |label: &String| -> String {
        let escaped = |c: char| if steers(c) { c.escape_default().to_string() } else { c.to_string() };
        label.chars().map(escaped).collect()
    };
    let shown: Vec<String> = labels.iter().take(10).map(escape).collect();
    format!("{}{}", shown.join(", "), if labels.len() > shown.len() { ", ..." } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_steer_a_terminal_are_refused() {
        for bad in ["good\u{1b}[2J", "a\nb", "\u{7f}", "\u{9b}31m", "\u{202e}doog"] {
            let target = Target::Classification { labels: vec!["bad".into(), bad.into()] };
            let error = target.validate("mood").unwrap_err().to_string();
            assert!(error.contains("without control characters") && !error.contains(steers), "{error:?}");
        }
        let fine = ["very good, indeed", "\u{5e2}\u{200f}", "\u{645}\u{200c}"].map(String::from).to_vec();
        Target::Classification { labels: fine }.validate("mood").unwrap();
    }
}
