//! What the fields of a Parquet schema are as columns, and their values as cells.

use parquet::basic::Repetition;
use parquet::record::Field;
use parquet::schema::types::Type;
use serde_json::Value;

use super::super::row::{Cell, Column};
use super::leaf::{Leaf, text_or_digits};

/// The column that a field of the schema's root is.
pub(super) fn column(field: &Type) -> Column {
    let mut column = Column::text(field.name());
    if !field.is_primitive() || has_lists(field) {
        column.special = Some(if has_lists(field) { "lists".to_owned() } else { "groups".to_owned() });
        column.unreadable = unreadable(field).map(|what| format!("it holds {what} within lists or groups"));
        return column;
    }
    let (physical, leaf) = (field.get_physical_type(), Leaf::of(field));
    column.kind = leaf.kind(physical);
    if leaf.is_written_out() {
        column.special = Some(format!("{physical} ({})", field.get_basic_info().converted_type()));
    }
    column
}

/// What in a nested field cannot be decoded.
fn unreadable(field: &Type) -> Option<&'static str> {
    if field.is_primitive() {
        return (Leaf::of(field) == Leaf::Interval).then_some("intervals");
    }
    if field.get_fields().is_empty() {
        return Some("groups without fields");
    }
    field.get_fields().iter().find_map(|field| unreadable(field))
}

fn has_lists(field: &Type) -> bool {
    let info = field.get_basic_info();
    info.has_repetition() && info.repetition() == Repetition::REPEATED
        || !field.is_primitive() && field.get_fields().iter().any(|field| has_lists(field))
}

/// A value of any type.
pub(super) fn cell(field: Field) -> Cell {
    match field {
        Field::Null => Cell::Missing,
        Field::Bool(value) => Cell::Boolean(value),
        Field::Byte(value) => Cell::Integer(value.into()),
        Field::Short(value) => Cell::Integer(value.into()),
        Field::Int(value) => Cell::Integer(value.into()),
        Field::Long(value) => Cell::Integer(value),
        Field::UByte(value) => Cell::Integer(value.into()),
        Field::UShort(value) => Cell::Integer(value.into()),
        Field::UInt(value) => Cell::Integer(value.into()),
        Field::ULong(value) => Cell::Unsigned(value),
        Field::Float(value) => Cell::Single(value),
        Field::Double(value) => Cell::Number(value),
        Field::Str(text) => Cell::Text(text),
        Field::Bytes(bytes) => text_or_digits(bytes.data()),
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => Cell::Json(json(&field).to_string()),
        // Decimals, dates and times, as they are written.
        other => Cell::Text(other.to_string()),
    }
}

/// Nested values as JSON; keys of a map as text.
fn json(field: &Field) -> Value {
    let entry = |(name, field): (&String, &Field)| (name.clone(), json(field));
    match field {
        Field::Group(row) => Value::Object(row.get_column_iter().map(entry).collect()),
        Field::ListInternal(list) => list.elements().iter().map(json).collect(),
        Field::MapInternal(map) => {
            let entry = |(key, value): &(Field, Field)| (cell(key.clone()).text().into_owned(), json(value));
            Value::Object(map.entries().iter().map(entry).collect())
        }
        other => match cell(other.clone()) {
            Cell::Missing => Value::Null,
            Cell::Boolean(value) => value.into(),
            Cell::Integer(value) => value.into(),
            Cell::Unsigned(value) => value.into(),
            // The double that is written as the float is: 0.1, not 0.10000000149011612.
            Cell::Single(value) => value.to_string().parse().unwrap_or_else(|_| f64::from(value)).into(),
            Cell::Number(value) => value.into(),
            Cell::Text(text) | Cell::Bytes(text) | Cell::Json(text) => text.into(),
            // No file is read into one.
            Cell::Vector(_) => Value::Null,
        },
    }
}
