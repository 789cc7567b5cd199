//! What somebody says of examples, in a table: logits or probabilities of each, found again by a digest of its texts.
//!
//! `bitspike logits` writes such a table of a teacher, `bitspike distil --soft-labels` learns from one, whoever made it: another framework,
//! a model far larger than any that is read here, the mean of several.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bitspike::atomic_file;
use bitspike_analysis::digest::hexadecimal;
use bitspike_data::table::{Cell, Column, Columns, Form, Kind, ReadOptions, Row, Source, Table, TableWriter};
use bitspike_data::{Dataset, Encoded, Example, Predictions, TaskSpec};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The column of the digests.
pub const DIGEST: &str = "digest";

/// What the name of a column of logits begins with, before the name of its class.
pub const LOGIT: &str = "logit_";

/// The same of probabilities.
pub const PROBABILITY: &str = "probability_";

/// The column of a task of scores.
pub const SCORE: &str = "score";

/// The least probability that is told from 0.
const LEAST: f32 = 1e-30;

/// SHA-256 of an example's texts in hexadecimal digits: of the UTF-8 of the text or, of a pair, of the first text, a zero byte and the
/// second. In Python `hashlib.sha256("\0".join(texts).encode()).hexdigest()`.
///
/// ```
/// use bitspike_train::soft::text_digest;
/// assert_eq!(&text_digest("a fine film", None)[..8], "bac6d0ff");
/// assert_ne!(text_digest("a", Some("b")), text_digest("ab", None));
/// ```
pub fn text_digest(first: &str, second: Option<&str>) -> String {
    let mut hash = Sha256::new_with_prefix(first);
    if let Some(second) = second {
        hash.update([0]);
        hash.update(second);
    }
    hexadecimal(&hash.finalize())
}

fn digest_of(example: &Example) -> String {
    text_digest(&example.first, example.second.as_deref())
}

/// Writes what `predictions` say of the examples of `dataset`: a row each of its digest and a logit for each class, or its score. The form
/// is that of the name: CSV, TSV, JSON Lines or Parquet.
///
/// # Errors
/// If the name says no form of a table, or the file cannot be written: an earlier one is then untouched.
pub fn write(path: &Path, task: &TaskSpec, dataset: &Dataset, predictions: &Predictions) -> Result<()> {
    let form = form_of(path)?;
    let names = if task.target.is_regression() {
        vec![SCORE.to_owned()]
    } else {
        task.labels().iter().map(|label| format!("{LOGIT}{label}")).collect()
    };
    let columns =
        std::iter::once(Column::text(DIGEST)).chain(names.into_iter().map(|name| Column::new(name, Kind::Single)));
    let mut bytes = Vec::new();
    let mut table = TableWriter::create(&mut bytes, form, columns.collect())?;
    for (example, logits) in dataset.examples.iter().zip(&predictions.logits) {
        let digest = Cell::Text(digest_of(example));
        table.write(std::iter::once(digest).chain(logits.iter().map(|&logit| Cell::Single(logit))).collect())?;
    }
    table.finish()?;
    Ok(atomic_file::write(path, |file| file.write_all(&bytes))?)
}

fn form_of(path: &Path) -> Result<Form> {
    Form::of(path).filter(|form| *form != Form::Text).ok_or_else(|| {
        Error::Mismatch(format!("{}: expected a name that ends in .csv, .tsv, .jsonl or .parquet", path.display()))
    })
}

/// A table of soft labels, read.
#[derive(Debug)]
pub struct SoftLabels {
    path: PathBuf,
    /// Logits of the classes of a task, or its score, by digest.
    rows: HashMap<String, Arc<[f32]>>,
}

impl SoftLabels {
    /// Reads the table at `path` for `task`: the column `digest`, and for each class of the task `logit_CLASS` or, where those are not,
    /// `probability_CLASS`; for a task of scores `score`. Other columns are not read.
    ///
    /// # Errors
    /// If it is no table, a column is missing, a value is no finite number, probabilities are none, or a text has two rows that differ.
    pub fn read(path: &Path, task: &TaskSpec) -> Result<Self> {
        let mut table = Table::open(Source::File(path.into()), form_of(path)?, &ReadOptions::strict())?;
        let (mut rows, mut row, mut places) = (HashMap::new(), Row::default(), None::<(Columns, Places)>);
        while let Some(read) = table.read(&mut row) {
            read?;
            let known = places.as_ref().is_some_and(|(columns, _)| Arc::ptr_eq(columns, &row.columns));
            if !known {
                let found = Places::of(&row.columns, task).map_err(|message| malformed(path, &message))?;
                places = Some((row.columns.clone(), found));
            }
            let (_, places) = places.as_ref().expect("found above");
            let at = |message: String| malformed(path, &format!("record {}: {message}", row.line));
            let (digest, logits) = places.take(&row).map_err(at)?;
            match rows.insert(digest, logits.clone()) {
                Some(earlier) if earlier != logits => {
                    return Err(at("an earlier record has the same digest and says something else".into()));
                }
                _ => {}
            }
        }
        match rows.is_empty() {
            true => Err(malformed(path, "no records")),
            false => Ok(Self { path: path.into(), rows }),
        }
    }

    /// Gives the examples of `dataset`, encoded in `examples`, what is said of them.
    ///
    /// # Errors
    /// If nothing is said of one.
    pub fn attach(&self, dataset: &Dataset, examples: &mut [Encoded]) -> Result<()> {
        let mut missing = Vec::new();
        for (example, encoded) in dataset.examples.iter().zip(examples) {
            encoded.answer = self.rows.get(&digest_of(example)).cloned();
            if encoded.answer.is_none() {
                missing.push(&example.id);
            }
        }
        match missing.first() {
            None => Ok(()),
            Some(id) => Err(malformed(
                &self.path,
                &format!(
                    "says nothing of {} of {} training examples, the first of them {id}; write it anew with `bitspike logits`, of the \
                     data as it is now",
                    missing.len(),
                    dataset.examples.len()
                ),
            )),
        }
    }

    /// Refuses rows of texts that are in none of the data sets.
    ///
    /// # Errors
    /// If there are some.
    pub fn check_foreign(&self, datasets: &[&Dataset]) -> Result<()> {
        let known: std::collections::HashSet<String> =
            datasets.iter().flat_map(|dataset| dataset.examples.iter().map(digest_of)).collect();
        let foreign = self.rows.keys().filter(|digest| !known.contains(*digest)).min();
        let count = self.rows.keys().filter(|digest| !known.contains(*digest)).count();
        match foreign {
            None => Ok(()),
            Some(digest) => Err(malformed(
                &self.path,
                &format!(
                    "{count} of its records are of texts that are not in the data, one of them with the digest {digest}"
                ),
            )),
        }
    }
}

fn malformed(path: &Path, message: &str) -> Error {
    Error::Mismatch(format!("{}: {message}", path.display()))
}

/// Where the columns are.
struct Places {
    digest: usize,
    values: Vec<usize>,
    are: Values,
}

#[derive(Clone, Copy, PartialEq)]
enum Values {
    Logits,
    Probabilities,
    Score,
}

impl Places {
    fn of(columns: &Columns, task: &TaskSpec) -> Result<Self, String> {
        let place = |name: &str| columns.iter().position(|column| column.name == name);
        let missing = |what: &str| {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            format!("expected {what}, found the columns {}", names.join(", "))
        };
        let digest = place(DIGEST).ok_or_else(|| missing("a column `digest`"))?;
        if task.target.is_regression() {
            let score = place(SCORE).ok_or_else(|| missing("a column `score`"))?;
            return Ok(Self { digest, values: vec![score], are: Values::Score });
        }
        let all = |prefix: &str| task.labels().iter().map(|label| place(&format!("{prefix}{label}"))).collect();
        let named = |values: Option<Vec<usize>>, are| values.map(|values| Self { digest, values, are });
        named(all(LOGIT), Values::Logits).or_else(|| named(all(PROBABILITY), Values::Probabilities)).ok_or_else(|| {
            let names: Vec<String> = task.labels().iter().map(|label| format!("`{LOGIT}{label}`")).collect();
            missing(&format!("{} (or `{PROBABILITY}..`) of task {}", names.join(", "), task.name))
        })
    }

    fn take(&self, row: &Row) -> Result<(String, Arc<[f32]>), String> {
        let digest = row.cells[self.digest].text().trim().to_ascii_lowercase();
        if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("`{DIGEST}`: expected 64 hexadecimal digits (SHA-256 of the texts), found {digest:?}"));
        }
        let value = |&place: &usize| {
            let text = row.cells[place].text();
            let value = text.trim().parse::<f32>().ok().filter(|value| value.is_finite());
            value.ok_or_else(|| format!("`{}`: expected a finite number, found {text:?}", row.columns[place].name))
        };
        let mut values = self.values.iter().map(value).collect::<Result<Vec<f32>, _>>()?;
        if self.are == Values::Probabilities {
            let sum: f32 = values.iter().sum();
            if values.iter().any(|&p| p < 0.0) || (sum - 1.0).abs() > 0.01 {
                return Err(format!("expected probabilities, which add up to 1, found {values:?}"));
            }
            values.iter_mut().for_each(|p| *p = p.max(LEAST).ln());
        }
        Ok((digest, values.into()))
    }
}
