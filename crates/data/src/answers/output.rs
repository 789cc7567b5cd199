//! Answers beside their records, in every form.

use std::io::Write;
use std::ops::ControlFlow;

use bitspike::Target;
use serde::{Serialize, Serializer};

use super::header::{Header, Record};
use super::model::Said;
use super::people::People;
use super::sink::Sink as Receiver;
use crate::error::{Error, Place, Result};
use crate::table::{Cell, Column, Form, Kind, TableWriter};

/// Names of an answer's columns in a table: `label`, and `probability_` with the name of each class, or `score` where there are no
/// `labels`; made free ([`free_name`]) of names that the table has already.
pub fn answer_names(labels: &[String], is_taken: impl Fn(&str) -> bool) -> Vec<String> {
    if labels.is_empty() {
        return vec![free_name("score", is_taken)];
    }
    let probabilities = labels.iter().map(|label| format!("probability_{label}"));
    std::iter::once("label".to_owned()).chain(probabilities).map(|name| free_name(&name, &is_taken)).collect()
}

/// `name`, preceded by `predicted_` for as long as it is taken.
pub fn free_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut name = name.to_owned();
    while is_taken(&name) {
        name.insert_str(0, "predicted_");
    }
    name
}

/// The columns of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct AnswerColumns {
    /// The label, and one probability a class by its name; or the score alone.
    names: Vec<String>,
    /// Names of the classes; none for a score.
    labels: Vec<String>,
    /// Keys of the answer in JSON: the label and the object of the probabilities, or the score.
    keys: Vec<String>,
}

impl AnswerColumns {
    /// Those beside an input's columns. A name that the input has already is preceded by `predicted_`.
    fn of(target: &Target, columns: &[Column]) -> Self {
        let is_taken = |name: &str| columns.iter().any(|column| column.name == name);
        let Target::Classification { labels } = target else {
            let names = answer_names(&[], is_taken);
            return Self { keys: names.clone(), names, labels: Vec::new() };
        };
        let names = answer_names(labels, is_taken);
        let keys = vec![names[0].clone(), free_name("probabilities", is_taken)];
        Self { names, labels: labels.clone(), keys }
    }

    /// The columns in a table of that form.
    fn columns(&self, form: Form) -> Vec<Column> {
        let (label, numbers) = self.names.split_at(self.labels.len().min(1));
        match form {
            Form::Jsonl if !self.labels.is_empty() => self.keys.iter().map(Column::text).collect(),
            _ => {
                let numbers = numbers.iter().map(|name| Column::new(name, Kind::Single));
                label.iter().map(Column::text).chain(numbers).collect()
            }
        }
    }

    /// An answer's cells in a table of that form; all missing where there is no answer.
    fn cells(&self, said: Option<&Said>, form: Form) -> Result<Vec<Cell>> {
        let Some(said) = said else { return Ok(vec![Cell::Missing; self.columns(form).len()]) };
        let label = said.class.and_then(|class| self.labels.get(class));
        let numbers = || said.values.iter().copied().map(Cell::Single);
        Ok(match label {
            Some(label) if form == Form::Jsonl => {
                let probabilities = Probabilities { labels: &self.labels, values: &said.values };
                let object = serde_json::to_string(&probabilities).map_err(Error::write)?;
                vec![label.as_str().into(), Cell::Json(object)]
            }
            label => label.map(|label| label.as_str().into()).into_iter().chain(numbers()).collect(),
        })
    }
}

/// An object of probabilities by label, in the order of the classes.
struct Probabilities<'a> {
    labels: &'a [String],
    values: &'a [f32],
}

impl Serialize for Probabilities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.labels.iter().zip(self.values))
    }
}

/// Writes answers in one of the forms.
pub(super) struct AnswerWriter<'a> {
    header: Header,
    answers: AnswerColumns,
    form: Form,
    sink: Sink<'a>,
    /// Records of JSON Lines with keys that the first one lacks, which were left out.
    left_out: usize,
}

enum Sink<'a> {
    People(People<'a>),
    Table(TableWriter<&'a mut (dyn Write + Send)>),
}

impl<'a> AnswerWriter<'a> {
    /// A writer of `form`; it begins with a header where the form has one.
    pub(super) fn new(form: Form, header: &Header, target: &Target, out: &'a mut (dyn Write + Send)) -> Result<Self> {
        let answers = AnswerColumns::of(target, &header.columns);
        let sink = match form {
            Form::Text => Sink::People(People::new(&answers.labels, out)),
            form => {
                let columns = header.columns.iter().cloned().chain(answers.columns(form)).collect();
                Sink::Table(TableWriter::create(out, form, columns)?)
            }
        };
        Ok(Self { header: header.clone(), answers, form, sink, left_out: 0 })
    }
}

impl Receiver for AnswerWriter<'_> {
    /// Writes answers beside their records, and lets them go out at once, as far as the form allows it.
    fn write(&mut self, place: &Place, records: Vec<Record>, said: Vec<Option<Said>>) -> Result<ControlFlow<()>> {
        for (record, said) in records.into_iter().zip(said) {
            if self.form == Form::Jsonl {
                if let Some(key) = record.extra.iter().find(|key| self.answers.keys.contains(key)) {
                    let message = format!("the key `{key}` is that of the answer, since the first line lacks it");
                    return Err(Error::record(place, record.row.line, message));
                }
            } else if !record.extra.is_empty() {
                self.left_out += 1;
            }
            match &mut self.sink {
                Sink::People(people) => people.write(self.header.text(&record), said.as_ref()),
                Sink::Table(table) => table.write_beside(record.row, self.answers.cells(said.as_ref(), self.form)?)?,
            }
        }
        match &mut self.sink {
            Sink::People(people) => people.flush(),
            Sink::Table(table) => table.flush(),
        }
        .map(ControlFlow::Continue)
    }

    fn finish(self) -> Result<(usize, usize)> {
        match self.sink {
            Sink::People(mut people) => people.flush().map(|()| (0, self.left_out)),
            Sink::Table(table) => table.finish().map(|spaced| (spaced, self.left_out)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_the_input_has_is_preceded() {
        let input = ["text", "label", "predicted_label"].map(Column::text);
        let labels = vec!["bad".to_owned(), "good".to_owned()];
        let columns = AnswerColumns::of(&Target::Classification { labels }, &input);
        assert_eq!(columns.names, ["predicted_predicted_label", "probability_bad", "probability_good"]);
        assert_eq!(columns.keys, ["predicted_predicted_label", "probabilities"]);
        let score = AnswerColumns::of(&Target::Regression { min: 0.0, max: 5.0 }, &input);
        assert_eq!(score.names, ["score"]);
    }
}
