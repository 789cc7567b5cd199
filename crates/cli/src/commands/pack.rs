//! `bitspike pack`

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike::atomic_file;
use bitspike::format::{Packed, upgrade};
use bitspike_analysis::inspect::inspect;
use bitspike_export::from_onnx;
use bitspike_run::{FromRun, RunFolder};

use crate::args::{CheckpointArgs, PackingArgs, usage, vacant};
use crate::output::show;
use crate::print::inspect::print_sizes;

/// Pack a student of a run into one small file, or bring a packed model to the newest form
///
/// The vocabulary is in the file. --from-onnx reads an export back. With --upgrade a model is rewritten in place, unless --out names another file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike pack runs/sst2 -o sst2.safetensors\n  \
    bitspike pack runs/sst2 -o small.safetensors --checkpoint last --embedding-bits 4 --trits\n  \
    bitspike pack --upgrade old/model.safetensors -o new.safetensors\n  \
    bitspike pack --from-onnx sst2-onnx/model.onnx -o back.safetensors")]
pub(crate) struct PackArgs {
    /// Folder of the run
    #[arg(required_unless_present_any = ["upgrade", "from_onnx"])]
    run: Option<PathBuf>,
    /// File to write; with --upgrade the model's own file, unless given
    #[arg(short, long = "out", alias = "output", value_name = "FILE", required_unless_present = "upgrade")]
    output: Option<PathBuf>,
    /// Rewrite a packed model, with the `tokenizer.json` beside it, as one file of the newest version; every answer stays the same
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["run", "checkpoint", "embedding_bits", "trits", "max_length"])]
    upgrade: Option<PathBuf>,
    /// Read back what `bitspike export --to onnx` or `--to transformers-js` wrote, with its `tokenizer.json`: the file that it was exported from
    #[arg(long, value_name = "FILE", requires = "output",
        conflicts_with_all = ["run", "upgrade", "checkpoint", "embedding_bits", "trits", "max_length"])]
    from_onnx: Option<PathBuf>,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    #[command(flatten)]
    packing: PackingArgs,
    /// Replace a packed model of that name; no other file is replaced
    #[arg(long)]
    force: bool,
    /// Print what the file holds as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: PackArgs) -> Result<()> {
    let (file, output) = match (&args.upgrade, &args.from_onnx, &args.run, &args.output) {
        (None, Some(onnx), _, Some(output)) => {
            check(output, args.force)?;
            (from_onnx(onnx)?, output.clone())
        }
        (Some(model), ..) => upgraded(model, args.output.as_deref(), args.force)?,
        (None, None, Some(run), Some(output)) => {
            check(output, args.force)?;
            let run = RunFolder::open(run)?;
            (FromRun::pack(&run, args.checkpoint.checkpoint.into(), args.packing.into())?.file, output.clone())
        }
        _ => return Err(usage("give the folder of a run and --out, --from-onnx FILE and --out, or --upgrade MODEL")),
    };
    if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("create folder {}", folder.display()))?;
    }
    atomic_file::write(&output, |out| out.write_all(&file))?;
    let contents = inspect(&output.display().to_string(), &Packed::from_bytes(file)?);
    show(&contents, args.json, |contents, out| {
        print_sizes(contents, out)?;
        Ok(writeln!(out, "wrote {}", output.display())?)
    })
}

/// The model of `argument` as a file of the newest version, and where it goes.
fn upgraded(argument: &Path, output: Option<&Path>, force: bool) -> Result<(Vec<u8>, PathBuf)> {
    let subject = CheckpointArgs::default().resolve(argument)?;
    let Some(found) = subject.packed() else { bail!("--upgrade {subject}: expected a packed model") };
    let Some(output) = output.or(found.path()) else { bail!("--upgrade {found}: give --out FILE") };
    if found.path() != Some(output) {
        check(output, force)?;
    }
    let model = subject.model(&bitspike::Options::new())?;
    Ok((upgrade(model.packed(), model.tokenizer())?, output.to_owned()))
}

/// Refuses to replace a model unless forced, and what is no model at all, before anything is computed.
fn check(output: &Path, force: bool) -> Result<()> {
    let place = output.display();
    if output.file_name().is_none() {
        return Err(usage(format!("--out {place}: expected the name of a file, such as model.safetensors")));
    }
    if output.exists()
        && let Err(error) = Packed::open(output)
    {
        bail!("--out {place}: exists and is no packed model ({error}); choose another name or remove it");
    }
    vacant("--out", output, force)
}
