//! Writers of every form: the columns of the input, then the answer.

mod parquet;
mod rows;

use std::io::Write;

use anyhow::{Result, bail};
use bitspike::model::{Answer, Model};
use bitspike_data::Target;

use super::Form;
use super::record::{Header, Record};
use parquet::ParquetWriter;
use rows::Rows;

/// The columns of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AnswerColumns {
    /// The label, and one probability a class by its name; or the score alone.
    names: Vec<String>,
    /// Names of the classes; none for a score.
    labels: Vec<String>,
    /// Keys of the answer in JSON: the label and the object of the probabilities, or the score.
    keys: Vec<String>,
}

impl AnswerColumns {
    /// Those of a model beside an input's columns. A name that the input has already is preceded by `predicted_`.
    pub(crate) fn new(model: &Model, header: &Header) -> Self {
        Self::of(&model.header().task.target, header)
    }

    fn of(target: &Target, header: &Header) -> Self {
        let free = |name: &str| {
            let mut name = name.to_owned();
            while header.columns.iter().any(|column| column.name == name) {
                name.insert_str(0, "predicted_");
            }
            name
        };
        let Target::Classification { labels } = target else {
            let names = vec![free("score")];
            return Self { keys: names.clone(), names, labels: Vec::new() };
        };
        let mut names = vec![free("label")];
        names.extend(labels.iter().map(|label| free(&format!("probability_{label}"))));
        let keys = vec![free("label"), free("probabilities")];
        Self { names, labels: labels.clone(), keys }
    }

    /// The name of an answer's class; none for a score.
    fn label(&self, answer: &Answer) -> Option<&str> {
        self.labels.get(answer.label).map(String::as_str)
    }
}

/// What is to be written for all records.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) header: Header,
    pub(crate) answers: AnswerColumns,
}

/// Writes answers in one of the forms.
pub(crate) struct Writer<'a> {
    table: &'a Table,
    form: Form,
    sink: Sink<'a>,
    /// What the reader of the answers should know at the end.
    notes: Notes,
}

enum Sink<'a> {
    Rows(Rows<'a>),
    Parquet(Box<ParquetWriter<'a>>),
}

/// What could not be written as it was.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Fields of TSV that held a tab or a line break.
    pub(crate) spaced: usize,
    /// Records of JSON Lines with keys that the first one lacks.
    pub(crate) left_out: usize,
}

impl<'a> Writer<'a> {
    /// A writer of `form`; it begins with a header where the form has one.
    pub(crate) fn new(form: Form, table: &'a Table, out: &'a mut (dyn Write + Send)) -> Result<Self> {
        let sink = match form {
            Form::Parquet => Sink::Parquet(Box::new(ParquetWriter::new(table, out)?)),
            form => Sink::Rows(Rows::new(form, table, out)),
        };
        Ok(Self { table, form, sink, notes: Notes::default() })
    }

    /// Writes answers beside their records and lets them go out at once, as far as the form allows it.
    pub(crate) fn write(&mut self, records: Vec<Record>, answers: Vec<Answer>) -> Result<()> {
        for record in records.iter().filter(|record| !record.extra.is_empty()) {
            if self.form != Form::Jsonl {
                self.notes.left_out += 1;
            } else if let Some(key) = record.extra.iter().find(|key| self.table.answers.keys.contains(key)) {
                bail!("line {}: the key `{key}` is that of the answer, since the first line lacks it", record.line);
            }
        }
        match &mut self.sink {
            Sink::Rows(rows) => Ok(rows.write(&records, &answers, &mut self.notes)?),
            Sink::Parquet(writer) => writer.write(records, answers),
        }
    }

    /// Ends the output.
    pub(crate) fn finish(self) -> Result<Notes> {
        match self.sink {
            Sink::Rows(rows) => rows.finish()?,
            Sink::Parquet(writer) => writer.finish()?,
        }
        Ok(self.notes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{Column, Kind};
    use super::*;

    #[test]
    fn a_name_that_the_input_has_is_preceded() {
        let column = |name: &str| Column { name: name.into(), kind: Kind::Text };
        let header =
            Header { columns: ["text", "label", "predicted_label"].map(column).into(), first: 0, second: None };
        let labels = vec!["bad".to_owned(), "good".to_owned()];
        let columns = AnswerColumns::of(&Target::Classification { labels }, &header);
        assert_eq!(columns.names, ["predicted_predicted_label", "probability_bad", "probability_good"]);
        assert_eq!(columns.keys, ["predicted_predicted_label", "probabilities"]);
        let score = AnswerColumns::of(&Target::Regression { min: 0.0, max: 5.0 }, &header);
        assert_eq!(score.names, ["score"]);
    }
}
