//! The columns that a task needs of a table: the names they may have there, and where they are.

use super::builtin::GlueTask;
use super::labels::Labels;
use super::table::Column;
use super::task::TaskSpec;
use crate::error::shorten;

/// Names a task's columns may have in a file. Where several are given the first one present counts.
#[derive(Debug, Clone)]
pub(super) struct TaskColumns {
    first: Vec<String>,
    second: Option<Vec<String>>,
    label: Vec<String>,
    id: Vec<String>,
    /// Whether a file without a label column is refused.
    label_required: bool,
    /// The task's classes, as far as they are known.
    classes: Vec<String>,
    is_regression: bool,
    /// Whether fields of TSV in quotes are text as they stand, as in GLUE's files.
    pub(super) quotes_are_text: bool,
    /// CoLA's train and dev files have no header but these columns: source, label, the author's mark, sentence.
    may_lack_header: bool,
    /// QQP's train file holds a few lines with too few columns, which its published baselines skip; so does this reader, and
    /// counts them.
    pub(super) skip_short: bool,
}

/// Where a task's columns are in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Positions {
    pub(super) first: usize,
    pub(super) second: Option<usize>,
    pub(super) label: Option<usize>,
    pub(super) id: Option<usize>,
}

/// What is made of two columns of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twins {
    /// Neither is meant.
    Refused,
    /// The last one counts, as for the keys of a JSON object.
    LastCounts,
}

impl TaskColumns {
    pub(super) fn new(task: &TaskSpec, labels: Labels) -> Self {
        let mut first = vec![task.first.clone()];
        let mut second = task.second.clone().map(|name| vec![name]);
        let mut label = vec![task.label.clone()];
        if let Some(glue) = task.glue {
            let official = glue.official_columns();
            first.push(official[0].to_owned());
            if let Some(second) = &mut second {
                second.push(official[1].to_owned());
            }
            label.push(official[2].to_owned());
        }
        let taken = |name: &String| {
            first.contains(name) || label.contains(name) || second.as_ref().is_some_and(|s| s.contains(name))
        };
        let id = ["idx", "index", "id"].map(str::to_owned).into_iter().filter(|name| !taken(name)).collect();
        Self {
            first,
            second,
            label,
            id,
            label_required: labels == Labels::Required,
            classes: task.labels().to_vec(),
            is_regression: task.target.is_regression(),
            quotes_are_text: task.glue.is_some(),
            may_lack_header: task.glue == Some(GlueTask::Cola),
            skip_short: task.glue == Some(GlueTask::Qqp),
        }
    }

    /// Where the columns are among `columns`, or which one is missing or ambiguous.
    pub(super) fn positions(&self, columns: &[Column], twins: Twins) -> Result<Positions, String> {
        let one = |wanted: &[String], required: bool| {
            let place = find(columns, wanted, twins)?;
            if place.is_none() && required {
                let found: Vec<String> = columns.iter().take(20).map(|column| shorten(&column.name)).collect();
                return Err(format!("no column {}; found {}", either(wanted), found.join(", ")));
            }
            Ok(place)
        };
        Ok(Positions {
            first: one(&self.first, true)?.unwrap_or_default(),
            second: self.second.as_deref().map_or(Ok(None), |second| one(second, true))?,
            label: one(&self.label, self.label_required)?,
            // Of two, neither is meant; the examples are numbered then.
            id: one(&self.id, false).ok().flatten(),
        })
    }

    /// Every name that one of the columns may have.
    pub(super) fn names(&self) -> Vec<String> {
        let parts = [Some(&self.first), self.second.as_ref(), Some(&self.label), Some(&self.id)];
        parts.into_iter().flatten().flatten().cloned().collect()
    }

    /// Whether whole numbers of a file that names its classes so are meant by those names. They are unless none of them is a class
    /// of the task, which has the same classes under other names then.
    pub(super) fn means_names(&self, names: &[String]) -> bool {
        let known = |name: &String| self.classes.iter().any(|class| class == name.trim());
        !self.is_regression && (self.classes.is_empty() || names.iter().any(known))
    }

    /// The first name of the label column, for a message.
    pub(super) fn label(&self) -> &str {
        self.label.first().map_or("", String::as_str)
    }

    /// The classes, for a note.
    pub(super) fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The header a file should have, for a message.
    pub(super) fn expected(&self) -> String {
        let required = [Some(&self.first), self.second.as_ref(), self.label_required.then_some(&self.label)];
        required.into_iter().flatten().map(|names| either(names)).collect::<Vec<_>>().join(", ")
    }

    /// The positions in a CoLA file without header, if `columns` are the first line of one.
    pub(super) fn headerless(&self, columns: &[Column]) -> Option<Positions> {
        let headed = columns.iter().any(|column| self.first.contains(&column.name));
        let positions = Positions { first: 3, second: None, label: Some(1), id: None };
        (self.may_lack_header && !headed && columns.len() == 4).then_some(positions)
    }
}

impl Positions {
    /// The places that are used.
    pub(super) fn used(&self) -> impl Iterator<Item = usize> {
        [Some(self.first), self.second, self.label, self.id].into_iter().flatten()
    }

    /// The same columns in a record that has those of [`Positions::used`] alone.
    pub(super) fn packed(&self) -> Self {
        let mut next = 0..;
        let mut place = || next.next().unwrap_or_default();
        Self {
            first: place(),
            second: self.second.map(|_| place()),
            label: self.label.map(|_| place()),
            id: self.id.map(|_| place()),
        }
    }
}

/// The place among `columns` of the first of `names` that is there. White space around a column's name does not count, unless
/// another column has the very name.
///
/// # Errors
/// A message, if two columns have the name and that is refused.
pub(super) fn find(columns: &[Column], names: &[String], twins: Twins) -> Result<Option<usize>, String> {
    for name in names {
        let exact = (0..columns.len()).filter(|&i| columns[i].name == *name);
        let trimmed = (0..columns.len()).filter(|&i| columns[i].name != *name && columns[i].name.trim() == name.trim());
        let mut places = exact.collect::<Vec<_>>();
        if places.is_empty() {
            places.extend(trimmed);
        }
        match (places.as_slice(), twins) {
            ([], _) => {}
            ([place], _) => return Ok(Some(*place)),
            ([.., last], Twins::LastCounts) => return Ok(Some(*last)),
            (_, Twins::Refused) => return Err(format!("the column `{name}` occurs twice; keep one of them")),
        }
    }
    Ok(None)
}

fn either(names: &[String]) -> String {
    let mut names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.dedup();
    names.join(" or ")
}

#[cfg(test)]
mod tests;
