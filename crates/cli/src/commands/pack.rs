//! `bitspike pack`

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike::atomic_file;
use bitspike::format::{Packed, Packing};
use bitspike::quantize::EmbeddingBits;
use bitspike::tokenizer::Tokenizer;
use bitspike_run::run::{Checkpoint, RunFolder};
use serde_json::Value;

use crate::packed::{Contents, FromRun, print_sizes};

/// Pack a student of a run into one small file, with its tokeniser beside it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike pack runs/sst2 -o sst2/model.safetensors\n  \
    bitspike pack runs/sst2 -o small/model.safetensors --checkpoint last --embedding-bits 4 --trits")]
pub(crate) struct PackArgs {
    /// Folder of the run
    run: PathBuf,
    /// File to write; `tokenizer.json` goes into its folder
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Which student of the run
    #[arg(long, value_enum, value_name = "WHICH", default_value_t)]
    checkpoint: CheckpointName,
    #[command(flatten)]
    packing: PackingArgs,
    /// Replace another model's tokenizer.json in the folder
    #[arg(long)]
    force: bool,
    /// Print what the file holds as JSON
    #[arg(long)]
    json: bool,
}

/// How a student is packed.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct PackingArgs {
    /// Precision of the embedding tables, 32, 8, 4, 1.58 or 1; unless given, the one they were trained at
    #[arg(long, value_name = "BITS")]
    embedding_bits: Option<EmbeddingBits>,
    /// Five ternary weights a byte instead of four: smaller, a little slower to load, the same answers
    #[arg(long)]
    trits: bool,
}

impl From<PackingArgs> for Packing {
    fn from(PackingArgs { embedding_bits, trits }: PackingArgs) -> Self {
        Self { embedding_bits, trits }
    }
}

/// Which student of a run is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CheckpointName {
    /// The student that scored best on the dev set
    #[default]
    Best,
    /// The student at the last step
    Last,
}

impl From<CheckpointName> for Checkpoint {
    fn from(name: CheckpointName) -> Self {
        match name {
            CheckpointName::Best => Self::Best,
            CheckpointName::Last => Self::Last,
        }
    }
}

pub(crate) fn run(args: PackArgs) -> Result<()> {
    let folder = RunFolder::open(&args.run)?;
    let packing = args.packing.into();
    let output = Output::new(&args, &folder.tokenizer()?)?;
    let FromRun { file, .. } = FromRun::pack(&folder, args.checkpoint.into(), packing)?;
    output.write(&file)?;
    let contents = Contents::new(&args.output.display().to_string(), &Packed::from_bytes(file)?);
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&contents)?)?;
    } else {
        print_sizes(&contents, &mut out)?;
        writeln!(out, "wrote {} and {}", args.output.display(), output.tokenizer_path.display())?;
    }
    Ok(out.flush()?)
}

/// Name of the tokeniser's file.
const TOKENIZER: &str = "tokenizer.json";

/// The two files to write.
struct Output<'a> {
    model: &'a Path,
    tokenizer_path: PathBuf,
    tokenizer: String,
}

impl<'a> Output<'a> {
    /// Refuses to replace what is no packed model, or another model's tokeniser, before anything is computed.
    fn new(args: &'a PackArgs, tokenizer: &Tokenizer) -> Result<Self> {
        let model = args.output.as_path();
        if model.file_name().is_none_or(|name| name == TOKENIZER) {
            bail!("--output {}: expected the name of a file, such as model.safetensors", model.display());
        }
        if model.exists()
            && let Err(error) = Packed::open(model)
        {
            bail!(
                "--output {}: exists and is no packed model ({error}); choose another name or remove it",
                model.display()
            );
        }
        let folder = model.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let tokenizer_path = folder.join(TOKENIZER);
        let tokenizer = tokenizer.to_json()?;
        if tokenizer_path.exists() && !args.force && !same_json(&tokenizer_path, &tokenizer)? {
            bail!(
                "{} is there already and is another tokeniser; choose a folder of its own for each model, or give --force",
                tokenizer_path.display()
            );
        }
        Ok(Self { model, tokenizer_path, tokenizer })
    }

    /// Writes both, each atomically, the tokeniser first: a model is then never without one.
    fn write(&self, model: &[u8]) -> Result<()> {
        if let Some(folder) = self.tokenizer_path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("create folder {}", folder.display()))?;
        }
        atomic_file::write(&self.tokenizer_path, |file| file.write_all(self.tokenizer.as_bytes()))?;
        Ok(atomic_file::write(self.model, |file| file.write_all(model))?)
    }
}

/// Whether the file holds the same JSON as `text`, however it is spaced.
fn same_json(path: &Path, text: &str) -> Result<bool> {
    let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let found: Result<Value, _> = serde_json::from_slice(&bytes);
    Ok(found.is_ok_and(|found| serde_json::from_str::<Value>(text).is_ok_and(|ours| ours == found)))
}
