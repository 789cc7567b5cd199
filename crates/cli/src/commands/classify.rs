//! `bitspike classify`

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike::forward::{Dynamics, ExitRule};
use bitspike::kernels::Kernels;
use bitspike::{Model, Options, atomic_file};
use bitspike_analysis::number::grouped;
use bitspike_data::answers::{
    AnswerOptions, OnError, Progress, Summary, TextColumns, Texts, classify_stream, classify_texts,
};
use bitspike_data::table::{Decoder, Form, Source};
use bitspike_data::{TaskSpec, table_files};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use bitspike_hub::Subject;

use crate::args::simulation::{parse_rule, time_steps};
use crate::args::{CheckpointArgs, Threads, usage};
use crate::interrupt;
use crate::output::{Stdout, say, warn};
use crate::progress::{ProgressLine, Unit};

/// Classify texts, with the model that is compiled in or another
///
/// The model that is compiled in answers for the sentiment of English sentences. Texts come from the command line, from standard input (a line a text) or from a file, and every answer is written as soon as
/// it is known, in the order of the texts. Of a table all columns are kept, and the answer's are added: `label` and
/// `probability_` with the name of each class (in JSON one object `probabilities`), or `score`. For a task on pairs two
/// arguments are one pair, and a line of plain text is two texts with a tab between.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    bitspike classify \"a gripping, funny film\"\n  \
    tail -f reviews.txt | bitspike classify --model sst2-ternary --json\n  \
    bitspike classify --model sst2.safetensors --input reviews.csv --text review --out answers.parquet")]
pub(crate) struct ClassifyArgs {
    /// The packed model: a name (see `bitspike models`), or a file with its `tokenizer.json` beside it; the one that is compiled in,
    /// unless given
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    /// Texts; standard input is read if there are none
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
    /// File to read, or a folder with the parts of a table, as Spark writes it; `-` is standard input
    #[arg(long, short, value_name = "FILE", conflicts_with = "texts")]
    input: Option<PathBuf>,
    /// Form of the input, where the name of the file does not tell; plain text, unless given
    #[arg(long, value_parser = forms(), value_name = "FORM", conflicts_with = "texts")]
    format: Option<Form>,
    /// Column of the text, or of the first of a pair; as the task's data has it, unless given
    #[arg(long, value_name = "COLUMN", conflicts_with = "texts")]
    text: Option<String>,
    /// Column of the second text of a pair
    #[arg(long, value_name = "COLUMN", conflicts_with = "texts")]
    text2: Option<String>,
    /// What becomes of a record of a table without a text (a null, a key that is not there, no character): `null` writes it without an
    /// answer, `skip` leaves it out, `stop` ends there with its line
    #[arg(long, value_name = "WHAT", value_parser = on_error(), default_value = "null", conflicts_with = "texts")]
    on_error: OnError,
    /// Read bytes that are not UTF-8 as U+FFFD, rather than stop there
    #[arg(long)]
    lossy: bool,
    /// File to write, whole or not at all, instead of standard output; as with `>` of a shell, an earlier file of that name is
    /// replaced
    #[arg(long = "out", alias = "output", short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Form of the output, where the name of the file does not tell; lines for people, unless given
    #[arg(long = "out-format", alias = "output-format", value_parser = forms(), value_name = "FORM")]
    output_format: Option<Form>,
    /// Write JSON Lines: `--out-format jsonl`
    #[arg(long, conflicts_with = "output_format")]
    json: bool,
    #[command(flatten)]
    threads: Threads,
    /// Kernels by name, such as `avx2`, instead of the best that this machine has
    #[arg(long, value_name = "NAME")]
    isa: Option<Kernels>,
    /// `phased`, `accumulated` or `instantaneous`
    #[arg(long, value_name = "D")]
    dynamics: Option<Dynamics>,
    /// Time steps, instead of those that the model was trained with
    #[arg(long, alias = "time-steps", value_name = "T", value_parser = time_steps())]
    timesteps: Option<u32>,
    /// End a text when its answer is settled (accumulated, instantaneous): `margin=2,change=0.5,patience=2,min=3`, each part
    /// optional
    #[arg(long, value_name = "RULE", value_parser = parse_rule, requires = "dynamics")]
    exit: Option<ExitRule>,
}

pub(crate) fn run(args: ClassifyArgs) -> Result<()> {
    if args.exit.is_some() && args.dynamics == Some(Dynamics::Phased) {
        return Err(usage("--exit: expected --dynamics accumulated or instantaneous, found phased"));
    }
    let output = output_form(&args)?;
    let input = input_form(&args)?;
    let subject = match &args.model {
        Some(model) => args.checkpoint.resolve(model)?,
        None => Subject::builtin(),
    };
    check_files(&args, &subject)?;
    args.threads.start()?;
    let model = load(&args, &subject)?;
    model.check_answers()?;
    let job = match &args.texts[..] {
        [] => Job::Stream(Texts {
            source: file(&args.input).map_or(Source::StandardInput, |path| Source::File(path.to_owned())),
            form: input,
            columns: columns(&args, &TaskSpec::of_model(&model.header().task)?, input)?,
            decoder: Decoder::any(args.lossy, "convert it to UTF-8, or give --lossy"),
        }),
        texts => {
            if let [text] = texts
                && Path::new(text).is_file()
            {
                warn(format_args!(
                    "{text} is a file, and its name was classified; for the texts in it give --input {text}"
                ));
            }
            Job::Texts(texts.to_vec())
        }
    };
    // An unfinished output file is to be removed, even where the texts are all there.
    if args.output.is_some() || matches!(job, Job::Stream(_)) {
        interrupt::listen()?;
    }
    let cancel = Some(interrupt::flag());
    let options = AnswerOptions { on_error: args.on_error, cancel, ..AnswerOptions::new(output) };
    let summary = match &args.output {
        Some(path) => to_file(path, |file| work(&model, job, &options, file, true))?,
        None => Some(work(&model, job, &options, &mut Stdout, !std::io::stdout().is_terminal())?),
    };
    if let Some(summary) = summary {
        notes(&summary, model.header().max_length, args.on_error);
    }
    Ok(())
}

/// What is classified.
enum Job {
    Texts(Vec<String>),
    Stream(Texts),
}

fn work(
    model: &Model,
    job: Job,
    options: &AnswerOptions<'_>,
    out: &mut (dyn Write + Send),
    progress: bool,
) -> Result<Summary> {
    match job {
        Job::Texts(texts) => Ok(classify_texts(model, texts, out, options)?),
        Job::Stream(texts) => {
            let size = size(&texts.source).filter(|_| texts.form != Form::Parquet);
            let unit = if size.is_some() { Unit::Bytes } else { Unit::Things("texts") };
            let mut line = progress.then(|| ProgressLine::new("", unit, size));
            let mut show = |progress: Progress| {
                let Some(line) = &mut line else { return };
                match size {
                    Some(_) => line.label(format!("{} texts", grouped(progress.texts)), progress.position),
                    None => line.set(progress.texts),
                }
            };
            Ok(classify_stream(model, texts, out, options, &mut show)?)
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
fn to_file(path: &Path, write: impl FnOnce(&mut std::fs::File) -> Result<Summary>) -> Result<Option<Summary>> {
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
fn file(path: &Option<PathBuf>) -> Option<&Path> {
    path.as_deref().filter(|path| *path != Path::new("-"))
}

fn input_form(args: &ClassifyArgs) -> Result<Form> {
    let path = file(&args.input);
    // What a folder is, its parts say.
    let part = path.filter(|path| path.is_dir()).map(table_files).transpose()?.and_then(|files| files.first().cloned());
    let named = part.as_deref().or(path);
    let Some(form) = args.format.or_else(|| named.map_or(Some(Form::Text), Form::of)) else {
        let name = path.unwrap_or(Path::new("")).display();
        let message = "cannot tell the form by the name; give --format text, csv, tsv, jsonl or parquet";
        return Err(usage(format!("--input {name}: {message}")));
    };
    if form == Form::Parquet && path.is_none() {
        return Err(usage(
            "Parquet has its table of contents at the end and cannot be streamed; name the file with --input",
        ));
    }
    if form == Form::Text && (args.text.is_some() || args.text2.is_some()) {
        return Err(usage("--text, --text2: plain text has no columns; give --format csv, tsv, jsonl or parquet"));
    }
    Ok(form)
}

fn output_form(args: &ClassifyArgs) -> Result<Form> {
    let given = args.output_format.or(args.json.then_some(Form::Jsonl));
    let Some(path) = &args.output else {
        return match given.unwrap_or(Form::Text) {
            Form::Parquet => Err(usage("Parquet is not for a terminal or a pipe; name a file with --out")),
            form => Ok(form),
        };
    };
    // An object a line is not what other programs expect of a file of that name.
    let told =
        Form::of(path).filter(|_| !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")));
    match given.or(told) {
        Some(form) => Ok(form),
        None => {
            let message = "cannot tell the form by the name; give --out-format text, csv, tsv, jsonl or parquet";
            Err(usage(format!("--out {}: {message}", path.display())))
        }
    }
}

/// Refuses files that are missing or would be written over, before anything is loaded.
fn check_files(args: &ClassifyArgs, model: &Subject) -> Result<()> {
    let input = file(&args.input);
    let file_of = |model: &Subject| model.packed().and_then(|model| model.path().map(Path::to_owned));
    let model = file_of(model);
    let named = [model.as_deref().map(|path| ("--model", path)), input.map(|path| ("--input", path))];
    for (flag, path) in named.into_iter().flatten() {
        let metadata = path.metadata().with_context(|| format!("{flag} {}", path.display()))?;
        if metadata.is_dir() && flag == "--model" {
            bail!("{flag} {}: expected a file that `bitspike pack` wrote, found a folder", path.display());
        }
    }
    let Some(output) = &args.output else { return Ok(()) };
    let folder = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!("--out {}: there is no folder {}", output.display(), folder.display());
    }
    // What is written replaces the file of that name, which must not happen to a device.
    if output.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        bail!("--out {}: expected the name of a file, found a folder or a device", output.display());
    }
    let same = |path: &Path| matches!((path.canonicalize(), output.canonicalize()), (Ok(a), Ok(b)) if a == b);
    let parts = input.map(table_files).transpose()?.unwrap_or_default();
    let parts = parts.iter().map(|part| ("--input", part.as_path()));
    for (flag, path) in named.into_iter().flatten().chain(parts) {
        if same(path) {
            return Err(usage(format!("--out {}: that is the file of {flag}; choose another", output.display())));
        }
    }
    Ok(())
}

fn load(args: &ClassifyArgs, subject: &Subject) -> Result<Model> {
    let mut options = Options::new();
    if let Some(kernels) = args.isa {
        options = options.kernels(kernels);
    }
    if let Some(dynamics) = args.dynamics {
        options = options.dynamics(dynamics);
    }
    if let Some(time_steps) = args.timesteps {
        options = options.time_steps(time_steps);
    }
    if let Some(rule) = args.exit {
        options = options.exit(rule);
    }
    Ok(subject.model(&options)?)
}

/// The columns of the texts: as the flags say, or by the names that the task's data has.
fn columns(args: &ClassifyArgs, task: &TaskSpec, form: Form) -> Result<TextColumns> {
    if args.text2.is_some() && task.second.is_none() {
        bail!("--text2: the model takes one text (task {}), not a pair", task.name);
    }
    if form == Form::Text && args.input.is_none() && std::io::stdin().is_terminal() {
        let pair = if task.second.is_some() { "a pair with a tab between" } else { "a text" };
        say(format_args!("reading standard input, {pair} a line; Ctrl-D ends"));
    }
    let columns = TextColumns::new(task, args.text.as_deref(), args.text2.as_deref())?;
    Ok(TextColumns { flags: Some(["--text", "--text2"]), ..columns })
}

/// What may become of a record without a text.
fn on_error() -> impl TypedValueParser<Value = OnError> {
    PossibleValuesParser::new(["stop", "skip", "null"]).try_map(|name| name.parse::<OnError>())
}

/// The forms by name, with what each is.
fn forms() -> impl TypedValueParser<Value = Form> {
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
fn notes(summary: &Summary, max_length: usize, on_error: OnError) {
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
