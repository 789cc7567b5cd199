//! Answers as lines for people: label and probability, or score, and the beginning of the text.

use std::fmt::Write as _;
use std::io::Write;

use super::model::Said;
use crate::error::{Error, Result};

/// Characters of a text that people are shown.
const SHOWN: usize = 160;

/// Writes lines, those since the last flush together.
pub(super) struct People<'a> {
    labels: Vec<String>,
    /// Characters of the longest label.
    width: usize,
    out: &'a mut (dyn Write + Send),
    /// Lines that have not gone out.
    buffer: String,
}

impl<'a> People<'a> {
    pub(super) fn new(labels: &[String], out: &'a mut (dyn Write + Send)) -> Self {
        let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
        Self { labels: labels.to_vec(), width, out, buffer: String::new() }
    }

    /// Label, probability and text, in columns; dashes where there is no answer.
    pub(super) fn write(&mut self, (first, second): (&str, Option<&str>), said: Option<&Said>) {
        let width = self.width;
        let class =
            said.and_then(|said| said.class.and_then(|class| self.labels.get(class).zip(said.values.get(class))));
        let mut line = match (said, class) {
            (None, _) if self.labels.is_empty() => format!("{:>9}  ", "-"),
            (None, _) => format!("{:<width$}  {:>6}  ", "-", "-"),
            (_, Some((label, probability))) => format!("{label:<width$}  {probability:.4}  "),
            (Some(said), None) => format!("{:>9.4}  ", said.values.first().copied().unwrap_or(f32::NAN)),
        };
        shown(first, &mut line);
        if let Some(second) = second {
            line.push_str("  |  ");
            shown(second, &mut line);
        }
        self.buffer.push_str(line.trim_end());
        self.buffer.push('\n');
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.write_all(self.buffer.as_bytes()).and_then(|()| self.out.flush()).map_err(Error::write)?;
        self.buffer.clear();
        Ok(())
    }
}

/// The beginning of a text on one line, control characters escaped: a text must not steer the terminal.
fn shown(text: &str, line: &mut String) {
    for (i, c) in text.chars().enumerate() {
        if i == SHOWN {
            line.push_str("...");
            break;
        }
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if c.is_control() => {
                let _ = write!(line, "{}", c.escape_default());
            }
            c => line.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_one_line_without_escapes() {
        let mut line = String::new();
        shown("a\x1b[31mb\nc\0d", &mut line);
        assert_eq!(line, "a\\u{1b}[31mb c\\u{0}d");
        line.clear();
        shown(&"x".repeat(SHOWN + 1), &mut line);
        assert_eq!(line, format!("{}...", "x".repeat(SHOWN)));
    }
}
