//! JSON: one object a line, or one array of objects; their keys are the columns, and may differ from one to the next.

mod array;
mod scan;

use std::sync::Arc;

use super::lines::Lines;
use super::row::{Cell, Column, Columns, Reader, Row, Selection};
use super::source::{Bytes, ReadOptions, Source, past_mark};
use crate::error::{Error, Result};
use array::Objects;
use scan::{decoded, entries, without_place};

/// Records of JSON; empty lines between objects are ignored.
pub(super) struct Json {
    records: Records,
    options: ReadOptions,
    /// The keys of the last object.
    columns: Columns,
    /// Keys whose values are decoded; all of them, unless given.
    wanted: Option<Vec<String>>,
}

enum Records {
    /// Nothing has been read that would tell.
    Unknown(Option<Bytes>),
    Lines(Lines),
    Array(Box<Objects>),
    /// What comes next could not be told apart from what was before.
    Ended,
}

impl Json {
    pub(super) fn open(source: Source, options: &ReadOptions) -> Result<Self> {
        let records = Records::Unknown(Some(source.open()?));
        Ok(Self { records, options: options.clone(), columns: Columns::default(), wanted: None })
    }

    /// Tells lines and an array apart by the first byte that is no white space.
    fn begin(&mut self) -> Result<()> {
        let Records::Unknown(bytes) = &mut self.records else { return Ok(()) };
        let Some(mut bytes) = bytes.take() else { return Ok(()) };
        let start = bytes.fill()?;
        let past =
            past_mark(start).map(|text| (start.len() - text.len(), text.trim_ascii_start().first() == Some(&b'[')));
        let (mark, is_array) = past.map_err(|message| Error::record(&bytes.place, 1, message))?;
        self.records = if is_array {
            bytes.consume(mark);
            Records::Array(Box::new(Objects::new(bytes, &self.options)))
        } else {
            Records::Lines(Lines::new(bytes, &self.options))
        };
        Ok(())
    }

    /// Reads the next object into `row`; `None` at the end.
    fn next(&mut self, row: &mut Row) -> Option<Result<()>> {
        let Self { records, options, columns, wanted } = self;
        let wanted = wanted.as_deref();
        match records {
            Records::Unknown(_) | Records::Ended => None,
            Records::Lines(lines) => loop {
                match lines.next()? {
                    Err(error) => {
                        // What is not text may be in a value that nobody asks for.
                        let text = lines.bytes().filter(|_| wanted.is_some()).map(String::from_utf8_lossy);
                        let good = text.is_some_and(|text| object(row, text.trim(), columns, wanted).is_ok())
                            && !row.cells.iter().any(|cell| cell.text().contains(['\u{fffd}', '\0']));
                        (row.line, row.position, row.object) = (lines.number(), lines.position(), None);
                        return Some(if good { Ok(()) } else { Err(error) });
                    }
                    Ok((line, text)) => {
                        let text = text.trim();
                        if text.is_empty() {
                            continue;
                        }
                        let result = object(row, text, columns, wanted);
                        (row.line, row.object) = (line, None);
                        if result.is_ok() && wanted.is_none() {
                            row.object = Some(text.to_owned());
                        }
                        row.position = lines.position();
                        let expected = "expected one JSON object a line";
                        return Some(result.map_err(|(_, message)| {
                            Error::record(lines.place(), line, format!("{expected}: {message}"))
                        }));
                    }
                }
            },
            Records::Array(objects) => {
                if let Err(error) = objects.next()? {
                    return Some(Err(error));
                }
                let (start, place) = (objects.start, &objects.bytes().place);
                let text = match options.decoder.decode(objects.object()) {
                    Ok(text) => text,
                    Err(message) => return Some(Err(Error::record(place, start, message))),
                };
                let result = object(row, &text, columns, wanted);
                (row.line, row.position, row.object) = (start, objects.bytes().position, None);
                if result.is_ok() && wanted.is_none() {
                    row.object = Some(on_one_line(&text));
                }
                Some(result.map_err(|(at, message)| {
                    let line = start + text[..at].matches('\n').count();
                    Error::record(place, line, format!("expected an array of JSON objects: {message}"))
                }))
            }
        }
    }
}

impl Reader for Json {
    fn select(&mut self, _: Selection) {}

    fn want(&mut self, names: &[String]) {
        self.wanted = Some(names.to_vec());
    }

    fn read(&mut self, row: &mut Row) -> Option<Result<()>> {
        if let Err(error) = self.begin() {
            self.records = Records::Ended;
            return Some(Err(error));
        }
        self.next(row)
    }
}

/// Puts the entries of the object that `text` is into `row`, whose columns are `known` if its keys are those of the object before.
fn object(row: &mut Row, text: &str, known: &mut Columns, wanted: Option<&[String]>) -> Result<(), (usize, String)> {
    row.cells.clear();
    // The keys from the first on that is not that of the object before.
    let mut changed: Option<Vec<Column>> = None;
    entries(text, |key, value| {
        let place = row.cells.len();
        match (&mut changed, known.get(place)) {
            (None, Some(column)) if column.name == key => {}
            (Some(columns), _) => columns.push(Column::text(key.as_ref())),
            (None, _) => {
                let same = known[..place.min(known.len())].to_vec();
                changed.insert(same).push(Column::text(key.as_ref()));
            }
        }
        let is_wanted = wanted.is_none_or(|names| names.iter().any(|name| *name == key || name == key.trim()));
        row.cells.push(if is_wanted { cell(value)? } else { Cell::Missing });
        Ok(())
    })?;
    if let Some(columns) = changed {
        *known = columns.into();
    } else if row.cells.len() < known.len() {
        *known = known[..row.cells.len()].into();
    }
    row.columns = Arc::clone(known);
    Ok(())
}

/// The cell that a value of JSON is.
fn cell(value: &str) -> Result<Cell, String> {
    match value.as_bytes()[0] {
        b'"' => Ok(Cell::Text(decoded(value)?.into_owned())),
        b'[' | b'{' => match serde_json::from_str::<serde::de::IgnoredAny>(value) {
            Ok(_) => Ok(Cell::Json(on_one_line(value))),
            Err(error) => Err(not_json(value).unwrap_or_else(|| without_place(&error))),
        },
        _ => match value {
            "null" => Ok(Cell::Missing),
            "true" => Ok(Cell::Boolean(true)),
            "false" => Ok(Cell::Boolean(false)),
            _ => number(value),
        },
    }
}

/// A number, whose own spelling is kept.
fn number(value: &str) -> Result<Cell, String> {
    match serde_json::from_str::<f64>(value) {
        Ok(_) if value == "-0" => Ok(Cell::Json(value.to_owned())),
        Ok(_) => Ok(value.parse().map_or_else(|_| Cell::Json(value.to_owned()), Cell::Integer)),
        Err(error) => Err(not_json(value).unwrap_or_else(|| match error.to_string().contains("out of range") {
            true => format!("the number {value} is larger than a float can be; write it as a string"),
            false => format!(
                "expected a value of JSON, found `{}`",
                value.chars().take(40).collect::<String>().escape_debug()
            ),
        })),
    }
}

/// The word in a value that other programs write and JSON does not have.
fn not_json(value: &str) -> Option<String> {
    let (mut quoted, mut escaped) = (false, false);
    let outside = |c: char| {
        let was = quoted;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        if was || quoted { ' ' } else { c }
    };
    let plain: String = value.chars().map(outside).collect();
    let words = plain.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let found = words.filter(|word| !word.is_empty()).find_map(|word| {
        let remedy = match word.trim_start_matches('-') {
            "NaN" | "Infinity" | "nan" | "inf" | "None" | "undefined" | "NA" => "null",
            "True" => "true",
            "False" => "false",
            _ => return None,
        };
        Some((word, remedy))
    });
    found.map(|(word, remedy)| format!("found {word}, which JSON does not have; write {remedy}"))
}

/// JSON without the white space between its parts.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ' ' | '\t' | '\r' | '\n' if !quoted => continue,
            _ => {}
        }
        line.push(c);
    }
    line
}
