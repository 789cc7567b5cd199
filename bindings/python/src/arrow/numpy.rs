//! Columns as arrays of NumPy, for those who have nothing else that reads Arrow.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int32Type, Int64Type, UInt16Type, UInt32Type,
};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_schema::DataType;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyList};

use crate::fault::{Fault, Kind};

/// The chunks of a column one after another: numbers as they are, a null among floats as NaN, texts as objects of which a null is
/// None.
pub(super) fn array<'py>(
    py: Python<'py>,
    name: &str,
    kind: &DataType,
    chunks: &[ArrayRef],
) -> PyResult<Bound<'py, PyAny>> {
    let numpy = py.import("numpy")?;
    if let Some(texts) = chunks.iter().map(|chunk| texts(chunk)).collect::<Option<Vec<_>>>()
        && matches!(kind, DataType::Utf8 | DataType::Dictionary(..))
    {
        let list = PyList::new(py, texts.concat())?;
        return numpy.call_method1("array", (list, "object"));
    }
    if let DataType::FixedSizeList(item, width) = kind
        && *item.data_type() == DataType::Float32
    {
        return vectors(&numpy, *width, chunks);
    }
    let (bytes, name_of_type) = match kind {
        DataType::Int8 => (numbers::<Int8Type, 1>(chunks, None, i8::to_ne_bytes), "int8"),
        DataType::Int32 => (numbers::<Int32Type, 4>(chunks, None, i32::to_ne_bytes), "int32"),
        DataType::Int64 => (numbers::<Int64Type, 8>(chunks, None, i64::to_ne_bytes), "int64"),
        DataType::UInt32 => (numbers::<UInt32Type, 4>(chunks, None, u32::to_ne_bytes), "uint32"),
        DataType::Float32 => (numbers::<Float32Type, 4>(chunks, Some(f32::NAN), f32::to_ne_bytes), "float32"),
        DataType::Float64 => (numbers::<Float64Type, 8>(chunks, Some(f64::NAN), f64::to_ne_bytes), "float64"),
        _ => (None, ""),
    };
    match bytes {
        Some(bytes) => numpy.call_method1("frombuffer", (PyByteArray::new(py, &bytes), name_of_type)),
        None => {
            let place = format!("column `{name}`");
            let expected = "numbers without a null, or texts (pyarrow.table(table) reads every column)";
            Err(Fault::at(Kind::Column, place, expected, kind).into())
        }
    }
}

/// Vectors as rows, a null as a row of NaN.
fn vectors<'py>(numpy: &Bound<'py, PyModule>, width: i32, chunks: &[ArrayRef]) -> PyResult<Bound<'py, PyAny>> {
    let mut bytes = Vec::new();
    for list in chunks.iter().map(|chunk| chunk.as_fixed_size_list()) {
        for row in 0..list.len() {
            let values = list.value(row);
            let values = values.as_primitive::<Float32Type>().values();
            bytes.extend(values.iter().flat_map(|value| {
                let value = if list.is_null(row) { f32::NAN } else { *value };
                value.to_ne_bytes()
            }));
        }
    }
    let flat = numpy.call_method1("frombuffer", (PyByteArray::new(numpy.py(), &bytes), "float32"))?;
    flat.call_method1("reshape", ((-1, width),))
}

/// The numbers of all chunks, with `null` for nulls; none where there are nulls and no such number.
fn numbers<T: ArrowPrimitiveType, const N: usize>(
    chunks: &[ArrayRef],
    null: Option<T::Native>,
    bytes: fn(T::Native) -> [u8; N],
) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    for chunk in chunks {
        for number in chunk.as_primitive::<T>() {
            all.extend(bytes(number.or(null)?));
        }
    }
    Some(all)
}

/// The texts of a chunk; none where it is no text.
fn texts(chunk: &ArrayRef) -> Option<Vec<Option<&str>>> {
    if let Some(texts) = chunk.as_string_opt::<i32>() {
        return Some(texts.iter().collect());
    }
    let named = chunk.as_dictionary_opt::<UInt16Type>()?;
    let names = named.values().as_any().downcast_ref::<StringArray>()?;
    Some(named.keys().iter().map(|key| key.map(|key| names.value(key as usize))).collect())
}
