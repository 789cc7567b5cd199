//! Comma-separated values as RFC 4180 defines them: a field in double quotes may hold commas, line breaks and doubled quotes.
//!
//! Where a file departs from the RFC it is read as the crate `csv` reads it: a quote inside a field that does not begin with one
//! is a character, and what follows a closing quote belongs to the field. A quote that is never closed is an error here.

use std::borrow::Cow;

use super::row::{Column, Header, Reader, Row, Selection};
use super::source::{Bytes, ReadOptions, past_mark};
use crate::error::{Error, Result};

/// Most columns of a header.
pub(super) const MAX_COLUMNS: usize = 1 << 16;

/// Memory kept from one record for the next ones.
const KEPT: usize = 1 << 20;

/// Records of CSV; wholly empty lines are ignored.
pub(super) struct Csv {
    bytes: Bytes,
    options: ReadOptions,
    /// Line that the next byte belongs to.
    line: usize,
    /// Whether the last byte was a carriage return, which a line feed would end one line with.
    returned: bool,
    /// The record last read: its fields, one after the other, and where each ends. Ends beyond [`Csv::width`] are counted only.
    record: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
    /// Line that it begins on.
    start: usize,
    /// Fields that a record may have.
    width: usize,
    selection: Selection,
    finished: bool,
}

/// Where in a record the parser is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before it, where line ends are passed over.
    Before,
    /// At the beginning of a field.
    Field,
    /// In a field, or its rest, without quotes.
    Plain,
    /// Between quotes, the first of which is on that line.
    Quoted(usize),
    /// After a quote between quotes: the first of two, or the closing one.
    Quote(usize),
}

impl Csv {
    /// Reads the header.
    pub(super) fn open(mut bytes: Bytes, options: &ReadOptions) -> Result<(Self, Header)> {
        let start = bytes.fill()?;
        let past = past_mark(start).map(<[u8]>::len);
        let mark = start.len() - past.map_err(|message| Error::record(&bytes.place, 1, message))?;
        bytes.consume(mark);
        let mut csv = Self {
            bytes,
            options: options.clone(),
            line: 1,
            returned: false,
            record: Vec::new(),
            ends: Vec::new(),
            fields: 0,
            start: 1,
            width: MAX_COLUMNS,
            selection: Selection::default(),
            finished: false,
        };
        if !csv.advance()? {
            return Ok((csv, None));
        }
        if csv.fields > MAX_COLUMNS {
            return Err(csv.refuse(csv.start, format!("more than {MAX_COLUMNS} columns")));
        }
        let columns: Result<Vec<Column>, String> = csv.texts().map(|text| text.map(Column::text)).collect();
        let columns = columns.map_err(|message| csv.refuse(csv.start, message))?;
        csv.width = csv.fields;
        let line = csv.start;
        Ok((csv, Some((line, columns))))
    }

    /// Reads the next record; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        self.record.clear();
        self.record.shrink_to(KEPT);
        self.ends.clear();
        self.fields = 0;
        let (mut state, mut begin) = (State::Before, 0);
        // Every turn takes a run of bytes: to the next that means something, or what there is of it.
        loop {
            let chunk = self.bytes.fill()?;
            let Some(&byte) = chunk.first() else { return self.end(state) };
            state = match state {
                State::Before if matches!(byte, b'\r' | b'\n') => self.pass(1, state),
                State::Before => {
                    (self.start, begin) = (self.line, self.bytes.position);
                    State::Field
                }
                State::Field if byte == b'"' => self.pass(1, State::Quoted(self.line)),
                State::Quote(line) if byte == b'"' => {
                    self.record.push(byte);
                    self.pass(1, State::Quoted(line))
                }
                State::Field | State::Plain | State::Quote(_) => {
                    let end = memchr::memchr3(b',', b'\r', b'\n', chunk);
                    let run = end.unwrap_or(chunk.len());
                    let last = chunk.get(run).copied();
                    self.record.extend_from_slice(&chunk[..run]);
                    self.bytes.consume(run);
                    self.returned = false;
                    match last {
                        None => State::Plain,
                        Some(last) => {
                            self.end_field();
                            self.pass(1, State::Field);
                            if last != b',' {
                                return Ok(true);
                            }
                            State::Field
                        }
                    }
                }
                State::Quoted(line) => {
                    let end = memchr::memchr(b'"', chunk);
                    let run = end.unwrap_or(chunk.len());
                    self.record.extend_from_slice(&chunk[..run]);
                    match end {
                        None => self.pass(run, state),
                        Some(_) => self.pass(run + 1, State::Quote(line)),
                    }
                }
            };
            if state != State::Before && self.bytes.position - begin > self.options.longest as u64 {
                let message = format!("{} (is a double quote not closed?)", self.options.too_long("record"));
                let line = if let State::Quoted(line) = state { line } else { self.start };
                return Err(self.refuse(line, message));
            }
        }
    }

    /// What the end of the input means in that state: whether it ends a record.
    fn end(&mut self, state: State) -> Result<bool> {
        match state {
            State::Before => Ok(false),
            State::Quoted(line) => {
                let message = "a field that begins with a double quote is never closed; close it, and double the quotes inside it";
                Err(self.refuse(line, message.to_owned()))
            }
            _ => {
                self.end_field();
                Ok(true)
            }
        }
    }

    /// Passes over `count` bytes, counting lines, on the way to `state`.
    fn pass(&mut self, count: usize, state: State) -> State {
        let passed = &self.bytes.buffer()[..count];
        for at in memchr::memchr2_iter(b'\r', b'\n', passed) {
            let returned = if at == 0 { self.returned } else { passed[at - 1] == b'\r' };
            // `\r\n` is one line end, and `\r` alone is one too.
            self.line += usize::from(!(returned && passed[at] == b'\n'));
        }
        self.returned = passed.last() == Some(&b'\r');
        self.bytes.consume(count);
        state
    }

    fn end_field(&mut self) {
        if self.fields < self.width {
            self.ends.push(self.record.len());
        }
        self.fields += 1;
    }

    /// The fields of the record as text, each or why it is none.
    fn texts(&self) -> impl Iterator<Item = Result<Cow<'_, str>, String>> {
        let mut start = 0;
        let next = move |&end: &usize| &self.record[std::mem::replace(&mut start, end)..end];
        self.ends.iter().map(next).map(|field| self.options.decoder.decode(field))
    }

    fn refuse(&self, line: usize, message: String) -> Error {
        Error::record(&self.bytes.place, line, message)
    }
}

impl Reader for Csv {
    fn select(&mut self, selection: Selection) {
        self.selection = selection;
    }

    fn read(&mut self, row: &mut Row) -> Option<Result<()>> {
        match if self.finished { Ok(false) } else { self.advance() } {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                self.finished = true;
                return Some(Err(error));
            }
        }
        if self.fields != self.width {
            let message = format!(
                "expected {} columns, found {}; put a field that holds a comma or a line break in double quotes",
                self.width, self.fields
            );
            return Some(Err(self.refuse(self.start, message)));
        }
        row.position = self.bytes.position;
        let mut fault = None;
        let good = self.texts().map_while(|text| text.map_err(|message| fault = Some(message)).ok());
        self.selection.fill(row, self.start, good);
        Some(fault.map_or(Ok(()), |message| Err(self.refuse(self.start, message))))
    }
}
