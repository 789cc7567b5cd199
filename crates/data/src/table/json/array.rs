//! The objects of a JSON array, cut apart as they arrive.

use super::super::source::{Bytes, ReadOptions};
use crate::error::{Error, Result};

/// Objects between the brackets of an array.
pub(super) struct Objects {
    bytes: Bytes,
    options: ReadOptions,
    /// Line that the next byte belongs to.
    line: usize,
    /// The object last read, as it is written.
    object: Vec<u8>,
    /// Line that it begins on.
    pub(super) start: usize,
    /// What may come next.
    next: Next,
    finished: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The bracket that opens the array.
    Bracket,
    /// The first object, or the end of the array.
    First,
    /// A comma, or the end of the array.
    Comma,
    /// An object.
    Object,
    /// White space.
    Nothing,
}

impl Objects {
    pub(super) fn new(bytes: Bytes, options: &ReadOptions) -> Self {
        Self {
            bytes,
            options: options.clone(),
            line: 1,
            object: Vec::new(),
            start: 1,
            next: Next::Bracket,
            finished: false,
        }
    }

    /// The next object.
    pub(super) fn next(&mut self) -> Option<Result<()>> {
        if self.finished {
            return None;
        }
        let found = self.advance();
        self.finished = !matches!(found, Ok(true));
        found.map(|found| found.then_some(())).transpose()
    }

    /// The object last read, as it is written.
    pub(super) fn object(&self) -> &[u8] {
        &self.object
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Goes to the next object and through it; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        loop {
            let Some(&byte) = self.bytes.fill()?.first() else {
                return match self.next {
                    Next::Nothing => Ok(false),
                    _ => Err(self.refuse(self.line, "the array is never closed; is the file whole?")),
                };
            };
            self.next = match (self.next, byte) {
                (Next::First | Next::Object, b'{') => {
                    self.next = Next::Comma;
                    return self.read_object().map(|()| true);
                }
                (next, b' ' | b'\t' | b'\r' | b'\n') => next,
                (Next::Bracket, b'[') => Next::First,
                (Next::First | Next::Comma, b']') => Next::Nothing,
                (Next::Comma, b',') => Next::Object,
                (next, _) => {
                    let expected = match next {
                        Next::Comma => "a comma or the end of the array behind an object",
                        Next::Nothing => "nothing behind the array",
                        _ => "an object for each record of the array",
                    };
                    let found = char::from(byte).escape_default().to_string();
                    return Err(self.refuse(self.line, &format!("expected {expected}, found `{found}`")));
                }
            };
            self.pass(1);
        }
    }

    /// Reads an object to its closing brace.
    fn read_object(&mut self) -> Result<()> {
        self.object.clear();
        self.object.shrink_to(1 << 20);
        self.start = self.line;
        let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
        loop {
            let chunk = self.bytes.fill()?;
            if chunk.is_empty() {
                return Err(self.refuse(self.start, "an object is never closed; is the file whole?"));
            }
            let mut end = None;
            for (i, byte) in chunk.iter().enumerate() {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' if quoted => escaped = true,
                    b'"' => quoted = !quoted,
                    b'{' | b'[' if !quoted => depth += 1,
                    b'}' | b']' if !quoted => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    end = Some(i + 1);
                    break;
                }
            }
            let count = end.unwrap_or(chunk.len());
            self.object.extend_from_slice(&chunk[..count]);
            self.pass(count);
            if self.object.len() > self.options.longest {
                return Err(self.refuse(self.start, &self.options.too_long("object")));
            }
            if end.is_some() {
                return Ok(());
            }
        }
    }

    fn pass(&mut self, count: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.bytes.buffer()[..count]).count();
        self.bytes.consume(count);
    }

    fn refuse(&self, line: usize, message: &str) -> Error {
        Error::record(&self.bytes.place, line, message)
    }
}
