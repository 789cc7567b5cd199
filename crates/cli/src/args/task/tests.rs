use bitspike_data::{Metric, Target};
use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    task: TaskArgs,
}

fn parse(line: &str) -> Result<TaskArgs, clap::Error> {
    Line::try_parse_from(std::iter::once("x").chain(line.split_whitespace())).map(|line| line.task)
}

fn resolve(line: &str, data: &Path) -> Result<TaskSpec> {
    parse(line).expect("a correct command line").resolve(data)
}

#[test]
fn glue_by_name_and_an_own_task_by_its_columns() {
    let nowhere = Path::new("/nonexistent");
    assert_eq!(resolve("--task SST-2", nowhere).unwrap(), TaskSpec::glue("sst2").unwrap());
    let own = resolve("--task mood --text a --text2 b --label c --labels sad,happy", nowhere).unwrap();
    assert_eq!((own.name.as_str(), own.first.as_str(), own.second.as_deref()), ("mood", "a", Some("b")));
    assert_eq!((own.labels(), own.primary()), (["sad", "happy"].map(String::from).as_slice(), Metric::Accuracy));

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("train.csv"), "t,s\nx,1.5\ny,-2\n").unwrap();
    let scores = resolve("--text t --label s --regression", folder.path()).unwrap();
    assert_eq!((scores.name.as_str(), scores.target), ("custom", Target::Regression { min: -2.0, max: 1.5 }));
    let classes = resolve("--text t --label s", folder.path()).unwrap();
    assert_eq!(classes.labels(), ["-2", "1.5"]);
    let signs = resolve("--text t --label s --labels -1,1", nowhere).unwrap();
    assert_eq!(signs.labels(), ["-1", "1"]);
}

#[test]
fn half_a_task_is_wrong_usage() {
    for line in [
        "--text a",
        "--label a",
        "--task sst2 --labels a,b",
        "--task stsb --regression",
        "--text2 a",
        "--text a --label b --labels c,d --regression",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn what_cannot_be_resolved_says_why() {
    let nowhere = Path::new("/nonexistent");
    let none = parse("").unwrap();
    assert!(!none.is_given());
    assert!(none.resolve(nowhere).unwrap_err().to_string().contains("--task NAME"));
    for (line, says) in [
        ("--task sst3", "cola, sst2"),
        ("--task sst2 --text a --label b", "GLUE's"),
        ("--text a --label b", "/nonexistent"),
        ("--text a --label b --labels only", "labels of task custom"),
    ] {
        let error = format!("{:#}", resolve(line, nowhere).unwrap_err());
        assert!(error.contains(says), "{line}: {error}");
    }
}
