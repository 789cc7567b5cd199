//! Nothing is written over unless `--force` says so.

use std::fs;

use crate::small_run::exits;
use crate::{prepare, teacher};

#[test]
fn no_file_is_replaced_without_force() {
    let folder = prepare();
    for (line, file) in [
        ("pack run --trits --out new", "new"),
        ("report run --out new", "new"),
        ("eval m --data SST-2 --predictions new", "new"),
        ("eval m --data SST-2 --split test --submission new", "new"),
        ("trace run fine --timesteps 4 --out traced", "traced/trace.svg"),
        ("man pages", "pages/bitspike-classify.1"),
    ] {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let path = folder.path().join(file);
        exits(folder.path(), &arguments, 0);
        let made = fs::read(&path).unwrap();
        let (_, error) = exits(folder.path(), &arguments, 1);
        assert!(error.contains("exists") && error.contains("--force"), "{line}: {error}");
        if arguments[0] == "pack" {
            // Nothing but a packed model is replaced by one.
            fs::write(&path, "mine").unwrap();
            exits(folder.path(), &[&arguments[..], &["--force"]].concat(), 1);
            fs::write(&path, fs::read(folder.path().join("m/model.safetensors")).unwrap()).unwrap();
        } else {
            fs::write(&path, "mine").unwrap();
        }
        exits(folder.path(), &arguments, 1);
        assert_ne!(fs::read(&path).unwrap(), made, "{line} wrote before it refused");
        exits(folder.path(), &[&arguments[..], &["--force"]].concat(), 0);
        assert_eq!(fs::read(&path).unwrap().len(), made.len(), "{line}");
        if path.parent() == Some(folder.path()) {
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn a_submission_under_its_official_name_is_not_replaced() {
    let folder = prepare();
    let arguments = ["eval", "m", "--data", "SST-2", "--split", "test", "--submission", "."];
    exits(folder.path(), &arguments, 0);
    let (_, error) = exits(folder.path(), &arguments, 1);
    assert!(error.contains("SST-2.tsv: exists; give --force"), "{error}");
    exits(folder.path(), &[&arguments[..], &["--force"]].concat(), 0);
}

#[test]
fn a_folder_of_training_is_not_replaced() {
    let folder = prepare();
    let train = ["--data", "SST-2", "--task", "sst2", "--max-length", "8", "--epochs", "1"];
    for (arguments, out) in [
        (&["teacher", "--model", teacher(), "--out", "t"][..], "t"),
        (&["distil", "--teacher", teacher(), "--set", "stage.0.kind=internal", "--out", "d"], "d"),
    ] {
        let arguments = [arguments, &train].concat();
        exits(folder.path(), &arguments, 0);
        let (_, error) = exits(folder.path(), &arguments, 1);
        assert!(error.contains(out) && error.contains("already holds") && error.contains("--resume"), "{error}");
    }
}

#[test]
fn an_earlier_quickstart_in_a_named_folder_is_kept() {
    let folder = prepare();
    fs::create_dir(folder.path().join("q")).unwrap();
    fs::write(folder.path().join("q/quickstart.json"), "{}").unwrap();
    let (_, error) = exits(folder.path(), &["quickstart", "--out", "q"], 1);
    assert!(error.contains("--out q: holds an earlier quickstart; give --force"), "{error}");
    let (_, error) = exits(folder.path(), &["quickstart", "--out", "q", "--force"], 1);
    assert!(error.contains("choose another --out"), "not the program's own: {error}");
    assert_eq!(fs::read_to_string(folder.path().join("q/quickstart.json")).unwrap(), "{}");
}

#[test]
fn classify_replaces_as_a_redirection_does() {
    let folder = prepare();
    let path = folder.path().join("answers.csv");
    fs::write(&path, "earlier").unwrap();
    exits(folder.path(), &["classify", "--model", "m", "fine", "--out", "answers.csv"], 0);
    assert!(fs::read_to_string(&path).unwrap().contains("label"));
}

#[test]
fn devices_and_folders_are_never_replaced() {
    let folder = prepare();
    for arguments in [
        &["report", "run", "--force", "--out", "/dev/null"][..],
        &["report", "run", "--force", "--out", "SST-2"],
        &["eval", "m", "--data", "SST-2", "--force", "--predictions", "/dev/null"],
        &["pack", "run", "--force", "--out", "/dev/null"],
    ] {
        exits(folder.path(), arguments, 1);
    }
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}
