//! Answers while texts arrive, in their order and in bounded memory; readers that go away and people who lose patience.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::program::Folder;

#[test]
fn a_line_is_answered_before_the_next_one_comes() {
    let folder = Folder::new("sst2");
    for (format, header, line) in
        [("text", "", "a fine film\n"), ("csv", "sentence\n", "a fine film\n"), ("jsonl", "", "{\"sentence\":\"a\"}\n")]
    {
        let mut child = folder.start(&["--json", "--format", format]);
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdin.write_all(header.as_bytes()).unwrap();
        for _ in 0..3 {
            stdin.write_all(line.as_bytes()).unwrap();
            let mut answer = String::new();
            stdout.read_line(&mut answer).unwrap();
            assert!(answer.contains("\"label\":"), "{format}: {answer}");
        }
        drop(stdin);
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn order_and_answers_do_not_depend_on_the_batch() {
    let folder = Folder::new("sst2");
    let words = ["a", "fine", "film", "dull", "plot", "films", "unheard", "."];
    let text = |i: usize| {
        let count = 1 + i % 9;
        (0..count).map(|k| words[(i * 7 + k * k) % words.len()]).collect::<Vec<_>>().join(" ")
    };
    let texts: Vec<String> = (0..1500).map(text).collect();
    folder.write("x.txt", texts.join("\n"));
    let (from_file, _) = folder.exits(&["-i", "x.txt", "--json", "--threads", "2"], b"", 0);
    let (from_pipe, _) = folder.exits(&["--json", "--threads", "1"], texts.join("\n").as_bytes(), 0);
    assert_eq!(from_file, from_pipe);
    let found: Vec<serde_json::Value> = from_file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), texts.len());
    for (found, text) in found.iter().zip(&texts) {
        assert_eq!(found["text"], text.as_str());
    }
    for i in [0, 255, 256, 1499] {
        let (alone, _) = folder.exits(&["--json", &texts[i]], b"", 0);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&alone).unwrap(), found[i]);
    }
}

/// Most memory that a process has had, in KiB.
#[cfg(target_os = "linux")]
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_number_of_texts() {
    const LINES: usize = 200_000;
    const FIRST: usize = 20_000;
    let folder = Folder::new("sst2");
    let mut child = folder.start(&["--json", "--threads", "2"]);
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    // The input stays open until the last answer is here, so that the process is alive to be measured.
    let (done, last) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        let padding = "a fine film ".repeat(15);
        for i in 0..LINES {
            writeln!(stdin, "{padding}{i}").unwrap();
        }
        last.recv().unwrap();
    });
    let (mut count, mut first) = (0, 0);
    for line in BufReader::new(stdout).lines() {
        assert!(line.unwrap().contains(&format!(" {count}\"")), "answers in order");
        count += 1;
        if count == FIRST {
            first = peak(child.id());
        }
        if count == LINES {
            break;
        }
    }
    // The kernel brings the peak up to date now and then only.
    let grown = peak(child.id()).saturating_sub(first);
    done.send(()).unwrap();
    writer.join().unwrap();
    let mut note = String::new();
    child.stderr.take().unwrap().read_to_string(&mut note).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(note, format!("note: texts cut to the 12 tokens that the model reads: {LINES}\n"));
    // 180000 texts of 180 bytes would be 32 MiB, and several times that with their answers.
    assert!(grown < 8 << 10, "{first} KiB after {FIRST} texts, {grown} KiB more after {LINES}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::new("sst2");
    for form in ["text", "jsonl", "csv", "tsv"] {
        let mut child = folder.start(&["--output-format", form]);
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || while stdin.write_all(b"a fine film\n").is_ok() {});
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{form}");
    }
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_the_wait_and_leaves_the_file_alone() {
    let folder = Folder::new("sst2");
    folder.write("y.jsonl", "old");
    for output in [&["--json"][..], &["-o", "y.jsonl"]] {
        let mut child = folder.command(output).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"a fine film\n").unwrap();
        if output == ["--json"] {
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
        } else {
            // The unfinished file says that the program listens.
            let begun = Instant::now();
            let unfinished = || {
                std::fs::read_dir(folder.path()).unwrap().flatten().any(|entry| {
                    entry.file_name().to_string_lossy().starts_with(".writing-")
                        && entry.metadata().is_ok_and(|m| m.len() > 0)
                })
            };
            while !unfinished() {
                assert!(begun.elapsed() < Duration::from_secs(30), "no unfinished file");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let process = child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &process]).status().unwrap().success());
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
        drop(stdin);
    }
    assert_eq!(folder.read("y.jsonl"), "old");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".writing-")), "{left:?}");
}

#[test]
fn a_folder_that_spark_wrote_is_classified_part_by_part() {
    let folder = Folder::new("sst2");
    std::fs::create_dir(folder.file("reviews.csv")).unwrap();
    folder.write("reviews.csv/part-00000-1b.c000.csv", "id,sentence\n1,a fine film\n");
    folder.write("reviews.csv/part-00001-1b.c000.csv", "id,sentence\n2,dull plot\n3,film\n");
    folder.write("reviews.csv/_SUCCESS", "");
    let (out, _) = folder.exits(&["--input", "reviews.csv", "--json"], b"", 0);
    let (answers, labels) = folder.answers(&[("a fine film", None), ("dull plot", None), ("film", None)]);
    let found: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (i, (line, answer)) in found.iter().zip(&answers).enumerate() {
        assert_eq!(
            (&line["id"], &line["label"]),
            (&(i + 1).to_string().into(), &labels[answer.class().unwrap()].clone().into())
        );
    }
    assert_eq!(found.len(), 3);
    let part = "reviews.csv/part-00001-1b.c000.csv";
    let (_, error) = folder.exits(&["--input", "reviews.csv", "-o", part], b"", 2);
    assert!(error.contains("that is the file of --input"), "{error}");
    let (_, error) = folder.exits(&["--input", "m", "--json"], b"", 1);
    assert!(error.contains("expected a file, or a folder with the parts of a table"), "{error}");
}
