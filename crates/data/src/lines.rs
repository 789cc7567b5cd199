//! A text file as numbered lines: by bytes, so that a damaged line is reported by its number and the rest can still be read.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use bitspike::{Error, Result};

/// A line longer than this (16 MiB) is taken for a binary file rather than read into memory.
const MAX_LINE: u64 = 1 << 24;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Numbered lines of a UTF-8 file. A byte order mark is dropped and `\r\n` ends a line as `\n` does; every other byte
/// belongs to the line.
pub(super) struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
    /// Number of the line last read, from 1.
    number: usize,
    buffer: Vec<u8>,
    finished: bool,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
        let reader = BufReader::with_capacity(1 << 16, file);
        Ok(Self { reader, path: path.to_owned(), number: 0, buffer: Vec::new(), finished: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The next line and its number. After an error about one line's content the following lines can be read.
    pub(super) fn next(&mut self) -> Option<Result<(usize, &str)>> {
        if self.finished {
            return None;
        }
        self.buffer.clear();
        self.number += 1;
        match self.reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut self.buffer) {
            Ok(0) => {
                self.finished = true;
                return None;
            }
            Ok(length) if length as u64 > MAX_LINE => {
                self.finished = true;
                let message = "the line is longer than 16 MiB; expected text, one record a line";
                return Some(Err(Error::record(&self.path, self.number, message)));
            }
            Ok(_) => {}
            Err(e) => {
                self.finished = true;
                return Some(Err(Error::io("read", &self.path, e)));
            }
        }
        let mut line = self.buffer.as_slice();
        if self.number == 1 {
            if line.starts_with(b"\xFF\xFE") || line.starts_with(b"\xFE\xFF") {
                self.finished = true;
                return Some(Err(Error::record(&self.path, 1, "the file is UTF-16; save it as UTF-8")));
            }
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        Some(match decode(line) {
            Ok(text) => Ok((self.number, text)),
            Err(message) => Err(Error::record(&self.path, self.number, message)),
        })
    }
}

/// `bytes` as text, or why not: invalid UTF-8 or a NUL, with its place. A NUL is valid UTF-8, but in a text file it means
/// UTF-16 without a mark, or binary data.
pub(super) fn decode(bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let at = e.valid_up_to();
        format!("invalid UTF-8 at byte {} (0x{:02X}); save the file as UTF-8", at + 1, bytes[at])
    })?;
    match text.find('\0') {
        Some(at) => Err(format!("NUL at byte {}; expected text in UTF-8 (is the file binary or UTF-16?)", at + 1)),
        None => Ok(text),
    }
}

/// Opens `path` past its byte order mark.
pub(super) fn open_past_bom(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let start = reader.fill_buf().map_err(|e| Error::io("read", path, e))?;
    let skip = if start.starts_with(BOM) { BOM.len() } else { 0 };
    reader.consume(skip);
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Result<(usize, String), String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        std::fs::write(&path, bytes).unwrap();
        let mut lines = Lines::open(&path).unwrap();
        let mut found = Vec::new();
        while let Some(line) = lines.next() {
            found.push(line.map(|(n, l)| (n, l.to_owned())).map_err(|e| e.to_string()));
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
        let found = read(&vec![b'x'; MAX_LINE as usize + 2]);
        assert_eq!(found.len(), 1);
        assert!(found[0].as_ref().unwrap_err().contains("16 MiB"));
        assert_eq!(read(&vec![b'x'; 100_000])[0].as_ref().unwrap().1.len(), 100_000);
    }
}
