//! A reader that has gone, such as `head`, is no reason to panic.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{prepare, small_run, teacher};

/// The end of a pipe that nobody reads from.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Every command that prints, as it succeeds.
fn lines() -> Vec<Vec<&'static str>> {
    let mut lines: Vec<Vec<&str>> = [
        "--help",
        "--version",
        "help classify",
        "data list",
        "data list --json",
        "data check --task sst2 SST-2",
        "data check --task sst2 SST-2 --json",
        "eval run --data SST-2",
        "eval m --data SST-2 --json --predictions p.tsv --force",
        "eval run --data SST-2 --split test --submission s.tsv --force",
        "trace run fine --timesteps 4 --force",
        "trace run fine --timesteps 4 --force --json",
        "pack run --out p.safetensors --force",
        "pack run --out p.safetensors --force --json",
        "inspect m",
        "inspect m --json",
        "classify --model m fine",
        "classify --model m fine --json",
        "bench m --seconds 0.01 --lengths 4 --batches 1 --no-kernels",
        "bench m --seconds 0.01 --lengths 4 --batches 1 --no-kernels --json",
        "cost run --data SST-2",
        "cost run --data SST-2 --json",
        "report run --out r.html --force",
        "report run --data SST-2 --out r.html --force --json",
        "models",
        "models --json",
        "models --markdown",
        "completions bash",
        "completions zsh",
        "man pages --force",
        "-v inspect m",
    ]
    .map(|line| line.split(' ').collect())
    .to_vec();
    let map = ["--map", "no=negative,yes=positive"];
    lines.push([&["eval", teacher(), "--task", "sst2", "--data", "SST-2", "--max-length", "8"], &map[..]].concat());
    let train = ["--task", "sst2", "--data", "SST-2", "--max-length", "8", "--epochs", "1", "--json"];
    lines.push([&["teacher", "--model", teacher(), "--out", "t"], &train[..]].concat());
    let distil = ["distil", "--teacher", teacher(), "--out", "d", "--set", "stage.0.kind=internal"];
    lines.push([&distil[..], &train, &map].concat());
    let sweep = ["sweep", "--teacher", teacher(), "--out", "s", "--seeds", "1", "--dry-run"];
    lines.push([&sweep[..], &train, &map].concat());
    lines
}

fn ends(folder: &Path, arguments: &[&str], close: impl Fn(&mut Command), expected: i32) {
    let mut command = small_run::command(folder);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
    close(&mut command);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    assert_eq!(output.status.code(), Some(expected), "{arguments:?}: {said}");
}

#[test]
fn no_command_panics_when_standard_output_is_closed() {
    let folder = prepare();
    for arguments in lines() {
        ends(folder.path(), &arguments, |command| _ = command.stdout(closed()), 0);
        if ["teacher", "distil"].contains(&arguments[0]) {
            std::fs::remove_dir_all(folder.path().join(if arguments[0] == "teacher" { "t" } else { "d" })).unwrap();
        }
    }
}

#[test]
fn no_command_panics_when_standard_error_is_closed() {
    let folder = prepare();
    for arguments in lines() {
        ends(folder.path(), &arguments, |command| _ = command.stderr(closed()), 0);
    }
    // Errors keep their code where nobody reads them.
    for (arguments, code) in
        [(&["inspect", "nowhere"][..], 1), (&["inspect"], 2), (&["cost", "m", "--data", "x", "--task", "y"], 2)]
    {
        ends(folder.path(), arguments, |command| _ = command.stderr(closed()), code);
    }
}

#[test]
fn a_reader_that_leaves_early_gets_what_it_read() {
    let folder = prepare();
    let script = "\"$0\" classify --model m --json < texts | head -n 2";
    std::fs::write(folder.path().join("texts"), "a fine film\n".repeat(20_000)).unwrap();
    let mut shell = Command::new("sh");
    let output =
        shell.current_dir(folder.path()).args(["-c", script, env!("CARGO_BIN_EXE_bitspike")]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (String::from_utf8_lossy(&output.stdout).lines().count(), said.contains("panicked")),
        (2, false),
        "{said}"
    );
}
