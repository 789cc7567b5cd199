//! Time of one distillation step on real sentences: teacher forward, student forward and backward, update.
//!
//! `cargo bench -p bitspike-train --bench distil_step -- --data SST-2 --teacher DIR`; `benches/pytorch_step/run.sh` runs it
//! beside PyTorch on the same batches.

use std::path::PathBuf;
use std::time::Instant;

use bitspike::quantize::{Granularity, WeightBits};
use bitspike::tokenizer::Tokenizer;
use bitspike_data::encode;
use bitspike_data::{Split, TaskSpec, load};
use bitspike_run::recipe::{Recipe, Stage, StageKind};
use bitspike_run::run::RunFolder;
use bitspike_train::distill::{Distiller, Setup};
use bitspike_train::optimizer::Update;
use bitspike_train::teacher::Teacher;
use bitspike_train::texts::Texts;
use bitspike_train::training::Learner;
use burn::tensor::Device;
use clap::Parser;
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WARM_UP: usize = 5;

#[derive(Parser)]
struct Flags {
    /// SST-2 in GLUE's layout
    #[arg(long, default_value_os_t = shared("data/SST-2"))]
    data: PathBuf,
    /// A teacher fine-tuned on it
    #[arg(long, default_value_os_t = shared("models/minilm-l6-sst2"))]
    teacher: PathBuf,
    #[arg(long, default_value_t = 30)]
    steps: usize,
    #[arg(long, default_value_t = 64)]
    batch_size: usize,
    /// Write the result here as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write the batches' token ids here as JSON
    #[arg(long)]
    dump_batches: Option<PathBuf>,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn shared(path: &str) -> PathBuf {
    std::env::var_os("BITSPIKE_SHARED").map(PathBuf::from).unwrap_or_default().join(path)
}

fn main() {
    let flags = Flags::parse();
    if !flags.teacher.is_dir() {
        // `cargo test` runs benches too: without a teacher there is nothing to time.
        println!("no teacher at {}: give --data and --teacher, or set BITSPIKE_SHARED", flags.teacher.display());
        return;
    }
    let device = Device::flex();
    let teacher = Teacher::load(&flags.teacher, &device).expect("the teacher loads");
    let tokenizer = Tokenizer::load(&flags.teacher).expect("the tokeniser loads");
    let task = TaskSpec::glue("sst2").expect("SST-2 is a task");
    let dataset = load(&task, &flags.data, Split::Train).expect("the training split loads");
    let train = encode(&dataset, &tokenizer, 64);
    // The setting that step.py has: signed ternary student, one scale a matrix, all losses at once.
    let stage = Stage { prediction_weight: Some(1.0), ..Stage::new(StageKind::Internal) };
    let mut recipe = Recipe { stage: vec![stage], ..Recipe::default() };
    recipe.student.weight_bits = WeightBits::Ternary;
    recipe.student.granularity = Granularity::Matrix;
    recipe.data.batch_size = flags.batch_size;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = RunFolder::create(folder.path()).expect("an empty folder");
    let texts = Texts { train: train.clone(), dev: train[..1].to_vec(), ..Texts::default() };
    let mut distiller = Distiller::new(Setup { recipe, task, teacher, texts, folder }, &device).expect("all fits");
    distiller.begin_stage(0);
    let batches: Vec<Vec<usize>> = distiller.batches(0, 0).into_iter().take(WARM_UP + flags.steps).collect();
    if let Some(path) = &flags.dump_batches {
        let ids = |batch: &Vec<usize>| json!({ "ids": batch.iter().map(|&i| &train[i].ids).collect::<Vec<_>>() });
        let all = json!({ "batches": batches.iter().map(ids).collect::<Vec<_>>() });
        std::fs::write(path, all.to_string()).expect("the batches are written");
    }
    let update = Update { learning_rate: 3e-4, threshold_rate: 10.0, weight_decay: 0.01, clip_norm: 1.0 };
    let (mut times, mut tokens, mut loss, mut first) = (Vec::new(), 0, 0.0, None);
    for (i, batch) in batches.iter().enumerate() {
        let started = Instant::now();
        // On a thread of the pool, as training does.
        let report =
            rayon::scope(|_| distiller.step(0, i as u64 + 1, batch, update, false)).expect("the step is finite");
        if i >= WARM_UP {
            times.push(started.elapsed().as_secs_f64() * 1e3);
            tokens += report.tokens;
        }
        first.get_or_insert(json!({
            "hidden": report.hidden, "attention": report.attention, "prediction": report.prediction, "total": report.loss
        }));
        loss = report.loss;
    }
    let total: f64 = times.iter().sum();
    times.sort_by(f64::total_cmp);
    let result = json!({
        "ms_per_step": times[times.len() / 2],
        "mean": total / times.len() as f64,
        "p90": times[(times.len() * 9 / 10).min(times.len() - 1)],
        "loss": loss,
        "first_step": first,
        "tokens_per_second": tokens as f64 / total * 1e3,
        "threads": rayon::current_num_threads(),
        "peak_rss_mb": peak_rss_mb(),
    });
    println!("{result:#}");
    if let Some(path) = &flags.json {
        std::fs::write(path, result.to_string()).expect("the result is written");
    }
}

/// Peak resident memory in MB, where the system tells it.
fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}
