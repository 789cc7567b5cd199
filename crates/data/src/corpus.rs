//! Texts to learn vectors of, from files of any form.

use std::collections::HashSet;
use std::path::Path;

use super::error::{Error, Result};
use super::locate::table_files;
use super::plain_text::read_plain_text;
use super::table::{Cell, Columns, Form, ReadOptions, Row, Source, Table};

/// Columns that hold texts, by the names that data sets give them; looked for where none are stated.
const TEXTS: [&str; 22] = [
    "text",
    "sentence",
    "sentence1",
    "sentence2",
    "question",
    "question1",
    "question2",
    "premise",
    "hypothesis",
    "title",
    "description",
    "content",
    "body",
    "review",
    "document",
    "passage",
    "query",
    "anchor",
    "positive",
    "abstract",
    "context",
    "summary",
];

/// The texts of files and folders of tables, each once, in their order: of plain text (`.txt`) every line, of a table every cell of
/// `columns`, or of the columns whose names say that they hold texts. Blank ones are left out.
///
/// # Errors
/// If a file cannot be read, is damaged (with the line), or has none of the columns; if there is no text at all.
pub fn read_corpus(paths: &[impl AsRef<Path>], columns: &[String]) -> Result<Vec<String>> {
    let (mut seen, mut texts) = (HashSet::new(), Vec::new());
    let mut add = |text: &str| {
        let text = text.trim();
        if !text.is_empty() && !seen.contains(text) {
            seen.insert(text.to_owned());
            texts.push(text.to_owned());
        }
    };
    for path in paths {
        for file in table_files(path.as_ref())? {
            match Form::of(&file) {
                None | Some(Form::Text) => read_plain_text(&file)?.iter().for_each(|text| add(text)),
                Some(form) => of_table(&file, form, columns, &mut add)?,
            }
        }
    }
    match (texts.is_empty(), paths.first()) {
        (true, Some(first)) => {
            Err(Error::malformed(first.as_ref(), "no text; expected one a line, or a column of them"))
        }
        (true, None) => Err(Error::invalid("corpus", "files of texts", "none")),
        (false, _) => Ok(texts),
    }
}

fn of_table(file: &Path, form: Form, wanted: &[String], add: &mut impl FnMut(&str)) -> Result<()> {
    let mut table = Table::open(Source::File(file.to_owned()), form, &ReadOptions::strict())?;
    let is_wanted = |name: &str| match wanted {
        [] => TEXTS.contains(&name.trim().to_ascii_lowercase().as_str()),
        wanted => wanted.iter().any(|wanted| wanted == name.trim()),
    };
    let places = |columns: &Columns| -> Vec<usize> {
        (0..columns.len()).filter(|&place| is_wanted(&columns[place].name)).collect()
    };
    let missing = |found: &[String]| {
        let expected = match wanted {
            [] => format!("a column of texts, called such as {}", TEXTS[..6].join(", ")),
            wanted => wanted.join(", "),
        };
        format!("expected {expected}; found the columns {}; name them with --corpus-columns", found.join(", "))
    };
    let names = |columns: &Columns| columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    if let Some(columns) = table.columns() {
        let chosen = places(columns);
        let lacks = wanted.iter().any(|name| !columns.iter().any(|column| column.name.trim() == name));
        if chosen.is_empty() || lacks {
            return Err(table.refuse(missing(&names(columns))));
        }
        table.select(&chosen);
    }
    let mut row = Row::default();
    let mut any = false;
    while let Some(read) = table.read(&mut row) {
        read?;
        for (column, cell) in row.columns.iter().zip(&row.cells) {
            if !is_wanted(&column.name) {
                continue;
            }
            any = true;
            match cell {
                Cell::Text(text) => add(text),
                cell if cell.is_absent() => (),
                cell => {
                    let message =
                        format!("column `{}`: expected a text, found {}", column.name.trim(), cell.describe());
                    return Err(Error::record(table.place(), row.line, message));
                }
            }
        }
        if !any && table.columns().is_none() {
            return Err(Error::record(table.place(), row.line, missing(&names(&row.columns))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(files: &[(&str, &str)], columns: &[&str]) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> = files
            .iter()
            .map(|(name, text)| {
                let path = folder.path().join(name);
                std::fs::write(&path, text).unwrap();
                path
            })
            .collect();
        read_corpus(&paths, &columns.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn texts_of_every_form_each_once() {
        let texts = corpus(
            &[
                ("a.txt", "one\n\n two \n"),
                ("b.csv", "id,question1,question2\n1,three,one\n2,,four\n"),
                ("c.jsonl", "{\"text\": \"five\", \"label\": 1}\n{\"text\": \"two\"}\n"),
                ("d.tsv", "sentence\tlabel\nsix\t0\n"),
            ],
            &[],
        );
        assert_eq!(texts.unwrap(), ["one", "two", "three", "four", "five", "six"]);
        let stated = corpus(&[("b.csv", "a,text\nx,y\n")], &["a"]);
        assert_eq!(stated.unwrap(), ["x"]);
    }

    #[test]
    fn what_holds_no_text_is_refused() {
        let message = |files, columns| corpus(files, columns).unwrap_err().to_string();
        let found = message(&[("b.csv", "id,label\n1,2\n")], &[]);
        assert!(found.contains("found the columns id, label"), "{found}");
        let found = message(&[("b.csv", "id,text\n1,2\n")], &["body"]);
        assert!(found.contains("expected body"), "{found}");
        let found = message(&[("c.jsonl", "{\"label\": 1}\n")], &[]);
        assert!(found.contains("a column of texts"), "{found}");
        assert!(message(&[("a.txt", " \n\n")], &[]).contains("no text"));
        assert!(message(&[("c.jsonl", "{\"text\": 5}\n")], &[]).contains("expected a text"));
    }
}
