//! Tab-separated values as GLUE and IANA's `text/tab-separated-values` define them: fields are split at tabs and a quote is an
//! ordinary character. Text with tabs or line breaks inside belongs in CSV, JSON Lines or Parquet.

use super::csv::MAX_COLUMNS;
use super::lines::Lines;
use super::row::{Column, Columns, Reader, Row, Selection};
use crate::error::Result;

/// Records of TSV; wholly empty lines are ignored.
pub(super) struct Tsv {
    lines: Lines,
    header: Option<Vec<Column>>,
    /// Line of the header.
    pub(super) header_line: usize,
    short_rows: bool,
    selection: Selection,
}

impl Tsv {
    /// Reads the header.
    pub(super) fn new(mut lines: Lines, short_rows: bool) -> Result<Self> {
        let (mut header, mut header_line) = (None, 1);
        while let Some(line) = lines.next() {
            let (number, line) = line?;
            if line.is_empty() {
                continue;
            }
            if line.split('\t').nth(MAX_COLUMNS).is_some() {
                return Err(lines.refuse(format!("more than {MAX_COLUMNS} columns")));
            }
            header_line = number;
            header = Some(line.split('\t').map(Column::text).collect());
            break;
        }
        Ok(Self { lines, header, header_line, short_rows, selection: Selection::default() })
    }
}

impl Reader for Tsv {
    fn columns(&self) -> Option<Vec<Column>> {
        self.header.clone()
    }

    fn select(&mut self, places: &[usize], columns: &Columns) -> Result<()> {
        self.selection = Selection::new(self.header.as_ref().map_or(0, Vec::len), places, columns);
        Ok(())
    }

    fn read(&mut self, row: &mut Row) -> Option<Result<()>> {
        let (width, found) = loop {
            match self.lines.next()? {
                Err(error) => return Some(Err(error)),
                Ok((_, line)) if line.is_empty() => {}
                Ok((number, line)) => break (self.selection.width(), self.selection.fill(row, number, fields(&line))),
            }
        };
        row.position = self.lines.position();
        if found == width {
            return Some(Ok(()));
        }
        if self.short_rows && found < width {
            row.cells.clear();
            return Some(Ok(()));
        }
        let message = format!(
            "expected {width} columns, found {found}; fields are split at tabs, and quotes do not hold them together"
        );
        Some(Err(self.lines.refuse(message)))
    }
}

/// `line` split at its tabs.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\t', line.as_bytes()).chain([line.len()]);
    ends.map(move |end| &line[std::mem::replace(&mut start, end + 1)..end])
}
