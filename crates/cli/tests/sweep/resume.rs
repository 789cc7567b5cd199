//! Sweeps that are killed, stopped or out of time, and go on.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bitspike::tokenizer::Tokenizer;
use bitspike_data::{Split, TaskSpec, encode, load};
use sha2::{Digest, Sha256};

use super::{SWEEP, cells, exits, journal, prepare, results, statuses, sweep};

const GRID: [&str; 7] = ["--over", "bits=1,1.58", "--seeds", "1,2", "--display", "quiet", "--keep-checkpoints"];

fn start(folder: &Path, out: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitspike"));
    let command = command.current_dir(folder).args(SWEEP).args(GRID).args(["--out", out]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts")
}

/// Waits until the sweep's `n`-th cell has a checkpoint.
fn wait_for(sweep: &Path, n: usize) {
    let began = Instant::now();
    let begun = || {
        sweep.join("cells").exists()
            && cells(sweep).iter().filter(|cell| cell.join("last.safetensors").exists()).count() >= n
    };
    while !begun() {
        assert!(began.elapsed() < Duration::from_secs(120), "cell {n} has no checkpoint");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn same(folder: &Path, a: &str, b: &str) {
    let (a, b) = (folder.join(a), folder.join(b));
    assert_eq!(results(&a.join("results.csv")), results(&b.join("results.csv")));
    assert_eq!(fs::read(a.join("sweep.toml")).unwrap(), fs::read(b.join("sweep.toml")).unwrap());
    for (a, b) in cells(&a).iter().zip(cells(&b)) {
        assert_eq!(a.file_name(), b.file_name());
        assert_eq!(fs::read(a.join("model.safetensors")).unwrap(), fs::read(b.join("model.safetensors")).unwrap());
    }
}

#[test]
fn a_sweep_that_was_killed_or_stopped_ends_as_an_uninterrupted_one() {
    let folder = prepare(6);
    sweep(folder.path(), &[&GRID[..], &["--out", "whole"]].concat(), 0);
    for (out, signal, cell) in [("killed", "KILL", 2), ("stopped", "INT", 1), ("twice", "KILL", 1)] {
        let at = folder.path().join(out);
        let mut child = start(folder.path(), out);
        wait_for(&at, cell);
        let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().unwrap();
        assert!(sent.success());
        let status = child.wait().unwrap();
        let found = statuses(&at);
        if signal == "INT" {
            assert_eq!(status.code(), Some(130));
            assert_eq!(found[0], "paused");
            let steps = journal(&at)["cells"][0]["steps"].as_u64().unwrap();
            assert!((1..60).contains(&steps), "{steps}");
        } else {
            assert_eq!(found[cell - 1], "running", "{found:?}");
        }
        if out == "twice" {
            // Killed again while it resumes.
            let mut child = Command::new(env!("CARGO_BIN_EXE_bitspike"));
            let child =
                child.current_dir(folder.path()).args(["sweep", "--resume", "--threads", "1", "--display", "quiet"]);
            let mut child = child.args(["--keep-checkpoints", "--out", out]).stderr(Stdio::null()).spawn().unwrap();
            wait_for(&at, 3);
            child.kill().unwrap();
            child.wait().unwrap();
        }
        // The command of the start with --resume, or as little as possible.
        match out {
            "killed" => sweep(folder.path(), &[&GRID[..], &["--out", out, "--resume"]].concat(), 0),
            _ => exits(folder.path(), &["sweep", "--resume", "--out", out, "--threads", "1", "--keep-checkpoints"], 0),
        };
        same(folder.path(), "whole", out);
    }
}

#[test]
fn a_sweep_out_of_time_says_how_to_go_on() {
    let folder = prepare(3);
    let grid = ["--over", "bits=1,1.58", "--display", "plain"];
    sweep(folder.path(), &[&grid[..], &["--out", "whole"]].concat(), 0);
    let (_, said) = sweep(folder.path(), &[&grid[..], &["--out", "s", "--max-hours", "1e-8"]].concat(), 0);
    assert!(
        said.contains("0 of 2 cells done") && said.contains("go on with `bitspike sweep --resume --out s`"),
        "{said}"
    );
    let found = statuses(&folder.path().join("s"));
    assert!(found.iter().all(|status| status == "paused" || status == "pending"), "{found:?}");
    sweep(folder.path(), &[&grid[..], &["--out", "s", "--resume"]].concat(), 0);
    same(folder.path(), "whole", "s");

    // A cell's own time ends it with what it has, and says so.
    let long = ["--epochs", "2000", "--set", "run.checkpoint_minutes=9", "--set", "run.log_every=100000"];
    let short = ["--out", "t", "--seeds", "1", "--cell-minutes", "0.005", "--display", "quiet"];
    sweep(folder.path(), &[&long[..], &short].concat(), 0);
    let cell = &journal(&folder.path().join("t"))["cells"][0];
    assert_eq!((&cell["status"], &cell["ended"]), (&"finished".into(), &"time budget".into()));
    assert!(cell["steps"].as_u64().unwrap() < cell["total_steps"].as_u64().unwrap());
}

#[test]
fn a_cell_that_fails_is_recorded_and_the_others_run() {
    let folder = prepare(1);
    let at = folder.path().join("s");
    let grid = ["--over", "bits=1,1.58,32", "--display", "plain", "--out", "s"];
    sweep(folder.path(), &[&grid[..], &["--max-hours", "1e-8"]].concat(), 0);
    let _ = fs::remove_dir_all(at.join("cells"));
    fs::remove_file(at.join("sweep.json")).unwrap();
    fs::create_dir(at.join("cells")).unwrap();
    fs::write(at.join("cells/weight_bits=1.58,seed=42"), "in the way").unwrap();
    let (table, said) = exits(folder.path(), &["sweep", "--resume", "--out", "s"], 1);
    assert!(said.contains("cell weight_bits=1.58,seed=42 failed: ") && said.contains("1 of 3 cells failed"), "{said}");
    assert_eq!(
        (statuses(&at), table.lines().count()),
        (["finished", "failed", "finished"].map(String::from).to_vec(), 3)
    );
    let errors = super::column(&at.join("results.csv"), "error");
    assert!(errors[1].contains("weight_bits=1.58,seed=42") && errors[0].is_empty(), "{errors:?}");
    // It is left alone until asked for.
    exits(folder.path(), &["sweep", "--resume", "--out", "s"], 1);
    fs::remove_file(at.join("cells/weight_bits=1.58,seed=42")).unwrap();
    exits(folder.path(), &["sweep", "--resume", "--retry-failed", "--out", "s"], 0);
    assert_eq!(statuses(&at), ["finished"; 3]);
}

#[test]
fn an_optimiser_in_the_teachers_folder_makes_no_other_teacher() {
    let folder = prepare(1);
    let left = folder.path().join("teacher/last.safetensors");
    fs::write(&left, "what a fine-tuning that was stopped leaves").unwrap();
    let grid = ["--over", "bits=1", "--display", "quiet", "--out", "s"];
    sweep(folder.path(), &[&grid[..], &["--max-hours", "1e-8"]].concat(), 0);
    fs::remove_file(&left).unwrap();
    sweep(folder.path(), &[&grid[..], &["--resume"]].concat(), 0);
    assert_eq!(statuses(&folder.path().join("s")), ["finished"]);
}

#[test]
fn a_sweep_of_an_earlier_version_goes_on() {
    let folder = prepare(1);
    let at = |name: &str| folder.path().join(name);
    let grid = ["--over", "bits=1", "--display", "quiet", "--out", "s"];
    sweep(folder.path(), &[&grid[..], &["--max-hours", "1e-8"]].concat(), 0);

    // Its digest was that of all weight files of the teacher and of the examples.
    let tokenizer = Tokenizer::load(at("teacher")).unwrap();
    let mut hash = Sha256::new();
    hash.update(fs::read(at("teacher/model.safetensors")).unwrap());
    for split in [Split::Train, Split::Dev] {
        let task = TaskSpec::glue("sst2").unwrap();
        let examples = encode(&load(&task, &at("SST-2"), split).unwrap(), &tokenizer, 16);
        hash.update((examples.len() as u64).to_le_bytes());
        for example in examples {
            hash.update((example.ids.len() as u64).to_le_bytes());
            example.ids.iter().chain(&example.types).for_each(|id| hash.update(id.to_le_bytes()));
            hash.update(example.target.unwrap().to_le_bytes());
        }
    }
    hash.update(0u64.to_le_bytes());
    let earlier: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let with = |digest: &str| {
        let plan = fs::read_to_string(at("s/sweep.toml")).unwrap();
        let line = plan.lines().find(|line| line.starts_with("digest")).unwrap();
        fs::write(at("s/sweep.toml"), plan.replace(line, &format!("digest = \"{digest}\""))).unwrap();
    };
    with("0123");
    sweep(folder.path(), &[&grid[..], &["--resume"]].concat(), 1);
    with(&earlier);
    sweep(folder.path(), &[&grid[..], &["--resume"]].concat(), 0);
    assert_eq!(statuses(&at("s")), ["finished"]);
}

#[test]
fn a_sweep_goes_on_with_other_intervals_and_keeps_them() {
    let folder = prepare(1);
    let out = &["--out", "s", "--seeds", "1,2"][..];
    sweep(folder.path(), &[out, &["--max-hours", "1e-9"]].concat(), 0);
    sweep(
        folder.path(),
        &[out, &["--resume", "--set", "run.log_every=3", "--set", "run.evals_per_epoch=2"]].concat(),
        0,
    );
    let at = folder.path().join("s");
    assert_eq!(super::statuses(&at), ["finished"; 2]);
    for recipe in ["sweep.toml", "cells/seed=1/recipe.toml", "cells/seed=2/recipe.toml"] {
        let text = std::fs::read_to_string(at.join(recipe)).unwrap();
        assert!(text.contains("log_every = 3") && text.contains("evals_per_epoch = 2"), "{recipe}: {text}");
    }
    // Finished cells are not run again, whatever the intervals are by now.
    let before = std::fs::read(at.join("cells/seed=1/metrics.jsonl")).unwrap();
    exits(folder.path(), &["sweep", "--resume", "--out", "s", "--set", "run.checkpoint_minutes=9"], 0);
    assert_eq!(std::fs::read(at.join("cells/seed=1/metrics.jsonl")).unwrap(), before);
    assert!(std::fs::read_to_string(at.join("sweep.toml")).unwrap().contains("checkpoint_minutes = 9"));
}
