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
    let (_, error) = exits(folder.path(), &["check", "--task", "squad", "."], 1);
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
