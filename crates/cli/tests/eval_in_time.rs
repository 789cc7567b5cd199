//! `bitspike eval --dynamics` as a user runs it: what it refuses, and that the refusal names the setting.

mod small_run;

use std::path::Path;

/// Runs `eval MODEL --data SST-2`, checks the exit code, and returns standard output and standard error.
fn exits(folder: &Path, model: &str, arguments: &[&str], code: i32) -> (String, String) {
    small_run::exits(folder, &[&["eval", model, "--data", "SST-2"], arguments].concat(), code)
}

fn prepare() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    small_run::make(folder.path(), "sst2", |_| ());
    let data = folder.path().join("SST-2");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("dev.tsv"), "sentence\tlabel\na fine film\t1\na dull film\t0\n").unwrap();
    folder
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    let folder = prepare();
    for (arguments, code, says) in [
        (&["--dynamics", "phased", "--timesteps", "0"][..], 2, "0 is not in 1..=65536"),
        (&["--dynamics", "accumulated", "--timesteps", "0,4"], 2, "0 is not in 1..=65536"),
        (&["--dynamics", "accumulated", "--beta", "0"], 2, "beta"),
        (&["--dynamics", "accumulated", "--beta", "1.5"], 2, "beta"),
        (&["--dynamics", "phased,accumulated", "--exit", "margin=1"], 2, "--exit"),
        (&["--dynamics", "sideways"], 2, "--dynamics"),
        (&["--dynamics", "phased", "--timesteps", ""], 2, "--timesteps"),
        (&["--dynamics", "accumulated", "--exit", "color=1"], 2, "expected margin, change, patience or min"),
        (&["--timesteps", "4"], 2, "--dynamics"),
    ] {
        let (out, error) = exits(folder.path(), "run", arguments, code);
        assert!(error.contains(says), "{arguments:?}: {error}");
        assert!(out.is_empty(), "{arguments:?}: {out}");
    }
}

#[test]
fn a_teacher_has_no_spikes() {
    let folder = prepare();
    let teacher = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/bert-micro-f32");
    let (_, error) =
        exits(folder.path(), teacher, &["--task", "sst2", "--max-length", "16", "--dynamics", "phased"], 1);
    assert!(error.contains("a teacher has no spikes") && error.contains("--dynamics"), "{error}");
}

#[test]
fn a_student_is_scored_at_every_step_asked_for() {
    let folder = prepare();
    let (out, _) = exits(folder.path(), "run", &["--dynamics", "phased,accumulated", "--timesteps", "4,16"], 0);
    let rows = |name: &str| out.lines().filter(|line| line.trim_start().starts_with(name)).count();
    assert_eq!((rows("phased"), rows("accumulated")), (2, 2), "{out}");
    assert!(out.contains("spike counts compared with the quantised equilibrium: 0 differ"), "{out}");
}
