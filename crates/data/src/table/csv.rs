//! Comma-separated values as RFC 4180 defines them: a field in double quotes may hold commas, line breaks and doubled quotes.
//!
//! Where a file departs from the RFC it is read as the crate `csv` reads it, in so far as that is what was meant: a quote inside a
//! field that does not begin with one is a character. A quote that is never closed is an error here, and so are text behind a
//! closing quote, which is what quotes that are escaped with a backslash look like, and a blank before an opening one. A first
//! line `sep=,` is passed over.

use std::borrow::Cow;

use super::row::{Column, Header, Reader, Row, Selection};
use super::separator::{FirstLine, first_line, separated_by};
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

const BLANK: &str =
    "a field has a blank before its opening double quote, so that the quote opens nothing; leave the blank out";

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
    /// After a quote between quotes: the first of two, or the closing one. The first quote is on that line.
    Quote(usize),
    /// Behind a closing quote, where nothing but blanks may be. The first quote is on that line.
    Behind(usize),
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
        loop {
            if !csv.advance()? {
                return Ok((csv, None));
            }
            if csv.fields > MAX_COLUMNS {
                return Err(csv.refuse(csv.start, format!("more than {MAX_COLUMNS} columns")));
            }
            let columns: Result<Vec<Column>, String> = csv.texts().map(|text| text.map(Column::text)).collect();
            let first = columns.and_then(|columns| Ok((first_line(&columns, ',')?, columns)));
            let (first, columns) = first.map_err(|message| csv.refuse(csv.start, message))?;
            if let FirstLine::Header = first {
                csv.width = csv.fields;
                let line = csv.start;
                return Ok((csv, Some((line, columns))));
            }
        }
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
                State::Field | State::Plain | State::Quote(_) | State::Behind(_) => {
                    let end = memchr::memchr3(b',', b'\r', b'\n', chunk);
                    let run = end.unwrap_or(chunk.len());
                    let last = chunk.get(run).copied();
                    if let State::Quote(line) | State::Behind(line) = state
                        && let Some(text) = chunk[..run].iter().find(|byte| !matches!(byte, b' ' | b'\t')).copied()
                    {
                        let text = if chunk[0] == b'\t' { chunk[0] } else { text };
                        let message = self.behind(text);
                        return Err(self.refuse(line, message));
                    }
                    self.record.extend_from_slice(&chunk[..run]);
                    self.bytes.consume(run);
                    self.returned = false;
                    match (last, state) {
                        (None, State::Quote(line) | State::Behind(line)) => State::Behind(line),
                        (None, _) => State::Plain,
                        (Some(last), _) => {
                            if matches!(state, State::Field | State::Plain) && self.is_behind_a_blank() {
                                return Err(self.refuse(self.line, BLANK.to_owned()));
                            }
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

    /// Why a field is refused that has `text` behind its closing quote.
    fn behind(&self, text: u8) -> String {
        if let Some(message) = separated_by(char::from(text), ',') {
            return message;
        }
        let backslash = self.record.last() == Some(&b'\\') || text == b'\\';
        let cause = if backslash {
            "a quote inside it is escaped with a backslash, as Spark writes it"
        } else {
            "a quote inside it is not doubled"
        };
        let remedy = if backslash {
            "write the file with quotes doubled (Spark: `escape` set to a double quote)"
        } else {
            "double the quotes inside a field"
        };
        format!("a field in double quotes has text behind its closing quote: {cause}; {remedy}")
    }

    /// Whether the field that ends here has a blank and then a quote at its beginning, and a quote at its end.
    fn is_behind_a_blank(&self) -> bool {
        let field = &self.record[self.ends.last().copied().unwrap_or(0)..];
        matches!(field, [b' ' | b'\t', .., b'"']) && {
            let inner = field.trim_ascii();
            inner.len() >= 2 && inner[0] == b'"'
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
                if matches!(state, State::Field | State::Plain) && self.is_behind_a_blank() {
                    return Err(self.refuse(self.line, BLANK.to_owned()));
                }
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

    /// The fields of the record.
    fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| &self.record[std::mem::replace(&mut start, end)..end])
    }

    /// The fields of the record as text, each or why it is none.
    fn texts(&self) -> impl Iterator<Item = Result<Cow<'_, str>, String>> {
        self.bytes().map(|field| self.options.decoder.decode(field))
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
        // What nobody asks for need not be text.
        let text = |(place, field)| match self.selection.wants(place) {
            true => self.options.decoder.decode(field),
            false => Ok("".into()),
        };
        let good = self.bytes().enumerate().map(text);
        let good = good.map_while(|text| text.map_err(|message| fault = Some(message)).ok());
        self.selection.fill(row, self.start, good);
        Some(fault.map_or(Ok(()), |message| Err(self.refuse(self.start, message))))
    }
}
