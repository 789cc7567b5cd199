//! JSON Lines: one object a line, its keys the columns. Those of the first object are the header.

use std::fmt;

use anyhow::Result;
use bitspike::error::Error;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::super::record::{Cell, Column, Header, Kind, Record, Wanted, shorten};
use super::Records;
use super::lines::Lines;

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

/// JSON Lines; empty lines are ignored.
pub(super) fn open(mut lines: Lines, wanted: &Wanted) -> Result<(Header, Records)> {
    let Some((line, text, object)) = object(&mut lines)? else {
        // No line, no records: columns that nobody asks for.
        let columns =
            [Some(&wanted.first), wanted.second.as_ref()].into_iter().flatten().filter_map(|names| names.first());
        let columns = columns.map(|name| Column { name: name.clone(), kind: Kind::Text }).collect();
        let header = Header::find(columns, wanted).map_err(|message| lines.refuse(1, message))?;
        return Ok((header, Box::new(std::iter::empty())));
    };
    let column = |(name, _): &(String, Value)| Column { name: name.clone(), kind: Kind::Text };
    let columns = object.0.iter().map(column).collect();
    let header = Header::find(columns, wanted).map_err(|message| lines.refuse(line, message))?;
    let found = header.clone();
    let mut waiting = Some((line, text, object));
    let mut next = move || -> Result<Option<Record>> {
        let next = match waiting.take() {
            Some(first) => Some(first),
            None => self::object(&mut lines)?,
        };
        let Some((line, text, object)) = next else { return Ok(None) };
        let position = lines.position();
        Ok(Some(record(&header, line, text, object, position).map_err(|message| lines.refuse(line, message))?))
    };
    Ok((found, Box::new(std::iter::from_fn(move || next().transpose()))))
}

/// The next line with content: number, text without white space around it, object.
fn object(lines: &mut Lines) -> Result<Option<(usize, String, Object)>, Error> {
    while let Some((number, line)) = lines.next()? {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        return match serde_json::from_str(line) {
            Ok(object) => {
                let text = line.to_owned();
                Ok(Some((number, text, object)))
            }
            Err(e) => Err(lines.refuse(number, format!("expected one JSON object a line: {e}"))),
        };
    }
    Ok(None)
}

fn record(header: &Header, line: usize, text: String, object: Object, position: u64) -> Result<Record, String> {
    let mut cells = vec![None; header.columns.len()];
    let mut extra = Vec::new();
    for (i, (name, value)) in object.0.into_iter().enumerate() {
        // Most objects have the same keys in the same order.
        let has = |column: &Column| column.name == name;
        let place = match header.columns.get(i).is_some_and(has) {
            true => Some(i),
            false => header.columns.iter().position(has),
        };
        match place {
            Some(place) => cells[place] = Some(cell(value)),
            None => extra.push(name),
        }
    }
    for i in [Some(header.first), header.second].into_iter().flatten() {
        if cells[i].is_none() {
            let present = header.columns.iter().zip(&cells).filter(|(_, cell)| cell.is_some());
            let found: Vec<String> =
                present.map(|(column, _)| &column.name).chain(&extra).take(50).map(|name| shorten(name)).collect();
            return Err(format!("no column `{}`; found {}", header.columns[i].name, found.join(", ")));
        }
    }
    let cells: Vec<Cell> = cells.into_iter().map(|cell| cell.unwrap_or(Cell::Missing)).collect();
    header.check(&cells)?;
    let bytes = 2 * text.len() + cells.len() * size_of::<Cell>();
    Ok(Record { line, cells, object: Some(text), extra, bytes, position })
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Missing,
        Value::Bool(value) => Cell::Boolean(value),
        Value::String(text) => Cell::Text(text),
        other => other.as_i64().map_or_else(|| Cell::Json(other.to_string()), Cell::Integer),
    }
}
