//! Records cut down to the columns a task needs, whatever format they come from.

use std::path::Path;

use super::builtin::GlueTask;
use super::split::Split;
use super::task::TaskSpec;
use super::{delimited, json_lines, parquet_file, tsv};
use bitspike::{Error, Result};

/// One value of one column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Integer(i64),
    Number(f64),
    /// JSON `null` or a Parquet null; text formats have none.
    Missing,
}

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// 1-based line, or record number in Parquet.
    pub(super) line: usize,
    pub(super) first: Cell,
    pub(super) second: Option<Cell>,
    pub(super) label: Option<Cell>,
    pub(super) id: Option<Cell>,
}

/// What a source yields.
#[derive(Debug, PartialEq)]
pub(super) enum Record {
    Row(Row),
    /// A record left out by a documented tolerance.
    Skipped,
}

/// Records of one file in order. A source goes on after an error about one record and ends after one about the file.
pub(super) type Records = Box<dyn Iterator<Item = Result<Record>>>;

/// File name extensions that can be read.
pub(super) const EXTENSIONS: [&str; 6] = ["tsv", "csv", "jsonl", "ndjson", "parquet", "txt"];

/// Names a task's columns may have in a file. Where several are given the first one present counts.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    first: Vec<String>,
    second: Option<Vec<String>>,
    label: Vec<String>,
    id: Vec<String>,
    /// Whether a file without a label column is refused.
    label_required: bool,
    /// CoLA's train and dev files have no header but these columns: source, label, the author's mark, sentence.
    may_lack_header: bool,
    /// QQP's train file holds a few lines with too few columns, which its published baselines skip; so does this reader, and
    /// counts them.
    pub(super) skip_broken: bool,
}

/// Where a task's columns are in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Positions {
    pub(super) first: usize,
    pub(super) second: Option<usize>,
    pub(super) label: Option<usize>,
    pub(super) id: Option<usize>,
}

impl Columns {
    pub(super) fn new(task: &TaskSpec, split: Split) -> Self {
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
            label_required: split.must_be_labelled(),
            may_lack_header: task.glue == Some(GlueTask::Cola),
            skip_broken: task.glue == Some(GlueTask::Qqp),
        }
    }

    /// Where the columns are among `names`, or which one is missing or ambiguous.
    pub(super) fn positions(&self, names: &[&str]) -> Result<Positions, String> {
        let find = |wanted: &[String], required: bool| {
            for name in wanted {
                let mut places = names.iter().enumerate().filter(|(_, found)| found.trim() == name).map(|(i, _)| i);
                match (places.next(), places.next()) {
                    (Some(place), None) => return Ok(Some(place)),
                    (Some(_), Some(_)) => return Err(format!("the column `{name}` occurs twice; keep one of them")),
                    (None, _) => {}
                }
            }
            if required {
                let found: Vec<String> = names.iter().take(20).map(|name| shorten(name)).collect();
                return Err(format!("no column {}; found {}", either(wanted), found.join(", ")));
            }
            Ok(None)
        };
        Ok(Positions {
            first: find(&self.first, true)?.unwrap_or_default(),
            second: self.second.as_deref().map_or(Ok(None), |second| find(second, true))?,
            label: find(&self.label, self.label_required)?,
            id: find(&self.id, false)?,
        })
    }

    /// The header a file should have, for a message.
    pub(super) fn expected(&self) -> String {
        let required = [Some(&self.first), self.second.as_ref(), self.label_required.then_some(&self.label)];
        required.into_iter().flatten().map(|names| either(names)).collect::<Vec<_>>().join(", ")
    }

    /// Whether `names` are the first line of a CoLA file without header.
    pub(super) fn headerless(&self, names: &[&str]) -> Option<Positions> {
        let headed = self.first.iter().any(|name| names.contains(&name.as_str()));
        let positions = Positions { first: 3, second: None, label: Some(1), id: None };
        (self.may_lack_header && !headed && names.len() == 4).then_some(positions)
    }
}

impl Positions {
    /// The record at `line` whose column `i` holds `cell(i)`.
    pub(super) fn row(&self, line: usize, mut cell: impl FnMut(usize) -> Cell) -> Row {
        Row {
            line,
            first: cell(self.first),
            second: self.second.map(&mut cell),
            label: self.label.map(&mut cell),
            id: self.id.map(&mut cell),
        }
    }
}

/// Opens `path` as its extension says.
pub(super) fn open(path: &Path, columns: &Columns) -> Result<Records> {
    match extension(path).as_deref() {
        Some("tsv" | "txt") => tsv::open(path, columns),
        Some("csv") => delimited::open(path, columns),
        Some("jsonl" | "ndjson") => json_lines::open(path, columns),
        Some("parquet") => parquet_file::open(path, columns),
        _ => {
            let message =
                format!("cannot tell the format; expected a name ending in one of .{}", EXTENSIONS.join(", ."));
            Err(Error::malformed(path, message))
        }
    }
}

/// The extension of `path` in lower case.
pub(super) fn extension(path: &Path) -> Option<String> {
    path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase)
}

fn either(names: &[String]) -> String {
    let mut names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.dedup();
    names.join(" or ")
}

/// `text` in quotes for a message, at most 40 characters of it.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("`{}...`", &text[..end]),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(task: &str, split: Split) -> Columns {
        Columns::new(&TaskSpec::glue(task).unwrap(), split)
    }

    #[test]
    fn both_layouts_are_recognised() {
        let official = ["index", "promptID", "sentence1", "sentence2", "label1", "gold_label"];
        let hub = ["premise", "hypothesis", "label", "idx"];
        let expected = Positions { first: 2, second: Some(3), label: Some(5), id: Some(0) };
        assert_eq!(columns("mnli", Split::Train).positions(&official).unwrap(), expected);
        let expected = Positions { first: 0, second: Some(1), label: Some(2), id: Some(3) };
        assert_eq!(columns("mnli", Split::Train).positions(&hub).unwrap(), expected);
    }

    #[test]
    fn a_label_column_is_needed_only_where_labels_are() {
        let names = ["index", "sentence"];
        assert_eq!(columns("sst2", Split::Test).positions(&names).unwrap().label, None);
        let message = columns("sst2", Split::Dev).positions(&names).unwrap_err();
        assert_eq!(message, "no column `label`; found `index`, `sentence`");
        let message = columns("qqp", Split::Dev).positions(&["question1", "question2"]).unwrap_err();
        assert!(message.contains("`label` or `is_duplicate`"), "{message}");
    }

    #[test]
    fn a_repeated_column_is_ambiguous() {
        let message = columns("sst2", Split::Dev).positions(&["sentence", "label", "sentence"]).unwrap_err();
        assert!(message.contains("`sentence` occurs twice"), "{message}");
    }

    #[test]
    fn an_unknown_extension_lists_the_known_ones() {
        let message = open(Path::new("train.xlsx"), &columns("rte", Split::Train)).err().unwrap().to_string();
        assert!(message.contains("train.xlsx") && message.contains(".parquet"), "{message}");
    }
}
