//! `bitspike sweep` as a user runs it, on a teacher of a few thousand weights.

#[path = "../small_run/mod.rs"]
mod small_run;

mod bad_input;
mod grid;
#[cfg(unix)]
mod resume;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use small_run::exits;

/// A folder with data in SST-2's layout (`SST-2`), a recipe (`recipe.toml`) and a teacher (`teacher`).
fn prepare(epochs: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bert-micro-f32");
    let teacher = folder.path().join("teacher");
    fs::create_dir(&teacher).unwrap();
    for file in ["vocab.txt", "tokenizer_config.json", "model.safetensors"] {
        fs::copy(fixture.join(file), teacher.join(file)).unwrap();
    }
    // Its classes are called as those of the task.
    let config = fs::read_to_string(fixture.join("config.json")).unwrap();
    let config = config.replace("\"no\"", "\"negative\"").replace("\"yes\"", "\"positive\"");
    fs::write(teacher.join("config.json"), config).unwrap();
    write_data(&folder.path().join("SST-2"), 80);
    let recipe = format!(
        "[data]\nmax_length = 16\nbatch_size = 8\n[run]\ncheckpoint_minutes = 0\nlog_every = 1\n\
         [[stage]]\nkind = \"internal\"\nprediction_weight = 1.0\nlearning_rate = 1e-3\nepochs = {epochs}\n"
    );
    fs::write(folder.path().join("recipe.toml"), recipe).unwrap();
    folder
}

/// Sentences whose class is the parity of their first word.
fn write_data(folder: &Path, train: usize) {
    const WORDS: [&str; 15] =
        ["a", "an", "the", "and", "but", "or", "not", "no", "never", "very", "quite", "too", "it", "he", "not"];
    let sentence = |i: usize| {
        let words = (0..=i % 5).map(|k| WORDS[(i * 7 + k * (i % 3 + 1)) % 14]);
        format!("{}\t{}\n", words.collect::<Vec<_>>().join(" "), i * 7 % 14 % 2)
    };
    let file = |range: std::ops::Range<usize>| format!("sentence\tlabel\n{}", range.map(sentence).collect::<String>());
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("train.tsv"), file(0..train)).unwrap();
    fs::write(folder.join("dev.tsv"), file(500..531)).unwrap();
}

const SWEEP: [&str; 11] =
    ["sweep", "--recipe", "recipe.toml", "--task", "sst2", "--data", "SST-2", "--teacher", "teacher", "--threads", "1"];

/// Runs `sweep` with the recipe, data and teacher of [`prepare`], checks the exit code, and returns both outputs.
fn sweep(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    exits(folder, &[&SWEEP, arguments].concat(), code)
}

/// A table of `results.csv` by column: what identifies a cell and what the same training must give again.
fn results(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let head = reader.headers().unwrap().clone();
    let times = ["seconds", "latency_ms", "latency_best_ms"];
    let kept: Vec<usize> = (0..head.len()).filter(|&i| !times.contains(&&head[i])).collect();
    let pick = |row: &csv::StringRecord| kept.iter().map(|&i| row[i].to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = reader.records().map(|row| pick(&row.unwrap())).collect();
    [pick(&head)].into_iter().chain(rows).collect()
}

/// A column of `results.csv`.
fn column(path: &Path, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let at = reader.headers().unwrap().iter().position(|column| column == name).expect("the column");
    reader.records().map(|row| row.unwrap()[at].to_owned()).collect()
}

fn journal(sweep: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(sweep.join("sweep.json")).unwrap()).unwrap()
}

/// The status of each cell.
fn statuses(sweep: &Path) -> Vec<String> {
    journal(sweep)["cells"].as_array().unwrap().iter().map(|cell| cell["status"].as_str().unwrap().to_owned()).collect()
}

/// The folders of the cells.
fn cells(sweep: &Path) -> Vec<PathBuf> {
    let mut cells: Vec<PathBuf> =
        fs::read_dir(sweep.join("cells")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cells.sort();
    cells
}
