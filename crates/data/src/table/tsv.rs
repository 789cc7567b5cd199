//! Tab-separated values as GLUE and IANA's `text/tab-separated-values` define them: fields are split at tabs and a quote is an
//! ordinary character. Text with tabs or line breaks inside belongs in CSV, JSON Lines or Parquet. Plain text is the same without
//! a header, and every line counts.
//!
//! Other programs write TSV with the quotes of CSV. A header in quotes is refused; of fields [`QuotedFields`] says what becomes.

use std::sync::atomic::Ordering;

use super::csv::MAX_COLUMNS;
use super::lines::Lines;
use super::row::{Column, Header, Reader, Row, Selection};
use super::separator::{FirstLine, first_line};
use super::source::{QuotedFields, ReadOptions};
use crate::error::Result;

/// Records of TSV, where wholly empty lines are ignored, or of plain text.
pub(super) struct Tsv {
    lines: Lines,
    kind: Kind,
    quoted_fields: QuotedFields,
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
    pub(super) fn open(mut lines: Lines, options: &ReadOptions) -> Result<(Self, Header)> {
        let mut header = None;
        while let Some(line) = lines.next() {
            let (number, line) = line?;
            if line.is_empty() {
                continue;
            }
            if fields(&line).nth(MAX_COLUMNS).is_some() {
                return Err(lines.refuse(format!("more than {MAX_COLUMNS} columns")));
            }
            let columns: Vec<Column> = fields(&line).map(Column::text).collect();
            let quoted = |column: &&Column| is_quoted(&column.name);
            if let Some(column) = columns.iter().find(quoted) {
                let message = format!(
                    "the header is in double quotes (`{}`), and TSV has none here; write it as CSV, or without quotes",
                    column.name
                );
                return Err(lines.refuse(message));
            }
            match first_line(&columns, '\t') {
                Ok(FirstLine::Note) => continue,
                Ok(FirstLine::Header) => header = Some((number, columns)),
                Err(message) => return Err(lines.refuse(message)),
            }
            break;
        }
        let kind = Kind::Tsv { short_rows: options.short_rows };
        let quoted_fields = options.quoted_fields.clone();
        Ok((Self { lines, kind, quoted_fields, selection: Selection::default() }, header))
    }

    /// Plain text and its columns.
    pub(super) fn plain(lines: Lines, pair: bool) -> (Self, Vec<Column>) {
        let (kind, names) = if pair { (Kind::Pairs, &["text", "text2"][..]) } else { (Kind::Text, &["text"][..]) };
        let quoted_fields = QuotedFields::Kept;
        (
            Self { lines, kind, quoted_fields, selection: Selection::default() },
            names.iter().map(|name| Column::text(*name)).collect(),
        )
    }
}

impl Reader for Tsv {
    fn select(&mut self, selection: Selection) {
        self.selection = selection;
    }

    fn read(&mut self, row: &mut Row) -> Option<Result<()>> {
        let (width, found, quoted) = loop {
            match self.lines.next()? {
                Err(error) => return Some(self.unwanted_damage(row).ok_or(error)),
                Ok((_, line)) if line.is_empty() && matches!(self.kind, Kind::Tsv { .. }) => {}
                Ok((number, line)) => {
                    let quoted = match (self.kind, &self.quoted_fields) {
                        (Kind::Tsv { .. }, QuotedFields::Counted(_) | QuotedFields::Refused) => {
                            fields(&line).position(has_doubled_quotes)
                        }
                        _ => None,
                    };
                    let found = match self.kind {
                        Kind::Text => self.selection.fill(row, number, [line].iter()),
                        _ => self.selection.fill(row, number, fields(&line)),
                    };
                    break (self.selection.width(), found, quoted);
                }
            }
        };
        row.position = self.lines.position();
        if let Some(place) = quoted
            && let Err(message) = self.quoted(place)
        {
            return Some(Err(self.lines.refuse(message)));
        }
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

impl Tsv {
    /// Reads the last line, which is not text, if only fields are damaged that nobody asks for.
    fn unwanted_damage(&self, row: &mut Row) -> Option<()> {
        let line = self.lines.bytes().filter(|_| matches!(self.kind, Kind::Tsv { .. }))?;
        let fields = || line.split(|byte| *byte == b'\t');
        let is_good = |(place, field): (usize, &[u8])| {
            !self.selection.wants(place) || std::str::from_utf8(field).is_ok_and(|text| !text.contains('\0'))
        };
        if fields().count() != self.selection.width() || !fields().enumerate().all(is_good) {
            return None;
        }
        self.selection.fill(row, self.lines.number(), fields().map(String::from_utf8_lossy));
        row.position = self.lines.position();
        Some(())
    }

    /// What becomes of the field at `place` of the last line, which is written as in CSV.
    fn quoted(&self, place: usize) -> Result<(), String> {
        match &self.quoted_fields {
            QuotedFields::Kept => Ok(()),
            QuotedFields::Counted(count) => {
                count.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            QuotedFields::Refused => Err(format!(
                "column {} is in double quotes, with those inside doubled as in CSV, and TSV has no quotes here; write the file as \
                 CSV, or without quotes",
                place + 1
            )),
        }
    }
}

fn is_quoted(field: &str) -> bool {
    field.len() >= 2 && field.starts_with('"') && field.ends_with('"')
}

/// Whether a field is in quotes, and has quotes inside that are all doubled.
fn has_doubled_quotes(field: &str) -> bool {
    if !is_quoted(field) || field.len() < 4 {
        return false;
    }
    let inner = &field[1..field.len() - 1];
    let mut runs = inner.split(|c| c != '"').filter(|run| !run.is_empty()).peekable();
    runs.peek().is_some() && runs.all(|run| run.len().is_multiple_of(2))
}

/// `line` split at its tabs.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\t', line.as_bytes()).chain([line.len()]);
    ends.map(move |end| &line[std::mem::replace(&mut start, end + 1)..end])
}
