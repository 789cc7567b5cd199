//! `bitspike bench`

use std::path::PathBuf;

use anyhow::Result;
use bitspike::Options;
use bitspike::forward::Dynamics;
use bitspike::kernels::Kernels;
use bitspike_analysis::bench::{BenchOptions, RandomSize, bench, random_model};
use clap::builder::TypedValueParser;

use crate::args::simulation::time_steps;
use crate::args::threads::number;
use crate::args::{CheckpointArgs, usage};
use crate::output::show;
use crate::print::bench::print;

/// Measure a packed model: latency, throughput, kernels
///
/// Measures time by operator too, and the kernels against the ceilings of this machine. Every combination of `--lengths`, `--batches` and `--threads` is measured on random token ids, or one batch of given ids
/// with `--ids`. Nothing is read or written while the clock runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    bitspike bench sst2.safetensors\n  \
    bitspike bench sst2.safetensors --lengths 25 --batches 1 --threads 1,2 --json\n  \
    bitspike bench sst2.safetensors --dynamics accumulated --timesteps 16 --no-kernels")]
pub(crate) struct BenchArgs {
    /// The model: a name (see `bitspike models`), a packed file, or the folder of a run
    #[arg(value_name = "MODEL", required_unless_present = "random")]
    model: Option<PathBuf>,
    /// Measure a model of random ternary weights instead: 6 layers of width 384, or 12 of 768
    #[arg(long, value_name = "SIZE", value_enum, conflicts_with = "model")]
    random: Option<Size>,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    /// Tokens of every sentence, with commas
    #[arg(long, value_name = "L,..", value_delimiter = ',', default_value = "25,128", conflicts_with = "ids", value_parser = count(65_536))]
    lengths: Vec<usize>,
    /// Sentences of a batch, with commas
    #[arg(long, value_name = "B,..", value_delimiter = ',', default_value = "1,32", conflicts_with = "ids", value_parser = count(65_536))]
    batches: Vec<usize>,
    /// One batch of token ids: a JSON list with a list of ids for every sentence
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
    /// Threads to compute with, up to 1024; 0 takes all cores; several with commas, measured one after another
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_value = "1", value_parser = number)]
    threads: Vec<usize>,
    /// Seconds of each measurement, after a tenth of it to warm up
    #[arg(long, value_name = "S", default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// The dynamics: `phased`, `accumulated` or `instantaneous`
    #[arg(long, value_name = "D", default_value = "phased")]
    dynamics: Dynamics,
    /// Time steps, instead of those that the model was trained with
    #[arg(long, alias = "time-steps", value_name = "T", value_parser = time_steps())]
    timesteps: Option<u32>,
    /// Kernels instead of the best that this machine has: scalar, avx2, avxvnni, avx512, neon
    #[arg(long, value_name = "NAME")]
    isa: Option<Kernels>,
    /// Leave out the kernels and ceilings of the machine
    #[arg(long)]
    no_kernels: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Sizes of random models.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Size {
    /// MiniLM: 6 layers, D = 384, F = 1536, 12 heads
    Mini,
    /// BERT-base: 12 layers, D = 768, F = 3072, 12 heads
    Base,
}

impl From<Size> for RandomSize {
    fn from(size: Size) -> Self {
        match size {
            Size::Mini => Self::Mini,
            Size::Base => Self::Base,
        }
    }
}

/// Reads a number of things to measure with.
fn count(most: u64) -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u64).range(1..=most).map(|count| count as usize)
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| *seconds > 0.0 && *seconds <= 600.0);
    seconds.ok_or_else(|| "expected a number above 0 and up to 600".to_owned())
}

pub(crate) fn run(args: BenchArgs) -> Result<()> {
    let mut options = Options::new().dynamics(args.dynamics);
    if let Some(time_steps) = args.timesteps {
        options = options.time_steps(time_steps);
    }
    if let Some(kernels) = args.isa {
        options = options.kernels(kernels);
    }
    let (name, model) = match (&args.model, args.random.map(RandomSize::from)) {
        (_, Some(size)) => (size.name().to_owned(), random_model(&size.config(), &options)?),
        (Some(path), None) => {
            let subject = args.checkpoint.resolve(path)?;
            (subject.to_string(), subject.model(&options)?)
        }
        (None, None) => return Err(usage("give a packed model, or --random")),
    };
    let settings = BenchOptions {
        lengths: args.lengths,
        batches: args.batches,
        ids: args.ids,
        threads: args.threads,
        seconds: args.seconds,
        kernels: !args.no_kernels,
    };
    show(&bench(&model, &name, &settings)?, args.json, print)
}
