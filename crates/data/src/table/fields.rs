//! Cells as the text forms write them.

use serde::Serialize;

use super::row::Cell;

/// A field of RFC 4180, in quotes where it needs them. An empty one in `first` place is quoted: an empty line is no record.
pub(super) fn csv_field(first: bool, text: &str, line: &mut Vec<u8>) {
    if !first {
        line.push(b',');
    }
    if text.contains(['"', ',', '\n', '\r']) || (first && text.is_empty()) {
        line.push(b'"');
        for byte in text.bytes() {
            line.extend((byte == b'"').then_some(b'"'));
            line.push(byte);
        }
        line.push(b'"');
    } else {
        line.extend(text.bytes());
    }
}

/// A field without quotes; returns whether it held a tab or a line break, which are written as spaces.
pub(super) fn tsv_field(first: bool, text: &str, line: &mut Vec<u8>) -> bool {
    if !first {
        line.push(b'\t');
    }
    let broken = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r');
    line.extend(text.bytes().map(|byte| if broken(byte) { b' ' } else { byte }));
    text.bytes().any(broken)
}

/// A key of a JSON object and its value.
pub(super) fn json_entry(first: bool, key: &str, cell: &Cell, line: &mut Vec<u8>) -> serde_json::Result<()> {
    if !first {
        line.push(b',');
    }
    json(key, line)?;
    line.push(b':');
    match cell {
        Cell::Missing => json(&(), line),
        Cell::Boolean(value) => json(value, line),
        Cell::Integer(value) => json(value, line),
        Cell::Unsigned(value) => json(value, line),
        Cell::Single(value) => json(value, line),
        Cell::Number(value) => json(value, line),
        Cell::Text(text) | Cell::Bytes(text) => json(text, line),
        Cell::Vector(values) => json(values, line),
        Cell::Json(text) => {
            line.extend(text.bytes());
            Ok(())
        }
    }
}

fn json(value: &(impl Serialize + ?Sized), line: &mut Vec<u8>) -> serde_json::Result<()> {
    serde_json::to_writer(line, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let csv = |fields: &[&str]| {
            let mut line = Vec::new();
            fields.iter().enumerate().for_each(|(i, field)| csv_field(i == 0, field, &mut line));
            String::from_utf8(line).unwrap()
        };
        assert_eq!(csv(&["a b", "c,d", "say \"x\"", "e\nf", ""]), "a b,\"c,d\",\"say \"\"x\"\"\",\"e\nf\",");
        assert_eq!(csv(&[""]), "\"\"");
        let mut line = Vec::new();
        assert!(tsv_field(false, "a\tb\r\n\"c\"", &mut line));
        assert!(!tsv_field(false, "d", &mut line));
        assert_eq!(line, b"\ta b  \"c\"\td");
    }
}
