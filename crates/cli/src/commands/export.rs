//! `bitspike export`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use bitspike::{Encoding, Model, Options};
use bitspike_analysis::examples::EncodedSplit;
use bitspike_export::{Export, Manifest, Opset, Parity, Runtime, Target, compare, record, vacant};
use serde::Serialize;

use crate::args::limit::at_most;
use crate::args::{CheckpointArgs, usage};
use crate::output::{detail, show};

/// Write a student in the format of another runtime, or compare an export with the engine
///
/// Writes a folder that the runtime loads as it is: weights, tokenizer, labels, card. With --data every spike count, logit and
/// label of the dev set is compared with the engine's, which needs the runtime; what was found is in `parity.json`. --check
/// compares a folder again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike export sst2-ternary --to onnx -o sst2-onnx\n  \
    bitspike export sst2-ternary --to onnx --opset 25 -o small --data SST-2 --runtime venv/bin/python\n  \
    bitspike export sst2-ternary --check small --data SST-2 --runtime venv/bin/python")]
pub(crate) struct ExportArgs {
    /// The model: a name, a packed file, or the folder of a run
    model: PathBuf,
    /// What it is for
    #[arg(long, value_enum, value_name = "RUNTIME", required_unless_present = "check")]
    to: Option<RuntimeName>,
    /// Folder to write
    #[arg(short, long = "out", alias = "output", value_name = "DIR", required_unless_present = "check")]
    out: Option<PathBuf>,
    /// Operators of ONNX: 21 stores codes in 4 bits and is read by most releases, 25 in 2 bits
    #[arg(long, value_name = "N", default_value = "21", value_parser = opset)]
    opset: Opset,
    /// Attention and GELU by the runtime's own operators, and in the engine's order only where a count is in doubt (ONNX)
    #[arg(long)]
    fast: bool,
    /// Compare this export with the engine instead of writing one
    #[arg(long, value_name = "DIR", conflicts_with_all = ["to", "out"], requires = "data")]
    check: Option<PathBuf>,
    /// Folder (or file) with the task's data, whose dev set is compared
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Use at most N examples, the first ones of the split; 0 takes all
    #[arg(long, value_name = "N", default_value_t = 0, requires = "data")]
    limit: usize,
    /// Python, or Node, that has the runtime; unless given, `python3` or `node`
    #[arg(long, value_name = "PROGRAM")]
    runtime: Option<PathBuf>,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    /// Replace an earlier export of that name; nothing else is replaced
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum RuntimeName {
    /// ONNX Runtime
    Onnx,
    /// OpenVINO
    #[value(name = "openvino")]
    OpenVino,
    /// transformers.js, in Node and in browsers
    TransformersJs,
    /// llama.cpp, without counts and only nearly right
    Gguf,
}

fn opset(text: &str) -> Result<Opset, String> {
    match text {
        "21" => Ok(Opset::V21),
        "25" => Ok(Opset::V25),
        _ => {
            Err("expected 21 (codes in 4 bits) or 25 (in 2 bits); earlier ones have no type that holds codes"
                .to_owned())
        }
    }
}

/// What the command prints.
#[derive(Debug, Serialize)]
struct Exported {
    folder: PathBuf,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    parity: Option<Parity>,
}

pub(crate) fn run(args: ExportArgs) -> Result<()> {
    let (target, folder) = match (&args.check, args.to, &args.out) {
        (Some(folder), ..) => (Manifest::read(folder)?.target, folder),
        (None, Some(to), Some(folder)) => {
            vacant(folder, args.force)?;
            let target = match to {
                RuntimeName::Onnx => Target::Onnx { opset: args.opset, fast: args.fast },
                RuntimeName::OpenVino => Target::OpenVino,
                RuntimeName::Gguf => Target::Gguf,
                RuntimeName::TransformersJs => Target::TransformersJs,
            };
            (target, folder)
        }
        _ => return Err(usage("give --to RUNTIME and --out DIR, or --check DIR")),
    };
    let subject = args.checkpoint.resolve(&args.model)?;
    let model = subject.model(&Options::new())?;
    let texts = args.data.as_deref().map(|data| texts(&model, data, args.limit)).transpose()?;
    let mut exported = Exported { folder: folder.clone(), bytes: 0, parity: None };
    if args.check.is_none() {
        let export = Export::new(&model, &subject.name(), target)?;
        export.write(folder, args.force)?;
        exported.bytes = export.bytes();
    }
    if let (Some(texts), Some(data)) = (&texts, &args.data) {
        let runtime = Runtime { program: args.runtime.unwrap_or_else(|| target.program().into()), seconds: 2.0 };
        detail(format_args!("comparing {} texts", texts.len()));
        let name =
            data.file_name().map_or_else(|| data.display().to_string(), |name| name.to_string_lossy().into_owned());
        let parity = compare(&model, (target, folder), (&format!("{name}, dev"), texts), &runtime)?;
        record(folder, &parity)?;
        exported.parity = Some(parity);
    }
    let differs = exported.parity.as_ref().is_some_and(|parity| parity.counts_differ > 0 || parity.labels_differ > 0);
    show(&exported, args.json, |exported, out| {
        match &exported.parity {
            Some(parity) => writeln!(out, "{}: {}", exported.folder.display(), parity.line())?,
            None => writeln!(
                out,
                "wrote {}, {} bytes; give --data to compare it with the engine",
                exported.folder.display(),
                exported.bytes
            )?,
        }
        Ok(())
    })?;
    if args.check.is_some() && differs {
        bail!("{}: counts or labels differ from the engine's", folder.display());
    }
    Ok(())
}

/// The dev set as token ids.
fn texts(model: &Model, data: &Path, limit: usize) -> Result<Vec<Encoding>> {
    let mut split = EncodedSplit::dev_of(model, data)?;
    split.truncate(at_most(limit));
    Ok(split.encodings())
}
