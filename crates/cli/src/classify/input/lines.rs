//! Numbered lines of text, and plain text: a text a line.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Result;
use bitspike::error::Error;

use super::super::record::{Cell, Header, Record};
use super::{Decoder, Input, Records};

/// A line, or a record of CSV, longer than this is refused rather than read into memory.
pub(super) const MAX_LINE: u64 = 64 << 20;

/// Memory kept from one line for the next ones.
const KEPT: usize = 1 << 20;

pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Lines of a file or stream. A byte order mark is dropped and `\r\n` ends a line as `\n` does; every other byte belongs to it.
pub(super) struct Lines {
    reader: BufReader<Box<dyn Read>>,
    name: PathBuf,
    decoder: Decoder,
    /// Of the line last read, from 1.
    number: usize,
    /// Bytes read so far.
    position: u64,
    buffer: Vec<u8>,
}

/// A line's number and text.
pub(super) type Line<'a> = (usize, Cow<'a, str>);

impl Lines {
    pub(super) fn new(reader: Box<dyn Read>, input: &Input) -> Self {
        Self {
            reader: BufReader::with_capacity(1 << 16, reader),
            name: input.name().to_owned(),
            decoder: input.decoder.clone(),
            number: 0,
            position: 0,
            buffer: Vec::new(),
        }
    }

    /// The next line.
    ///
    /// # Errors
    /// If it cannot be read, is longer than [`MAX_LINE`], or is not UTF-8 and should be.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, Error> {
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
        let read = self.reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut self.buffer);
        let length = read.map_err(|e| Error::io("read", &self.name, e))? as u64;
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.position += length;
        if length > MAX_LINE {
            return Err(Error::record(&self.name, self.number, too_long("line")));
        }
        let mut line = self.buffer.as_slice();
        if self.number == 1 {
            line = past_mark(line).map_err(|message| Error::record(&self.name, 1, message))?;
        }
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = self.decoder.decode(line).map_err(|message| Error::record(&self.name, self.number, message))?;
        Ok(Some((self.number, text)))
    }

    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// An error about line `number`.
    pub(super) fn refuse(&self, number: usize, message: String) -> Error {
        Error::record(&self.name, number, message)
    }
}

/// Why a line or a record cannot be read.
pub(super) fn too_long(what: &str) -> String {
    format!("the {what} is longer than {} MiB; expected text, one record a line", MAX_LINE >> 20)
}

/// The beginning of a file without its byte order mark; UTF-16 is refused.
pub(super) fn past_mark(start: &[u8]) -> Result<&[u8], &'static str> {
    if start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF") {
        return Err("the text is UTF-16; convert it to UTF-8");
    }
    Ok(start.strip_prefix(BOM).unwrap_or(start))
}

/// Plain text: every line is a text, or two with a tab between.
pub(super) fn open(mut lines: Lines, pair: bool) -> Result<(Header, Records)> {
    let mut next = move || -> Result<Option<Record>> {
        let Some((number, line)) = lines.next()? else { return Ok(None) };
        let bytes = line.len();
        let texts: Result<Vec<Cell>, String> = match pair {
            false => Ok(vec![Cell::Text(line.into_owned())]),
            true => match line.split('\t').collect::<Vec<_>>()[..] {
                [first, second] => Ok(vec![Cell::Text(first.to_owned()), Cell::Text(second.to_owned())]),
                ref parts => Err(format!("expected two texts with one tab between, found {} tabs", parts.len() - 1)),
            },
        };
        let cells = texts.map_err(|message| lines.refuse(number, message))?;
        let position = lines.position();
        Ok(Some(Record { line: number, cells, object: None, extra: Vec::new(), bytes, position }))
    };
    Ok((Header::plain(pair), Box::new(std::iter::from_fn(move || next().transpose()))))
}
