//! Tables in and out through Arrow's C interface, as Python's PyCapsule protocol carries it.
//!
//! The whole of a table is classified before anything is handed back, so that what is wrong is an exception of this package and not
//! an error number of a stream; columns that are only handed on are not copied, and not looked at either.

pub(crate) mod input;
mod numpy;
mod output;

use std::sync::Arc;

use arrow_array::ffi::FFI_ArrowSchema;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchIterator};
use arrow_schema::{ArrowError, Schema};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::engine::Shared;
use crate::fault::{Fault, Kind};
use crate::vectors::{Shape, answers};
use input::{Input, Wanted};
use output::Columns;

/// A table in memory, for whoever takes `__arrow_c_stream__`.
#[pyclass(frozen, module = "bitspike._native")]
pub(crate) struct Table {
    schema: Arc<Schema>,
    batches: Vec<RecordBatch>,
}

impl Table {
    pub(crate) fn new(schema: Arc<Schema>, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches }
    }
}

fn unexported(error: ArrowError) -> Fault {
    Fault::internal(format!("a table could not be handed over ({error})"))
}

#[pymethods]
impl Table {
    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Names of the columns.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The table as a stream; types are as they are, whatever `requested_schema` says, which the protocol allows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let batches = self.batches.clone().into_iter().map(Ok::<_, ArrowError>);
        let reader = RecordBatchIterator::new(batches, self.schema.clone());
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), c"arrow_array_stream")
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(&*self.schema).map_err(unexported)?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    /// A column as an array of NumPy: numbers as they are, a null among floats as NaN, texts as objects.
    fn to_numpy<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let Ok(column) = self.schema.index_of(name) else {
            let expected = format!("one of {}", self.column_names().join(", "));
            return Err(Fault::at(Kind::Column, "name", expected, format!("`{name}`")).into());
        };
        let chunks: Vec<ArrayRef> = self.batches.iter().map(|batch| batch.column(column).clone()).collect();
        numpy::array(py, name, self.schema.field(column).data_type(), &chunks)
    }

    fn __repr__(&self) -> String {
        format!("<bitspike.Table of {} rows: {}>", self.__len__(), self.column_names().join(", "))
    }
}

/// The rows of `table` with their answers beside them, or with vectors of that `shape`.
pub(crate) fn answered(
    engine: &Shared,
    py: Python<'_>,
    table: &Bound<'_, PyAny>,
    wanted: Wanted,
    shape: Option<Shape>,
) -> PyResult<Table> {
    let task = engine.model().task();
    let mut input = Input::open(py, table, task, &wanted)?;
    let columns = Columns::of(engine.model(), input.kept(), &wanted, shape);
    let mut batches = Vec::new();
    let mut rows = 0;
    while let Some(batch) = input.next(py, rows)? {
        // Rows of which there is something to say.
        let (texts, faults): (Vec<_>, Vec<_>) = batch
            .texts
            .into_iter()
            .map(|text| match text {
                Ok(text) => (Some(text), None),
                Err(why) => (None, Some(why)),
            })
            .unzip();
        let there: Vec<bool> = texts.iter().map(Option::is_some).collect();
        let texts: Vec<_> = texts.into_iter().flatten().collect();
        let found = engine.run(py, move |model, stop| answers(model, &texts, stop))?;
        let answered: Vec<ArrayRef> = columns.arrays(&there, &found, &faults)?;
        let columns_of = batch.kept.into_iter().chain(answered).collect();
        rows += there.len();
        batches.push(RecordBatch::try_new(columns.schema(), columns_of).map_err(|error| {
            Fault::new(
                Kind::Column,
                format!("rows {} to {rows}: the table is not what its schema says: {error}", rows - there.len()),
            )
        })?);
    }
    Ok(Table::new(columns.schema(), batches))
}
