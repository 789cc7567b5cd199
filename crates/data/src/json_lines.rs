//! JSON Lines: one object a line, its keys the columns.

use std::path::Path;

use serde_json::{Map, Value};

use super::lines::Lines;
use super::records::{Cell, Columns, Record, Records, Row};
use bitspike::{Error, Result};

/// Records of the file at `path`; empty lines are ignored. Keys may differ from line to line.
///
/// # Errors
/// If the file cannot be opened.
pub(super) fn open(path: &Path, columns: &Columns) -> Result<Records> {
    Ok(Box::new(JsonLines { lines: Lines::open(path)?, columns: columns.clone() }))
}

struct JsonLines {
    lines: Lines,
    columns: Columns,
}

impl Iterator for JsonLines {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = loop {
            match self.lines.next()? {
                Err(error) => return Some(Err(error)),
                Ok((_, line)) if line.trim().is_empty() => continue,
                Ok((number, line)) => break (number, row(number, line, &self.columns)),
            }
        };
        let (number, row) = found;
        Some(row.map(Record::Row).map_err(|message| Error::record(self.lines.path(), number, message)))
    }
}

fn row(number: usize, line: &str, columns: &Columns) -> Result<Row, String> {
    let object: Map<String, Value> =
        serde_json::from_str(line).map_err(|e| format!("expected one JSON object a line: {e}"))?;
    let names: Vec<&str> = object.keys().map(String::as_str).collect();
    let positions = columns.positions(&names)?;
    let cells: Vec<Cell> = object.values().map(cell).collect();
    let used = [Some(positions.first), positions.second, positions.label, positions.id];
    for place in used.into_iter().flatten() {
        if matches!(object.values().nth(place), Some(Value::Array(_) | Value::Object(_))) {
            return Err(format!("column `{}` holds a list or an object; expected a string or a number", names[place]));
        }
    }
    Ok(positions.row(number, |i| cells[i].clone()))
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::String(text) => Cell::Text(text.clone()),
        Value::Bool(value) => Cell::Integer(i64::from(*value)),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Cell::Integer(integer),
            None => number.as_f64().map_or(Cell::Missing, Cell::Number),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => Cell::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{firsts, read};

    #[test]
    fn objects_give_columns_in_any_order() {
        let rows = "\u{feff}{\"label\": 1, \"sentence\": \"caf\\u00e9 \\\"x\\\"\\tz\", \"extra\": [1]}\r\n\n{\"sentence\":\"\",\"label\":\"negative\",\"id\":\"k\"}";
        let found = read("sst2", "train.jsonl", rows.as_bytes()).unwrap();
        assert_eq!(firsts(&found), ["caf\u{e9} \"x\"\tz", ""]);
        let rest: Vec<_> = found.examples.iter().map(|e| (e.id.as_str(), e.target)).collect();
        assert_eq!(rest, [("0", Some(1.0)), ("k", Some(0.0))]);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let message = |row: &str| {
            read("sst2", "train.jsonl", format!("{{\"sentence\":\"a\",\"label\":0}}\n{row}\n").as_bytes()).unwrap_err()
        };
        assert!(message("[1, 2]").contains("line 2: expected one JSON object a line"));
        assert!(message("{\"sentence\":\"a\",\"label\":0").contains("line 2: expected one JSON object"));
        assert!(message("{\"sentence\":\"a\"}").contains("line 2: no column `label`; found `sentence`"));
        assert!(message("{\"sentence\":3,\"label\":0}").contains("expected text, found the number 3"));
        assert!(message("{\"sentence\":null,\"label\":0}").contains("expected text, found nothing"));
        assert!(message("{\"sentence\":[\"a\"],\"label\":0}").contains("holds a list or an object"));
        assert!(message("{\"sentence\":\"a\",\"label\":null}").contains("found nothing"));
        assert!(message(&"[".repeat(100_000)).contains("line 2: expected one JSON object"));
    }
}
