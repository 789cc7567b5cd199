//! `bitspike bench`

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bitspike::config::StudentConfig;
use bitspike::forward::{Dynamics, Simulation};
use bitspike::model::{Model, Operator, Options};
use bitspike::format::{Header, Packed, Packing, pack, tensors};
use bitspike_data::TaskSpec;
use bitspike::kernels::Kernels;
use bitspike::kernels::measure::{Measurements, measure as measure_kernels};
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike::tokenizer::{Encoding, Tokenizer};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::models::find;

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
    /// The packed model: a name (see `bitspike models`) or a file
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

impl Size {
    fn name(self) -> &'static str {
        match self {
            Self::Mini => "random mini",
            Self::Base => "random base",
        }
    }

    fn config(self) -> StudentConfig {
        let (layers, hidden) = match self {
            Self::Mini => (6, 384),
            Self::Base => (12, 768),
        };
        StudentConfig {
            hidden,
            heads: 12,
            intermediate: 4 * hidden,
            layers,
            vocab_size: 30_522,
            max_positions: 512,
            type_vocab: 2,
            layer_norm_eps: 1e-12,
            num_labels: 2,
            labels: vec!["negative".into(), "positive".into()],
            time_steps: 16,
            signed: true,
            weight_bits: WeightBits::Ternary,
            granularity: Granularity::Row,
            embedding_bits: EmbeddingBits::Ternary,
            feedback: None,
        }
    }

    /// A model of random weights, as large and as sparse as a trained one.
    fn model(self, options: &Options) -> Result<Model> {
        let header = Header { student: self.config(), task: TaskSpec::glue("sst2")?, max_length: 512 };
        let mut rng = ChaCha8Rng::seed_from_u64(42);
        let sizes: BTreeMap<String, usize> =
            tensors(&header.student).into_iter().map(|tensor| (tensor.name, tensor.rows * tensor.columns)).collect();
        let bytes = pack(&header, Packing::default(), |name| {
            let count = sizes.get(name).copied().unwrap_or(0);
            Ok::<_, bitspike::Error>(match name {
                _ if name.ends_with("theta") => vec![2.0; count],
                _ if name.ends_with("gain") => vec![1.0; count],
                _ => (0..count).map(|_| rng.random_range(-0.1f32..0.1)).collect(),
            })
        })?;
        let folder = tempfile::tempdir().context("make a temporary folder")?;
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(String::from);
        let words = special.into_iter().chain((5..header.student.vocab_size).map(|i| format!("w{i}")));
        let vocabulary: Vec<String> = words.collect();
        std::fs::write(folder.path().join("vocab.txt"), vocabulary.join("\n")).context("write a vocabulary")?;
        Ok(Model::of(Packed::from_bytes(bytes)?, Tokenizer::load(folder.path())?, options)?)
    }
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    isa: String,
    dynamics: Dynamics,
    time_steps: u32,
    scenarios: Vec<Scenario>,
    /// Share of time by operator, one thread, `phased`, at the first length and the largest batch.
    operators: Vec<Share>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernels: Option<Measurements>,
}

#[derive(Debug, Serialize)]
struct Scenario {
    name: String,
    batch: usize,
    tokens: usize,
    threads: usize,
    runs: usize,
    p50_ms: f64,
    p99_ms: f64,
    best_ms: f64,
    mean_ms: f64,
    sentences_per_s: f64,
    tokens_per_s: f64,
    /// Multiply-adds with the encoder's matrices per second, by the median run, in 10^9: those that are done, so of the last
    /// layer little but keys and values; of one window of counts or, in stepped dynamics, of every step.
    gmac_per_s: f64,
}

#[derive(Debug, Serialize)]
struct Share {
    operator: &'static str,
    share: f64,
}

pub(crate) fn run(args: BenchArgs) -> Result<()> {
    if !(args.seconds.is_finite() && args.seconds > 0.0 && args.seconds <= 600.0) {
        bail!("--seconds: expected a number above 0 and up to 600, found {}", args.seconds);
    }
    if let Some(threads) = args.threads.iter().find(|&&threads| !(1..=1024).contains(&threads)) {
        bail!("--threads: expected 1 to 1024, found {threads}");
    }
    let options = |trained: u32| {
        let simulation = Simulation::new(args.dynamics, args.timesteps.unwrap_or(trained));
        Options { kernels: args.isa, simulation: Some(simulation), exit: None }
    };
    let (name, model) = match (&args.model, args.random) {
        (_, Some(size)) => (size.name().to_owned(), size.model(&options(size.config().time_steps))?),
        (Some(path), None) => {
            let found = find(path)?;
            let trained = found.open()?.header().student.time_steps;
            (found.to_string(), found.load(&options(trained))?)
        }
        (None, None) => bail!("give a packed model, or --random"),
    };
    let batches = batches(&args, &model)?;
    let mut scenarios = Vec::new();
    for &threads in &args.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("start the threads")?;
        for (name, batch) in &batches {
            scenarios.push(pool.install(|| measure(&model, name, batch, threads, args.seconds))?);
        }
    }
    let mut operators = Vec::new();
    if args.dynamics == Dynamics::Phased
        && let Some((_, batch)) = batches.last()
    {
        operators = shares(&model, batch)?;
    }
    let kernels = (!args.no_kernels).then(|| measure_kernels(model.encoder().kernels()));
    let report = Report {
        model: name,
        isa: model.encoder().kernels().to_string(),
        dynamics: args.dynamics,
        time_steps: model.simulation().time_steps,
        scenarios,
        operators,
        kernels,
    };
    print(&report, args.json)
}

/// Names and token ids of the batches.
fn batches(args: &BenchArgs, model: &Model) -> Result<Vec<(String, Vec<Encoding>)>> {
    if let Some(path) = &args.ids {
        return Ok(vec![(path.display().to_string(), read_ids(path)?)]);
    }
    let student = &model.header().student;
    let mut rng = ChaCha8Rng::seed_from_u64(42);
    let mut batches = Vec::new();
    for &length in &args.lengths {
        if !(1..=student.max_positions).contains(&length) {
            bail!("--lengths: expected 1 to {} tokens, found {length}", student.max_positions);
        }
        for &batch in &args.batches {
            if !(1..=65_536).contains(&batch) {
                bail!("--batches: expected 1 to 65536 sentences, found {batch}");
            }
            let mut sentence = || {
                let ids = (0..length).map(|_| rng.random_range(0..student.vocab_size as u32)).collect();
                Encoding { ids, type_ids: vec![0; length] }
            };
            batches.push((format!("L={length} B={batch}"), (0..batch).map(|_| sentence()).collect()));
        }
    }
    Ok(batches)
}

fn read_ids(path: &Path) -> Result<Vec<Encoding>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let ids: Vec<Vec<u32>> = serde_json::from_str(&text)
        .with_context(|| format!("{}: expected a JSON list of lists of token ids", path.display()))?;
    if ids.is_empty() {
        bail!("{}: expected at least one sentence", path.display());
    }
    Ok(ids.into_iter().map(|ids| Encoding { type_ids: vec![0; ids.len()], ids }).collect())
}

fn measure(model: &Model, name: &str, batch: &[Encoding], threads: usize, seconds: f64) -> Result<Scenario> {
    let mut times = Vec::new();
    let warm_up = Instant::now();
    loop {
        model.classify_ids(batch)?;
        if warm_up.elapsed().as_secs_f64() > seconds / 10.0 {
            break;
        }
    }
    let started = Instant::now();
    while started.elapsed().as_secs_f64() < seconds || times.len() < 3 {
        let began = Instant::now();
        std::hint::black_box(model.classify_ids(std::hint::black_box(batch))?);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let at = |share: f64| milliseconds(times[((times.len() - 1) as f64 * share).round() as usize]);
    let mean = times.iter().sum::<Duration>().as_secs_f64() / times.len() as f64;
    let tokens: usize = batch.iter().map(|encoding| encoding.ids.len()).sum();
    let passes = if model.simulation().dynamics == Dynamics::Phased { 1 } else { model.simulation().time_steps };
    let products = model.multiply_adds(batch) as f64 * f64::from(passes);
    Ok(Scenario {
        name: name.to_owned(),
        batch: batch.len(),
        tokens,
        threads,
        runs: times.len(),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        best_ms: at(0.0),
        mean_ms: mean * 1e3,
        sentences_per_s: batch.len() as f64 / mean,
        tokens_per_s: tokens as f64 / mean,
        gmac_per_s: products / at(0.5) / 1e6,
    })
}

/// Share of time by operator, over a few runs on one thread.
fn shares(model: &Model, batch: &[Encoding]) -> Result<Vec<Share>> {
    // The first runs meet cold caches.
    for _ in 0..4 {
        model.profile(batch)?;
    }
    let mut profile = model.profile(batch)?;
    for _ in 0..8 {
        profile.add(&model.profile(batch)?);
    }
    let total = profile.total().as_secs_f64();
    let share =
        |operator: Operator| Share { operator: operator.name(), share: profile.spent(operator).as_secs_f64() / total };
    Ok(Operator::ALL.iter().copied().map(share).collect())
}

fn print(report: &Report, json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(report)?)?);
    }
    writeln!(out, "{}  {}, T = {}, kernels {}", report.model, report.dynamics, report.time_steps, report.isa)?;
    writeln!(
        out,
        "\n{:<16} {:>7} {:>9} {:>9} {:>9} {:>13} {:>11} {:>9}",
        "batch", "threads", "p50 ms", "p99 ms", "best ms", "sentences/s", "tokens/s", "GMAC/s"
    )?;
    for s in &report.scenarios {
        writeln!(
            out,
            "{:<16} {:>7} {:>9.3} {:>9.3} {:>9.3} {:>13.1} {:>11.0} {:>9.1}",
            s.name, s.threads, s.p50_ms, s.p99_ms, s.best_ms, s.sentences_per_s, s.tokens_per_s, s.gmac_per_s
        )?;
    }
    if !report.operators.is_empty() {
        let line: Vec<String> =
            report.operators.iter().map(|s| format!("{} {:.0} %", s.operator, 100.0 * s.share)).collect();
        writeln!(out, "\ntime by operator, one thread: {}", line.join(", "))?;
    }
    if let Some(kernels) = &report.kernels {
        writeln!(out)?;
        for line in kernels.lines() {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
