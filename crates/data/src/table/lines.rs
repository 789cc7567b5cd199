//! Numbered lines: by bytes, so that a damaged line is reported by its number and the rest can still be read.

use std::borrow::Cow;

use super::row::{Column, Columns, Reader, Row, Selection};
use super::source::{Bytes, ReadOptions, Source, past_mark};
use crate::error::{Error, Place, Result};

/// Memory kept from one line for the next ones.
const KEPT: usize = 1 << 20;

/// Lines of text. A byte order mark is dropped and `\r\n` ends a line as `\n` does; every other byte belongs to the line.
pub(crate) struct Lines {
    bytes: Bytes,
    options: ReadOptions,
    /// Number of the line last read, from 1.
    number: usize,
    /// Bytes of that line that are still in the buffer of `bytes`, or the line itself, where it is longer than that.
    buffered: usize,
    long: Vec<u8>,
    finished: bool,
}

impl Lines {
    /// The lines of a source.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(crate) fn open(source: Source, options: &ReadOptions) -> Result<Self> {
        Ok(Self::new(source.open()?, options))
    }

    fn new(bytes: Bytes, options: &ReadOptions) -> Self {
        Self { bytes, options: options.clone(), number: 0, buffered: 0, long: Vec::new(), finished: false }
    }

    /// The next line and its number. After an error about one line's content the following lines can be read.
    pub(crate) fn next(&mut self) -> Option<Result<(usize, Cow<'_, str>)>> {
        if self.finished {
            return None;
        }
        match self.advance() {
            Ok(true) => {}
            Ok(false) => {
                self.finished = true;
                return None;
            }
            Err(error) => {
                self.finished = true;
                return Some(Err(error));
            }
        }
        let mut line = if self.buffered > 0 { &self.bytes.buffer()[..self.buffered] } else { &self.long };
        if self.number == 1 {
            match past_mark(line) {
                Ok(past) => line = past,
                Err(message) => {
                    self.finished = true;
                    return Some(Err(Error::record(&self.bytes.place, 1, message)));
                }
            }
        }
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(match self.options.decoder.decode(line) {
            Ok(text) => Ok((self.number, text)),
            Err(message) => Err(Error::record(&self.bytes.place, self.number, message)),
        })
    }

    /// Reads a line into the buffer, its end included; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        let Self { bytes, options, long, .. } = self;
        bytes.consume(std::mem::take(&mut self.buffered));
        long.clear();
        long.shrink_to(KEPT);
        self.number += 1;
        loop {
            let available = bytes.fill()?;
            let end = memchr::memchr(b'\n', available).map(|end| end + 1);
            if let (Some(end), true) = (end, long.is_empty()) {
                self.buffered = end;
                break;
            }
            let count = end.unwrap_or(available.len());
            long.extend_from_slice(&available[..count]);
            bytes.consume(count);
            if end.is_some() || count == 0 || long.len() > options.longest {
                break;
            }
        }
        if self.buffered.max(long.len()) > options.longest {
            return Err(Error::record(&bytes.place, self.number, options.too_long("line")));
        }
        Ok(self.buffered > 0 || !long.is_empty())
    }

    pub(super) fn place(&self) -> &Place {
        &self.bytes.place
    }

    /// Bytes read so far, the last line included.
    pub(super) fn position(&self) -> u64 {
        self.bytes.position + self.buffered as u64
    }

    /// An error about the line last read.
    pub(super) fn refuse(&self, message: String) -> Error {
        Error::record(&self.bytes.place, self.number, message)
    }
}

/// Plain text: every line is a text, or two with a tab between.
pub(super) struct PlainText {
    lines: Lines,
    pair: bool,
    selection: Selection,
}

impl PlainText {
    pub(super) fn new(lines: Lines, pair: bool) -> Self {
        Self { lines, pair, selection: Selection::default() }
    }
}

impl Reader for PlainText {
    fn columns(&self) -> Option<Vec<Column>> {
        let names = if self.pair { &["text", "text2"][..] } else { &["text"] };
        Some(names.iter().map(|name| Column::text(*name)).collect())
    }

    fn select(&mut self, places: &[usize], columns: &Columns) -> Result<()> {
        self.selection = Selection::new(if self.pair { 2 } else { 1 }, places, columns);
        Ok(())
    }

    fn read(&mut self, row: &mut Row) -> Option<Result<()>> {
        let parts = match self.lines.next()? {
            Ok((number, line)) if self.pair => self.selection.fill(row, number, line.split('\t')),
            Ok((number, line)) => self.selection.fill(row, number, std::iter::once(line.as_ref())),
            Err(error) => return Some(Err(error)),
        };
        row.position = self.lines.position();
        if parts == self.selection.width() {
            return Some(Ok(()));
        }
        let message = format!("expected two texts with one tab between, found {} tabs", parts - 1);
        Some(Err(self.lines.refuse(message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Result<(usize, String), String>> {
        let source = Source::Reader(Box::new(std::io::Cursor::new(bytes.to_vec())));
        let mut lines = Lines::open(source, &ReadOptions::strict()).unwrap();
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            found.push(line.map(|(n, l)| (n, l.into_owned())).map_err(|e| e.to_string()));
        }
        found
    }

    #[test]
    fn marks_and_endings_are_dropped_and_nothing_else() {
        let found = read(b"\xEF\xBB\xBFa\tb \r\n\n\"c\rd\n\xEF\xBB\xBFlast");
        let expected = [(1, "a\tb "), (2, ""), (3, "\"c\rd"), (4, "\u{feff}last")].map(|(n, l)| Ok((n, l.to_owned())));
        assert_eq!(found, expected);
        assert!(read(b"").is_empty());
    }

    #[test]
    fn damaged_lines_are_numbered_and_the_rest_is_read() {
        let found = read(b"good\nab\xE9c\nx\0y\ngood\n");
        assert!(found[1].as_ref().unwrap_err().contains("line 2: invalid UTF-8 at byte 3 (0xE9)"), "{found:?}");
        assert!(found[2].as_ref().unwrap_err().contains("line 3: NUL at byte 2"), "{found:?}");
        assert_eq!(found[3], Ok((4, "good".to_owned())));
        assert!(read(b"\xFF\xFEa\0\n\0")[0].as_ref().unwrap_err().contains("UTF-16"));
    }

    #[test]
    fn a_line_without_end_is_not_read_into_memory() {
        let found = read(&vec![b'x'; (16 << 20) + 2]);
        assert_eq!(found.len(), 1);
        assert!(found[0].as_ref().unwrap_err().contains("16 MiB"));
        assert_eq!(read(&vec![b'x'; 100_000])[0].as_ref().unwrap().1.len(), 100_000);
    }
}
