//! Separators of other forms in a header, found and named.

use super::row::Column;

/// Separators by their byte, each with the words that a message has for it.
const SEPARATORS: [(char, &str); 4] =
    [(',', "commas (`,`)"), (';', "semicolons (`;`)"), ('\t', "tabs"), ('|', "vertical bars (`|`)")];

fn words(separator: char) -> &'static str {
    SEPARATORS.iter().find(|(own, _)| *own == separator).map_or("another character", |(_, words)| words)
}

/// What the first line of a file is.
pub(super) enum FirstLine {
    Header,
    /// A spreadsheet's note on the separator, which is this form's own; the header comes next.
    Note,
}

/// What `columns` are, the fields of a file's first line, in a form whose separator is `own`.
///
/// # Errors
/// A message, if the fields are plainly separated by something else.
pub(super) fn first_line(columns: &[Column], own: char) -> Result<FirstLine, String> {
    let first = columns.first().map_or("", |column| column.name.as_str());
    if let (Some(rest), true) = (first.strip_prefix("sep="), columns.len() <= 2) {
        return match rest.chars().next() {
            None if columns.get(1).is_some_and(|column| column.name.is_empty()) => Ok(FirstLine::Note),
            Some(found) if rest.len() == found.len_utf8() => Err(expected(found, own, "`sep=` says that fields")),
            _ => Ok(FirstLine::Header),
        };
    }
    let [only] = columns else { return Ok(FirstLine::Header) };
    match SEPARATORS.iter().find(|(other, _)| *other != own && only.name.contains(*other)) {
        None => Ok(FirstLine::Header),
        Some((found, _)) => Err(expected(*found, own, "the columns of the header")),
    }
}

/// A hint that the columns `wanted` would be there if `columns` were split at another separator than `own`.
pub(super) fn hint(columns: &[Column], wanted: &[String], own: char) -> Option<String> {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let header = names.join(&own.to_string());
    let others = SEPARATORS.iter().filter(|(other, _)| *other != own);
    let found = others.map(|(other, _)| *other).find(|&other| {
        let mut fields = header.split(other).map(|field| field.trim().trim_matches('"'));
        header.contains(other) && fields.any(|field| wanted.iter().any(|name| name == field))
    })?;
    Some(expected(found, own, "the columns of the header"))
}

/// What to say where `found` comes behind a field in quotes, if it separates fields elsewhere.
pub(super) fn separated_by(found: char, own: char) -> Option<String> {
    let is_separator = SEPARATORS.iter().any(|(separator, _)| *separator == found && found != own);
    is_separator.then(|| expected(found, own, "fields in double quotes"))
}

fn expected(found: char, own: char, what: &str) -> String {
    let remedy = match (own, found) {
        (',', '\t') => "name the file .tsv, or write it with commas",
        ('\t', ',') => "name the file .csv, or write it with tabs",
        (',', _) => "write the file with commas",
        _ => "write the file with tabs",
    };
    format!("{what} are separated by {}; expected {}, {remedy}", words(found), words(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_separator_is_named_with_what_to_do() {
        let columns = |line: &str, own: char| -> Vec<Column> { line.split(own).map(Column::text).collect() };
        let says = |line: &str, own| first_line(&columns(line, own), own).err().unwrap_or_default();
        assert!(
            says("text;label", ',')
                .starts_with("the columns of the header are separated by semicolons (`;`); expected commas")
        );
        assert!(says("text\tlabel", ',').contains("by tabs; expected commas (`,`), name the file .tsv"));
        assert!(says("text,label", '\t').contains("by commas (`,`); expected tabs, name the file .csv"));
        assert!(says("text|label", ',').contains("vertical bars"));
        assert!(says("sep=;", ',').starts_with("`sep=` says that fields are separated by semicolons"));
        assert!(matches!(first_line(&columns("sep=,", ','), ','), Ok(FirstLine::Note)));
        for (line, own) in [("text,label", ','), ("text", ','), ("sep=", ','), ("separator;,x", ','), ("a;b\tc", '\t')]
        {
            assert!(matches!(first_line(&columns(line, own), own), Ok(FirstLine::Header)), "{line}");
        }
        let wanted = ["label".to_owned()];
        assert!(hint(&columns("a,b;label;c", ','), &wanted, ',').unwrap().contains("semicolons"));
        assert_eq!(hint(&columns("a;b,c", ','), &wanted, ','), None);
    }
}
