//! `bitspike bench`

use std::path::PathBuf;

use anyhow::{Result, bail};
use bitspike::Options;
use bitspike::forward::Dynamics;
use bitspike::kernels::Kernels;
use bitspike_analysis::bench::{BenchOptions, RandomSize, bench, random_model};
use bitspike_hub::Subject;

use crate::output::show;
use crate::print::bench::print;

/// Measure a packed model on this machine: latency, throughput, time by operator, kernels against the machine's ceilings.
///
/// Every combination of `--lengths`, `--batches` and `--threads` is measured on random token ids, or one batch of given ids
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
    /// Tokens of every sentence, with commas
    #[arg(long, value_name = "L,..", value_delimiter = ',', default_value = "25,128", conflicts_with = "ids")]
    lengths: Vec<usize>,
    /// Sentences of a batch, with commas
    #[arg(long, value_name = "B,..", value_delimiter = ',', default_value = "1,32", conflicts_with = "ids")]
    batches: Vec<usize>,
    /// One batch of token ids: a JSON list with a list of ids for every sentence
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
    /// Threads, with commas
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_value = "1")]
    threads: Vec<usize>,
    /// Seconds of each measurement, after a tenth of it to warm up
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    seconds: f64,
    /// The dynamics: `phased`, `accumulated` or `instantaneous`
    #[arg(long, value_name = "D", default_value = "phased")]
    dynamics: Dynamics,
    /// Time steps, instead of those that the model was trained with
    #[arg(long, value_name = "T")]
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
            let subject = Subject::resolve(path)?;
            (subject.to_string(), subject.model(&options)?)
        }
        (None, None) => bail!("give a packed model, or --random"),
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
