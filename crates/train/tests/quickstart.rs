//! The quickstart as a library function: what it makes, and which folders it replaces.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use bitspike_run::progress::Silent;
use bitspike_train::Result;
use bitspike_train::quickstart::{Comparison, Quickstart};

fn quickstart(out: &Path, stop: bool) -> Result<Option<Comparison>> {
    Quickstart { out, seed: 3, train: 128, dev: 32, stop: &AtomicBool::new(stop) }.run(&mut Silent)
}

#[test]
fn it_is_whole_and_the_same_again_in_its_own_folder() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("made/on/the/way");
    let first = quickstart(&out, false).unwrap().expect("nothing stops it");
    let models: Vec<&str> = first.rows.iter().map(|row| row.model.as_str()).collect();
    let students = ["student, 32 bit", "student, 1.58 bit", "student, 1 bit"];
    assert_eq!(models[..3], ["bag of words", "bag of word pairs", "teacher (BERT)"]);
    assert_eq!(models[3..], students);
    assert!(first.rows.iter().all(|row| (0.0..=1.0).contains(&row.accuracy)), "{first:?}");
    assert!(first.rows[3..].iter().all(|row| row.firing_rate.is_some_and(|rate| rate > 0.0)), "{first:?}");
    assert!(first.rows[4].bytes > first.rows[5].bytes, "{first:?}");
    let written = std::fs::read(out.join("quickstart.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Comparison>(&written).unwrap(), first);
    assert!(!out.join("teacher/last.safetensors").exists(), "nothing to resume");
    let again = quickstart(&out, false).unwrap().expect("nothing stops it");
    assert_eq!(again.rows, first.rows);
}

#[test]
fn one_that_was_stopped_is_replaced_too() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        assert_eq!(quickstart(folder.path(), true).unwrap(), None);
        let mark = std::fs::read(folder.path().join("quickstart.json")).unwrap();
        assert!(serde_json::from_slice::<Comparison>(&mark).unwrap().rows.is_empty());
    }
}

#[test]
fn folders_of_others_are_left_alone() {
    for (file, text, says) in [
        ("notes.txt", "mine", "holds notes.txt"),
        // Its names, and not its mark.
        ("corpus", "mine", "without the quickstart.json"),
        ("quickstart.json", "{\"mine\": 1}", "without the quickstart.json"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        std::fs::write(&path, text).unwrap();
        let error = quickstart(folder.path(), false).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains("choose another --out"), "{error}");
        assert_eq!(std::fs::read_to_string(path).unwrap(), text);
    }
}
