//! JSON Lines: one object a line, its keys the columns. They may differ from line to line.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::lines::Lines;
use super::row::{Cell, Column, Columns, Reader, Row, Selection};
use crate::error::{Error, Fault, Result};

/// Records of JSON Lines; empty lines are ignored.
pub(super) struct JsonLines {
    lines: Lines,
    /// Those of the last object.
    columns: Columns,
}

impl JsonLines {
    pub(super) fn new(lines: Lines) -> Self {
        Self { lines, columns: Columns::default() }
    }
}

impl Reader for JsonLines {
    fn select(&mut self, _: Selection) {}

    fn read(&mut self, row: &mut Row) -> Option<Result<()>> {
        let (number, parsed, text) = loop {
            match self.lines.next()? {
                Err(error) => return Some(Err(error)),
                Ok((number, line)) => {
                    let text = line.trim();
                    if !text.is_empty() {
                        break (number, serde_json::from_str::<Object>(text), text.to_owned());
                    }
                }
            }
        };
        let object = match parsed {
            Ok(Object(entries)) => entries,
            Err(error) => {
                let fault = Fault::new("expected one JSON object a line", error);
                return Some(Err(Error::record(self.lines.place(), number, fault)));
            }
        };
        if !self.columns.iter().map(|column| &column.name).eq(object.iter().map(|(name, _)| name)) {
            self.columns = object.iter().map(|(name, _)| Column::text(name)).collect();
        }
        row.line = number;
        row.columns = Arc::clone(&self.columns);
        row.cells.clear();
        row.cells.extend(object.into_iter().map(|(_, value)| cell(value)));
        row.object = Some(text);
        row.position = self.lines.position();
        Some(Ok(()))
    }
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Missing,
        Value::Bool(value) => Cell::Boolean(value),
        Value::String(text) => Cell::Text(text),
        other => other.as_i64().map_or_else(|| Cell::Json(other.to_string()), Cell::Integer),
    }
}

/// An object with its keys in the order of the text.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
