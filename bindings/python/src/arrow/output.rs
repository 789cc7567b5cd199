//! The columns of an answer, named as the program's `classify` names them.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, StringArray};
use arrow_schema::{DataType, Field, FieldRef, Schema};
use bitspike::{Answer, Model};
use bitspike_data::answers::{answer_names, free_name};

use super::input::Wanted;
use crate::answers::Answers;

/// What stands beside the columns of a table.
pub(super) struct Columns {
    schema: Arc<Schema>,
    labels: Vec<String>,
    /// Whether there is a column of reasons.
    reasons: bool,
}

impl Columns {
    /// `label`, and `probability_` with the name of each class, or `score`; `error` where broken texts are to be null. A name that
    /// the table has is preceded by `predicted_`.
    pub(super) fn of(model: &Model, kept: &[FieldRef], wanted: &Wanted) -> Self {
        let is_taken = |name: &str| kept.iter().any(|field| field.name() == name);
        let labels = model.labels().to_vec();
        let names = answer_names(&labels, is_taken);
        let (label, numbers) = names.split_at(labels.len().min(1));
        let field = |name: &String, kind: DataType| Arc::new(Field::new(name, kind, wanted.null));
        let mut fields: Vec<FieldRef> = kept.to_vec();
        fields.extend(label.iter().map(|name| field(name, DataType::Utf8)));
        fields.extend(numbers.iter().map(|name| field(name, DataType::Float32)));
        if wanted.null {
            fields.push(Arc::new(Field::new(free_name("error", is_taken), DataType::Utf8, true)));
        }
        Self { schema: Arc::new(Schema::new(fields)), labels, reasons: wanted.null }
    }

    pub(super) fn schema(&self) -> Arc<Schema> {
        self.schema.clone()
    }

    /// The columns for rows of which those that are `there` have `answers`, and the others `faults`.
    pub(super) fn arrays(&self, there: &[bool], answers: &[Answer], faults: &[Option<String>]) -> Vec<ArrayRef> {
        let rows = || {
            let mut answers = answers.iter();
            there.iter().map(move |&there| if there { answers.next() } else { None })
        };
        let mut columns: Vec<ArrayRef> = Vec::new();
        if !self.labels.is_empty() {
            columns.push(Arc::new(rows().map(|answer| answer.and_then(Answer::label)).collect::<StringArray>()));
        }
        for value in 0..self.labels.len().max(1) {
            let values = rows().map(|answer| answer.map(|answer| Answers::values(answer)[value]));
            columns.push(Arc::new(values.collect::<Float32Array>()));
        }
        if self.reasons {
            columns.push(Arc::new(faults.iter().map(Option::as_deref).collect::<StringArray>()));
        }
        columns
    }
}
