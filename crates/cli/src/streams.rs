//! What commands that read texts from anywhere have in common: names and forms of files, their progress, what is said at the end.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike::atomic_file;
use bitspike_analysis::number::grouped;
use bitspike_data::answers::{OnError, Progress, Summary, Texts};
use bitspike_data::table::{Form, Source};
use bitspike_data::table_files;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::args::usage;
use crate::interrupt;
use crate::output::say;
use crate::progress::{ProgressLine, Unit};

/// How far a stream of texts is, on one line.
pub(crate) struct StreamLine {
    line: Option<ProgressLine>,
    size: Option<u64>,
}

impl StreamLine {
    /// A line about these texts; none unless `shown`.
    pub(crate) fn new(texts: &Texts, shown: bool) -> Self {
        let size = size(&texts.source).filter(|_| texts.form != Form::Parquet);
        let unit = if size.is_some() { Unit::Bytes } else { Unit::Things("texts") };
        Self { line: shown.then(|| ProgressLine::new("", unit, size)), size }
    }

    pub(crate) fn show(&mut self, progress: Progress) {
        let Some(line) = &mut self.line else { return };
        match self.size {
            Some(_) => line.label(format!("{} texts", grouped(progress.texts)), progress.position),
            None => line.set(progress.texts),
        }
    }
}

/// Bytes of the file, or of the parts, that are read.
fn size(source: &Source) -> Option<u64> {
    match source {
        Source::File(path) => table_files(path).ok()?.into_iter().map(|file| Source::File(file).size()).sum(),
        other => other.size(),
    }
}

/// Puts what `write` writes into the file at `path` once it is complete; nothing after an interrupt.
pub(crate) fn to_file<T>(path: &Path, write: impl FnOnce(&mut std::fs::File) -> Result<T>) -> Result<Option<T>> {
    let mut result = None;
    let written = atomic_file::write(path, |file| {
        let done = result.insert(write(file));
        match done {
            Ok(_) if !interrupt::requested() => Ok(()),
            // Anything that keeps the file from being replaced.
            _ => Err(std::io::ErrorKind::Interrupted.into()),
        }
    });
    match result {
        Some(Err(error)) => Err(error),
        Some(Ok(_)) if interrupt::requested() => Ok(None),
        other => {
            written?;
            Ok(other.and_then(Result::ok))
        }
    }
}

/// The file that a path names; none for standard input.
pub(crate) fn file(path: &Option<PathBuf>) -> Option<&Path> {
    path.as_deref().filter(|path| *path != Path::new("-"))
}

/// Where the texts of `--input` come from.
pub(crate) fn source(path: &Option<PathBuf>) -> Source {
    file(path).map_or(Source::StandardInput, |path| Source::File(path.to_owned()))
}

/// The form of `--input`, which is there, and whose `--text` is a column where one is named.
pub(crate) fn column_form(path: &Option<PathBuf>, stated: Option<Form>, text: Option<&str>) -> Result<Form> {
    let form = input_form("--input", file(path), stated)?;
    if form == Form::Text && text.is_some() {
        return Err(usage("--text: plain text has no columns; give --format csv, tsv, jsonl or parquet"));
    }
    if let Some(path) = file(path) {
        path.metadata().with_context(|| format!("--input {}", path.display()))?;
    }
    Ok(form)
}

/// The form of a table that `flag` names: as it is stated, or as the name of the file tells; plain text of standard input.
pub(crate) fn input_form(flag: &str, path: Option<&Path>, stated: Option<Form>) -> Result<Form> {
    // What a folder is, its parts say.
    let part = path.filter(|path| path.is_dir()).map(table_files).transpose()?.and_then(|files| files.first().cloned());
    let named = part.as_deref().or(path);
    let Some(form) = stated.or_else(|| named.map_or(Some(Form::Text), Form::of)) else {
        let name = path.unwrap_or(Path::new("")).display();
        let message = "cannot tell the form by the name; give --format text, csv, tsv, jsonl or parquet";
        return Err(usage(format!("{flag} {name}: {message}")));
    };
    if form == Form::Parquet && path.is_none() {
        return Err(usage(
            "Parquet has its table of contents at the end and cannot be streamed; name the file with --input",
        ));
    }
    Ok(form)
}

/// Refuses an output file that cannot be, or that is one of the files that are read.
pub(crate) fn check_output<'a>(output: &Path, read: impl IntoIterator<Item = (&'a str, &'a Path)>) -> Result<()> {
    let folder = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!("--out {}: there is no folder {}", output.display(), folder.display());
    }
    // What is written replaces the file of that name, which must not happen to a device.
    if output.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        bail!("--out {}: expected the name of a file, found a folder or a device", output.display());
    }
    let same = |path: &Path| matches!((path.canonicalize(), output.canonicalize()), (Ok(a), Ok(b)) if a == b);
    for (flag, path) in read {
        if same(path) {
            return Err(usage(format!("--out {}: that is the file of {flag}; choose another", output.display())));
        }
    }
    Ok(())
}

/// What may become of a record without a text.
pub(crate) fn on_error() -> impl TypedValueParser<Value = OnError> {
    PossibleValuesParser::new(["stop", "skip", "null"]).try_map(|name| name.parse::<OnError>())
}

/// The forms by name, with what each is.
pub(crate) fn forms() -> impl TypedValueParser<Value = Form> {
    let about = |form: &Form| match form {
        Form::Text => "A text a line (two with a tab between where the task is on pairs); answers: lines for people",
        Form::Csv => "Comma-separated values with a header line (RFC 4180)",
        Form::Tsv => "Tab-separated values with a header line, without quotes",
        Form::Jsonl => "JSON Lines: an object a line; read is also one array of objects",
        Form::Parquet => "Parquet",
    };
    let value = |form: &Form| {
        let value = PossibleValue::new(form.name()).help(about(form));
        if *form == Form::Jsonl { value.alias("json") } else { value }
    };
    let values = Form::ALL.iter().map(value);
    PossibleValuesParser::new(values.collect::<Vec<_>>()).try_map(|name| name.parse::<Form>())
}

/// What was not as it should be, once at the end.
pub(crate) fn notes(summary: &Summary, max_length: usize, on_error: OnError) {
    let Summary { cut, empty, replaced, spaced, left_out, missing, quoted, .. } = summary;
    for column in &summary.unreadable {
        say(format_args!("note: a column is left out, since it cannot be read: {column}"));
    }
    let became = match on_error {
        OnError::Skip => "left out",
        OnError::Null | OnError::Stop => "written without an answer (--on-error stop or skip does otherwise)",
    };
    for (count, note) in [
        (*missing, format!("records without a text, {became}")),
        (
            *quoted,
            "records of TSV with a field in double quotes, read with its quotes as TSV has none (CSV has)".to_owned(),
        ),
        (*cut, format!("texts cut to the {max_length} tokens that the model reads")),
        (*empty, "texts without words, answered as an empty text is".to_owned()),
        (*replaced, "lines or fields that are not UTF-8, read with U+FFFD".to_owned()),
        (*spaced, "fields whose tabs and line breaks became spaces".to_owned()),
        (*left_out, "records whose keys beyond those of the first one were left out".to_owned()),
    ] {
        if count > 0 {
            say(format_args!("note: {note}: {count}"));
        }
    }
}
