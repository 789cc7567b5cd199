//! Comma-separated values as RFC 4180 defines them: a field in double quotes may hold commas, line breaks and doubled quotes.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, Chain, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::lines::{decode, open_past_bom};
use super::records::{Cell, Columns, Positions, Record, Records};
use bitspike::{Error, Result};

/// Appended to every file. Read back as a record of its own, it proves that the last field was closed; the parser takes an
/// unclosed quote for a field that runs to the end of the file. The NUL keeps it apart from any text, where NUL is refused.
const END: &[u8] = b"\n\0end";

/// Records of the file at `path`; wholly empty lines are ignored.
///
/// # Errors
/// If the file cannot be opened, is empty, or its header lacks a column.
pub(super) fn open(path: &Path, columns: &Columns) -> Result<Records> {
    let reader = LineStarts::new(open_past_bom(path)?.chain(END));
    // Widths are compared here, for a message of our own.
    let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(reader);
    let mut source =
        Csv { reader, record: ByteRecord::new(), path: path.to_owned(), width: 0, positions: None, finished: false };
    let Some(line) = source.advance()? else {
        let message = format!("the file is empty; expected a header line with {}", columns.expected());
        return Err(Error::record(path, 1, message));
    };
    let names = source.fields(line)?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    source.width = names.len();
    source.positions = Some(columns.positions(&names).map_err(|message| Error::record(path, line, message))?);
    Ok(Box::new(source))
}

struct Csv {
    reader: Reader<LineStarts<Chain<BufReader<File>, &'static [u8]>>>,
    record: ByteRecord,
    path: PathBuf,
    width: usize,
    positions: Option<Positions>,
    finished: bool,
}

impl Csv {
    /// Reads the next record and returns the line it begins on, or nothing at the end of the file.
    fn advance(&mut self) -> Result<Option<usize>> {
        let read = self.reader.read_byte_record(&mut self.record);
        let line = self.record.position().map_or(0, |position| self.reader.get_mut().line_at(position.byte()));
        if let Err(error) = read {
            self.finished = true;
            return Err(match error.into_kind() {
                csv::ErrorKind::Io(e) => Error::io("read", &self.path, e),
                other => Error::record(&self.path, line, format!("{other:?}")),
            });
        }
        let last = self.record.len().checked_sub(1).and_then(|last| self.record.get(last)).unwrap_or_default();
        if last.ends_with(&END[1..]) {
            self.finished = true;
            if self.record.len() == 1 && last.len() == END.len() - 1 {
                return Ok(None);
            }
            let message =
                "a field that begins with a double quote is never closed; close it, and double the quotes inside it";
            return Err(Error::record(&self.path, line, message));
        }
        Ok(Some(line))
    }

    fn fields(&self, line: usize) -> Result<Vec<String>> {
        let decoded = self.record.iter().map(|field| decode(field).map(str::to_owned));
        decoded.collect::<Result<_, String>>().map_err(|message| Error::record(&self.path, line, message))
    }
}

/// Passes on what `inner` reads and notes where its lines begin, for the `csv` crate's readers: their own count stands still
/// over empty lines and is one behind after `\r\n`.
#[derive(Debug)]
pub struct LineStarts<R> {
    inner: R,
    /// Bytes passed on so far.
    offset: u64,
    /// Line that the next byte belongs to.
    line: usize,
    /// The last byte passed on.
    previous: u8,
    /// Offset and number of each line with content that no record has claimed yet.
    starts: VecDeque<(u64, usize)>,
}

impl<R> LineStarts<R> {
    /// Counts from the first byte that `inner` will give.
    pub fn new(inner: R) -> Self {
        Self { inner, offset: 0, line: 1, previous: b'\n', starts: VecDeque::new() }
    }

    /// Number, from 1, of the first line with content at byte `offset` or after it. Lines before `offset` are forgotten.
    pub fn line_at(&mut self, offset: u64) -> usize {
        while self.starts.front().is_some_and(|&(start, _)| start < offset) {
            self.starts.pop_front();
        }
        self.starts.front().map_or(self.line, |&(_, line)| line)
    }
}

impl<R: Read> Read for LineStarts<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for &byte in &buffer[..count] {
            let begins = matches!(self.previous, b'\r' | b'\n');
            // `\r\n` is one line end, and `\r` alone is one too.
            self.line += usize::from(byte == b'\n' || self.previous == b'\r');
            if begins && !matches!(byte, b'\r' | b'\n') {
                self.starts.push_back((self.offset, self.line));
            }
            self.previous = byte;
            self.offset += 1;
        }
        Ok(count)
    }
}

impl Iterator for Csv {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let positions = self.positions?;
        let line = match self.advance() {
            Ok(None) => return None,
            Ok(Some(line)) => line,
            Err(error) => return Some(Err(error)),
        };
        if self.record.len() != self.width {
            let message = format!(
                "expected {} columns, found {}; put a field that holds a comma or a line break in double quotes",
                self.width,
                self.record.len()
            );
            return Some(Err(Error::record(&self.path, line, message)));
        }
        Some(
            self.fields(line)
                .map(|mut fields| Record::Row(positions.row(line, |i| Cell::Text(std::mem::take(&mut fields[i]))))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{firsts, read};

    #[test]
    fn quoted_fields_hold_commas_breaks_and_quotes() {
        let rows = "\u{feff}idx,sentence,label\r\n7,\"one, \"\"two\"\"\r\nthree\",1\r\n8,plain \"inner\" quote,0\r\n9,\"\",1\r\n";
        let found = read("sst2", "train.csv", rows.as_bytes()).unwrap();
        assert_eq!(firsts(&found), ["one, \"two\"\r\nthree", "plain \"inner\" quote", ""]);
        assert_eq!(found.examples.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["7", "8", "9"]);
    }

    #[test]
    fn an_unclosed_quote_is_found_where_it_opens() {
        for end in ["", "\n", "\r\n"] {
            let rows = format!("label,sentence\n1,one\n0,\"two\n1,three{end}");
            let message = read("sst2", "train.csv", rows.as_bytes()).unwrap_err();
            assert!(message.contains("line 3: a field that begins with a double quote is never closed"), "{message}");
        }
    }

    #[test]
    fn lines_are_counted_through_quoted_breaks_and_both_endings() {
        for end in ["\n", "\r\n", "\r"] {
            let rows = ["sentence,label", "\"a", "b\",1", "", "c,1", "d,2", ""].join(end);
            let message = read("sst2", "train.csv", rows.as_bytes()).unwrap_err();
            assert!(message.contains("line 6: column `label`") && message.contains("found `2`"), "{message}");
        }
    }

    #[test]
    fn bad_records_are_refused() {
        let message = |rows: &[u8]| read("sst2", "train.csv", rows).unwrap_err();
        assert!(message(b"sentence,label\none, two,1\n").contains("line 2: expected 2 columns, found 3; put a field"));
        assert!(message(b"sentence,label\none\n").contains("line 2: expected 2 columns, found 1"));
        assert!(message(b"sentence,label\na,1\n\xE9,0\n").contains("line 3: invalid UTF-8 at byte 1 (0xE9)"));
        assert!(message(b"sentence,label\na\0,1\n").contains("line 2: NUL"));
        assert!(message(b"sentence;label\na;1\n").contains("no column `sentence`; found `sentence;label`"));
        assert!(message(b"").contains("the file is empty"));
        assert!(message(b"sentence,label\n").contains("no examples"));
    }
}
