//! The entries of a JSON object, found without decoding their values: what nobody asks for need not be good.

use std::borrow::Cow;

/// Calls `entry` with every key of the object that `text` is, and with the text of its value.
///
/// # Errors
/// What is wrong with the object, the first of it, and where: a byte of `text`. Also what `entry` says of a value.
pub(super) fn entries<'a>(
    text: &'a str,
    mut entry: impl FnMut(Cow<'a, str>, &'a str) -> Result<(), String>,
) -> Result<(), (usize, String)> {
    let mut scan = Scan { text, at: 0 };
    if !scan.take(b'{') {
        return Err((scan.at, format!("found {}", scan.found())));
    }
    let mut more = !scan.take(b'}');
    while more {
        scan.skip_space();
        let start = scan.at;
        if scan.peek() != Some(b'"') {
            return Err((start, format!("expected a key in double quotes, found {}", scan.found())));
        }
        let key = scan.value().map_err(|message| (start, message))?;
        let key = decoded(key).map_err(|message| (start, format!("a key: {message}")))?;
        if !scan.take(b':') {
            return Err((scan.at, format!("expected a colon behind the key `{key}`, found {}", scan.found())));
        }
        scan.skip_space();
        let start = scan.at;
        let value = scan.value().map_err(|message| (start, format!("key `{key}`: {message}")))?;
        if value.is_empty() {
            return Err((start, format!("key `{key}`: expected a value, found {}", scan.found())));
        }
        let name = key.clone();
        entry(key, value).map_err(|message| (start, format!("key `{name}`: {message}")))?;
        more = scan.take(b',');
        if !more && !scan.take(b'}') {
            return Err((
                scan.at,
                format!("expected a comma or the end of the object behind `{name}`, found {}", scan.found()),
            ));
        }
    }
    scan.skip_space();
    match scan.peek() {
        None => Ok(()),
        Some(_) => Err((scan.at, format!("expected nothing behind the object, found {}", scan.found()))),
    }
}

/// The string that a JSON string is.
pub(super) fn decoded(text: &str) -> Result<Cow<'_, str>, String> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    if !inner.bytes().any(|byte| byte == b'\\' || byte < b' ') {
        return Ok(inner.into());
    }
    serde_json::from_str::<String>(text).map(Cow::Owned).map_err(|error| match lone_surrogate(text) {
        Some(escape) => {
            format!("the escape `{escape}` is half of a character (a lone surrogate); write the other half, or U+FFFD")
        }
        None => without_place(&error),
    })
}

/// What is wrong with JSON, without the line and column that the parser saw, which are not those of the file.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned()
}

/// The first escape of a string that is one half of a surrogate pair without the other.
fn lone_surrogate(text: &str) -> Option<&str> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let mut at = 0;
    while let Some(escape) = text.get(at..).and_then(|rest| rest.find('\\')) {
        at += escape;
        match unit(at) {
            Some(0xD800..0xDC00) if matches!(unit(at + 6), Some(0xDC00..0xE000)) => at += 12,
            Some(0xD800..0xE000) => return text.get(at..at + 6),
            _ => at += 2,
        }
    }
    None
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Passes over white space and, if it comes then, over `byte`.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// What comes next, for a message.
    fn found(&self) -> String {
        match self.text[self.at..].chars().next() {
            None => "the end of the line".to_owned(),
            Some(c) => format!("`{}`", c.escape_debug()),
        }
    }

    /// Passes over a value and gives its text; nothing where none begins.
    fn value(&mut self) -> Result<&'a str, String> {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.string()?,
                b'[' | b'{' => {
                    depth += 1;
                    self.at += 1;
                }
                b']' | b'}' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b']' | b'}' | b',' | b':' if depth == 0 => break,
                _ if depth > 0 => self.at += 1,
                b' ' | b'\t' | b'\r' | b'\n' => break,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            if depth == 0 {
                break;
            }
        }
        match depth {
            0 => Ok(&self.text[start..self.at]),
            _ => Err("a list or an object is never closed".to_owned()),
        }
    }

    /// Passes over a string.
    fn string(&mut self) -> Result<(), String> {
        self.at += 1;
        loop {
            let rest = &self.text.as_bytes()[self.at.min(self.text.len())..];
            let Some(end) = memchr::memchr2(b'"', b'\\', rest) else {
                return Err("a string is never closed".to_owned());
            };
            let quote = rest[end] == b'"';
            self.at += end + if quote { 1 } else { 2 };
            if quote {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Result<Vec<(String, String)>, String> {
        let mut all = Vec::new();
        let result = entries(text, |key, value| {
            all.push((key.into_owned(), value.to_owned()));
            Ok(())
        });
        result.map(|()| all).map_err(|(at, message)| format!("{at}: {message}"))
    }

    #[test]
    fn values_are_found_whatever_they_are() {
        let text = r#" { "a" : "x\"}" ,"b\u00e9":[1,{"c":"]"}], "n":NaN,"": -1.5e3 , "\\":null } "#;
        let pairs = found(text).unwrap();
        let expected =
            [("a", r#""x\"}""#), ("b\u{e9}", r#"[1,{"c":"]"}]"#), ("n", "NaN"), ("", "-1.5e3"), ("\\", "null")];
        assert_eq!(pairs, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert_eq!(found("{}").unwrap(), []);
    }

    #[test]
    fn what_is_no_object_is_refused_where_it_ends_to_be_one() {
        for (text, says) in [
            ("[1]", "0: found `[`"),
            ("", "0: found the end"),
            ("{", "expected a key"),
            ("{\"a\"", "expected a colon behind the key `a`, found the end"),
            ("{\"a\":", "key `a`: expected a value"),
            ("{\"a\":}", "key `a`: expected a value, found `}`"),
            ("{\"a\":1", "behind `a`, found the end"),
            ("{\"a\":1 2}", "7: expected a comma"),
            ("{\"a\":1,}", "expected a key in double quotes, found `}`"),
            ("{\"a\":1}x", "expected nothing behind the object, found `x`"),
            ("{\"a\":\"x}", "key `a`: a string is never closed"),
            ("{\"a\":\"x\\", "never closed"),
            ("{\"a\":[[}", "key `a`: a list or an object is never closed"),
            ("{'a':1}", "expected a key in double quotes, found `\\'`"),
        ] {
            let message = found(text).unwrap_err();
            assert!(message.contains(says), "{text}: {message}");
        }
        assert!(found(&format!("{{\"a\":{}", "[".repeat(100_000))).is_err());
    }

    #[test]
    fn half_a_character_is_told_by_its_escape() {
        assert_eq!(decoded(r#""\ud83d\ude00 \\ud83d""#).unwrap(), "\u{1f600} \\ud83d");
        for (text, escape) in
            [(r#""a \ud83d""#, "\\ud83d"), (r#""\uDE00x""#, "\\uDE00"), (r#""\ud83d\u0041""#, "\\ud83d")]
        {
            let message = decoded(text).unwrap_err();
            assert!(message.contains(escape) && message.contains("lone surrogate"), "{message}");
        }
        assert!(decoded("\"a\tb\"").unwrap_err().starts_with("control character"), "{:?}", decoded("\"a\tb\""));
    }
}
