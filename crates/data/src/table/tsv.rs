//! Tab-separated values as GLUE and IANA's `text/tab-separated-values` define them: fields are split at tabs and a quote is an
//! ordinary character. Text with tabs or line breaks inside belongs in CSV, JSON Lines or Parquet. Plain text is the same without
//! a header, and every line counts.

use super::csv::MAX_COLUMNS;
use super::lines::Lines;
use super::row::{Column, Header, Reader, Row, Selection};
use crate::error::Result;

/// Records of TSV, where wholly empty lines are ignored, or of plain text.
pub(super) struct Tsv {
    lines: Lines,
    kind: Kind,
    selection: Selection,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tsv {
        short_rows: bool,
    },
    /// A text a line, tabs and all.
    Text,
    /// Two texts a line with a tab between.
    Pairs,
}

impl Tsv {
    /// Reads the header of TSV.
    pub(super) fn open(mut lines: Lines, short_rows: bool) -> Result<(Self, Header)> {
        let mut header = None;
        while let Some(line) = lines.next() {
            let (number, line) = line?;
            if line.is_empty() {
                continue;
            }
            if fields(&line).nth(MAX_COLUMNS).is_some() {
                return Err(lines.refuse(format!("more than {MAX_COLUMNS} columns")));
            }
            header = Some((number, fields(&line).map(Column::text).collect()));
            break;
        }
        Ok((Self { lines, kind: Kind::Tsv { short_rows }, selection: Selection::default() }, header))
    }

    /// Plain text and its columns.
    pub(super) fn plain(lines: Lines, pair: bool) -> (Self, Vec<Column>) {
        let (kind, names) = if pair { (Kind::Pairs, &["text", "text2"][..]) } else { (Kind::Text, &["text"][..]) };
        (Self { lines, kind, selection: Selection::default() }, names.iter().map(|name| Column::text(*name)).collect())
    }
}

impl Reader for Tsv {
    fn select(&mut self, selection: Selection) {
        self.selection = selection;
    }

    fn read(&mut self, row: &mut Row) -> Option<Result<()>> {
        let (width, found) = loop {
            match self.lines.next()? {
                Err(error) => return Some(Err(error)),
                Ok((_, line)) if line.is_empty() && matches!(self.kind, Kind::Tsv { .. }) => {}
                Ok((number, line)) => {
                    let found = match self.kind {
                        Kind::Text => self.selection.fill(row, number, [line].iter()),
                        _ => self.selection.fill(row, number, fields(&line)),
                    };
                    break (self.selection.width(), found);
                }
            }
        };
        row.position = self.lines.position();
        if found == width {
            return Some(Ok(()));
        }
        if self.kind == (Kind::Tsv { short_rows: true }) && found < width {
            row.cells.clear();
            return Some(Ok(()));
        }
        Some(Err(self.lines.refuse(match self.kind {
            Kind::Tsv { .. } => format!(
                "expected {width} columns, found {found}; fields are split at tabs, and quotes do not hold them together"
            ),
            _ => format!("expected two texts with one tab between, found {} tabs", found - 1),
        })))
    }
}

/// `line` split at its tabs.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\t', line.as_bytes()).chain([line.len()]);
    ends.map(move |end| &line[std::mem::replace(&mut start, end + 1)..end])
}
