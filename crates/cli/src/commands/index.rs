//! `bitspike index`

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike_analysis::number::grouped;
use bitspike_data::answers::{Embedder, OnError};
use bitspike_data::table::{Form, Source};
use bitspike_hub::bytes;
use bitspike_search::{Access, Builder, Corpus, EXACT, Index, MAGIC, Precision, Report, Settings, add_texts};
use clap::ValueEnum;
use serde::Serialize;

use super::embed::{note_dims, texts};
use crate::args::embedder::Found;
use crate::args::{EmbedderArgs, usage, vacant};
use crate::interrupt;
use crate::output::{say, show};
use crate::progress::{ProgressLine, Unit};
use crate::streams::{StreamLine, check_output, forms, input_form, notes};

/// Make an index of texts that `bitspike search` answers from
///
/// An index is one file: the vectors of texts, the texts, and which model made them. It is replaced whole or not at all, checked when it is
/// opened, and refuses questions of another model.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    bitspike index build notes.txt -o notes.index\n  \
    bitspike index build docs.jsonl more.parquet --text body --id url -o docs.index\n  \
    bitspike index add docs.index new.jsonl --text body --id url\n  \
    bitspike index check docs.index")]
pub(crate) struct IndexArgs {
    #[command(subcommand)]
    command: IndexCommand,
}

#[derive(Debug, clap::Subcommand)]
enum IndexCommand {
    Build(Box<BuildArgs>),
    Add(Box<AddArgs>),
    Check(CheckArgs),
}

/// Files of texts, and how they are read.
#[derive(Debug, clap::Args)]
struct FilesArgs {
    /// Column of the text; `text` or the only one of text, unless given
    #[arg(long, value_name = "COLUMN")]
    text: Option<String>,
    /// Column with what each text is called; every text has such an id, and no two the same
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,
    /// Form of the files, where their names do not tell
    #[arg(long, value_parser = forms(), value_name = "FORM")]
    format: Option<Form>,
    /// What becomes of a record without a text, or of a text without a word, such as a blank line: `skip` leaves it out, `stop` ends
    /// there with its line
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    on_error: Missing,
    /// Read bytes that are not UTF-8 as U+FFFD, rather than stop there
    #[arg(long)]
    lossy: bool,
}

/// What becomes of a record without a text.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Missing {
    /// It is left out
    #[default]
    Skip,
    /// It is an error
    Stop,
}

impl From<Missing> for OnError {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Skip => Self::Skip,
            Missing::Stop => Self::Stop,
        }
    }
}

/// Make an index of the texts of files
///
/// Texts are read from plain text (a line a text), CSV, TSV, JSON Lines and Parquet, several files in their order; of a folder its parts.
/// From 100,000 texts on there is a graph of near neighbours beside the vectors, which is built at the end.
#[derive(Debug, clap::Args)]
struct BuildArgs {
    /// Files of texts, or folders with the parts of a table; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    model: EmbedderArgs,
    #[command(flatten)]
    texts: FilesArgs,
    /// The index to write
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Replace an index that is there
    #[arg(long)]
    force: bool,
    /// How vectors are kept
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    quantize: Kept,
    /// Keep the first N values of each vector
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    dims: Option<u32>,
    /// Keep ids alone, not the texts
    #[arg(long, requires = "id")]
    no_texts: bool,
    /// Look at every vector where there are fewer than N texts
    #[arg(long, value_name = "N", default_value_t = EXACT)]
    exact_below: usize,
}

/// How vectors are kept.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Kept {
    /// A byte a value
    #[default]
    Int8,
    /// A bit a value: the smallest and the least exact
    Binary,
    /// Four bytes a value
    None,
}

impl From<Kept> for Precision {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Int8 => Self::Int8,
            Kept::Binary => Self::Binary,
            Kept::None => Self::Float32,
        }
    }
}

/// Add the texts of files to an index
///
/// The model is the index's, found by the name that it had when the index was built unless --model says where it is; another one is refused. The
/// index is written anew: until the new one is on the disk, the old one stays.
#[derive(Debug, clap::Args)]
struct AddArgs {
    /// The index
    #[arg(value_name = "INDEX")]
    index: PathBuf,
    /// Files of texts, or folders with the parts of a table; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    model: EmbedderArgs,
    #[command(flatten)]
    texts: FilesArgs,
}

/// Check an index and say what it holds
#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// The index
    #[arg(value_name = "INDEX")]
    index: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: IndexArgs) -> Result<()> {
    match args.command {
        IndexCommand::Build(args) => build(*args),
        IndexCommand::Add(args) => add(*args),
        IndexCommand::Check(args) => check(&args),
    }
}

fn build(args: BuildArgs) -> Result<()> {
    let forms = check_files(&args.files, &args.texts)?;
    vacant("--out", &args.out, args.force)?;
    check_output(&args.out, args.files.iter().map(|path| ("FILE", path.as_path())))?;
    if args.out.exists() && !is_index(&args.out) {
        bail!("--out {}: it is no index, and --force replaces nothing else; choose another name", args.out.display());
    }
    let Found { model, mark, .. } = args.model.load(None)?;
    let embedder = Embedder::new(&model, args.dims.map(|dims| dims as usize))?;
    note_dims(&embedder);
    let settings = Settings {
        precision: args.quantize.into(),
        texts: !args.no_texts,
        ids: args.texts.id.is_some(),
        exact_below: args.exact_below,
    };
    let builder = Builder::new(mark, embedder.dims(), settings)?;
    fill(builder, &embedder, &args.files, &forms, &args.texts, &args.out)
}

/// Whether the file begins as an index does.
fn is_index(path: &Path) -> bool {
    let mut begins = [0; MAGIC.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut begins)).is_ok() && begins == MAGIC
}

fn add(args: AddArgs) -> Result<()> {
    let forms = check_files(&args.files, &args.texts)?;
    let index = Index::open(&args.index, Access::Loaded)?;
    let report = index.report();
    match (report.ids, &args.texts.id) {
        (true, None) => bail!("{}: its texts have ids; name their column with --id", args.index.display()),
        (false, Some(_)) => bail!("{}: its texts have no ids; leave out --id", args.index.display()),
        _ => {}
    }
    let Found { model, mark, .. } = args.model.load(Some(&index.model().name))?;
    index.check_model(&mark).with_context(|| args.index.display().to_string())?;
    let embedder = Embedder::new(&model, Some(index.dims()))?;
    let builder = Builder::of(&index)?;
    drop(index);
    fill(builder, &embedder, &args.files, &forms, &args.texts, &args.index)
}

/// Adds the texts of all files and writes the index.
fn fill(
    mut builder: Builder,
    embedder: &Embedder<'_>,
    files: &[PathBuf],
    forms: &[Form],
    read: &FilesArgs,
    out: &Path,
) -> Result<()> {
    let cancel = Some(interrupt::listen()?);
    let before = builder.len();
    for (path, &form) in files.iter().zip(forms) {
        let source = if path == Path::new("-") { Source::StandardInput } else { Source::File(path.clone()) };
        let texts = texts(source, form, read.text.as_deref(), read.lossy)?;
        let mut line = StreamLine::new(&texts, true);
        let corpus = Corpus { texts, id: read.id.as_deref(), on_error: read.on_error.into(), cancel };
        let summary = add_texts(&mut builder, embedder, corpus, &mut |progress| line.show(progress))?;
        drop(line);
        notes(&summary, embedder.max_length(), OnError::Skip);
        if interrupt::requested() {
            return Ok(());
        }
    }
    if builder.len() == before {
        bail!("{}: no text; expected one a line, or a column of them", files[0].display());
    }
    let total = builder.len() as u64;
    let mut line = ProgressLine::new("graph", Unit::Things("texts"), Some(total));
    let written = builder.write_telling(out, &mut |done| {
        line.set(done as u64);
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    drop(line);
    let Some(written) = written else { return Ok(()) };
    let graph = if written.graph > 0 {
        format!(", {} of them in a graph", grouped(written.graph as u64))
    } else {
        String::new()
    };
    say(format_args!(
        "wrote {}: {} texts{graph}, {}",
        out.display(),
        grouped(written.count as u64),
        bytes(written.bytes)
    ));
    Ok(())
}

/// The forms of files, all of which are there.
fn check_files(files: &[PathBuf], read: &FilesArgs) -> Result<Vec<Form>> {
    let mut forms = Vec::new();
    for path in files {
        let named = Some(path.as_path()).filter(|path| *path != Path::new("-"));
        if let Some(path) = named {
            path.metadata().with_context(|| path.display().to_string())?;
        }
        let form = input_form("FILE", named, read.format)?;
        if form == Form::Text && (read.text.is_some() || read.id.is_some()) {
            let name = path.display();
            return Err(usage(format!(
                "--text, --id: {name} is plain text and has no columns; give --format, or leave them out"
            )));
        }
        forms.push(form);
    }
    Ok(forms)
}

/// What `index check --json` prints.
#[derive(Debug, Serialize)]
struct Checked {
    file: PathBuf,
    #[serde(flatten)]
    report: Report,
}

fn check(args: &CheckArgs) -> Result<()> {
    let index = Index::open(&args.index, Access::Loaded)?;
    index.check()?;
    let checked = Checked { file: args.index.clone(), report: index.report() };
    show(&checked, args.json, |Checked { file, report }, out| {
        writeln!(out, "{}: a good index", file.display())?;
        let with = match (report.texts, report.ids) {
            (true, true) => "with texts and ids",
            (true, false) => "with texts",
            (false, _) => "with ids alone",
        };
        writeln!(out, "texts      {}, {with}", grouped(report.count as u64))?;
        writeln!(out, "vectors    {} values, {}", report.dims, report.precision.name())?;
        match report.graph {
            0 => writeln!(out, "search     looks at every vector")?,
            graph => writeln!(out, "search     a graph of {} texts", grouped(graph as u64))?,
        }
        writeln!(out, "model      {}", report.model.name.escape_debug())?;
        writeln!(out, "           SHA-256 {}", report.model.sha256.escape_debug())?;
        writeln!(out, "file       {}, format version {}", bytes(report.bytes as u64), report.format_version)?;
        Ok(())
    })
}
