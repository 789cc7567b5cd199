//! Every `--help` is what the files in `help/` hold. To renew them after a change that is meant:
//!
//!     BITSPIKE_RENEW=1 cargo test --workspace --release --test interface help
//!
//! and read the difference.

use std::path::{Path, PathBuf};

use crate::commands;
use crate::small_run::{command, exits, output};

const RENEW: &str = "BITSPIKE_RENEW";

fn help(arguments: &str, flag: &str, columns: &str) -> String {
    let arguments: Vec<&str> = arguments.split_whitespace().chain([flag]).collect();
    let mut command = command(Path::new("."));
    output(command.args(arguments).env("COLUMNS", columns), 0).0
}

#[test]
fn every_help_is_as_it_was_read() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interface/help"));
    let renew = std::env::var_os(RENEW).is_some();
    let mut wrong = Vec::new();
    let mut names = Vec::new();
    for command in [vec![String::new()], commands()].concat() {
        let name = format!("{}.txt", format!("bitspike {command}").trim().replace(' ', "-"));
        let found = help(&command, "--help", "100");
        let path = folder.join(&name);
        if renew {
            std::fs::write(&path, &found).unwrap();
        } else if std::fs::read_to_string(&path).unwrap_or_default() != found {
            wrong.push(name.clone());
        }
        names.push(name);
    }
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if !names.iter().any(|name| path.ends_with(name)) {
            if renew {
                std::fs::remove_file(&path).unwrap();
            } else {
                wrong.push(format!("{} is of no command", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?} in {}; if it is meant, set {RENEW}=1 and run again", folder.display());
}

#[test]
fn the_full_help_says_more_than_the_list() {
    let (list, _) = exits(Path::new("."), &["--help"], 0);
    for command in commands() {
        let long = help(&command, "--help", "100");
        let first = long.lines().next().unwrap();
        assert!(!first.is_empty() && !first.ends_with('.'), "{command}: {first}");
        if !command.contains(' ') {
            let listed: String = list.split_whitespace().collect();
            assert!(listed.contains(&first.split_whitespace().collect::<String>()), "{command}: {first}");
        }
    }
    for (command, says) in [
        ("classify", "every answer is written as soon as"),
        ("embed", "every vector is written as soon as"),
        ("index build", "there is a graph of near neighbours"),
        ("search", "another one is refused"),
        ("distil", "The recipe decides everything"),
        ("sweep", "the same command with --resume"),
        ("report", "Without --data the page shows"),
        ("verify", "the exit code is then 1"),
        ("models", "Models are looked for in"),
        ("bench", "Nothing is read or written while"),
        ("models add", "Packs the student, scores it"),
    ] {
        let long = help(command, "--help", "100").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(long.contains(says), "{command}: {long}");
    }
}

#[test]
fn headings_hold_their_own_flags_alone() {
    // A column there says where the texts are, not what a task is.
    let reads_texts = ["classify", "embed", "index build", "index add", "search"];
    for command in commands() {
        let help = help(&command, "--help", "100");
        let mut heading = "";
        for line in help.lines().take_while(|line| !line.starts_with("Example")) {
            if !line.starts_with(' ') && line.ends_with(':') {
                heading = line;
            }
            let Some(flag) = line.split_whitespace().find(|word| word.starts_with("--")) else { continue };
            if !line.trim_start().starts_with('-') || line.starts_with("          ") {
                continue;
            }
            let expected = match flag {
                "--task" | "--label" | "--labels" | "--regression" => Some("Task:"),
                "--text" | "--text2" if !reads_texts.contains(&command.as_str()) => Some("Task:"),
                "--out" | "--data" | "--teacher" | "--json" | "--limit" | "--threads" | "--force" => {
                    (flag != "--limit" || !["distil", "sweep"].contains(&command.as_str())).then_some("Options:")
                }
                "--quiet" | "--verbose" => Some("Everywhere:"),
                _ => None,
            };
            assert!(expected.is_none_or(|expected| expected == heading), "{command}: {flag} under {heading}");
        }
    }
}

#[test]
fn help_is_as_wide_as_the_terminal() {
    for (columns, most) in [("60", 60), ("100", 100), ("400", 110)] {
        for command in [vec![String::new()], commands()].concat() {
            let help = help(&command, "--help", columns);
            // Examples, and words that cannot be broken, are as they are.
            let text = help.split("Example").next().unwrap();
            for line in text.lines().filter(|line| line.split_whitespace().count() > 3 && !line.starts_with("Usage:")) {
                assert!(line.chars().count() <= most, "{command} at {columns} columns: {line}");
            }
        }
    }
}

#[test]
fn one_spelling_of_a_flag_means_one_thing_and_old_ones_are_hidden() {
    let all: Vec<(String, String)> = commands().into_iter().map(|c| (c.clone(), help(&c, "--help", "400"))).collect();
    for old in ["--output", "--time-steps", "--output-format"] {
        let shown: Vec<&str> =
            all.iter().filter(|(_, help)| help.contains(old)).map(|(command, _)| command.as_str()).collect();
        assert!(shown.is_empty(), "{old} is shown by {shown:?}");
    }
    // What follows the flag and its value in the help.
    let meaning = |help: &str, flag: &str| {
        let mut lines = help.lines().skip_while(|line| {
            let mut words = line.split_whitespace().filter(|word| word.starts_with('-'));
            !words.any(|word| word.trim_end_matches(',') == flag) || !line.trim_start().starts_with('-')
        });
        lines.next()?;
        lines.next().map(|line| line.trim().to_owned())
    };
    for (flag, says) in [
        ("--threads", "Threads to compute with, up to 1024; 0 takes all cores"),
        ("--limit", "Use at most N examples"),
        ("--checkpoint", "Which student"),
    ] {
        for (command, help) in &all {
            if let Some(found) = meaning(help, flag) {
                assert!(found.starts_with(says), "{command} {flag}: {found}");
            }
        }
    }
}
