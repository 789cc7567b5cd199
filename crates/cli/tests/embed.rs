//! `bitspike embed` as a user runs it.

mod embedder_folder;

use std::io::{BufRead, BufReader, Write};

use bitspike::vector::{BitOrder, binary, int8, prefix};
use embedder_folder::Folder;
use serde_json::{Value, json};

const M: [&str; 3] = ["embed", "--model", "m"];

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn values(line: &Value) -> Vec<f32> {
    serde_json::from_value(line["vector"].clone()).unwrap()
}

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&M[..], more].concat()
}

#[test]
fn texts_become_vectors() {
    let folder = Folder::new();
    let (out, _) = folder.exits(&with(&["a good film", "bad"]), b"", 0);
    let found = lines(&out);
    assert_eq!(found.iter().map(|line| line["text"].clone()).collect::<Vec<_>>(), [json!("a good film"), json!("bad")]);
    assert_eq!(values(&found[0]), folder.vector("a good film"));
    assert_eq!(values(&found[1]), folder.vector("bad"));

    let (out, _) = folder.exits(&with(&["--dims", "8", "bad"]), b"", 0);
    assert_eq!(values(&lines(&out)[0]), prefix(&folder.vector("bad"), 8, true).unwrap());
    let (_, said) = folder.exits(&with(&["--dims", "9", "bad"]), b"", 0);
    assert!(said.contains("trained for 24, 8 values, not for 9"), "{said}");
    let (out, _) = folder.exits(&with(&["--normalize", "false", "bad"]), b"", 0);
    let raw = folder.model().with_normalize(false).unwrap().embed(["bad"]).unwrap().swap_remove(0).values;
    assert!(values(&lines(&out)[0]) == raw && raw != folder.vector("bad"));

    let (out, _) = folder.exits(&with(&["--quantize", "int8", "bad"]), b"", 0);
    assert_eq!(lines(&out)[0]["vector"], json!(int8(&folder.vector("bad"))));
    for (name, order) in [("least-first", BitOrder::LeastFirst), ("most-first", BitOrder::MostFirst)] {
        let (out, _) = folder.exits(&with(&["--quantize", "binary", "--bit-order", name, "bad"]), b"", 0);
        assert_eq!(lines(&out)[0]["vector"], json!(binary(&folder.vector("bad"), order)));
    }
    let (_, said) = folder.exits(&with(&[&"film ".repeat(40)]), b"", 0);
    assert!(said.contains("texts cut to the 12 tokens"), "{said}");
}

#[test]
fn a_line_is_answered_before_the_next_one_comes() {
    let folder = Folder::new();
    let mut child = folder.start(&M);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for text in ["good", "bad", ""] {
        writeln!(stdin, "{text}").unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert_eq!(values(&lines(&answer)[0]), folder.vector(text));
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// A thousand texts, none of them twice the length of the one before.
fn many() -> Vec<String> {
    let words = ["a", "good", "bad", "film", "ab", "\u{597d}"];
    (0..1000).map(|i| (0..1 + i % 9).map(|k| words[(i * 7 + k * k) % 6]).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn every_form_holds_the_same_vectors_in_their_order() {
    let folder = Folder::new();
    let texts = many();
    folder.write("x.txt", texts.join("\n"));
    let model = folder.model();
    let expected: Vec<f32> =
        model.embed(texts.iter().map(String::as_str)).unwrap().into_iter().flat_map(|v| v.values).collect();
    folder.exits(&with(&["-i", "x.txt", "-o", "x.npy", "--threads", "2"]), b"", 0);
    let npy = folder.read("x.npy");
    assert!(npy[10..128].starts_with(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000, 24), }"));
    let floats = |bytes: &[u8]| -> Vec<f32> {
        bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    };
    assert_eq!(floats(&npy[128..]), expected);

    folder.exits(&with(&["-o", "x.safetensors", "--threads", "1"]), texts.join("\n").as_bytes(), 0);
    let file = folder.read("x.safetensors");
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&file[8..8 + length]).unwrap();
    assert_eq!(header["vectors"]["shape"], json!([1000, 24]));
    let notes = &header["__metadata__"];
    assert_eq!((&notes["model"], &notes["normalized"]), (&json!("m"), &json!("true")));
    assert_eq!(notes["model_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(floats(&file[8 + length..]), expected);

    folder.exits(&with(&["-i", "x.txt", "-o", "x.jsonl"]), b"", 0);
    let jsonl: Vec<f32> = lines(&String::from_utf8(folder.read("x.jsonl")).unwrap()).iter().flat_map(values).collect();
    assert_eq!(jsonl, expected);
    if !cfg!(feature = "parquet") {
        return;
    }
    folder.exits(&with(&["-i", "x.txt", "-o", "x.parquet"]), b"", 0);
    // Read back by the reader of tables, as a list of floats.
    let (out, _) = folder.exits(&with(&["-i", "x.parquet", "--text", "text", "--vector", "again"]), b"", 0);
    let back = lines(&out);
    let parquet: Vec<f32> = back.iter().flat_map(values).collect();
    assert_eq!(parquet, expected);
    let again: Vec<f32> =
        back.iter().flat_map(|line| serde_json::from_value::<Vec<f32>>(line["again"].clone()).unwrap()).collect();
    assert_eq!(again, expected);
}

#[test]
fn tables_keep_their_columns_and_records_without_a_text_are_told() {
    let folder = Folder::new();
    folder.write("x.csv", "id,body\n1,good\n2,\n3,bad\n");
    let (out, said) = folder.exits(&with(&["-i", "x.csv", "--text", "body"]), b"", 0);
    let found = lines(&out);
    assert_eq!((found.len(), &found[1]), (3, &json!({"id": "2", "body": "", "vector": null})));
    assert!(said.contains("records without a text"), "{said}");
    let (out, _) =
        folder.exits(&with(&["-i", "x.csv", "--text", "body", "--on-error", "skip", "--out-format", "csv"]), b"", 0);
    assert!(out.lines().count() == 3 && out.starts_with("id,body,vector\n1,good,\"["), "{out}");
    let (_, said) = folder.exits(&with(&["-i", "x.csv", "--text", "body", "--on-error", "stop"]), b"", 1);
    assert!(said.contains("x.csv, line 3: column `body`: expected text, found nothing"), "{said}");
    // In an array each record has its row.
    folder.exits(&with(&["-i", "x.csv", "--text", "body", "-o", "x.npy"]), b"", 0);
    let npy = folder.read("x.npy");
    let row: Vec<f32> =
        npy[128 + 96..128 + 192].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    assert!(npy.len() == 128 + 3 * 96 && row.iter().all(|value| value.is_nan()));
    let (_, said) =
        folder.exits(&with(&["-i", "x.csv", "--text", "body", "-o", "y.npy", "--quantize", "int8"]), b"", 1);
    assert!(said.contains("no missing row") && !folder.file("y.npy").exists(), "{said}");
}

#[test]
fn what_cannot_be_is_refused_and_leaves_nothing() {
    let folder = Folder::new();
    folder.write("x.txt", "good\n");
    folder.write("x.csv", "text,vector\na,1\n");
    folder.write("old.parquet", "old");
    let classifier = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny");
    for (arguments, code, says) in [
        (vec!["good", "-o", "x.bin"], 2, "cannot tell the form by the name"),
        (vec!["good", "-o", "x.json"], 2, "cannot tell the form by the name"),
        (vec!["good", "-o", "x.txt"], 2, "cannot tell the form by the name"),
        (vec!["good", "--out-format", "npy"], 2, "name a file with --out"),
        (vec!["good", "--out-format", "parquet"], 2, "name a file with --out"),
        (vec!["good", "--bit-order", "least-first"], 2, "give --quantize binary"),
        (vec!["good", "--dims", "0"], 2, "--dims"),
        (vec!["good", "--dims", "25"], 1, "dimensions of a vector: expected 1 to 24, found 25"),
        (vec!["-i", "x.txt", "--text", "body"], 2, "plain text has no columns"),
        (vec!["-i", "x.doc"], 2, "cannot tell the form by the name"),
        (vec!["-i", "nowhere.csv"], 1, "nowhere.csv"),
        (vec!["-i", "x.csv"], 1, "column of the vectors: expected a name that the input has not"),
        (vec!["-i", "x.csv", "-o", "x.csv"], 2, "that is the file of --input"),
        (vec!["good", "-o", "m/model.safetensors"], 2, "that is the file of --model"),
        (vec!["-i", "x.csv", "-o", "old.parquet"], 1, "column of the vectors"),
        (vec!["good", "-o", "no/x.npy"], 1, "there is no folder"),
    ] {
        let (out, said) = folder.exits(&with(&arguments), b"", code);
        assert!(said.contains(says) && out.is_empty(), "{arguments:?}: {said}");
    }
    let (_, said) = folder.exits(&["embed", "--model", classifier, "good"], b"", 1);
    assert!(said.contains("that embeds") && said.contains("classify"), "{said}");
    let (_, said) = folder.exits(&["classify", "--model", "m", "good"], b"", 1);
    assert!(said.contains("embed"), "{said}");
    assert_eq!(folder.read("old.parquet"), b"old");
    assert_eq!(folder.unfinished(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn without_a_model_the_usual_one_is_looked_for() {
    let folder = Folder::new();
    // Beside its own build the program would find the repository's models.
    let program = folder.file("bitspike");
    std::fs::copy(env!("CARGO_BIN_EXE_bitspike"), &program).unwrap();
    let mut command = std::process::Command::new(program);
    command.current_dir(folder.file("")).env_remove("BITSPIKE_MODELS").env("HF_HUB_CACHE", folder.file("hub"));
    let output = command.args(["embed", "good"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("embed-ternary, since none is named with --model"), "{said}");

    std::fs::create_dir_all(folder.file("models/embed-ternary")).unwrap();
    folder.write("models/embed-ternary/model.safetensors", folder.read("m/model.safetensors"));
    assert_eq!(folder.exits(&["embed", "good"], b"", 0).0, folder.exits(&with(&["good"]), b"", 0).0);
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_the_earlier_file() {
    let folder = Folder::new();
    folder.write("x.npy", "earlier");
    let mut child = folder.start(&with(&["-o", "x.npy"]));
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "good").unwrap();
    // It listens before it begins to write.
    while folder.unfinished().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let status = child.wait().unwrap();
    drop(stdin);
    assert_eq!(status.code(), Some(130));
    assert_eq!(folder.read("x.npy"), b"earlier");
    assert_eq!(folder.unfinished(), Vec::<std::path::PathBuf>::new());
}

/// Most memory that a process has had, in KiB.
#[cfg(target_os = "linux")]
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_number_of_texts() {
    let folder = Folder::new();
    let mut child = folder.start(&with(&["--threads", "2"]));
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (done, last) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        for i in 0..60_000 {
            writeln!(stdin, "good film {i}").unwrap();
        }
        last.recv().unwrap();
    });
    let (mut count, mut first) = (0, 0);
    for line in BufReader::new(stdout).lines() {
        line.unwrap();
        count += 1;
        match count {
            10_000 => first = peak(child.id()),
            60_000 => break,
            _ => {}
        }
    }
    // The kernel's figure is approximate and may fall.
    let grown = peak(child.id()).saturating_sub(first);
    done.send(()).unwrap();
    writer.join().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(grown < 8 << 10, "{grown} KiB more after 50,000 texts");
}
