//! Weights as they are stored: codes and scales, or plain values.

use bitspike::format::{Form, Packed, Role};
use pyo3::prelude::*;
use pyo3::types::PyByteArray;

use crate::fault::{Fault, Kind, Result};

/// Shape; codes, a byte each, row by row, of what is stored in codes; scales of the codes, one for all or one a row, or else values,
/// as 32-bit floats in the machine's order of bytes.
pub(crate) type Stored<'py> = (Vec<usize>, Option<Bound<'py, PyByteArray>>, Bound<'py, PyByteArray>);

/// Names and roles of all that is stored, in the order of computation.
pub(crate) fn names(packed: &Packed) -> Vec<(String, &'static str)> {
    let role = |role: Role| match role {
        Role::Table => "table",
        Role::Matrix => "matrix",
        Role::Classifier => "classifier",
        Role::Relative => "relative",
        Role::Vector => "vector",
        Role::Threshold => "threshold",
    };
    packed.tensors().map(|(tensor, ..)| (tensor.name.clone(), role(tensor.role))).collect()
}

/// The tensor `name`.
pub(crate) fn read<'py>(py: Python<'py>, packed: &Packed, name: &str) -> Result<Stored<'py>> {
    let found = packed.tensors().find(|(tensor, ..)| tensor.name == name);
    let (tensor, form, _) = found.ok_or_else(|| Fault::at(Kind::Option, "weights", "the name of a tensor", name))?;
    let (rows, columns) = (tensor.rows, tensor.columns);
    let coded = |row: &dyn Fn(usize, &mut [i8])| {
        let mut codes = vec![0; rows * columns];
        codes.chunks_exact_mut(columns).enumerate().for_each(|(i, codes)| row(i, codes));
        let bytes: Vec<u8> = codes.into_iter().map(i8::cast_unsigned).collect();
        Some(PyByteArray::new(py, &bytes))
    };
    let floats = |values: &[f32]| {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
        PyByteArray::new(py, &bytes)
    };
    Ok(match (tensor.role, form) {
        (Role::Matrix, Form::Full) => {
            (vec![rows, columns], None, floats(&packed.matrix(name).full().unwrap_or_default()))
        }
        (Role::Matrix, _) => {
            let matrix = packed.matrix(name);
            (vec![rows, columns], coded(&|i, codes| matrix.codes_row(i, codes)), floats(&matrix.scales))
        }
        (Role::Table, Form::Full) => {
            let mut values = vec![0.0; rows * columns];
            let table = packed.table(name);
            values.chunks_exact_mut(columns).enumerate().for_each(|(i, row)| table.row(i, row));
            (vec![rows, columns], None, floats(&values))
        }
        (Role::Table, _) => {
            let table = packed.table(name);
            let scales: Vec<f32> = (0..rows).map(|row| table.scale(row)).collect();
            (vec![rows, columns], coded(&|i, codes| table.codes_row(i, codes)), floats(&scales))
        }
        (Role::Classifier | Role::Relative, _) => (vec![rows, columns], None, floats(&packed.vector(name))),
        (Role::Vector | Role::Threshold, _) => (vec![columns], None, floats(&packed.vector(name))),
    })
}
