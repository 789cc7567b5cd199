//! Texts out of whatever shows Arrow's C interface.
//!
//! Text is utf8, large_utf8, utf8_view, a dictionary of these or null. It is read as bytes, so that offsets are checked by the library
//! before anything is read (the first at 0 or above, none falling, the last within the data), and bytes that are not UTF-8 are
//! the fault of their row and not of the table.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{ArrayStreamReader, FFI_ArrowArrayStream};
use arrow_array::types::{
    ArrowDictionaryKeyType, ArrowPrimitiveType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayReader, ArrayRef, StructArray, make_array};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType, FieldRef};
use bitspike::Task;
use bitspike_data::TaskSpec;
use bitspike_data::answers::TextColumns;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyTuple};

use crate::fault::{Fault, Kind, Result};
use crate::texts::Text;

/// What is wanted of a table.
pub(crate) struct Wanted {
    /// The column of the text.
    pub(crate) text: Option<String>,
    /// That of the second text.
    pub(crate) text_pair: Option<String>,
    /// Whether what is no text becomes null; else it is an exception.
    pub(crate) null: bool,
    /// Whether the table's own columns are handed on.
    pub(crate) keep: bool,
}

/// A table that is being read.
pub(super) struct Input {
    source: Source,
    layout: Layout,
}

/// What is where in a table.
struct Layout {
    /// The columns that are handed on.
    kept: Vec<FieldRef>,
    /// Where the texts are; none where the array is the column itself.
    columns: Option<(usize, Option<usize>)>,
    null: bool,
    names: [String; 2],
}

enum Source {
    Stream(Box<ArrayStreamReader>),
    /// One array, until it is taken.
    Array(Option<Box<ArrayData>>),
}

/// Some rows.
pub(super) struct Batch {
    /// The columns that are handed on.
    pub(super) kept: Vec<ArrayRef>,
    /// A text a row, or why there is none.
    pub(super) texts: Vec<Result<Text, String>>,
}

fn broken(error: impl std::fmt::Display) -> Fault {
    Fault::new(Kind::Column, format!("the table cannot be read: {error}"))
}

/// What `read` gives; a fault where the library panics over what is not as the interface says.
fn guarded<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(result) => result.map_err(broken),
        Err(_) => Err(broken("it is not what Arrow's C interface says")),
    }
}

/// The value in a capsule of that name.
fn capsule<T>(object: &Bound<'_, PyAny>, name: &'static std::ffi::CStr) -> Result<*mut T> {
    let refused = || {
        let found = object.get_type().name().map_or_else(|_| "another object".into(), |name| name.to_string());
        Fault::at(Kind::Column, "table", format!("a capsule `{}`", name.to_string_lossy()), found)
    };
    let capsule = object.cast::<PyCapsule>().map_err(|_| refused())?;
    Ok(capsule.pointer_checked(Some(name)).map_err(|_| refused())?.as_ptr().cast())
}

fn open(py: Python<'_>, table: &Bound<'_, PyAny>) -> PyResult<(Source, DataType)> {
    if table.hasattr("__arrow_c_stream__")? {
        let object = table.call_method0("__arrow_c_stream__")?;
        let stream = capsule::<FFI_ArrowArrayStream>(&object, c"arrow_array_stream")?;
        // SAFETY: a capsule of this name holds a stream, which the capsule owns until it is moved out, as is done here.
        let stream = unsafe { FFI_ArrowArrayStream::from_raw(stream) };
        // What gives the table may need the interpreter, on whatever thread.
        let reader = py.detach(move || guarded(move || ArrayStreamReader::try_new(stream)))?;
        let kind = reader.field().data_type().clone();
        return Ok((Source::Stream(Box::new(reader)), kind));
    }
    if table.hasattr("__arrow_c_array__")? {
        let pair = table.call_method0("__arrow_c_array__")?;
        let pair = pair.cast::<PyTuple>().map_err(PyErr::from)?;
        let (schema, array) = (pair.get_item(0)?, pair.get_item(1)?);
        let schema = capsule::<FFI_ArrowSchema>(&schema, c"arrow_schema")?;
        let array = capsule::<FFI_ArrowArray>(&array, c"arrow_array")?;
        // SAFETY: capsules of these names hold a schema, which stays where it is and is not moved while it is read, and an array, which
        // the capsule owns until it is moved out, as is done here.
        let data = guarded(|| unsafe { from_ffi(FFI_ArrowArray::from_raw(array), &*schema) })?;
        let kind = data.data_type().clone();
        return Ok((Source::Array(Some(Box::new(data))), kind));
    }
    let found = table.get_type().name()?.to_string();
    let expected =
        "an object with __arrow_c_stream__ or __arrow_c_array__ (a table of pyarrow, polars, pandas, duckdb, ...)";
    Err(Fault::at(Kind::Column, "table", expected, found).into())
}

impl Input {
    pub(super) fn open(py: Python<'_>, table: &Bound<'_, PyAny>, task: &Task, wanted: &Wanted) -> PyResult<Self> {
        let (source, kind) = open(py, table)?;
        let spec = TaskSpec::of_model(task).map_err(Fault::from)?;
        let texts =
            TextColumns::new(&spec, wanted.text.as_deref(), wanted.text_pair.as_deref()).map_err(Fault::from)?;
        let DataType::Struct(fields) = &kind else {
            if texts.second.is_some() {
                let expected = "a table with a column for each text of a pair";
                return Err(Fault::at(Kind::Column, "table", expected, format!("one column of {kind}")).into());
            }
            check(&kind, "the column")?;
            let names = ["the column".to_owned(), String::new()];
            let layout = Layout { kept: Vec::new(), columns: None, null: wanted.null, names };
            return Ok(Self { source, layout });
        };
        let fields: Vec<FieldRef> = fields.iter().cloned().collect();
        let first = find(&fields, &texts.first, texts.sole, "text")?;
        let second = texts.second.as_ref().map(|names| find(&fields, names, false, "text_pair")).transpose()?;
        let name = |column: Option<usize>| {
            column.map_or_else(String::new, |column| format!("column `{}`", fields[column].name()))
        };
        let names = [name(Some(first)), name(second)];
        check(fields[first].data_type(), &names[0])?;
        second.map_or(Ok(()), |second| check(fields[second].data_type(), &names[1]))?;
        let kept = if wanted.keep { fields } else { Vec::new() };
        Ok(Self { source, layout: Layout { kept, columns: Some((first, second)), null: wanted.null, names } })
    }

    /// The columns that are handed on.
    pub(super) fn kept(&self) -> &[FieldRef] {
        &self.layout.kept
    }

    /// The next rows, whose first one is row `first` of the table; none at the end.
    pub(super) fn next(&mut self, py: Python<'_>, first: usize) -> PyResult<Option<Batch>> {
        py.check_signals()?;
        let data = match &mut self.source {
            Source::Array(data) => data.take().map(|data| *data),
            Source::Stream(reader) => {
                let read = py.detach(|| guarded(|| reader.next().transpose()));
                // An exception of whatever gives the table is on its way already.
                if let Some(error) = PyErr::take(py) {
                    return Err(error);
                }
                read?.map(|array| array.to_data())
            }
        };
        let Some(data) = data else { return Ok(None) };
        let layout = &self.layout;
        Ok(Some(py.detach(|| layout.batch(data, first))?))
    }
}

impl Layout {
    fn batch(&self, data: ArrayData, first: usize) -> Result<Batch> {
        let Some((one, two)) = self.columns else {
            let texts = cells(&data, &self.names[0])?;
            return Ok(Batch { kept: Vec::new(), texts: self.texts(texts, None, first)? });
        };
        if data.null_count() > 0 {
            return Err(broken("expected batches of rows, found rows that are null as a whole"));
        }
        let rows = guarded(|| Ok(StructArray::from(data)))?;
        let cells = |column: usize, name: &str| cells(&rows.column(column).to_data(), name);
        let firsts = cells(one, &self.names[0])?;
        let seconds = two.map(|two| cells(two, &self.names[1])).transpose()?;
        let kept = if self.kept.is_empty() { Vec::new() } else { rows.columns().to_vec() };
        Ok(Batch { kept, texts: self.texts(firsts, seconds, first)? })
    }

    fn texts(&self, firsts: Vec<Cell>, seconds: Option<Vec<Cell>>, first: usize) -> Result<Vec<Result<Text, String>>> {
        let mut seconds = seconds.map(Vec::into_iter);
        let join = |(row, cell): (usize, Cell)| -> Result<Result<Text, String>> {
            let second = seconds.as_mut().and_then(Iterator::next);
            let joined = match (cell, second) {
                (Ok(first), None) => Ok(Text { first, second: None }),
                (Ok(first), Some(Ok(second))) => Ok(Text { first, second: Some(second) }),
                (Err(found), _) => Err((&self.names[0], found)),
                (Ok(_), Some(Err(found))) => Err((&self.names[1], found)),
            };
            match joined {
                Ok(text) => Ok(Ok(text)),
                Err((name, found)) if self.null => Ok(Err(format!("{name}: expected a text, found {found}"))),
                Err((name, found)) => {
                    let place = format!("{name}, row {}", first + row);
                    let expected = "a text (errors=\"null\" makes the answer null)";
                    Err(Fault::at(Kind::Text, place, expected, found))
                }
            }
        };
        firsts.into_iter().enumerate().map(join).collect()
    }
}

/// A text, or what stands in its place.
type Cell = Result<String, &'static str>;

/// The column of one of `names` or, where `sole`, the only one of text.
fn find(fields: &[FieldRef], names: &[String], sole: bool, argument: &str) -> Result<usize> {
    let all = || {
        let all: Vec<String> = fields.iter().map(|field| format!("`{}`", field.name())).collect();
        if all.is_empty() { "no column".to_owned() } else { all.join(", ") }
    };
    for name in names {
        let mut found = (0..fields.len()).filter(|&i| fields[i].name() == name);
        match (found.next(), found.next()) {
            (Some(column), None) => return Ok(column),
            (Some(_), Some(_)) => {
                return Err(Fault::at(Kind::Column, argument, format!("one column `{name}`"), "several of that name"));
            }
            (None, _) => {}
        }
    }
    let texts: Vec<usize> = (0..fields.len()).filter(|&i| is_text(fields[i].data_type())).collect();
    match texts[..] {
        [only] if sole => Ok(only),
        _ => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            Err(Fault::at(
                Kind::Column,
                argument,
                format!("the name of a column such as {}", names.join(" or ")),
                all(),
            ))
        }
    }
}

/// Whether values of that type are texts. What is null throughout may be; it has no text.
fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn check(kind: &DataType, name: &str) -> Result<()> {
    let nulls =
        matches!(kind, DataType::Null) || matches!(kind, DataType::Dictionary(_, values) if **values == DataType::Null);
    match is_text(kind) || nulls {
        true => Ok(()),
        false => {
            Err(Fault::at(Kind::Column, name, "text (utf8, large_utf8, utf8_view or a dictionary of these)", kind))
        }
    }
}

/// The cells of a column.
fn cells(data: &ArrayData, name: &str) -> Result<Vec<Cell>> {
    let bytes = |kind: DataType| -> Result<ArrayRef> {
        let read = || {
            let bytes = data.clone().into_builder().data_type(kind).build()?;
            bytes.validate_full()?;
            Ok(make_array(bytes))
        };
        guarded(read).map_err(|fault| Fault::new(Kind::Column, format!("{name}: {}", fault.message())))
    };
    match data.data_type() {
        DataType::Null => Ok(vec![Err("null"); data.len()]),
        DataType::Utf8 => Ok(bytes(DataType::Binary)?.as_binary::<i32>().iter().map(cell).collect()),
        DataType::LargeUtf8 => Ok(bytes(DataType::LargeBinary)?.as_binary::<i64>().iter().map(cell).collect()),
        DataType::Utf8View => Ok(bytes(DataType::BinaryView)?.as_binary_view().iter().map(cell).collect()),
        DataType::Dictionary(keys, _) => {
            let values = data.child_data().first().ok_or_else(|| broken("a dictionary without values"))?;
            let values = cells(values, name)?;
            let builder = data.clone().into_builder().data_type((**keys).clone()).child_data(Vec::new());
            let keys_of = guarded(|| builder.build())?;
            match **keys {
                DataType::Int8 => looked_up::<Int8Type>(keys_of, &values, name),
                DataType::Int16 => looked_up::<Int16Type>(keys_of, &values, name),
                DataType::Int32 => looked_up::<Int32Type>(keys_of, &values, name),
                DataType::Int64 => looked_up::<Int64Type>(keys_of, &values, name),
                DataType::UInt8 => looked_up::<UInt8Type>(keys_of, &values, name),
                DataType::UInt16 => looked_up::<UInt16Type>(keys_of, &values, name),
                DataType::UInt32 => looked_up::<UInt32Type>(keys_of, &values, name),
                DataType::UInt64 => looked_up::<UInt64Type>(keys_of, &values, name),
                ref other => Err(Fault::at(Kind::Column, name, "a dictionary with integers as keys", other)),
            }
        }
        other => Err(Fault::at(Kind::Column, name, "text", other)),
    }
}

/// What the keys of a dictionary stand for.
fn looked_up<K: ArrowDictionaryKeyType>(keys: ArrayData, values: &[Cell], name: &str) -> Result<Vec<Cell>>
where
    <K as ArrowPrimitiveType>::Native: TryInto<usize> + std::fmt::Display,
{
    let keys = make_array(keys);
    let look = |key: Option<K::Native>| match key {
        None => Ok(Err("null")),
        Some(key) => match key.try_into().ok().and_then(|key| values.get(key)) {
            Some(value) => Ok(value.clone()),
            None => Err(Fault::at(Kind::Column, name, format!("keys below {}", values.len()), key)),
        },
    };
    keys.as_primitive::<K>().iter().map(look).collect()
}

fn cell(bytes: Option<&[u8]>) -> Cell {
    match bytes.map(std::str::from_utf8) {
        None => Err("null"),
        Some(Ok(text)) => Ok(text.to_owned()),
        Some(Err(_)) => Err("bytes that are not UTF-8"),
    }
}
