//! `bitspike embed`

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Result;
use bitspike::vector::{BitOrder, Precision};
use bitspike_data::answers::{
    Embedder, OnError, Summary, TextColumns, Texts, VectorForm, VectorOptions, Vectors, embed_stream, embed_texts,
};
use bitspike_data::table::{Decoder, Form, Source};
use bitspike_data::{TaskSpec, table_files};
use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::args::embedder::Found;
use crate::args::{EmbedderArgs, usage};
use crate::interrupt;
use crate::output::{Stdout, say};
use crate::streams::{StreamLine, check_output, column_form, file, forms, notes, on_error, source, to_file};

/// Turn texts into vectors that are near where texts mean the same
///
/// Texts come from the command line, from standard input (a line a text) or from a file, and every vector is written as soon as it is known, in
/// the order of the texts. Of a table all columns are kept, and one of vectors is added: in Parquet a list of floats, in JSON Lines an
/// array. An array of NumPy (.npy) or a file of safetensors has the vectors alone, a row a record.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    bitspike embed \"how do I boil an egg\"\n  \
    bitspike embed --input reviews.parquet --text review --out vectors.parquet\n  \
    bitspike embed --input reviews.csv --text review --out vectors.npy --dims 128 --quantize int8")]
pub(crate) struct EmbedArgs {
    #[command(flatten)]
    model: EmbedderArgs,
    /// Texts; standard input is read if there are none
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
    /// File to read, or a folder with the parts of a table, as Spark writes it; `-` is standard input
    #[arg(long, short, value_name = "FILE", conflicts_with = "texts")]
    input: Option<PathBuf>,
    /// Form of the input, where the name of the file does not tell; plain text, unless given
    #[arg(long, value_parser = forms(), value_name = "FORM", conflicts_with = "texts")]
    format: Option<Form>,
    /// Column of the text; `text` or the only one of text, unless given
    #[arg(long, value_name = "COLUMN", conflicts_with = "texts")]
    text: Option<String>,
    /// What becomes of a record of a table without a text: `null` writes it without a vector (a row of NaN in an array of floats), `skip`
    /// leaves it out, `stop` ends there with its line
    #[arg(long, value_name = "WHAT", value_parser = on_error(), default_value = "null", conflicts_with = "texts")]
    on_error: OnError,
    /// Read bytes that are not UTF-8 as U+FFFD, rather than stop there
    #[arg(long)]
    lossy: bool,
    /// File to write, whole or not at all, instead of standard output; an earlier file of that name is replaced
    #[arg(long = "out", alias = "output", short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Form of the output, where the name of the file does not tell; JSON Lines, unless given
    #[arg(long = "out-format", alias = "output-format", value_parser = vector_forms(), value_name = "FORM")]
    output_format: Option<VectorForm>,
    /// Name of the column of vectors
    #[arg(long, value_name = "NAME", default_value = "vector")]
    vector: String,
    /// Whether vectors are brought to length 1; as the model says, unless given
    #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set)]
    normalize: Option<bool>,
    /// Keep the first N values of each vector
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    dims: Option<u32>,
    /// Write codes of 8 bits, or a bit a value, instead of floats
    #[arg(long, value_enum, value_name = "FORM")]
    quantize: Option<Quantize>,
    /// Which bit of a byte the first of eight values is; `least-first` for faiss and sqlite-vec, `most-first` (unless given) for NumPy,
    /// pgvector and DuckDB
    #[arg(long, value_name = "ORDER", value_parser = bit_orders())]
    bit_order: Option<BitOrder>,
}

/// Smaller forms of a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Quantize {
    /// A byte a value, the largest 127 or -127
    Int8,
    /// A bit a value: 1 where it is above 0
    Binary,
}

/// Says so where the model was trained for vectors of other lengths.
pub(crate) fn note_dims(embedder: &Embedder<'_>) {
    if let Some(trained) = embedder.trained_dims() {
        let trained: Vec<String> = trained.iter().map(ToString::to_string).collect();
        say(format_args!("note: the model was trained for {} values, not for {}", trained.join(", "), embedder.dims()));
    }
}

pub(crate) fn run(args: EmbedArgs) -> Result<()> {
    let precision = match (args.quantize, args.bit_order) {
        (Some(Quantize::Binary), order) => Precision::Binary(order.unwrap_or_default()),
        (_, Some(_)) => return Err(usage("--bit-order: only vectors of bits have one; give --quantize binary")),
        (Some(Quantize::Int8), None) => Precision::Int8,
        (None, None) => Precision::Single,
    };
    let output = output_form(&args)?;
    let input = column_form(&args.input, args.format, args.text.as_deref())?;
    // What is wrong with the command is said before a model is looked for.
    check_files(&args, None)?;
    let Found { mut model, mark, file: model_file } = args.model.load(None)?;
    check_files(&args, model_file.as_deref())?;
    if let Some(normalize) = args.normalize {
        model = model.with_normalize(normalize)?;
    }
    let embedder = Embedder::new(&model, args.dims.map(|dims| dims as usize))?;
    note_dims(&embedder);
    let notes_of =
        [("model", mark.name), ("model_sha256", mark.sha256), ("normalized", embedder.normalizes().to_string())];
    let cancel = Some(interrupt::flag());
    let options = VectorOptions {
        precision,
        column: args.vector.clone(),
        on_error: args.on_error,
        notes: notes_of.map(|(key, value)| (key.to_owned(), value)).into_iter().collect::<BTreeMap<_, _>>(),
        cancel,
    };
    if args.output.is_some() || args.texts.is_empty() {
        interrupt::listen()?;
    }
    let summary = match &args.output {
        Some(path) => to_file(path, |file| {
            let vectors = match output {
                VectorForm::Table(form) => Vectors::Table(form, file),
                array => Vectors::Array(array, file),
            };
            work(&args, &embedder, input, vectors, &options, true)
        })?,
        None => {
            let VectorForm::Table(form) = output else { unreachable!("arrays are for files") };
            let shown = !std::io::stdout().is_terminal();
            Some(work(&args, &embedder, input, Vectors::Table(form, &mut Stdout), &options, shown)?)
        }
    };
    if let Some(summary) = summary {
        notes(&summary, model.header().max_length, args.on_error);
    }
    Ok(())
}

fn work(
    args: &EmbedArgs,
    embedder: &Embedder<'_>,
    form: Form,
    vectors: Vectors<'_>,
    options: &VectorOptions<'_>,
    progress: bool,
) -> Result<Summary> {
    if !args.texts.is_empty() {
        return Ok(embed_texts(embedder, args.texts.clone(), vectors, options)?);
    }
    if form == Form::Text && args.input.is_none() && std::io::stdin().is_terminal() {
        say("reading standard input, a text a line; Ctrl-D ends");
    }
    let texts = texts(source(&args.input), form, args.text.as_deref(), args.lossy)?;
    let mut line = StreamLine::new(&texts, progress);
    Ok(embed_stream(embedder, texts, vectors, options, &mut |progress| line.show(progress))?)
}

/// Texts of a table, in the column of that name.
pub(crate) fn texts(source: Source, form: Form, column: Option<&str>, lossy: bool) -> Result<Texts> {
    let columns = TextColumns::new(&TaskSpec::embedding(true, Vec::new())?, column, None)?;
    Ok(Texts {
        source,
        form,
        columns: TextColumns { flags: Some(["--text", "--text"]), ..columns },
        decoder: Decoder::any(lossy, "convert it to UTF-8, or give --lossy"),
    })
}

fn output_form(args: &EmbedArgs) -> Result<VectorForm> {
    let Some(path) = &args.output else {
        return match args.output_format.unwrap_or(VectorForm::Table(Form::Jsonl)) {
            VectorForm::Npy | VectorForm::Safetensors | VectorForm::Table(Form::Parquet) => {
                Err(usage("Parquet, npy and safetensors are not for a terminal or a pipe; name a file with --out"))
            }
            form => Ok(form),
        };
    };
    args.output_format.or_else(|| VectorForm::of(path)).ok_or_else(|| {
        let message =
            "cannot tell the form by the name; give --out-format csv, tsv, jsonl, parquet, npy or safetensors";
        usage(format!("--out {}: {message}", path.display()))
    })
}

/// Refuses to write over what is read.
fn check_files(args: &EmbedArgs, model: Option<&Path>) -> Result<()> {
    let Some(output) = &args.output else { return Ok(()) };
    let input = file(&args.input);
    let parts = input.map(table_files).transpose()?.unwrap_or_default();
    let read = model.map(|path| ("--model", path)).into_iter().chain(input.map(|path| ("--input", path)));
    check_output(output, read.chain(parts.iter().map(|part| ("--input", part.as_path()))))
}

/// The forms of vectors by name.
fn vector_forms() -> impl TypedValueParser<Value = VectorForm> {
    PossibleValuesParser::new(["csv", "tsv", "jsonl", "parquet", "npy", "safetensors"])
        .try_map(|name| VectorForm::parse(&name))
}

/// The orders of bits by name.
fn bit_orders() -> impl TypedValueParser<Value = BitOrder> {
    PossibleValuesParser::new(BitOrder::ALL.map(BitOrder::name)).try_map(|name| name.parse::<BitOrder>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_is_offered_is_known() {
        for name in ["csv", "tsv", "jsonl", "parquet", "npy", "safetensors"] {
            assert!(VectorForm::parse(name).is_ok(), "{name}");
        }
        assert!(VectorForm::parse("text").is_err());
    }
}
