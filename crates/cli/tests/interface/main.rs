//! What every command has in common: help, spelling of flags, exit codes, what is never written over, closed pipes.

mod closed_pipe;
mod codes;
mod files;
mod help;
mod overwrite;
#[path = "../small_run/mod.rs"]
mod small_run;

use std::path::Path;

use tempfile::TempDir;

/// A folder with a run, a packed model of it, data, and a teacher.
fn prepare() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    small_run::make(folder.path(), "sst2", |_| ());
    let data = folder.path().join("SST-2");
    std::fs::create_dir(&data).unwrap();
    for split in ["train.tsv", "dev.tsv", "test.tsv"] {
        std::fs::write(data.join(split), "sentence\tlabel\na fine film\t1\na dull film\t0\nfine\t1\n").unwrap();
    }
    small_run::exits(folder.path(), &["pack", "run", "--out", "m/model.safetensors"], 0);
    folder
}

/// The folder of a small BERT that was not fine-tuned on anything.
fn teacher() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/bert-micro-f32")
}

/// The commands, and the subcommands as `data check`, as the program's help lists them.
fn commands() -> Vec<String> {
    let list = |command: &str| {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let (help, _) = small_run::exits(Path::new("."), &arguments, 0);
        let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let words = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names: Vec<String> = words.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect();
        names.into_iter().filter(|name| name != "help")
    };
    let mut commands = Vec::new();
    for command in list("") {
        let below: Vec<String> = list(&command).map(|below| format!("{command} {below}")).collect();
        commands.push(command);
        commands.extend(below);
    }
    assert!(commands.len() > 20, "{commands:?}");
    commands
}
