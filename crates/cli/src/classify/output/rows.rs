//! The forms that are text, and the lines for people.

use std::fmt::Write as _;
use std::io::{self, Write};

use bitspike::model::Answer;
use serde::Serialize;

use super::super::Form;
use super::super::record::{Cell, Record};
use super::{Notes, Table};

/// Characters of a text that people are shown.
const SHOWN: usize = 160;

/// Writes lines, those of one call together.
pub(super) struct Rows<'a> {
    form: Form,
    table: &'a Table,
    out: &'a mut (dyn Write + Send),
    /// Lines that have not gone out.
    buffer: Vec<u8>,
    /// Characters of the longest label.
    width: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(form: Form, table: &'a Table, out: &'a mut (dyn Write + Send)) -> Self {
        let mut buffer = Vec::new();
        let names = || table.header.columns.iter().map(|column| &column.name).chain(&table.answers.names);
        if let Form::Csv | Form::Tsv = form {
            for (i, name) in names().enumerate() {
                if form == Form::Csv {
                    csv_field(i, name, &mut buffer)
                } else {
                    tsv_field(i, name, &mut buffer);
                }
            }
            buffer.push(b'\n');
        }
        let width = table.answers.labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
        Self { form, table, out, buffer, width }
    }

    pub(super) fn write(&mut self, records: &[Record], answers: &[Answer], notes: &mut Notes) -> io::Result<()> {
        for (record, answer) in records.iter().zip(answers) {
            match self.form {
                Form::Jsonl => self.json(record, answer)?,
                Form::Csv | Form::Tsv => self.fields(record, answer, notes),
                Form::Text | Form::Parquet => self.line(record, answer),
            }
        }
        self.out.write_all(&self.buffer)?;
        self.out.flush()?;
        self.buffer.clear();
        Ok(())
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.out.flush()
    }

    /// Label, probability and text, in columns.
    fn line(&mut self, record: &Record, answer: &Answer) {
        let (first, second) = self.table.header.texts(record);
        let mut line = match self.table.answers.label(answer) {
            Some(label) => format!("{label:<width$}  {:.4}  ", answer.probabilities[answer.label], width = self.width),
            None => format!("{:>9.4}  ", answer.probabilities.first().copied().unwrap_or(f32::NAN)),
        };
        shown(first, &mut line);
        if let Some(second) = second {
            line.push_str("  |  ");
            shown(second, &mut line);
        }
        self.buffer.extend(line.trim_end().bytes());
        self.buffer.push(b'\n');
    }

    fn fields(&mut self, record: &Record, answer: &Answer, notes: &mut Notes) {
        let (form, buffer) = (self.form, &mut self.buffer);
        let mut count = 0;
        let mut field = |text: &str| {
            match form {
                Form::Csv => csv_field(count, text, buffer),
                _ => notes.spaced += usize::from(tsv_field(count, text, buffer)),
            }
            count += 1;
        };
        record.cells.iter().for_each(|cell| field(&cell.text()));
        if let Some(label) = self.table.answers.label(answer) {
            field(label);
        }
        answer.probabilities.iter().for_each(|value| field(&value.to_string()));
        self.buffer.push(b'\n');
    }

    fn json(&mut self, record: &Record, answer: &Answer) -> io::Result<()> {
        let buffer = &mut self.buffer;
        let mut comma = true;
        match record.object.as_deref().and_then(|object| object.strip_suffix('}')) {
            // As it was written: numbers, order and spelling are not ours to change.
            Some(start) => {
                buffer.extend(start.trim_end().bytes());
                comma = start.trim_end() != "{";
            }
            None => {
                buffer.push(b'{');
                for (i, (column, cell)) in self.table.header.columns.iter().zip(&record.cells).enumerate() {
                    key(i > 0, &column.name, buffer)?;
                    json_cell(cell, buffer)?;
                }
            }
        }
        let (answers, probabilities) = (&self.table.answers, &answer.probabilities);
        match (answers.label(answer), &answers.keys[..]) {
            (Some(label), [first, second]) => {
                key(comma, first, buffer)?;
                json(label, buffer)?;
                key(true, second, buffer)?;
                for (i, (label, value)) in answers.labels.iter().zip(probabilities).enumerate() {
                    if i == 0 {
                        buffer.push(b'{');
                    }
                    key(i > 0, label, buffer)?;
                    json(value, buffer)?;
                }
                buffer.push(b'}');
            }
            _ => {
                key(comma, &answers.keys[0], buffer)?;
                json(&probabilities.first(), buffer)?;
            }
        }
        buffer.extend(b"}\n");
        Ok(())
    }
}

fn json(value: &(impl Serialize + ?Sized), buffer: &mut Vec<u8>) -> io::Result<()> {
    Ok(serde_json::to_writer(buffer, value)?)
}

fn key(comma: bool, key: &str, buffer: &mut Vec<u8>) -> io::Result<()> {
    if comma {
        buffer.push(b',');
    }
    json(key, buffer)?;
    buffer.push(b':');
    Ok(())
}

fn json_cell(cell: &Cell, buffer: &mut Vec<u8>) -> io::Result<()> {
    match cell {
        Cell::Missing => json(&(), buffer),
        Cell::Boolean(value) => json(value, buffer),
        Cell::Integer(value) => json(value, buffer),
        Cell::Number(value) => json(value, buffer),
        Cell::Text(text) => json(text, buffer),
        Cell::Json(text) => buffer.write_all(text.as_bytes()),
    }
}

/// A field of RFC 4180, in quotes where it needs them. The first of a record is quoted if empty: an empty line is no record.
fn csv_field(i: usize, text: &str, buffer: &mut Vec<u8>) {
    if i > 0 {
        buffer.push(b',');
    }
    if text.contains(['"', ',', '\n', '\r']) || (i == 0 && text.is_empty()) {
        buffer.push(b'"');
        for byte in text.bytes() {
            buffer.extend((byte == b'"').then_some(b'"'));
            buffer.push(byte);
        }
        buffer.push(b'"');
    } else {
        buffer.extend(text.bytes());
    }
}

/// A field without quotes; returns whether it held a tab or a line break, which are written as spaces.
fn tsv_field(i: usize, text: &str, buffer: &mut Vec<u8>) -> bool {
    if i > 0 {
        buffer.push(b'\t');
    }
    let broken = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r');
    buffer.extend(text.bytes().map(|byte| if broken(byte) { b' ' } else { byte }));
    text.bytes().any(broken)
}

/// The beginning of a text on one line, control characters escaped: a text must not steer the terminal.
fn shown(text: &str, line: &mut String) {
    for (i, c) in text.chars().enumerate() {
        if i == SHOWN {
            line.push_str("...");
            break;
        }
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if c.is_control() => {
                let _ = write!(line, "{}", c.escape_default());
            }
            c => line.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let csv = |fields: &[&str]| {
            let mut buffer = Vec::new();
            fields.iter().enumerate().for_each(|(i, field)| csv_field(i, field, &mut buffer));
            String::from_utf8(buffer).unwrap()
        };
        assert_eq!(csv(&["a b", "c,d", "say \"x\"", "e\nf", ""]), "a b,\"c,d\",\"say \"\"x\"\"\",\"e\nf\",");
        assert_eq!(csv(&[""]), "\"\"");
        let mut buffer = Vec::new();
        assert!(tsv_field(1, "a\tb\r\n\"c\"", &mut buffer));
        assert!(!tsv_field(1, "d", &mut buffer));
        assert_eq!(buffer, b"\ta b  \"c\"\td");
    }

    #[test]
    fn people_see_one_line_without_escapes() {
        let mut line = String::new();
        shown("a\x1b[31mb\nc\0d", &mut line);
        assert_eq!(line, "a\\u{1b}[31mb c\\u{0}d");
        line.clear();
        shown(&"x".repeat(SHOWN + 1), &mut line);
        assert_eq!(line, format!("{}...", "x".repeat(SHOWN)));
    }
}
