//! Tab-separated values as GLUE and IANA's `text/tab-separated-values` define them: fields are split at tabs and a quote is an
//! ordinary character. Text with tabs or line breaks inside belongs in CSV, JSON Lines or Parquet.

use std::path::Path;

use super::lines::Lines;
use super::records::{Cell, Columns, Positions, Record, Records};
use bitspike::{Error, Result};

/// Records of the file at `path`; wholly empty lines are ignored.
///
/// # Errors
/// If the file cannot be opened, is empty, or its header lacks a column.
pub(super) fn open(path: &Path, columns: &Columns) -> Result<Records> {
    let mut lines = Lines::open(path)?;
    loop {
        let Some(line) = lines.next() else {
            let message = format!("the file is empty; expected a header line with {}", columns.expected());
            return Err(Error::record(path, 1, message));
        };
        let (number, line) = line?;
        if line.is_empty() {
            continue;
        }
        let fields: Vec<&str> = line.split('\t').collect();
        let (width, skip_broken) = (fields.len(), columns.skip_broken);
        if let Some(positions) = columns.headerless(&fields) {
            let pending = Some(positions.row(number, |i| Cell::Text(fields[i].to_owned())));
            return Ok(Box::new(Tsv { pending: pending.map(Record::Row), lines, width, positions, skip_broken }));
        }
        let positions = columns.positions(&fields).map_err(|message| Error::record(path, number, message))?;
        return Ok(Box::new(Tsv { pending: None, lines, width, positions, skip_broken }));
    }
}

struct Tsv {
    /// The first record of a file without header.
    pending: Option<Record>,
    lines: Lines,
    width: usize,
    positions: Positions,
    skip_broken: bool,
}

impl Iterator for Tsv {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(record) = self.pending.take() {
            return Some(Ok(record));
        }
        let found = loop {
            match self.lines.next()? {
                Err(error) => return Some(Err(error)),
                Ok((_, "")) => continue,
                Ok((number, line)) => {
                    let fields: Vec<&str> = line.split('\t').collect();
                    if fields.len() == self.width {
                        return Some(Ok(Record::Row(self.positions.row(number, |i| Cell::Text(fields[i].to_owned())))));
                    }
                    break (number, fields.len());
                }
            }
        };
        let (number, found) = found;
        if self.skip_broken && found < self.width {
            return Some(Ok(Record::Skipped));
        }
        let message = format!(
            "expected {} columns, found {found}; fields are split at tabs, and quotes do not hold them together",
            self.width
        );
        Some(Err(Error::record(self.lines.path(), number, message)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{firsts, read};

    #[test]
    fn quotes_hold_nothing_together() {
        let rows = b"label\tsentence\n1\t\"Never\" , he said .\n0\t\"open\n1\t5\" of snow\"\n";
        let found = read("sst2", "train.tsv", rows).unwrap();
        assert_eq!(firsts(&found), ["\"Never\" , he said .", "\"open", "5\" of snow\""]);
    }

    #[test]
    fn empty_lines_are_ignored_and_lines_counted() {
        let found = read("sst2", "train.tsv", b"\n\xEF\xBB\xBFsentence\tlabel\n").unwrap_err();
        // A mark in the middle of a file is a character, and so part of the column's name.
        assert!(found.contains("line 2: no column `sentence`"), "{found}");
        let rows = b"\xEF\xBB\xBFsentence\tlabel\r\n\r\none\t0\r\n\n\ntwo\t1\r\n\r\n\n";
        assert_eq!(firsts(&read("sst2", "train.tsv", rows).unwrap()), ["one", "two"]);
        let message = read("sst2", "train.tsv", b"sentence\tlabel\n\none\t0\n\ntwo\n").unwrap_err();
        assert!(message.contains("line 5: expected 2 columns, found 1"), "{message}");
    }

    #[test]
    fn too_many_columns_are_refused_too() {
        let message = read("sst2", "train.tsv", b"sentence\tlabel\none\t0\t\n").unwrap_err();
        assert!(message.contains("line 2: expected 2 columns, found 3"), "{message}");
    }

    #[test]
    fn empty_files_and_bare_headers_are_told_apart() {
        for nothing in [b"".as_slice(), b"\n", b"\xEF\xBB\xBF", b"\r\n\r\n"] {
            let message = read("rte", "train.tsv", nothing).unwrap_err();
            assert!(
                message.contains(
                    "line 1: the file is empty; expected a header line with `sentence1`, `sentence2`, `label`"
                ),
                "{message}"
            );
        }
        let message = read("rte", "train.tsv", b"index\tsentence1\tsentence2\tlabel\n").unwrap_err();
        assert!(message.contains("no examples; expected a record a line below the header"), "{message}");
    }
}
