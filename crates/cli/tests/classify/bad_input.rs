//! What is wrong is said in one message, with its place and a way out.

use std::process::Stdio;

use crate::program::Folder;

#[test]
fn damaged_tables_are_refused_with_their_line() {
    let folder = Folder::new("sst2");
    for (format, input, says) in [
        (
            "text",
            &b"fine\nab\xE9c\n"[..],
            "standard input, line 2: invalid UTF-8 at byte 3 (0xE9); convert it to UTF-8, or",
        ),
        ("text", b"\xFF\xFEa\0\n\0", "line 1: the text is UTF-16"),
        ("csv", b"", "line 1: nothing there; expected a header line"),
        ("csv", b"\xFF\xFEs\0", "line 1: the text is UTF-16"),
        ("csv", b"id,review\n1,a\n", "line 1: no column `sentence`; found `id`, `review`; name the one"),
        ("csv", b"id,sentence\n1,a\n\n2,b,c\n3,d\n", "line 4: expected 2 columns, found 3; put a field"),
        ("csv", b"id,sentence\n1\n", "line 2: expected 2 columns, found 1"),
        ("csv", b"id,sentence\n1,\xE9\n", "line 2: invalid UTF-8 at byte 1"),
        ("csv", b"sentence\na\n\"b\nc\nd\n", "line 3: a field that begins with a double quote is never closed"),
        ("csv", b"sentence,sentence\na,b\n", "the column `sentence` occurs twice"),
        ("tsv", b"id\tsentence\n\n1\n", "line 3: expected 2 columns, found 1; fields are split at tabs"),
        ("jsonl", b"{\"sentence\":\"a\"}\n[1]\n", "line 2: expected one JSON object a line"),
        ("jsonl", b"{\"sentence\":\"a\"", "line 1: expected one JSON object a line"),
        ("jsonl", b"{\"review\":\"a\",\"n\":1}", "line 1: no column `sentence`; found `review`, `n`"),
        ("jsonl", b"{\"sentence\":\"a\"}\n{\"x\":\"a\"}\n", "line 2: no column `sentence`; found `x`"),
        ("jsonl", b"{\"sentence\":3}", "line 1: column `sentence`: expected text, found the number 3"),
        ("jsonl", b"{\"sentence\":[\"a\"]}", "found a list"),
    ] {
        let (_, error) = folder.exits(&["--format", format, "--json"], input, 1);
        assert!(error.contains(says), "{format} {}: {error}", input.escape_ascii());
    }
}

#[test]
fn a_missing_text_has_no_answer_unless_it_is_to_stop_or_to_be_left_out() {
    let folder = Folder::new("sst2");
    let input = b"{\"sentence\":\"a fine film\"}\n{\"sentence\":null}\n";
    let run = |more: &[&str], code| folder.exits(&[&["--format", "json", "--json"], more].concat(), input, code);
    let (out, note) = run(&[], 0);
    assert!(out.ends_with("{\"sentence\":null,\"label\":null,\"probabilities\":null}\n"), "{out}");
    assert!(
        note.contains("records without a text, written without an answer") && note.trim().ends_with(": 1"),
        "{note}"
    );
    let (out, note) = run(&["--on-error", "skip"], 0);
    assert_eq!((out.lines().count(), note.as_str()), (1, "note: records without a text, left out: 1\n"));
    let (_, error) = run(&["--on-error", "stop"], 1);
    assert!(error.contains("line 2: column `sentence`: expected text, found nothing"), "{error}");
    folder.exits(&["--on-error", "ignore"], b"", 2);
}

#[test]
fn what_comes_before_a_fault_is_answered() {
    let folder = Folder::new("sst2");
    let (out, error) = folder.exits(&["--json"], b"a fine film\nplot\n\xFF\nfilm\n", 1);
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(error.contains("line 3: invalid UTF-8"), "{error}");
    let (out, error) = folder.exits(&["--json", "--lossy"], b"a fine film\n\xFF\nfilm\n", 0);
    let note = "note: texts without words, answered as an empty text is: 1\n\
                note: lines or fields that are not UTF-8, read with U+FFFD: 1\n";
    assert_eq!((out.lines().count(), error.as_str()), (3, note));
    assert!(out.contains("\"text\":\"\u{FFFD}\""), "{out}");
    // A file is whole or not there.
    folder.exits(&["-o", "y.csv"], b"a fine film\n\xFF\n", 1);
    assert!(!folder.file("y.csv").exists());
}

#[test]
fn huge_texts_are_cut_and_huge_lines_refused() {
    let folder = Folder::new("sst2");
    let megabyte = "a fine film ".repeat(90_000);
    let input = format!("{megabyte}\nplot\n{megabyte}\n");
    let (out, note) = folder.exits(&["--output-format", "csv"], input.as_bytes(), 0);
    assert_eq!(out.lines().count(), 4);
    assert_eq!(note, "note: texts cut to the 12 tokens that the model reads: 2\n");
    let (out, _) = folder.exits(&[], input.as_bytes(), 0);
    assert!(out.len() < 1000 && out.contains("..."), "{out}");

    let huge = vec![b'x'; (64 << 20) + 1];
    let (out, error) = folder.exits(&["--json"], &[b"plot\n", &huge[..]].concat(), 1);
    assert_eq!(out.lines().count(), 1);
    assert!(error.contains("line 2: the line is longer than 64 MiB"), "{error}");
    let open = [b"sentence\n\"", &huge[..], &huge[..200_000]].concat();
    let (_, error) = folder.exits(&["--format", "csv"], &open, 1);
    assert!(error.contains("line 2: the record is longer than 64 MiB"), "{error}");
}

#[test]
fn parquet_that_cannot_be_read_is_refused() {
    let folder = Folder::new("sst2");
    folder.write("rows.csv", "review,n\na fine film,1\nplot,2\n");
    folder.exits(&["-i", "rows.csv", "--text", "review", "-o", "x.parquet"], b"", 0);
    let (_, error) = folder.exits(&["-i", "x.parquet"], b"", 1);
    assert!(error.contains("x.parquet: no column `sentence`; found `review`, `n`, `label`, `probability_"), "{error}");
    assert!(error.contains("--text"), "{error}");
    let whole = std::fs::read(folder.file("x.parquet")).unwrap();
    for content in [&b""[..], b"PAR1", &whole[..whole.len() / 2], &whole[..whole.len() - 1]] {
        folder.write("cut.parquet", content);
        let (_, error) = folder.exits(&["-i", "cut.parquet", "--text", "review"], b"", 1);
        assert!(error.contains("cut.parquet: not a readable Parquet file"), "{error}");
    }
    let (_, error) = folder.exits(&["--format", "parquet"], b"", 2);
    assert!(error.contains("name the file with --input"), "{error}");
    let (_, error) = folder.exits(&["--out-format", "parquet", "a"], b"", 2);
    assert!(error.contains("name a file with --out"), "{error}");
}

#[test]
fn the_name_of_a_file_is_a_text_and_the_way_to_classify_its_content_is_said() {
    let folder = Folder::new("sst2");
    folder.write("x.csv", "sentence\na\n");
    let (out, error) = folder.exits(&["x.csv"], b"", 0);
    assert!(out.contains("x.csv"), "{out}");
    assert!(error.contains("x.csv is a file") && error.contains("--input x.csv"), "{error}");
    let (_, error) = folder.exits(&["x.csv is fine"], b"", 0);
    assert!(!error.contains("--input"), "{error}");
}

#[test]
fn files_are_checked_before_anything_is_done() {
    let folder = Folder::new("sst2");
    folder.write("x.csv", "sentence\na\n");
    folder.write("x.dat", "a\n");
    for (arguments, code, says) in [
        (&["--input", "none.csv"][..], 1, "--input none.csv: No such file"),
        (&["--input", "m"], 1, "m: expected a file, or a folder with the parts of a table"),
        (&["--input", "m", "--format", "csv"], 1, "found a folder with model.safetensors"),
        (&["--input", "x.dat"], 2, "--input x.dat: cannot tell the form by the name; give --format"),
        (&["--input", "x.csv", "--out", "x.csv"], 2, "--out x.csv: that is the file of --input"),
        (&["--input", "x.csv", "--out", "m/../x.csv"], 2, "that is the file of --input"),
        (&["a", "--out", "m/model.safetensors", "--json"], 2, "that is the file of --model"),
        (&["a", "--out", "none/y.csv"], 1, "there is no folder none"),
        (&["a", "--out", "m", "--json"], 1, "found a folder or a device"),
        (&["a", "--out", "y.dat"], 2, "--out y.dat: cannot tell the form by the name; give --out-format"),
        (&["--text", "review"], 2, "plain text has no columns"),
        (&["--input", "x.csv", "--text2", "b"], 1, "the model takes one text (task sst2)"),
    ] {
        let (out, error) = folder.exits(arguments, b"", code);
        assert!(error.contains(says), "{arguments:?}: {error}");
        assert_eq!(out, "");
    }
    assert_eq!(folder.read("x.csv"), "sentence\na\n");
    for arguments in [
        &["--json", "--out-format", "csv"][..],
        &["a", "--input", "x.csv"],
        &["a", "--text", "b"],
        &["--threads", "1025"],
        &["--format", "xml"],
        &["--dynamics", "sideways"],
        &["--isa", "mmx"],
    ] {
        folder.exits(arguments, b"", 2);
    }
}

#[test]
fn a_model_that_cannot_be_read_is_refused() {
    let folder = Folder::new("sst2");
    folder.write("broken.safetensors", "not a model");
    let run = |model: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bitspike"));
        let output = command.current_dir(folder.path()).args(["classify", "a", "--model", model]).stdin(Stdio::null());
        let output = output.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(run("none.safetensors").contains("none.safetensors: no such file, and no model of that name in "));
    assert!(run("vocabulary").contains("expected a file that `bitspike pack` wrote, found a folder"));
    assert!(run("broken.safetensors").contains("broken.safetensors"));
    // A model of the first version of the format has its tokeniser beside it.
    let old = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/packed-v1/model.safetensors");
    std::fs::copy(old, folder.file("old.safetensors")).unwrap();
    assert!(run("old.safetensors").contains("tokenizer.json"));
}
