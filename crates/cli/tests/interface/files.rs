//! `--version`, completions, the manual, `--quiet` and `--verbose`, `NO_COLOR`.

use std::path::Path;

use crate::small_run::{command, exits, output};
use crate::{commands, prepare};

#[test]
fn the_version_names_commit_and_kernels() {
    let (short, _) = exits(Path::new("."), &["-V"], 0);
    assert_eq!(short, format!("bitspike {}\n", env!("CARGO_PKG_VERSION")));
    let (long, _) = exits(Path::new("."), &["--version"], 0);
    assert!(long.starts_with(short.trim_end()), "{long}");
    assert!(long.contains(&format!("\nkernels: {}\n", bitspike::kernels::Kernels::detect())), "{long}");
    assert!(long.contains("\nbuilt with: train, parquet, arrow, download"), "{long}");
    if Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.git")).exists() {
        let commit = long.split_once("commit ").expect("a commit").1;
        assert!(commit.chars().take_while(char::is_ascii_hexdigit).count() == 12, "{long}");
    }
    let (of_command, _) = exits(Path::new("."), &["classify", "--version"], 0);
    assert!(of_command.contains("kernels: "), "{of_command}");
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (script, _) = exits(Path::new("."), &["completions", shell], 0);
        for command in commands() {
            for word in command.split_whitespace() {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
        assert!(script.contains("timesteps") && !script.contains("time-steps"), "{shell}");
    }
    let mut bash = std::process::Command::new("bash");
    let script = exits(Path::new("."), &["completions", "bash"], 0).0;
    if let Ok(output) = bash.args(["-n", "-c", &script]).output() {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let folder = tempfile::tempdir().unwrap();
    let (said, _) = exits(folder.path(), &["man", "pages"], 0);
    let pages = 1 + commands().len();
    assert_eq!(said, format!("wrote {pages} pages into pages\n"));
    for command in commands() {
        let page = folder.path().join(format!("pages/bitspike-{}.1", command.replace(' ', "-")));
        let text = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(text.contains(".SH OPTIONS") && text.contains(".SH NAME"), "{text}");
    }
}

#[test]
fn bench_says_which_batch_the_operators_are_of() {
    let folder = prepare();
    let arguments = ["bench", "m", "--seconds", "0.01", "--lengths", "4,8", "--batches", "1,2", "--no-kernels"];
    let (text, _) = exits(folder.path(), &arguments, 0);
    assert!(text.contains("\ntime by operator of L=8 B=2, one thread: "), "{text}");
}

#[test]
fn quiet_says_less_and_verbose_more() {
    let folder = prepare();
    let said = |flag: &[&str]| {
        let report = ["report", "run", "--data", "SST-2", "--out", "r.html", "--force"];
        exits(folder.path(), &[flag, &report[..]].concat(), 0)
    };
    let (plain, quiet, verbose) = (said(&[]), said(&["-q"]), said(&["--verbose"]));
    assert!(!plain.1.is_empty() && quiet.1.is_empty(), "{plain:?}{quiet:?}");
    assert_eq!((&plain.0, &quiet.0), (&verbose.0, &verbose.0), "results are the same");
    for part in ["kernels ", "model run: run", " s\n", &plain.1] {
        assert!(verbose.1.contains(part), "{part} is missing in\n{}", verbose.1);
    }
    // Behind the command too, and errors are always said.
    assert_eq!(exits(folder.path(), &["inspect", "m", "--quiet"], 0).1, "");
    assert!(!exits(folder.path(), &["inspect", "nowhere", "-q"], 1).1.is_empty());
    let train = ["--data", "SST-2", "--task", "sst2", "--max-length", "8", "--epochs", "1", "--out", "d", "-q"];
    let distil = ["distil", "--teacher", crate::teacher(), "--set", "stage.0.kind=internal"];
    assert_eq!(exits(folder.path(), &[&distil[..], &train].concat(), 0).1, "");
}

#[test]
fn nothing_is_coloured_where_nobody_wants_colour() {
    let folder = prepare();
    for arguments in
        [&["--help"][..], &["classify", "--nonsense"], &["inspect", "m"], &["cost", "m", "--data", "SST-2"]]
    {
        for variables in [[("NO_COLOR", "1"), ("TERM", "xterm-256color")], [("CLICOLOR", "0"), ("TERM", "dumb")]] {
            let mut command = command(folder.path());
            command.args(arguments).envs(variables);
            let code = if arguments.contains(&"--nonsense") { 2 } else { 0 };
            let (out, error) = output(&mut command, code);
            assert!(!out.contains('\x1b') && !error.contains('\x1b'), "{arguments:?}: {out}{error}");
        }
    }
}
