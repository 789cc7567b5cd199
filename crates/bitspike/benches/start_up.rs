//! What a start costs, part by part, and the most memory the process had: a packed model read, checked and made ready.
//!
//!     cargo bench -p bitspike --bench start_up -- [model.safetensors]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bitspike::Model;
use bitspike::encoder::Encoder;
use bitspike::format::{Packed, upgrade};
use bitspike::tokenizer::Tokenizer;

const ROUNDS: usize = 101;

/// Processes started.
const STARTS: usize = 21;

/// What a process is told that is to load a model and nothing else.
const ONE_START: &str = "--one-start";

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

/// Loads a model in a new process: microseconds of the load and of the first answer, peak memory before and after in kilobytes.
fn start_process(model: &Path) -> [u64; 4] {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).arg(ONE_START).arg(model).output().expect("another process");
    let text = String::from_utf8(output.stdout).expect("numbers");
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("expected four numbers, found {text:?}"))
}

/// What [`start_process`] runs.
fn one_start(model: &Path) {
    let before = peak().unwrap_or(0);
    let began = Instant::now();
    let model = Model::load(model).expect("a model");
    let loaded = began.elapsed();
    model.classify(["a gripping, funny film"]).expect("an answer");
    let answered = began.elapsed() - loaded;
    println!("{} {} {before} {}", loaded.as_micros(), answered.as_micros(), peak().unwrap_or(0));
}

fn main() {
    let flags: Vec<_> = std::env::args().collect();
    if let [_, flag, model] = &flags[..]
        && flag == ONE_START
    {
        return one_start(Path::new(model));
    }
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
    let size = std::fs::metadata(&one).expect("a file").len();
    println!("{}: {size} bytes", path.display());
    let mut starts: Vec<[u64; 4]> = (0..STARTS).map(|_| start_process(&one)).collect();
    starts.sort_unstable();
    let [load, answer, before, after] = starts[STARTS / 2];
    println!("in a new process, the median of {STARTS}: load {load} us, first answer {answer} us");
    println!(
        "peak memory {after} kB, {before} kB before the load: file and {} kB",
        (after - before).saturating_sub(size / 1024)
    );
    let model = Model::load(&one).expect("a model");
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
