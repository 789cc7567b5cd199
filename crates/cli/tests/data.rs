//! `bitspike data list` and `data check` as a user runs them.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitspike"));
    command.current_dir(folder).arg("data").args(arguments).output().expect("the program starts")
}

/// Runs, checks the exit code, and returns standard output and standard error.
fn exits(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let output = run(folder, arguments);
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    assert!(!err.contains("panicked"), "{err}");
    (out, err)
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

#[test]
fn every_task_of_glue_is_listed() {
    let folder = folder(&[]);
    let (json, _) = exits(folder.path(), &["list", "--json"], 0);
    let tasks: Vec<Value> = serde_json::from_str(&json).expect("JSON");
    let names: Vec<_> = tasks.iter().filter_map(|task| task["name"].as_str()).collect();
    assert_eq!(names, ["cola", "sst2", "mrpc", "stsb", "qqp", "mnli", "qnli", "rte", "wnli"]);
    assert_eq!(tasks[2]["texts"], json!(["sentence1", "sentence2"]));
    assert_eq!(tasks[2]["metrics"], json!(["accuracy", "f1"]));
    assert_eq!((&tasks[3]["kind"], &tasks[3]["range"]), (&json!("regression"), &json!([0.0, 5.0])));
    let (text, _) = exits(folder.path(), &["list"], 0);
    for name in names {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name} is missing in\n{text}");
    }
    assert!(text.contains("label: entailment, neutral, contradiction"), "{text}");
}

#[test]
fn a_good_folder_is_described() {
    let train = "sentence\tlabel\na \"fine film\t1\ndull\t0\ndull\t0\n";
    let folder = folder(&[("train.tsv", train), ("dev.tsv", "sentence\tlabel\nnot bad at all\t1\n")]);
    let (text, _) = exits(folder.path(), &["check", "--task", "SST-2", "."], 0);
    for part in [
        "3, 3 labelled, 1 with the texts of an earlier one",
        "negative 2 (66.7 %), positive 1 (33.3 %)",
        "1 to 3 words, mean 1.7, 99 % up to 3; 4 to 12 characters",
        "dev.tsv",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    assert!(!text.contains("BAD"), "{text}");
}

#[test]
fn the_first_bad_line_is_named_and_the_exit_code_is_1() {
    let train = "sentence\tlabel\nfine\t1\ndull\tmaybe\nso so\t7\n";
    let folder =
        folder(&[("train.tsv", train), ("dev.tsv", "sentence\tlabel\nbad\t0\n"), ("test.tsv", "index\tsentence\n")]);
    let (text, error) = exits(folder.path(), &["check", "--task", "sst2", "."], 1);
    assert!(text.contains("2; the first:") && text.contains("train.tsv, line 3: ") && text.contains("maybe"), "{text}");
    assert!(error.contains("2 of 3 splits cannot be used: train, test"), "{error}");
    let (json, _) = exits(folder.path(), &["check", "--task", "sst2", ".", "--json"], 1);
    let report: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(report["usable"], json!(false));
    assert_eq!((&report["splits"][0]["bad_lines"], &report["splits"][0]["first_bad"]["line"]), (&json!(2), &json!(3)));
    assert_eq!(report["splits"][1]["first_bad"], Value::Null);
}

#[test]
fn own_data_is_checked_by_its_columns() {
    let folder = folder(&[
        ("train.jsonl", "{\"q\":\"a\",\"a\":\"b\",\"stars\":1.5}\n{\"q\":\"c\",\"a\":\"d\",\"stars\":4}\n"),
        ("dev.jsonl", "{\"q\":\"a\",\"a\":\"b\",\"stars\":\"five\"}\n"),
    ]);
    let columns = ["check", ".", "--text", "q", "--text2", "a", "--label", "stars"];
    let (text, error) = exits(folder.path(), &[columns.as_slice(), &["--regression"]].concat(), 1);
    assert!(text.contains("1.5 to 4, mean 2.750") && text.contains("dev.jsonl, line 1: "), "{text}");
    assert!(error.contains("1 of 2 splits"), "{error}");
    let (_, error) = exits(folder.path(), &[columns.as_slice(), &["--labels", "1.5,4"]].concat(), 1);
    assert!(error.contains("dev"), "{error}");
}

#[test]
fn what_is_not_there_is_named() {
    let folder = folder(&[("notes.md", "")]);
    let (_, error) = exits(folder.path(), &["check", "--task", "rte", "."], 1);
    assert!(error.contains("looked for train") && error.contains("notes.md"), "{error}");
    let (_, error) = exits(folder.path(), &["check", "--task", "rte", "nowhere"], 1);
    assert!(error.contains("nowhere"), "{error}");
    let (_, error) = exits(folder.path(), &["check", "--task", "squad", "."], 2);
    assert!(error.contains("cola, sst2"), "{error}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = folder(&[]);
    for arguments in [
        ["check", ".", "--json"].as_slice(),
        &["check", "--task", "sst2"],
        &["check", ".", "--text", "t"],
        &["fetch"],
        &["fetch", "sst2", "--model", "a/b"],
        &["fetch", "sst2", "--force"],
        &[],
    ] {
        exits(folder.path(), arguments, 2);
    }
}

#[test]
fn rows_of_dev_that_are_in_train_and_ids_that_repeat_are_said() {
    let train = "id,text,label\nu1,a,x\nu2,b,y\nu1,c,x\n";
    let folder = folder(&[("train.csv", train), ("dev.csv", "text,label\nb,x\nnew,y\n")]);
    let task = ["check", "--text", "text", "--label", "label", "."];
    let (text, _) = exits(folder.path(), &task, 0);
    assert!(text.contains("2, 2 labelled, 1 with the texts of one in train"), "{text}");
    assert!(text.contains("train.csv, line 4: the id `u1` is that of line 2 too"), "{text}");
    let (json, _) = exits(folder.path(), &[&task[..], &["--json"]].concat(), 0);
    let report: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&report["splits"][0]["in_train"], &report["splits"][1]["in_train"]), (&Value::Null, &json!(1)));
    assert_eq!(report["splits"][0]["repeated_ids"]["line"], 4);
}

/// Three classes, from texts of which all words are known.
#[cfg(feature = "train")]
fn teacher() -> String {
    format!("{}/../../fixtures/bert-tiny", env!("CARGO_MANIFEST_DIR"))
}

#[cfg(feature = "train")]
fn exits_as(folder: &Path, arguments: &[&str], code: i32) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitspike"));
    let output = command.current_dir(folder).args(arguments).output().expect("the program starts");
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    (out, err)
}

#[cfg(feature = "train")]
#[test]
fn ids_that_repeat_are_said_before_anything_is_scored() {
    let folder = folder(&[("dev.csv", "id,text,label\nu1,a,positive\nu1,b,neutral\n")]);
    let teacher = teacher();
    let command = [
        "eval",
        &teacher,
        "--data",
        ".",
        "--text",
        "text",
        "--label",
        "label",
        "--labels",
        "negative,neutral,positive",
        "--predictions",
        "p.tsv",
        "--force",
    ];
    let ids = || {
        let text = std::fs::read_to_string(folder.path().join("p.tsv")).expect("predictions");
        text.lines().skip(1).map(|line| line.split('\t').next().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    let (_, err) = exits_as(folder.path(), &command, 0);
    assert!(err.contains("line 3: the id `u1` is that of line 2 too"), "{err}");
    assert_eq!(ids(), ["u1", "u1"]);
    let (_, err) = exits_as(folder.path(), &[&command[..], &["--number-ids"]].concat(), 0);
    assert!(!err.contains("u1"), "{err}");
    assert_eq!(ids(), ["0", "1"]);
}

#[cfg(feature = "train")]
#[test]
fn a_submission_is_whole_and_of_one_split_a_file() {
    let test = "index\tsentence1\tsentence2\n0\ta\tb\n1\tc\td\n";
    let repeated = "index\tsentence1\tsentence2\n7\ta\tb\n7\tc\td\n";
    let folder = folder(&[("test_matched.tsv", test), ("test_mismatched.tsv", repeated)]);
    let teacher = teacher();
    let eval = |more: &[&str]| {
        let map = "negative=entailment,neutral=neutral,positive=contradiction";
        let command = ["eval", &teacher, "--data", ".", "--task", "mnli", "--map", map, "--split", "test"];
        let command = [&command[..], more].concat();
        exits_as(folder.path(), &command, 2).1
    };
    let two = eval(&["--split", "test-mismatched", "--submission", "a.tsv"]);
    assert!(two.contains("several splits need a folder"), "{two}");
    let short = eval(&["--limit", "1", "--submission", "a.tsv"]);
    assert!(short.contains("leave --limit out"), "{short}");
    assert!(!folder.path().join("a.tsv").exists());
}

#[cfg(feature = "train")]
#[test]
fn one_file_is_not_train_and_dev_at_once() {
    let rows: String = (0..12).map(|i| format!("text {i},{}\n", ["x", "y", "z"][i % 3])).collect();
    let folder = folder(&[("all.csv", &format!("text,label\n{rows}"))]);
    let teacher = teacher();
    let command = [
        "teacher",
        "--model",
        &teacher,
        "--data",
        "all.csv",
        "--out",
        "t",
        "--epochs",
        "1",
        "--max-length",
        "8",
        "--text",
        "text",
        "--label",
        "label",
        "--display",
        "plain",
    ];
    let (_, err) = exits_as(folder.path(), &command, 1);
    assert!(err.contains("training and dev examples would be the same") && err.contains("--dev-share"), "{err}");
}
