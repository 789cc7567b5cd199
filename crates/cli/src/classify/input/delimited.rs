//! Comma-separated values as RFC 4180 defines them, and tab-separated values without quotes.

use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::PathBuf;

use anyhow::Result;
use bitspike::error::Error;
use bitspike_data::LineStarts;
use csv::{ByteRecord, Reader, ReaderBuilder};

use super::super::record::{Cell, Column, Header, Kind, Record, Wanted};
use super::lines::{Lines, MAX_LINE, past_mark, too_long};
use super::{Decoder, Input, Records};

/// Appended to the input. Read back as a record of its own it proves that the last field was closed; the parser takes an
/// unclosed quote for a field that runs to the end.
const END: &[u8] = b"\n\0bitspike\0end";

/// Bytes that the parser reads ahead.
const AHEAD: usize = 1 << 16;

type Source = Bounded<LineStarts<std::io::Chain<BufReader<Box<dyn Read>>, Cursor<&'static [u8]>>>>;

/// A source that fails after so many bytes, to be set for every record.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let read = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}

struct Csv {
    reader: Reader<Source>,
    record: ByteRecord,
    name: PathBuf,
    decoder: Decoder,
}

/// Comma-separated values; wholly empty lines are ignored.
pub(super) fn open_csv(reader: Box<dyn Read>, input: &Input) -> Result<(Header, Records)> {
    let mut reader = BufReader::with_capacity(AHEAD, reader);
    let name = input.name().to_owned();
    let start = reader.fill_buf().map_err(|e| Error::io("read", &name, e))?;
    let past = past_mark(start).map_err(|message| Error::record(&name, 1, message))?;
    let skip = start.len() - past.len();
    reader.consume(skip);
    let source = Bounded { inner: LineStarts::new(reader.chain(Cursor::new(END))), left: 0 };
    // Widths are compared here, for a message of our own.
    let reader = ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(AHEAD).from_reader(source);
    let mut csv = Csv { reader, record: ByteRecord::new(), name, decoder: input.decoder.clone() };
    let Some((line, names)) = csv.next()? else { return Err(empty(&csv.name).into()) };
    let header = header(names, &input.wanted).map_err(|message| Error::record(&csv.name, line, message))?;
    let found = header.clone();
    let mut next = move || -> Result<Option<Record>> {
        let Some((line, fields)) = csv.next()? else { return Ok(None) };
        let hint = "put a field that holds a comma or a line break in double quotes";
        let fields = width(fields, header.columns.len(), hint).map_err(|e| Error::record(&csv.name, line, e))?;
        Ok(Some(record(line, fields, csv.reader.position().byte())))
    };
    Ok((found, Box::new(std::iter::from_fn(move || next().transpose()))))
}

impl Csv {
    /// The line that the next record begins on, and its fields.
    fn next(&mut self) -> Result<Option<(usize, Vec<String>)>, Error> {
        self.reader.get_mut().left = MAX_LINE + AHEAD as u64;
        let read = self.reader.read_byte_record(&mut self.record);
        let start = self.record.position().map_or(0, csv::Position::byte);
        let line = self.reader.get_mut().inner.line_at(start);
        match read.map_err(csv::Error::into_kind) {
            Ok(_) => {}
            Err(csv::ErrorKind::Io(e)) if e.kind() == std::io::ErrorKind::FileTooLarge => {
                let message = format!("{} (is a double quote not closed?)", too_long("record"));
                return Err(Error::record(&self.name, line, message));
            }
            Err(csv::ErrorKind::Io(e)) => return Err(Error::io("read", &self.name, e)),
            Err(other) => return Err(Error::record(&self.name, line, format!("{other:?}"))),
        }
        let last = self.record.iter().next_back().unwrap_or_default();
        if last.ends_with(&END[1..]) {
            if self.record.len() == 1 && last.len() == END.len() - 1 {
                return Ok(None);
            }
            let message =
                "a field that begins with a double quote is never closed; close it, and double the quotes inside it";
            return Err(Error::record(&self.name, line, message));
        }
        let fields: Result<Vec<String>, String> =
            self.record.iter().map(|field| self.decoder.decode(field).map(std::borrow::Cow::into_owned)).collect();
        fields.map(|fields| Some((line, fields))).map_err(|message| Error::record(&self.name, line, message))
    }
}

/// Tab-separated values; a quote is a character, and wholly empty lines are ignored.
pub(super) fn open_tsv(mut lines: Lines, wanted: &Wanted) -> Result<(Header, Records)> {
    let Some((line, names)) = fields(&mut lines)? else { return Err(empty(lines.name()).into()) };
    let header = header(names, wanted).map_err(|message| lines.refuse(line, message))?;
    let found = header.clone();
    let mut next = move || -> Result<Option<Record>> {
        let Some((line, fields)) = fields(&mut lines)? else { return Ok(None) };
        let hint = "fields are split at tabs, and quotes do not hold them together";
        let fields = width(fields, header.columns.len(), hint).map_err(|message| lines.refuse(line, message))?;
        Ok(Some(record(line, fields, lines.position())))
    };
    Ok((found, Box::new(std::iter::from_fn(move || next().transpose()))))
}

fn fields(lines: &mut Lines) -> Result<Option<(usize, Vec<String>)>, Error> {
    while let Some((number, line)) = lines.next()? {
        if !line.is_empty() {
            return Ok(Some((number, line.split('\t').map(str::to_owned).collect())));
        }
    }
    Ok(None)
}

fn empty(name: &std::path::Path) -> Error {
    Error::record(name, 1, "nothing there; expected a header line with the names of the columns")
}

fn header(names: Vec<String>, wanted: &Wanted) -> Result<Header, String> {
    Header::find(names.into_iter().map(|name| Column { name, kind: Kind::Text }).collect(), wanted)
}

fn width(fields: Vec<String>, expected: usize, hint: &str) -> Result<Vec<String>, String> {
    let found = fields.len();
    if found == expected { Ok(fields) } else { Err(format!("expected {expected} columns, found {found}; {hint}")) }
}

fn record(line: usize, fields: Vec<String>, position: u64) -> Record {
    let bytes = fields.iter().map(|field| field.len() + size_of::<Cell>()).sum();
    let cells = fields.into_iter().map(Cell::Text).collect();
    Record { line, cells, object: None, extra: Vec::new(), bytes, position }
}
