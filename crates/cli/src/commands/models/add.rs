//! `bitspike models add`: from a finished run to a folder to ship.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike::atomic_file;
use bitspike::format::{Header, Packed};
use bitspike_data::{self, Split};
use bitspike::tokenizer::Tokenizer;
use bitspike_data::encode;
use bitspike_train::evaluate::predict_teacher;
use bitspike_run::run::Checkpoint;
use burn::tensor::Device;

use crate::commands::pack::{CheckpointName, PackingArgs};
use crate::cost::Priced;
use crate::models::{
    CARD, Energy, METRICS, MODEL, Made, Metrics, Origins, RECIPE, Run, Seeds, TOKENIZER, Teacher, card, is_name,
    measure_latency,
};

/// Make a folder to ship of a finished run: packs the student, scores it with the engine, counts its spikes, times it, and writes
/// `model.safetensors`, `tokenizer.json`, `recipe.toml`, `metrics.json` and the card `README.md`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    bitspike models add runs/sst2 --name sst2-ternary --data SST-2 --origins models/cards.toml --teacher teachers/sst2 \\\n    \
    --trits --seeds-of runs/sst2-43 runs/sst2-44")]
pub(super) struct AddArgs {
    /// Folder of the run
    run: PathBuf,
    /// What the model is called; its folder gets the name
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Folder (or file) with the task's data, whose dev set is scored
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// TOML file that says whose data and teacher it is of, and what its limits are
    #[arg(long, value_name = "FILE")]
    origins: PathBuf,
    /// Folder of the teacher, to be scored on the same dev set
    #[arg(long, value_name = "DIR")]
    teacher: Option<PathBuf>,
    /// Runs of the same recipe with other seeds, for mean and deviation
    #[arg(long, value_name = "RUN", num_args = 1..)]
    seeds_of: Vec<PathBuf>,
    /// Folder that holds the models
    #[arg(long, short, value_name = "DIR", default_value = "models")]
    output: PathBuf,
    /// Which student of the run
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = CheckpointName::Last)]
    checkpoint: CheckpointName,
    #[command(flatten)]
    packing: PackingArgs,
    /// Do not time it
    #[arg(long)]
    no_latency: bool,
    /// Replace a model of that name
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: AddArgs) -> Result<()> {
    if !is_name(&args.name) {
        bail!("--name {}: expected letters, digits, `-`, `_` and `.`, such as sst2-ternary", args.name.escape_debug());
    }
    let folder = args.output.join(&args.name);
    if !args.force && folder.join(MODEL).exists() {
        bail!("{} is there already; give --force to replace it", folder.display());
    }
    let origins = Origins::load(&args.origins)?;
    let packing = args.packing.into();
    let checkpoint = Checkpoint::from(args.checkpoint);
    let run = Run::open(&args.run, checkpoint, packing)?;
    let header = &run.packed.header;
    let origins = origins.of(&args.name, &header.task.name).with_context(|| args.origins.display().to_string())?;
    let (model, measured, lengths) = run.measure(&args.data)?;
    let mut scored = vec![(run.recipe.seed, measured.scores[&measured.primary])];
    for path in &args.seeds_of {
        let other = Run::open(path, checkpoint, packing)?;
        other.same_recipe(path, &run)?;
        let (_, found, _) = other.measure(&args.data)?;
        scored.push((other.recipe.seed, found.scores[&found.primary]));
    }
    let made = Made {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        checkpoint: checkpoint.name().to_owned(),
        seed: run.recipe.seed,
        steps: run.steps,
        examples: run.examples,
        minutes: run.minutes,
        seeds: if args.seeds_of.is_empty() { None } else { Some(Seeds::new(scored)?) },
    };
    let teacher = args.teacher.as_deref().map(|teacher| score_teacher(teacher, header, &args.data)).transpose()?;
    let bytes = run.packed.file.len() as u64;
    let priced = Priced {
        profile: &Energy::profile()?,
        student: &model.header().student,
        operations: &measured.operations,
        bytes,
        lengths: &lengths,
    };
    let energy = Energy::new(&priced, teacher.as_ref());
    let mut metrics = Metrics::new(args.name.clone(), measured, made, (origins, energy));
    metrics.teacher = teacher;
    if !args.no_latency {
        metrics.latency = Some(measure_latency(&model, &bitspike_data::load(&header.task, &args.data, Split::Dev)?)?);
    }
    write(&folder, &run, &metrics)?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}: {} {:.4}, {} bytes",
        folder.display(),
        metrics.measured.primary,
        metrics.score(),
        run.packed.file.len()
    )?;
    Ok(out.flush()?)
}

/// The model's folder; the figures come last, as they vouch for the rest.
fn write(folder: &Path, run: &Run, metrics: &Metrics) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("create folder {}", folder.display()))?;
    let model = folder.join(MODEL);
    if model.exists() {
        Packed::open(&model).with_context(|| "what is replaced must be a packed model; remove it by hand")?;
    }
    let write = |name: &str, bytes: &[u8]| atomic_file::write(&folder.join(name), |file| file.write_all(bytes));
    write(TOKENIZER, run.packed.tokenizer_json.as_bytes())?;
    write(MODEL, &run.packed.file)?;
    write(RECIPE, run.recipe.to_toml().as_bytes())?;
    write(CARD, card(metrics).as_bytes())?;
    metrics.save(&folder.join(METRICS))
}

/// The teacher on the examples that the student was scored on, cut to as many tokens.
fn score_teacher(folder: &Path, header: &Header, data: &Path) -> Result<Teacher> {
    let device = Device::flex();
    let teacher = bitspike_train::teacher::Teacher::load(folder, &device)?;
    let outputs = teacher.num_outputs().unwrap_or(0);
    if outputs != header.task.num_outputs() {
        bail!(
            "--teacher {}: it has {outputs} outputs, task {} has {}",
            folder.display(),
            header.task.name,
            header.task.num_outputs()
        );
    }
    let tokenizer = Tokenizer::load(folder)?;
    let examples = encode(&bitspike_data::load(&header.task, data, Split::Dev)?, &tokenizer, header.max_length);
    let scores = predict_teacher(&teacher, &examples, &device)?.score(&header.task, &examples)?;
    let values = burn::module::Module::num_params(&teacher.net) + teacher.words.values.len();
    Ok(Teacher {
        scores,
        layers: teacher.config.num_hidden_layers,
        hidden: teacher.config.hidden_size,
        intermediate: teacher.config.intermediate_size,
        heads: teacher.config.num_attention_heads,
        bytes: 4 * values as u64,
    })
}
