//! What a start costs, part by part, and the most memory the process had: a packed model read, checked and made ready.
//!
//!     cargo bench -p bitspike --bench start_up -- [model.safetensors]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bitspike::Model;
use bitspike::encoder::Encoder;
use bitspike::format::{Packed, upgrade};
use bitspike::tokenizer::Tokenizer;

const ROUNDS: usize = 101;

/// Median and least of what `run` takes, in milliseconds.
fn time<T>(mut run: impl FnMut() -> T) -> (f64, f64) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            let made = run();
            let time = began.elapsed();
            drop(black_box(made));
            time
        })
        .collect();
    times.sort_unstable();
    (times[ROUNDS / 2].as_secs_f64() * 1e3, times[0].as_secs_f64() * 1e3)
}

/// The most memory that this process has had, in kilobytes, where the system says so.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn main() {
    let path = std::env::args().skip(1).find(|flag| !flag.starts_with('-')).map(PathBuf::from);
    let path = path.unwrap_or_else(|| {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors"))
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let one = folder.path().join("model.safetensors");
    {
        let packed = Packed::open(&path).expect("a packed model");
        let tokenizer = packed.tokenizer().unwrap_or_else(|| {
            Tokenizer::load(path.parent().expect("a folder")).expect("a tokenizer.json beside the model")
        });
        std::fs::write(&one, upgrade(&packed, &tokenizer).expect("a model and its tokeniser"))
            .expect("a writable folder");
    }
    // The first start of the process: cold pages, no threads yet.
    let before = peak();
    let began = Instant::now();
    let model = Model::load(&one).expect("a model");
    let loaded = began.elapsed();
    let began = Instant::now();
    model.classify(["a gripping, funny film"]).expect("an answer");
    let answered = began.elapsed();
    let peaks = before.zip(peak());
    let size = std::fs::metadata(&one).expect("a file").len();
    println!("{}: {size} bytes", path.display());
    println!("first load {:.3} ms, first answer {:.3} ms", loaded.as_secs_f64() * 1e3, answered.as_secs_f64() * 1e3);
    if let Some((before, after)) = peaks {
        println!("peak memory {after} kB, {before} kB before the load");
    }
    let bytes = std::fs::read(&one).expect("a file");
    let packed = Packed::open(&one).expect("a packed model");
    let json = model.tokenizer().to_json().expect("a tokenizer.json").into_bytes();
    type Part<'a> = (&'a str, Box<dyn FnMut() + 'a>);
    let parts: [Part<'_>; 6] = [
        ("read the file", Box::new(|| drop(black_box(std::fs::read(&one))))),
        ("open and check", Box::new(|| drop(black_box(Packed::from_bytes(bytes.clone()))))),
        ("build the encoder", Box::new(|| drop(black_box(Encoder::of_packed(&packed))))),
        ("load, all of it", Box::new(|| drop(black_box(Model::load(&one))))),
        ("tokenizer.json", Box::new(|| drop(black_box(Tokenizer::from_json(&json))))),
        ("copy the file", Box::new(|| drop(black_box(bytes.clone())))),
    ];
    println!("{:<20} {:>10} {:>10}", "", "median, ms", "least, ms");
    for (name, run) in parts {
        let (median, least) = time(run);
        println!("{name:<20} {median:>10.3} {least:>10.3}");
    }
}
