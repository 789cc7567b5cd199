//! Numbered lines: by bytes, so that a damaged line is reported by its number and the rest can still be read.

use std::borrow::Cow;

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
    /// That line, its end included.
    line: Vec<u8>,
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

    /// The lines of what has been opened.
    pub(super) fn new(bytes: Bytes, options: &ReadOptions) -> Self {
        Self { bytes, options: options.clone(), number: 0, line: Vec::new(), finished: false }
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
        let mut line = self.line.as_slice();
        if self.number == 1 {
            match past_mark(line) {
                Ok(past) => line = past,
                Err(message) => {
                    self.finished = true;
                    return Some(Err(Error::record(&self.bytes.place, 1, message)));
                }
            }
        }
        line = without_end(line);
        Some(match self.options.decoder.decode(line) {
            Ok(text) => Ok((self.number, text)),
            Err(message) => Err(Error::record(&self.bytes.place, self.number, message)),
        })
    }

    /// Reads a line, its end included; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        let Self { bytes, options, line, .. } = self;
        line.clear();
        line.shrink_to(KEPT);
        self.number += 1;
        loop {
            let available = bytes.fill()?;
            let end = memchr::memchr(b'\n', available).map(|end| end + 1);
            let count = end.unwrap_or(available.len());
            line.extend_from_slice(&available[..count]);
            bytes.consume(count);
            if line.len() > options.longest {
                return Err(Error::record(&bytes.place, self.number, options.too_long("line")));
            }
            if end.is_some() || count == 0 {
                return Ok(!line.is_empty());
            }
        }
    }

    /// The bytes of the line last read, which is none if the input ended or failed there.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        (!self.finished).then(|| without_end(&self.line))
    }

    pub(super) fn place(&self) -> &Place {
        &self.bytes.place
    }

    /// Number of the line last read.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Bytes read so far, the last line included.
    pub(super) fn position(&self) -> u64 {
        self.bytes.position
    }

    /// An error about the line last read.
    pub(super) fn refuse(&self, message: String) -> Error {
        Error::record(&self.bytes.place, self.number, message)
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests;
