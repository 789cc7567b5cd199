//! What is refused, before anything runs.

use std::fs;

use super::{exits, prepare, small_run, sweep, write_data};

#[test]
fn mistakes_are_named_before_anything_runs() {
    let folder = prepare(1);
    fs::write(folder.path().join("grid.toml"), "[over]\nbits = [1]\n").unwrap();
    fs::write(folder.path().join("bad.toml"), "[over]\nbits = 1\n").unwrap();
    fs::create_dir(folder.path().join("other")).unwrap();
    fs::write(folder.path().join("other/notes.txt"), "mine").unwrap();
    small_run::make(folder.path(), "sst2", |_| ());
    let thousand = (1..=1000).map(|x| x.to_string()).collect::<Vec<_>>().join(",");
    let [epochs, batches, seeds] = ["epochs=", "batch_size=", ""].map(|key| format!("{key}{thousand}"));
    for (arguments, says) in [
        (&["--out", "s"][..], "nothing to sweep over"),
        (
            &["--out", "s", "--over", "student.weight_bit=1"],
            "cell weight_bit=1,seed=42: recipe: unknown field `weight_bit`",
        ),
        (&["--out", "s", "--over", "bits=1,2"], "cell weight_bits=2,seed=42"),
        (&["--out", "s", "--over", "rate_penalty=0,-1"], "expected 0 or more, found -1"),
        (&["--out", "s", "--over", "bits=1,32", "--over", "student.weight_bits=1"], "set the same key"),
        (&["--out", "s", "--over", "bits=1,32", "--grid", "grid.toml"], "set the same key"),
        (&["--out", "s", "--grid", "bad.toml"], "expected a list of values, found 1"),
        (&["--out", "s", "--grid", "none.toml"], "read grid none.toml"),
        (&["--out", "s", "--over", "bits=1,32", "--bits", "1"], "is set for all cells"),
        (&["--out", "s", "--seeds", "1,1"], "seed 1 is given twice"),
        (&["--out", "s", "--over", &epochs, "--over", &batches, "--seeds", &seeds], "the grid has 1000000000 cells"),
        (
            &["--out", "s", "--over", "layers=1,2"],
            "cell layers=2,seed=42: a student that starts from its teacher has at most",
        ),
        (&["--out", "s", "--over", "max_length=8,64"], "the teacher's `model_max_length` is 16"),
        (&["--out", "s", "--over", "stage=[{kind=\"internal\"}],[{kind=\"general\"}]"], "give a file with --corpus"),
        (&["--out", "s", "--seeds", "1", "--from", "run"], "of the same shape: layers expected 1, found 2"),
        (&["--out", "s", "--seeds", "1", "--from", "none"], "no run here"),
        (&["--out", "s", "--seeds", "1", "--corpus", "recipe.toml"], "--corpus is for `general` stages"),
        (&["--out", "other", "--seeds", "1"], "holds notes.txt, which is no sweep's"),
        (&["--out", "recipe.toml", "--seeds", "1"], "expected a folder, found a file"),
        (&["--out", "s", "--seeds", "1", "--resume"], "no sweep here"),
    ] {
        // The command line alone says it, without a file of a grid or a recipe.
        let misused = ["nothing to sweep", "same key", "set for all cells", "given twice", "1000000000 cells"];
        let misused = misused.iter().any(|part| says.contains(part)) && !arguments.contains(&"--grid");
        let (out, error) = sweep(folder.path(), arguments, if misused { 2 } else { 1 });
        assert!(error.contains(says), "{arguments:?}: {error}");
        assert!(out.is_empty() && !folder.path().join("s").exists(), "{arguments:?} left something behind");
    }
    for arguments in [
        &["--out", "s", "--seeds", "x"][..],
        &["--out", "s", "--seeds", "-1"],
        &["--seeds", "1"],
        &["--out", "s", "--over", "rate_penalty"],
        &["--out", "s", "--seeds", "1", "--set", "seed"],
        &["--out", "s", "--seeds", "1", "--set", "student.weight_bit=1"],
        &["--out", "s", "--max-hours", "0"],
        &["--out", "s", "--max-hours", "nan"],
        &["--out", "s", "--cell-minutes", "-3"],
        &["--out", "s", "--retry-failed"],
    ] {
        sweep(folder.path(), arguments, 2);
    }
    let missing = ["sweep", "--task", "sst2", "--seeds", "1", "--out", "s"];
    let (_, error) = exits(folder.path(), &[&missing[..], &["--data", "SST-2", "--teacher", "nowhere"]].concat(), 1);
    assert!(error.contains("nowhere"), "{error}");
    let (_, error) = exits(folder.path(), &[&missing[..], &["--data", "nodata", "--teacher", "teacher"]].concat(), 1);
    assert!(error.contains("nodata"), "{error}");
    assert!(!folder.path().join("s").exists());
}

#[test]
fn a_sweep_goes_on_only_as_what_it_was() {
    let folder = prepare(1);
    let at = folder.path().join("s");
    sweep(folder.path(), &["--out", "s", "--seeds", "1,2", "--display", "quiet"], 0);
    let refused = |arguments: &[&str], says: &str| {
        let (_, error) = sweep(folder.path(), &[&["--out", "s"], arguments].concat(), 1);
        assert!(error.contains(says), "{arguments:?}: {error}");
    };
    refused(&["--seeds", "1,2"], "already holds a sweep");
    refused(&["--resume", "--seeds", "1,2,3"], "this command asks for another");
    refused(&["--resume", "--over", "bits=1,32"], "this command asks for another");
    refused(&["--resume", "--epochs", "3"], "`stage.0.epochs` was 1.0 and is 3.0");
    refused(&["--resume", "--set", "seed=7", "--set", "run.log_every=5"], "`seed` was 42 and is 7; leave that out");
    refused(&["--resume", "--from", "s"], "leave it out");
    let (_, error) = exits(folder.path(), &["sweep", "--resume", "--out", "s", "--task", "cola"], 1);
    assert!(error.contains("goes on with task sst2"), "{error}");
    write_data(&folder.path().join("less"), 70);
    let (_, error) = exits(folder.path(), &["sweep", "--resume", "--out", "s", "--data", "less"], 1);
    assert!(error.contains("does not hold what the sweep in s was started with"), "{error}");
    // The same data elsewhere will do.
    write_data(&folder.path().join("moved"), 80);
    exits(folder.path(), &["sweep", "--resume", "--out", "s", "--data", "moved"], 0);

    // A folder whose files are damaged, or another version's.
    let (settings, journal) = (at.join("sweep.toml"), at.join("sweep.json"));
    let broken = |path: &std::path::Path, from: &str, to: &str, says: &str| {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
        let (_, error) = exits(folder.path(), &["sweep", "--resume", "--out", "s"], 1);
        assert!(error.contains(says), "{says}: {error}");
        fs::write(path, text).unwrap();
    };
    broken(
        &settings,
        "bitspike-sweep-1",
        "bitspike-sweep-9",
        "expected format `bitspike-sweep-1`, found `bitspike-sweep-9`",
    );
    broken(&settings, "seeds = [1, 2]", "seeds = [1, 1]", "seed 1 is given twice");
    broken(&settings, "time_steps = 16", "time_steps = 0", "1 to 127");
    broken(&settings, "[inputs]", "[inputs", "is damaged");
    broken(&journal, "\"status\": \"finished\"", "\"status\": \"done\"", "unknown variant `done`");
    broken(&journal, "seed=1", "../../seed=1", "does not hold the cells of sweep.toml");
    broken(&journal, "\"status\": \"finished\"", "\"status\": \"pending\"", "does not hold the cells of sweep.toml");
    broken(&journal, "\"rate\": 0.", "\"rate\": 99999999999999999999.", "`rate`: expected a number from -1 to");
    // Without its journal everything is measured again, and nothing trained again.
    let (found, log) =
        (super::results(&at.join("results.csv")), fs::read(at.join("cells/seed=1/metrics.jsonl")).unwrap());
    fs::remove_file(&journal).unwrap();
    exits(folder.path(), &["sweep", "--resume", "--out", "s"], 0);
    assert_eq!(super::statuses(&at), ["finished"; 2]);
    assert_eq!(super::results(&at.join("results.csv")), found);
    assert_eq!(fs::read(at.join("cells/seed=1/metrics.jsonl")).unwrap(), log);
    let cell = at.join("cells/seed=1/recipe.toml");
    let changed = fs::read_to_string(&cell).unwrap().replacen("epochs = 1.0", "epochs = 2.0", 1);
    fs::write(&cell, changed).unwrap();
    fs::remove_file(&journal).unwrap();
    let (_, error) = exits(folder.path(), &["sweep", "--resume", "--out", "s"], 1);
    assert!(error.contains("holds a run of another recipe"), "{error}");
}
