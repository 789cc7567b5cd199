//! The columns of an answer, named as the program's `classify` names them.

use std::sync::Arc;

use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, FieldRef, Schema};
use bitspike::{Answer, Model};
use bitspike_data::answers::{answer_names, free_name};

use super::input::Wanted;
use crate::answers::Answers;
use crate::fault::{Fault, Result};
use crate::vectors::Shape;

/// What stands beside the columns of a table.
pub(super) struct Columns {
    schema: Arc<Schema>,
    labels: Vec<String>,
    /// Vectors in the place of classes, and their width.
    vectors: Option<(Shape, i32)>,
    /// Whether there is a column of reasons.
    reasons: bool,
}

impl Columns {
    /// `label`, and `probability_` with the name of each class, or `score`; `error` where broken texts are to be null. A name that
    /// the table has is preceded by `predicted_`. Of vectors of a `shape` there is one column, `embedding`.
    pub(super) fn of(model: &Model, kept: &[FieldRef], wanted: &Wanted, shape: Option<Shape>) -> Self {
        let is_taken = |name: &str| kept.iter().any(|field| field.name() == name);
        let labels = model.labels().to_vec();
        let field = |name: &String, kind: DataType| Arc::new(Field::new(name, kind, wanted.null));
        let mut fields: Vec<FieldRef> = kept.to_vec();
        let vectors = shape.map(|shape| (shape, shape.width(model) as i32));
        match vectors {
            Some((_, width)) => {
                fields.push(field(&free_name("embedding", is_taken), DataType::FixedSizeList(value(), width)));
            }
            None => {
                let names = answer_names(&labels, is_taken);
                let (label, numbers) = names.split_at(labels.len().min(1));
                fields.extend(label.iter().map(|name| field(name, DataType::Utf8)));
                fields.extend(numbers.iter().map(|name| field(name, DataType::Float32)));
            }
        }
        if wanted.null {
            fields.push(Arc::new(Field::new(free_name("error", is_taken), DataType::Utf8, true)));
        }
        Self { schema: Arc::new(Schema::new(fields)), labels, vectors, reasons: wanted.null }
    }

    pub(super) fn schema(&self) -> Arc<Schema> {
        self.schema.clone()
    }

    /// The columns for rows of which those that are `there` have `answers`, and the others `faults`.
    pub(super) fn arrays(
        &self,
        there: &[bool],
        answers: &[Answer],
        faults: &[Option<String>],
    ) -> Result<Vec<ArrayRef>> {
        let rows = || {
            let mut answers = answers.iter();
            there.iter().map(move |&there| if there { answers.next() } else { None })
        };
        let mut columns: Vec<ArrayRef> = Vec::new();
        if let Some((shape, width)) = &self.vectors {
            columns.push(vectors(rows(), shape, *width)?);
        } else if !self.labels.is_empty() {
            columns.push(Arc::new(rows().map(|answer| answer.and_then(Answer::label)).collect::<StringArray>()));
        }
        let values = if self.vectors.is_some() { 0 } else { self.labels.len().max(1) };
        for value in 0..values {
            let values = rows().map(|answer| answer.map(|answer| Answers::values(answer)[value]));
            columns.push(Arc::new(values.collect::<Float32Array>()));
        }
        if self.reasons {
            columns.push(Arc::new(faults.iter().map(Option::as_deref).collect::<StringArray>()));
        }
        Ok(columns)
    }
}

/// What a list of values holds.
fn value() -> FieldRef {
    Arc::new(Field::new("item", DataType::Float32, false))
}

/// A vector a row; zeros that are null where there is none.
fn vectors<'a>(rows: impl Iterator<Item = Option<&'a Answer>>, shape: &Shape, width: i32) -> Result<ArrayRef> {
    let (mut values, mut there) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            Some(answer) => values.append(&mut shape.of(answer)?),
            None => values.resize(values.len() + width as usize, 0.0),
        }
        there.push(row.is_some());
    }
    let nulls = there.contains(&false).then(|| NullBuffer::from(there));
    let list = FixedSizeListArray::try_new(value(), width, Arc::new(Float32Array::from(values)), nulls);
    Ok(Arc::new(list.map_err(Fault::internal)?))
}
