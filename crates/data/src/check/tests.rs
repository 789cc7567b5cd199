use super::*;
use crate::load;

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn task(name: &str) -> TaskSpec {
    TaskSpec::glue(name).unwrap()
}

#[test]
fn a_folder_is_counted_split_by_split() {
    let train = "index\tsentence1\tsentence2\tlabel\n0\tone two\tthree\tentailment\n1\t \tx\tnot_entailment\n\
        2\tone two\tthree\tnot_entailment\n3\t\u{e9}t\u{e9}\tfour five six\tnot_entailment\n";
    let test = "index\tsentence1\tsentence2\n0\ta\tb\n";
    let folder = folder(&[("train.tsv", train.as_bytes()), ("test.tsv", test.as_bytes())]);
    let reports = check(&task("rte"), folder.path()).unwrap();
    assert_eq!(reports.iter().map(|r| r.split).collect::<Vec<_>>(), [Split::Train, Split::Test]);
    let train = &reports[0];
    assert_eq!((train.examples, train.labelled, train.duplicates, train.bad_lines), (4, 4, 1, 0));
    assert!(train.is_usable() && train.scores.is_none());
    let counts: Vec<_> = train.labels.iter().map(|l| (l.label.as_str(), l.count)).collect();
    assert_eq!(counts, [("entailment", 1), ("not_entailment", 3)]);
    assert_eq!(train.first.characters, Lengths { min: 1, mean: 4.5, p99: 7, max: 7 });
    assert_eq!(train.first.words, Lengths { min: 0, mean: 1.25, p99: 2, max: 2 });
    assert_eq!((train.first.empty, train.second.unwrap().empty), (1, 0));
    assert_eq!(train.second.unwrap().words.max, 3);
    assert_eq!((reports[1].examples, reports[1].labelled), (1, 0));
    let json = serde_json::to_value(train).unwrap();
    assert_eq!((&json["split"], &json["labels"][1]["count"]), (&"train".into(), &3.into()));
}

#[test]
fn scores_have_a_range() {
    let train = b"sentence1,sentence2,label\na,b,0.5\nc,d,4\ne,f,3\n";
    let folder = folder(&[("train.csv", train)]);
    let report = check_split(&task("stsb"), folder.path(), Split::Train).unwrap();
    assert_eq!(report.scores, Some(ScoreRange { min: 0.5, mean: 2.5, max: 4.0 }));
    assert!(report.labels.is_empty());
}

#[test]
fn the_first_bad_line_is_reported_and_the_rest_counted() {
    let train = b"sentence\tlabel\ngood\t1\nbad\nworse\t7\nfine\t0\n\xFFx\t1\nfine too\t1\n";
    let folder = folder(&[("train.tsv", train)]);
    let report = check_split(&task("sst2"), folder.path(), Split::Train).unwrap();
    assert_eq!((report.examples, report.bad_lines), (3, 3));
    let bad = report.first_bad.clone().unwrap();
    assert_eq!((bad.line, bad.file), (Some(3), folder.path().join("train.tsv")));
    assert!(bad.reason.starts_with("expected 2 columns, found 1"), "{}", bad.reason);
    assert!(!report.is_usable());
    let loaded = load(&task("sst2"), folder.path(), Split::Train).unwrap_err().to_string();
    assert!(loaded.contains(&format!("line 3: {}", bad.reason)), "{loaded}");
}

#[test]
fn files_bad_as_a_whole_are_reported_not_raised() {
    let folder = folder(&[("train.tsv", b""), ("dev.parquet", b"PAR1"), ("test.csv", b"text,label\n")]);
    let reports = check(&task("sst2"), folder.path()).unwrap();
    let bad: Vec<_> = reports.iter().map(|r| r.first_bad.clone().unwrap()).collect();
    assert!(bad[0].reason.starts_with("the file is empty") && bad[0].line == Some(1), "{bad:?}");
    let says = if cfg!(feature = "parquet") {
        "not a readable Parquet file"
    } else {
        "expected another form, since this build"
    };
    assert!(bad[1].reason.starts_with(says) && bad[1].line.is_none(), "{bad:?}");
    assert!(bad[2].reason.starts_with("no column `sentence`; found `text`"), "{bad:?}");
    assert!(reports.iter().all(|r| r.examples == 0 && r.first.characters == Lengths::default()));
}

#[test]
fn nothing_to_check_is_an_error() {
    let empty = folder(&[("readme.md", b"x")]);
    assert!(
        check(&task("rte"), empty.path()).unwrap_err().to_string().contains("no file for the train split of task rte")
    );
    let file = empty.path().join("readme.md");
    assert!(check(&task("rte"), &file).unwrap_err().to_string().contains("expected a folder"));
    assert!(check(&task("rte"), &empty.path().join("none")).is_err());
}

#[test]
fn the_percentile_is_the_nearest_rank() {
    let histogram = |counts: &[(usize, usize)]| lengths(&counts.iter().copied().collect());
    assert_eq!(histogram(&[(1, 99), (50, 1)]).p99, 1);
    assert_eq!(histogram(&[(1, 98), (50, 2)]).p99, 50);
    assert_eq!(histogram(&[(7, 1)]), Lengths { min: 7, mean: 7.0, p99: 7, max: 7 });
}

/// Runs where `BITSPIKE_SHARED` names a folder with the real data.
#[test]
fn real_folders_are_clean() {
    let Some(shared) = std::env::var_os("BITSPIKE_SHARED") else {
        eprintln!("BITSPIKE_SHARED is not set: real data not checked");
        return;
    };
    for name in ["SST-2", "RTE", "STS-B"] {
        let reports = check(&task(name), &Path::new(&shared).join("data").join(name)).unwrap();
        assert_eq!(reports.len(), 2, "{name}");
        assert!(reports.iter().all(|r| r.is_usable() && r.labelled == r.examples), "{name}");
    }
}

#[test]
fn words_and_characters_of_ascii_are_those_of_unicode() {
    let texts = [
        "",
        " ",
        "a",
        " a",
        "a ",
        "a b",
        "\t a\x0Bb\x0C\rc\n",
        "a\x1Cb \x1Fc",
        "a\u{85}b\u{A0}c d\u{3000}e",
        "\u{e9}t\u{e9} x",
    ];
    for text in texts {
        let expected = (text.chars().count(), text.split_whitespace().count());
        assert_eq!(lengths_of(text), expected, "{text:?}");
    }
}

#[test]
fn training_examples_without_a_label_are_counted_as_such_and_not_as_bad() {
    let train = b"text,label\na,good\nb,\nc,-1\nd,bad\n";
    let dev = b"text,label\na,good\nb,\n";
    let bare = b"text\na\nb\n";
    let target = Target::Classification { labels: vec!["bad".into(), "good".into()] };
    let mood = TaskSpec { glue: None, first: "text".into(), label: "label".into(), target, ..task("sst2") };
    let kept = folder(&[("train.csv", train), ("dev.csv", dev)]);
    let reports = check(&mood, kept.path()).unwrap();
    assert_eq!((reports[0].examples, reports[0].labelled, reports[0].bad_lines), (4, 2, 0));
    assert!(reports[0].is_usable());
    assert!(reports[0].notes.iter().any(|note| note.starts_with("2 of 4 examples have no label")), "{reports:?}");
    // Scores need them.
    assert_eq!((reports[1].labelled, reports[1].bad_lines, reports[1].is_usable()), (1, 1, false));
    let kept = folder(&[("train.csv", bare)]);
    let reports = check(&mood, kept.path()).unwrap();
    assert_eq!((reports[0].examples, reports[0].labelled, reports[0].is_usable()), (2, 0, true));
}
