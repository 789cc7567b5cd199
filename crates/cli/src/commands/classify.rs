//! `bitspike classify`

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike::forward::{Dynamics, ExitRule};
use bitspike::kernels::Kernels;
use bitspike::{Model, Options};
use bitspike_data::answers::{AnswerOptions, OnError, Summary, TextColumns, Texts, classify_stream, classify_texts};
use bitspike_data::table::{Decoder, Form};
use bitspike_data::{TaskSpec, table_files};

use bitspike_hub::Subject;

use crate::args::simulation::{parse_rule, time_steps};
use crate::args::{CheckpointArgs, Threads, usage};
use crate::interrupt;
use crate::output::{Stdout, say, warn};
use crate::streams::{StreamLine, check_output, file, forms, input_form, notes, on_error, source, to_file};

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
    let input = input_form("--input", file(&args.input), args.format)?;
    if input == Form::Text && (args.text.is_some() || args.text2.is_some()) {
        return Err(usage("--text, --text2: plain text has no columns; give --format csv, tsv, jsonl or parquet"));
    }
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
            source: source(&args.input),
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
            let mut line = StreamLine::new(&texts, progress);
            Ok(classify_stream(model, texts, out, options, &mut |progress| line.show(progress))?)
        }
    }
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
    let parts = input.map(table_files).transpose()?.unwrap_or_default();
    let parts = parts.iter().map(|part| ("--input", part.as_path()));
    check_output(output, named.into_iter().flatten().chain(parts))
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
