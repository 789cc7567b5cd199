//! `bitspike index` and `bitspike search` as a user runs them.

mod embedder_folder;

use embedder_folder::Folder;
use serde_json::{Value, json};

const TEXTS: &str = "a good film\nbad bad\nfilm\ngood good good\n\u{597d}\n";

fn built() -> Folder {
    let folder = Folder::new();
    folder.write("x.txt", TEXTS);
    let (out, said) = folder.exits(&["index", "build", "x.txt", "-o", "x.index", "--model", "m"], b"", 0);
    assert!(out.is_empty() && said.contains("wrote x.index: 5 texts"), "{said}");
    folder
}

fn line(out: &str) -> Value {
    serde_json::from_str(out.lines().next().unwrap()).unwrap()
}

#[test]
fn a_question_finds_the_text_that_says_it() {
    let folder = built();
    let (out, _) = folder.exits(&["search", "x.index", "bad bad", "-k", "2"], b"", 0);
    assert!(out.starts_with(" 1.0000        1  bad bad\n") && out.lines().count() == 2, "{out}");
    let (out, _) = folder.exits(&["search", "x.index", "--json", "-k", "1", "film", "bad bad"], b"", 0);
    let found: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&found[0]["question"], &found[0]["hits"][0]["text"]), (&json!("film"), &json!("film")));
    assert_eq!(found[1]["hits"][0]["number"], 1);
    // Many questions, from a file and from a pipe, by reading and by mapping, with a graph and without: the same answers.
    folder.write("q.txt", "film\nbad bad\n");
    folder.write("q.csv", "n,question\n1,film\n2,bad bad\n");
    for more in [
        &["--input", "q.txt"][..],
        &["--input", "q.csv", "--text", "question", "--map"],
        &["--exact", "--threads", "1"],
    ] {
        let arguments = [&["search", "x.index", "--json", "-k", "1"], more].concat();
        assert_eq!(folder.exits(&arguments, b"film\nbad bad\n", 0).0, out, "{more:?}");
    }
    for (quantize, graph) in [("none", "1"), ("binary", "1"), ("int8", "100")] {
        let build = ["index", "build", "x.txt", "-o", "y.index", "--model", "m", "--force"];
        folder.exits(&[&build[..], &["--quantize", quantize, "--exact-below", graph]].concat(), b"", 0);
        let (out, _) = folder.exits(&["search", "y.index", "good good good", "--json"], b"", 0);
        let found = line(&out);
        assert_eq!((&found["hits"][0]["number"], found["hits"].as_array().unwrap().len()), (&json!(3), 5), "{found}");
    }
}

#[test]
fn tables_have_ids_and_an_index_says_what_it_holds() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"url\":\"u1\",\"body\":\"a good film\"}\n{\"url\":\"u2\",\"body\":null}\n{\"url\":\"u3\",\"body\":\"bad\"}\n");
    folder.write("b.csv", "body,url\nfilm film,u4\n");
    let build =
        ["index", "build", "a.jsonl", "b.csv", "-o", "docs.index", "--model", "m", "--text", "body", "--id", "url"];
    let (_, said) = folder.exits(&[&build[..], &["--dims", "8"]].concat(), b"", 0);
    assert!(said.contains("3 texts") && said.contains("records without a text, left out: 1"), "{said}");
    let (out, _) = folder.exits(&["search", "docs.index", "film film", "-k", "1"], b"", 0);
    assert_eq!(out, " 1.0000  u4  film film\n");
    let (out, _) = folder.exits(&["index", "check", "docs.index"], b"", 0);
    assert!(out.contains("texts      3, with texts and ids") && out.contains("vectors    8 values, int8"), "{out}");
    let (out, _) = folder.exits(&["index", "check", "docs.index", "--json"], b"", 0);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["count"], &report["model"]["name"], &report["ids"]), (&json!(3), &json!("m"), &json!(true)));

    folder.write("c.csv", "body,url\ngood,u5\n");
    folder.exits(&["index", "add", "docs.index", "c.csv", "--text", "body", "--id", "url"], b"", 0);
    let (out, _) = folder.exits(&["search", "docs.index", "good", "-k", "1", "--json"], b"", 0);
    assert_eq!(line(&out)["hits"][0]["id"], "u5");
    let before = folder.read("docs.index");
    for (arguments, says) in [
        (
            &["c.csv", "--text", "body", "--id", "url"][..],
            "c.csv, line 2: id: expected one that no earlier text has, found `u5` again",
        ),
        (&["c.csv", "--text", "body"], "its texts have ids"),
        (&["c.csv", "--text", "body", "--id", "name"], "no column `name`"),
        (&["c.csv", "--text", "words", "--id", "url"], "no column `words`"),
        (&["c.csv", "--text", "body", "--id", "url", "--model", "n"], "vectors of different models cannot be compared"),
    ] {
        let (_, said) = folder.exits(&[&["index", "add", "docs.index"], arguments].concat(), b"", 1);
        assert!(said.contains(says), "{said}");
    }
    assert_eq!(folder.read("docs.index"), before);
    let no_texts = [&build[..], &["--force", "--no-texts"]].concat();
    folder.exits(&no_texts, b"", 0);
    let (out, _) = folder.exits(&["search", "docs.index", "film film", "-k", "1", "--json"], b"", 0);
    let hit = &line(&out)["hits"][0];
    assert_eq!((&hit["id"], hit.get("text")), (&json!("u4"), None));
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = built();
    folder.write("empty.txt", "");
    folder.write("cut.index", &folder.read("x.index")[..100]);
    let mut altered = folder.read("x.index");
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    folder.write("altered.index", altered);
    let classifier = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny");
    for (arguments, code, says) in [
        (vec!["search", "x.txt", "film"], 1, "x.txt: expected an index of bitspike, which begins with BSPKIDX"),
        (vec!["search", "cut.index", "film"], 1, "cut.index: "),
        (vec!["search", "altered.index", "film"], 1, "altered.index: "),
        (vec!["index", "check", "altered.index"], 1, "altered.index: "),
        (vec!["search", "nowhere.index", "film"], 1, "open index nowhere.index"),
        (vec!["search", "m", "film"], 1, "expected an index, found a folder"),
        (vec!["search", "x.index", "film", "--model", "n"], 1, "vectors of different models cannot be compared"),
        (vec!["search", "x.index", "film", "--model", classifier], 1, "that embeds"),
        (vec!["search", "x.index", "film", "-k", "0"], 2, "--top"),
        (vec!["search", "x.index", "--input", "q.doc"], 2, "cannot tell the form by the name"),
        (vec!["search", "x.index", "--text", "q"], 2, "plain text has no columns"),
        (vec!["index", "build", "x.txt", "-o", "x.index", "--model", "m"], 1, "exists; give --force"),
        (vec!["index", "build", "x.txt", "-o", "no/x.index", "--model", "m"], 1, "there is no folder"),
        (vec!["index", "build", "empty.txt", "-o", "y.index", "--model", "m"], 1, "no text; expected one a line"),
        (vec!["index", "build", "nowhere.txt", "-o", "y.index", "--model", "m"], 1, "nowhere.txt"),
        (
            vec!["index", "build", "x.txt", "-o", "y.index", "--model", "m", "--id", "n"],
            2,
            "plain text and has no columns",
        ),
        (vec!["index", "build", "x.txt", "-o", "y.index", "--model", "m", "--no-texts"], 2, "--id"),
        (vec!["index", "build", "x.txt", "-o", "y.index", "--model", classifier], 1, "that embeds"),
        (vec!["index", "add", "x.index", "empty.txt"], 1, "no text; expected one a line"),
    ] {
        let (out, said) = folder.exits(&arguments, b"", code);
        assert!(said.contains(says) && out.is_empty(), "{arguments:?}: {said}");
    }
    assert!(!folder.file("y.index").exists());
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_last_good_index() {
    let folder = built();
    let before = folder.read("x.index");
    folder.write("more.txt", "good film\n".repeat(4000));
    // No file may grow beyond 64 KiB, and the process is told so rather than ended.
    let script =
        format!("trap '' XFSZ; ulimit -f 64; exec '{}' index add x.index more.txt", env!("CARGO_BIN_EXE_bitspike"));
    let mut command = std::process::Command::new("bash");
    command.current_dir(folder.file("")).env_remove("BITSPIKE_MODELS").args(["-c", &script]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("write x.index: "), "{said}");
    assert_eq!(folder.read("x.index"), before);
    assert_eq!(folder.unfinished(), Vec::<std::path::PathBuf>::new());
    folder.exits(&["search", "x.index", "film"], b"", 0);
}

#[test]
fn blank_lines_are_no_texts() {
    let folder = Folder::new();
    folder.write("x.txt", "a good film\n\n \t\nbad\n");
    let build = ["index", "build", "x.txt", "-o", "x.index", "--model", "m"];
    let (_, said) = folder.exits(&build, b"", 0);
    assert!(said.contains("2 texts") && said.contains("without a text, left out: 2"), "{said}");
    assert_eq!(line(&folder.exits(&["search", "x.index", "bad", "--json"], b"", 0).0)["hits"][0]["text"], "bad");
    let (_, said) = folder.exits(&[&build[..], &["--force", "--on-error", "stop"]].concat(), b"", 1);
    assert!(said.contains("line 2") && said.contains("without a word"), "{said}");
    folder.write("empty.txt", "\n\n\n");
    let (_, said) = folder.exits(&["index", "build", "empty.txt", "-o", "y.index", "--model", "m"], b"", 1);
    assert!(said.contains("no text"), "{said}");
}

#[test]
fn force_replaces_an_index_and_nothing_else() {
    let folder = built();
    folder.write("precious.txt", "mine");
    for (out, says) in [("precious.txt", "it is no index"), ("x.txt", "that is the file of FILE")] {
        let arguments = ["index", "build", "x.txt", "-o", out, "--model", "m", "--force"];
        let before = folder.read(out);
        let code = if out == "x.txt" { 2 } else { 1 };
        let (_, said) = folder.exits(&arguments, b"", code);
        assert!(said.contains(says), "{said}");
        assert_eq!(folder.read(out), before);
    }
    folder.exits(&["index", "build", "x.txt", "-o", "x.index", "--model", "m", "--force"], b"", 0);
}
