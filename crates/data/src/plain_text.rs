//! Unlabelled text for general distillation.

use std::path::Path;

use super::error::Result;
use super::table::{Lines, ReadOptions, Source};

/// The paragraphs of a text file, one a line, without the white space around them. Blank lines and headings in the manner of
/// WikiText (` = Title = `, ` = = Section = = `) are left out.
///
/// # Errors
/// If the file cannot be read, or a line is not UTF-8 or holds a NUL; the message has its number.
pub fn read_plain_text(path: &Path) -> Result<Vec<String>> {
    let mut lines = Lines::open(Source::File(path.to_owned()), &ReadOptions::strict())?;
    let mut paragraphs = Vec::new();
    while let Some(line) = lines.next() {
        let (_, line) = line?;
        let line = line.trim();
        if !line.is_empty() && !is_heading(line) {
            paragraphs.push(line.to_owned());
        }
    }
    Ok(paragraphs)
}

/// A line that begins and ends with a free-standing equals sign, and nothing but a title between.
fn is_heading(line: &str) -> bool {
    line.strip_prefix("= ").is_some_and(|rest| rest == "=" || rest.ends_with(" ="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text.txt");
        std::fs::write(&path, bytes).unwrap();
        read_plain_text(&path)
    }

    #[test]
    fn paragraphs_without_headings() {
        let text = b"\xEF\xBB\xBF \r\n = A Title = \r\n = = A Part = = \n\n  One , with a = b inside . \n=Not a heading\nTwo = \n";
        assert_eq!(read(text).unwrap(), ["One , with a = b inside .", "=Not a heading", "Two ="]);
        assert!(read(b" \n\n").unwrap().is_empty());
    }

    #[test]
    fn damage_is_numbered() {
        let message = read(b"fine\nalso\n\xC3(\n").unwrap_err().to_string();
        assert!(message.contains("line 3: invalid UTF-8 at byte 1"), "{message}");
    }
}
