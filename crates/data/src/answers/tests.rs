use std::io::{BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use bitspike::{Target, Task};
use serde_json::{Value, json};

use super::*;
use crate::TaskSpec;
use crate::error::Result;
use crate::table::{Cell, Column, Decoder, Form, Source, TableWriter};

/// A model without weights: the more letters, the more positive; three tokens at most.
struct Letters(Task);

impl Classifier for Letters {
    fn task(&self) -> &Task {
        &self.0
    }

    fn answer(&self, texts: &[(&str, Option<&str>)]) -> bitspike::Result<Vec<Said>> {
        let said = |&(first, second): &(&str, Option<&str>)| {
            let letters = first.chars().chain(second.unwrap_or("").chars()).filter(|c| c.is_alphabetic()).count();
            let positive = letters as f32 / (letters + 5) as f32;
            let words = first.split_whitespace().count() + second.map_or(0, |text| 1 + text.split_whitespace().count());
            let class = usize::from(positive > 0.5);
            match self.0.target {
                Target::Regression { .. } => {
                    Said { class: None, values: vec![5.0 * positive], tokens: 2 + words, truncated: false }
                }
                _ => Said {
                    class: Some(class),
                    values: vec![1.0 - positive, positive],
                    tokens: 2 + words,
                    truncated: words > 3,
                },
            }
        };
        Ok(texts.iter().map(said).collect())
    }
}

fn letters(task: &str) -> Letters {
    Letters(TaskSpec::glue(task).unwrap().for_model())
}

/// What the table `bytes` gives in another form, or the fault after what comes before it.
struct Job<'a> {
    task: &'a str,
    from: Form,
    to: Form,
    text: Option<&'a str>,
    lossy: bool,
    on_error: OnError,
}

const SST2: Job<'static> =
    Job { task: "sst2", from: Form::Csv, to: Form::Jsonl, text: None, lossy: false, on_error: OnError::Null };

impl Job<'_> {
    fn texts(&self, source: Source) -> Texts {
        let columns = TextColumns::new(&TaskSpec::glue(self.task).unwrap(), self.text, None).unwrap();
        Texts {
            source,
            form: self.from,
            columns: TextColumns { flags: Some(["--text", "--text2"]), ..columns },
            decoder: Decoder::any(self.lossy, "convert it to UTF-8, or give --lossy"),
        }
    }

    fn from(&self, source: Source) -> (Vec<u8>, Result<Summary>) {
        let (mut out, options) = (Vec::new(), AnswerOptions { on_error: self.on_error, ..AnswerOptions::new(self.to) });
        let result = classify_stream(&letters(self.task), self.texts(source), &mut out, &options, &mut |_| {});
        (out, result)
    }

    fn run(&self, bytes: &[u8]) -> (String, Result<Summary>) {
        let (out, result) = self.from(Source::Reader(Box::new(std::io::Cursor::new(bytes.to_vec()))));
        (String::from_utf8(out).unwrap(), result)
    }

    fn good(&self, bytes: &[u8]) -> String {
        let (out, result) = self.run(bytes);
        result.unwrap();
        out
    }

    fn fault(&self, bytes: &[u8]) -> String {
        self.run(bytes).1.unwrap_err().to_string()
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn damaged_tables_are_refused_with_their_line() {
    for (from, input, says) in [
        (
            Form::Text,
            &b"fine\nab\xE9c\n"[..],
            "the input, line 2: invalid UTF-8 at byte 3 (0xE9); convert it to UTF-8, or",
        ),
        (Form::Text, b"\xFF\xFEa\0\n\0", "line 1: the text is UTF-16"),
        (Form::Csv, b"", "line 1: nothing there; expected a header line"),
        (Form::Csv, b"\xFF\xFEs\0", "line 1: the text is UTF-16"),
        (
            Form::Csv,
            b"id,review\n1,a\n",
            "line 1: no column `sentence`; found `id`, `review`; name the one that holds the text with --text",
        ),
        (Form::Csv, b"id,sentence\n1,a\n\n2,b,c\n3,d\n", "line 4: expected 2 columns, found 3; put a field"),
        (Form::Csv, b"id,sentence\n1\n", "line 2: expected 2 columns, found 1"),
        (Form::Csv, b"id,sentence\n1,\xE9\n", "line 2: invalid UTF-8 at byte 1"),
        (Form::Csv, b"sentence\na\n\"b\nc\nd\n", "line 3: a field that begins with a double quote is never closed"),
        (Form::Csv, b"sentence,sentence\na,b\n", "the column `sentence` occurs twice"),
        (Form::Tsv, b"id\tsentence\n\n1\n", "line 3: expected 2 columns, found 1; fields are split at tabs"),
        (Form::Jsonl, b"{\"sentence\":\"a\"}\n[1]\n", "line 2: expected one JSON object a line"),
        (Form::Jsonl, b"{\"sentence\":\"a\"", "line 1: expected one JSON object a line"),
        (Form::Jsonl, b"{\"review\":\"a\",\"n\":1}", "line 1: no column `sentence`; found `review`, `n`"),
        (Form::Jsonl, b"{\"sentence\":\"a\"}\n{\"x\":\"a\"}\n", "line 2: no column `sentence`; found `x`"),
        (Form::Jsonl, b"{\"sentence\":3}", "line 1: column `sentence`: expected text, found the number 3"),
        (Form::Jsonl, b"{\"sentence\":[\"a\"]}", "found a list"),
    ] {
        let found = Job { from, ..SST2 }.fault(input);
        assert!(found.contains(says), "{from} {}: {found}", input.escape_ascii());
    }
}

#[test]
fn what_comes_before_a_fault_is_answered() {
    let job = Job { from: Form::Text, ..SST2 };
    let (out, result) = job.run(b"a fine film\nplot\n\xFF\nfilm\n");
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(result.unwrap_err().to_string().contains("line 3: invalid UTF-8"));
    let (out, result) = Job { lossy: true, ..job }.run(b"a fine film\n\xFF\n\nfilm\n");
    let summary = result.unwrap();
    assert_eq!((out.lines().count(), summary.texts, summary.replaced, summary.empty), (4, 4, 1, 1));
    assert!(out.contains("\"text\":\"\u{FFFD}\""), "{out}");
}

#[test]
fn objects_stay_as_they_were_written() {
    let rows =
        ["{\"z\": 1.50, \"t\": \"a fine film\", \"a\": [1, 2] }", "{\"t\":\"plot\",\"new\":12345678901234567890123}"];
    let input = format!("\n{}\r\n  {}\n\n", rows[0], rows[1]);
    let job = Job { from: Form::Jsonl, text: Some("t"), ..SST2 };
    for (line, row) in job.good(input.as_bytes()).lines().zip(rows) {
        let start = row.strip_suffix('}').unwrap().trim_end();
        assert!(line.starts_with(&format!("{start},\"label\":\"")), "{line}");
        serde_json::from_str::<Value>(line).expect("JSON");
    }
    let (csv, result) = Job { to: Form::Csv, ..job }.run(input.as_bytes());
    assert!(csv.starts_with("z,t,a,label,") && csv.contains("\n1.50,a fine film,\"[1,2]\","), "{csv}");
    assert!(csv.contains("\n\"\",plot,,"), "{csv}");
    assert_eq!(result.unwrap().left_out, 1);
    let job = Job { from: Form::Jsonl, text: Some("t"), ..SST2 };
    let message = job.fault(b"{\"t\":\"a\"}\n{\"t\":\"a\",\"label\":1}");
    assert!(message.contains("line 2: the key `label` is that of the answer"), "{message}");
    assert_eq!(job.good(b"\n"), "");
}

#[test]
fn tables_keep_their_columns_from_form_to_form() {
    let input = b"id,sentence,label\r\n7,a fine film,1\r\n\r\n8,\"dull, \"\"dull\"\"\nplot\",0\r\n";
    let csv = Job { to: Form::Csv, ..SST2 }.good(input);
    let head = "id,sentence,label,predicted_label,probability_negative,probability_positive\n7,a fine film,1,positive,";
    assert!(csv.starts_with(head) && csv.contains("\n8,\"dull, \"\"dull\"\"\nplot\",0,"), "{csv}");
    let rows = lines(&SST2.good(input));
    assert_eq!((rows.len(), &rows[1]["sentence"]), (2, &json!("dull, \"dull\"\nplot")));
    assert_eq!((&rows[0]["id"], &rows[0]["predicted_label"]), (&json!("7"), &json!("positive")));
    let (tsv, result) = Job { to: Form::Tsv, ..SST2 }.run(input);
    assert!(tsv.contains("\n8\tdull, \"dull\" plot\t0\t"), "{tsv}");
    assert_eq!(result.unwrap().spaced, 1);
    if cfg!(feature = "parquet") {
        let (bytes, result) = Job { to: Form::Parquet, ..SST2 }.from(Source::Reader(Box::new(&input[..])));
        result.unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let (again, result) = Job { from: Form::Parquet, ..SST2 }.from(Source::File(file.path().to_owned()));
        result.unwrap();
        for (line, row) in lines(std::str::from_utf8(&again).unwrap()).iter().zip(&rows) {
            assert_eq!(line["predicted_label"], row["predicted_label"]);
            assert_eq!(line["predicted_predicted_label"], row["predicted_label"]);
            assert_eq!(line["probability_negative"], row["probabilities"]["negative"]);
            assert_eq!(line["probabilities"], row["probabilities"]);
        }
    }
}

#[test]
fn plain_text_is_a_text_a_line() {
    let job = Job { from: Form::Text, ..SST2 };
    let found = lines(&job.good("\u{feff}a fine film\r\n\na\0film\nplot".as_bytes()));
    let texts: Vec<&str> = found.iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["a fine film", "", "a\0film", "plot"]);
    assert_eq!(job.good(b""), "");
    let csv = Job { to: Form::Csv, ..job }.good(b"\n");
    assert_eq!(csv, "text,label,probability_negative,probability_positive\n\"\",negative,1,0\n");
}

#[test]
fn people_see_columns() {
    let job = Job { from: Form::Text, to: Form::Text, ..SST2 };
    assert_eq!(
        job.good(b"a fine\x1b[2J film\nplot\n"),
        "positive  0.6667  a fine\\u{1b}[2J film\nnegative  0.5556  plot\n"
    );
    let pairs = Job { task: "stsb", ..job };
    assert_eq!(pairs.good(b"ab\tcde\n"), "   2.5000  ab  |  cde\n");
    assert!(pairs.fault(b"ab\n").contains("line 1: expected two texts with one tab between, found 0 tabs"));
}

#[test]
fn pairs_and_scores() {
    let job = Job { task: "stsb", to: Form::Csv, ..SST2 };
    let out = job.good(b"sentence1,sentence2,score\nab,cde,4.5\n");
    assert_eq!(out, "sentence1,sentence2,score,predicted_score\nab,cde,4.5,2.5\n");
    let texts = ["ab", "cde", "f", ""].map(String::from).to_vec();
    let (mut out, options) = (Vec::new(), AnswerOptions::new(Form::Jsonl));
    let summary = classify_texts(&letters("stsb"), texts, &mut out, &options).unwrap();
    let expected =
        "{\"text\":\"ab\",\"text2\":\"cde\",\"score\":2.5}\n{\"text\":\"f\",\"text2\":\"\",\"score\":0.8333334}\n";
    assert_eq!((String::from_utf8(out).unwrap().as_str(), summary.texts), (expected, 2));
    let odd =
        classify_texts(&letters("stsb"), vec!["ab".into()], &mut std::io::sink(), &options).unwrap_err().to_string();
    let expected = "task stsb is on pairs, sentence1 and sentence2: expected an even number of texts, found 1";
    assert_eq!(odd, expected);
    let one = TextColumns::new(&TaskSpec::glue("sst2").unwrap(), None, Some("b")).unwrap_err().to_string();
    assert!(one.contains("the model takes one text (task sst2)"), "{one}");
}

#[test]
fn a_table_of_one_column_needs_no_name() {
    for (from, input) in [
        (Form::Csv, &b"review\na fine film\n"[..]),
        (Form::Tsv, b"review\na fine film\n"),
        (Form::Jsonl, b"{\"review\":\"a fine film\"}\n"),
    ] {
        let out = Job { from, to: Form::Tsv, ..SST2 }.good(input);
        assert!(out.starts_with("review\tlabel\tprobability_"), "{from}: {out}");
        assert!(out.contains("\na fine film\tpositive\t"), "{from}: {out}");
    }
    // A name that was given is meant.
    let message = Job { text: Some("sentence"), ..SST2 }.fault(b"review\na\n");
    assert!(message.contains("no column `sentence`; found `review`"), "{message}");
}

#[test]
fn order_and_answers_do_not_depend_on_the_chunk() {
    let texts: Vec<String> = (0..1500).map(|i| format!("{i} {}", "ab ".repeat(i % 9))).collect();
    let job = Job { from: Form::Text, ..SST2 };
    let from_pipe = job.good(texts.join("\n").as_bytes());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), texts.join("\n")).unwrap();
    let mut done = Vec::new();
    let (mut out, options) = (Vec::new(), AnswerOptions::new(Form::Jsonl));
    let source = Source::File(file.path().to_owned());
    let progress = &mut |progress: Progress| done.push((progress.texts, progress.position));
    classify_stream(&letters("sst2"), job.texts(source), &mut out, &options, progress).unwrap();
    assert_eq!(out, from_pipe.as_bytes());
    let size = std::fs::metadata(file.path()).unwrap().len();
    assert_eq!((done.len(), done[0].0, done[5]), (6, 256, (1500, size)));
    for (found, text) in lines(&from_pipe).iter().zip(&texts) {
        assert_eq!(found["text"], text.as_str());
    }
}

/// A pipe within the program.
struct Pipe(mpsc::Receiver<Vec<u8>>);

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.0.recv().unwrap_or_default();
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

#[test]
fn a_line_is_answered_before_the_next_one_comes() {
    for (from, header, line) in [
        (Form::Text, "", "a fine film\n"),
        (Form::Csv, "sentence\n", "a fine film\n"),
        (Form::Jsonl, "", "{\"sentence\":\"a\"}\n"),
    ] {
        let (send, receive) = mpsc::channel();
        let (reader, mut writer) = std::io::pipe().unwrap();
        let texts = Job { from, ..SST2 }.texts(Source::Reader(Box::new(Pipe(receive))));
        let answering = std::thread::spawn(move || {
            let options = AnswerOptions::new(Form::Jsonl);
            classify_stream(&letters("sst2"), texts, &mut writer, &options, &mut |_| {})
        });
        let mut answers = BufReader::new(reader);
        // An empty read would be the end.
        if !header.is_empty() {
            send.send(header.as_bytes().to_vec()).unwrap();
        }
        for _ in 0..3 {
            send.send(line.as_bytes().to_vec()).unwrap();
            let mut answer = String::new();
            answers.read_line(&mut answer).unwrap();
            assert!(answer.contains("\"label\":"), "{from}: {answer}");
        }
        drop(send);
        assert_eq!(answering.join().unwrap().unwrap().texts, 3);
    }
}

#[test]
fn a_wish_to_stop_ends_the_wait() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let (send, receive) = mpsc::channel();
    send.send(b"a fine film\n".to_vec()).unwrap();
    let texts = Job { from: Form::Text, ..SST2 }.texts(Source::Reader(Box::new(Pipe(receive))));
    let options = AnswerOptions { cancel: Some(&STOP), ..AnswerOptions::new(Form::Jsonl) };
    let mut stop = |_: Progress| STOP.store(true, Ordering::SeqCst);
    let summary = classify_stream(&letters("sst2"), texts, &mut std::io::sink(), &options, &mut stop).unwrap();
    assert_eq!(summary.texts, 1);
    drop(send);
}

#[test]
fn an_output_that_goes_away_says_so() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for form in [Form::Text, Form::Csv, Form::Jsonl] {
        let options = AnswerOptions::new(form);
        let texts = Job { from: Form::Text, ..SST2 }.texts(Source::Reader(Box::new(&b"a\n"[..])));
        let error = classify_stream(&letters("sst2"), texts, &mut Gone, &options, &mut |_| {}).unwrap_err();
        let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
        assert_eq!(cause.map(std::io::Error::kind), Some(std::io::ErrorKind::BrokenPipe), "{form}");
    }
}

#[test]
fn a_missing_text_is_one_thing_in_every_form_of_table() {
    let columns = ["sentence", "n"].map(Column::text);
    let rows =
        [vec!["a fine film".into(), "1".into()], vec![Cell::Missing, "2".into()], vec!["plot".into(), "3".into()]];
    for from in [Form::Csv, Form::Tsv, Form::Jsonl, Form::Parquet] {
        if from == Form::Parquet && cfg!(not(feature = "parquet")) {
            continue;
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = TableWriter::create(file.reopen().unwrap(), from, columns.to_vec()).unwrap();
        rows.iter().for_each(|row| writer.write(row.clone()).unwrap());
        writer.finish().unwrap();
        let run = |on_error| {
            let job = Job { from, to: Form::Csv, on_error, ..SST2 };
            let (out, result) = job.from(Source::File(file.path().to_owned()));
            (String::from_utf8(out).unwrap(), result)
        };
        let lines = |on_error| -> Vec<String> { run(on_error).0.lines().skip(1).map(str::to_owned).collect() };
        let full = lines(OnError::Null);
        assert!(full.len() == 3 && full[1] == "\"\",2,,,", "{from}: {full:?}");
        assert_eq!(lines(OnError::Skip), [full[0].clone(), full[2].clone()], "{from}");
        for on_error in [OnError::Skip, OnError::Null] {
            assert_eq!(run(on_error).1.unwrap().missing, 1, "{from}");
        }
        let message = run(OnError::Stop).1.unwrap_err().to_string();
        assert!(message.contains("column `sentence`: expected text, found nothing"), "{from}: {message}");
        let line = if matches!(from, Form::Csv | Form::Tsv) { "line 3:" } else { "line 2:" };
        assert!(message.contains(line), "{from}: {message}");
    }
}

#[test]
fn an_object_that_leaves_its_null_text_out_is_one_with_a_null() {
    let job = Job { from: Form::Jsonl, on_error: OnError::Null, ..SST2 };
    let found =
        lines(&job.good(b"{\"id\":1}\n{\"id\":2,\"sentence\":\"a fine film\"}\n{\"id\":3,\"sentence\":null}\n"));
    let labels: Vec<&Value> = found.iter().map(|line| &line["label"]).collect();
    assert_eq!(labels, [&Value::Null, &json!("positive"), &Value::Null]);
    assert_eq!(found[0]["probabilities"], Value::Null);
}

#[test]
fn people_see_only_the_columns_of_the_texts() {
    // What is not shown need not be good.
    let input = b"{\"sentence\":\"a fine film\",\"score\":NaN,\"half\":\"\\ud83d\"}\n";
    assert!(
        Job { from: Form::Jsonl, text: Some("sentence"), to: Form::Text, ..SST2 }.good(input).starts_with("positive")
    );
    let message = Job { from: Form::Jsonl, ..SST2 }.fault(input);
    assert!(message.contains("line 1") && message.contains("key `score`: found NaN"), "{message}");
}

#[test]
fn an_array_of_objects_is_read_as_lines_are() {
    let array = b"[\n  {\n    \"sentence\": \"a [fine] {film\",\n    \"n\": 1\n  },\n  {\"sentence\": \"pl\\\"ot\", \"n\": 2}\n]\n";
    let lines = b"{\"sentence\":\"a [fine] {film\",\"n\":1}\n{\"sentence\":\"pl\\\"ot\",\"n\":2}\n";
    let job = Job { from: Form::Jsonl, ..SST2 };
    assert_eq!(job.good(array), job.good(lines));
    for (bytes, says) in [
        (&b"[{\"sentence\":\"a\"}\n{\"sentence\":\"b\"}]"[..], "line 2: expected a comma or the end of the array"),
        (
            b"[{\"sentence\":\"a\"},\n{\n\"sentence\":NaN}]",
            "line 3: expected an array of JSON objects: key `sentence`: found NaN",
        ),
        (b"[{\"sentence\":\"a\"}", "line 1: the array is never closed"),
        (b"[{\"sentence\":\"a\"", "line 1: an object is never closed"),
        (b"[\"a\",\"b\"]", "line 1: expected an object for each record of the array"),
        (b"[{\"sentence\":\"a\"}] x", "line 1: expected nothing behind the array, found `x`"),
    ] {
        let message = job.fault(bytes);
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn a_folder_with_the_parts_of_a_table_is_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let classified = |name: &str, from: Form, to: Form| {
        let job = Job { from, to, ..SST2 };
        let (out, result) = job.from(Source::File(folder.path().join(name)));
        result.map(|summary| (String::from_utf8(out).unwrap(), summary.texts))
    };
    write("out.csv/part-00000-ab.csv", "id,sentence\n1,a\n2,ab\n");
    write("out.csv/part-00001-ab.csv", "");
    write("out.csv/part-00010-ab.csv", "id,sentence\n4,abcd\n");
    write("out.csv/part-00002-ab.csv", "sentence,id\nabc,3\n");
    write("out.csv/_SUCCESS", "");
    write("out.csv/.part-00000-ab.csv.crc", "x");
    let (out, texts) = classified("out.csv", Form::Csv, Form::Jsonl).unwrap();
    let ids: Vec<Value> = lines(&out).iter().map(|line| json!([line["id"], line["sentence"]])).collect();
    assert_eq!((json!(ids), texts), (json!([["1", "a"], ["2", "ab"], ["3", "abc"], ["4", "abcd"]]), 4));
    let (out, _) = classified("out.csv", Form::Csv, Form::Text).unwrap();
    assert_eq!(out.lines().count(), 4);

    write("out/part-0.json", "{\"sentence\":\"a\",\"id\":1}\n");
    write("out/part-1.json", "{\"id\":2,\"sentence\":\"b\"}\n{\"id\":3,\"sentence\":null}\n");
    let (out, texts) = classified("out", Form::Jsonl, Form::Csv).unwrap();
    assert_eq!((out.lines().count(), texts), (4, 2));
    assert!(out.contains("\nb,2,") && out.contains("\n\"\",3,,"), "{out}");

    write("text/part-00000.txt", "a\n\n");
    write("text/part-00001.txt", "b\n");
    assert_eq!(classified("text", Form::Text, Form::Jsonl).unwrap().1, 3);

    for (file, text, says) in [
        ("fewer.csv/part-1.csv", "sentence\na\n", "part-1.csv, line 1: expected the columns that the first part has"),
        ("more.csv/part-1.csv", "id,sentence,x\n1,a,b\n", "found `id`, `sentence`, `x`; write all parts alike"),
        ("bad.csv/part-1.csv", "id,sentence\n1,a\n2\n", "part-1.csv, line 3: expected 2 columns, found 1"),
        ("zip.csv/part-1.csv.gz", "x", "part-1.csv.gz: cannot read this form; write the table as one of"),
        ("unfinished.csv/_temporary/0", "x", "`_temporary`"),
        ("splits/train.csv", "id,sentence\n1,a\n", "found a folder of splits: train.csv"),
        ("pictures/cat.png", "x", "expected a file, or a folder with the parts of a table"),
    ] {
        let (name, _) = file.split_once('/').unwrap();
        if name.ends_with(".csv") {
            write(&format!("{name}/part-0.csv"), "id,sentence\n1,a\n");
        }
        write(file, text);
        let error = classified(name, Form::Csv, Form::Jsonl).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[path = "../../../bitspike/tests/small_embedder/mod.rs"]
mod small_embedder;

fn embedder() -> bitspike::Model {
    let file = small_embedder::file(&small_embedder::header(bitspike::config::Pooling::Mean, true));
    bitspike::Options::new().build(bitspike::format::Packed::from_bytes(file).unwrap(), None).unwrap()
}

#[test]
fn vectors_stand_beside_their_records() {
    let model = embedder();
    let short = Embedder::new(&model, Some(8)).unwrap();
    let expected = |text: &str| short.answer(&[(text, None)]).unwrap().swap_remove(0).values;
    let texts = |form, bytes: &[u8]| Texts {
        source: Source::Reader(Box::new(std::io::Cursor::new(bytes.to_vec()))),
        form,
        columns: TextColumns::new(&TaskSpec::embedding(true, Vec::new()).unwrap(), Some("body"), None).unwrap(),
        decoder: Decoder::any(false, "convert it"),
    };
    let run = |form, bytes: &[u8], to, options: &VectorOptions<'_>| {
        let mut out = Vec::new();
        let result = embed_stream(&short, texts(form, bytes), Vectors::Table(to, &mut out), options, &mut |_| {});
        (String::from_utf8_lossy(&out).into_owned(), result)
    };
    let csv = b"id,body\n7,a good film\n8,\n9,bad\n";
    let (out, summary) = run(Form::Csv, csv, Form::Jsonl, &VectorOptions::default());
    let found = lines(&out);
    assert_eq!((found.len(), summary.unwrap().missing), (3, 1));
    for (line, text) in [(0, "a good film"), (2, "bad")] {
        let values: Vec<f32> = serde_json::from_value(found[line]["vector"].clone()).unwrap();
        assert_eq!((values, &found[line]["body"]), (expected(text), &json!(text)));
    }
    assert_eq!(found[1], json!({"id": "8", "body": "", "vector": null}));
    let (out, _) =
        run(Form::Csv, csv, Form::Csv, &VectorOptions { on_error: OnError::Skip, ..VectorOptions::default() });
    assert!(out.starts_with("id,body,vector\n7,a good film,\"["), "{out}");
    assert_eq!(out.lines().count(), 3);

    let int8 = VectorOptions { precision: bitspike::vector::Precision::Int8, column: "v".into(), ..Default::default() };
    let (out, _) = run(Form::Jsonl, b"{\"body\":\"bad\",\"vector\":1}\n", Form::Jsonl, &int8);
    assert_eq!(lines(&out)[0], json!({"body": "bad", "vector": 1, "v": bitspike::vector::int8(&expected("bad"))}));

    // A column of that name, in the header or in a later object.
    let (_, result) = run(Form::Csv, b"vector,body\n1,a\n", Form::Jsonl, &VectorOptions::default());
    assert!(result.unwrap_err().to_string().contains("column of the vectors"));
    let late = b"{\"body\":\"a\"}\n{\"body\":\"a\",\"vector\":1}\n";
    let (_, result) = run(Form::Jsonl, late, Form::Jsonl, &VectorOptions::default());
    let message = result.unwrap_err().to_string();
    assert!(message.contains("line 2") && message.contains("`vector`"), "{message}");
    for (dims, says) in [(0, "1 to 24"), (25, "found 25")] {
        assert!(Embedder::new(&model, Some(dims)).unwrap_err().to_string().contains(says));
    }
    assert_eq!(Embedder::new(&model, Some(9)).unwrap().trained_dims(), Some(vec![24, 8]));
    assert_eq!(short.trained_dims(), None);
}

#[cfg(feature = "parquet")]
#[test]
fn vectors_in_parquet_are_lists_or_bytes() {
    use bitspike::vector::{BitOrder, Precision, binary, int8};
    use parquet::file::reader::{FileReader, SerializedFileReader};

    let model = embedder();
    let whole = Embedder::new(&model, None).unwrap();
    let values = whole.answer(&[("a good film", None)]).unwrap().swap_remove(0).values;
    let order = BitOrder::LeastFirst;
    for (precision, expected, schema) in [
        (Precision::Single, json!(values), "REQUIRED FLOAT element"),
        (Precision::Int8, json!(int8(&values)), "REQUIRED INT32 element (INTEGER(8,true))"),
        (Precision::Binary(order), json!(null), "FIXED_LEN_BYTE_ARRAY (3) vector"),
    ] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let texts = ["a good film", "bad", "", "film"].map(str::to_owned).to_vec();
        let options = VectorOptions { precision, ..VectorOptions::default() };
        embed_texts(&whole, texts, Vectors::Table(Form::Parquet, file.as_file_mut()), &options).unwrap();
        let reader = SerializedFileReader::new(file.reopen().unwrap()).unwrap();
        let mut printed = Vec::new();
        parquet::schema::printer::print_schema(&mut printed, reader.metadata().file_metadata().schema());
        let printed = String::from_utf8(printed).unwrap();
        assert!(printed.contains(schema), "{printed}");
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 4);
        let vector = rows[0].get_column_iter().nth(1).unwrap().1;
        match precision {
            Precision::Binary(_) => {
                let parquet::record::Field::Bytes(bytes) = vector else { panic!("{vector}") };
                assert_eq!(bytes.data(), binary(&values, order));
            }
            _ => {
                let parquet::record::Field::ListInternal(list) = vector else { panic!("{vector}") };
                let number = |field: &parquet::record::Field| match field {
                    parquet::record::Field::Float(value) => f64::from(*value),
                    parquet::record::Field::Byte(value) => f64::from(*value),
                    other => panic!("{other}"),
                };
                let found: Vec<f64> = list.elements().iter().map(number).collect();
                let expected: Vec<f64> = serde_json::from_value(expected).unwrap();
                let same = |(a, b): (&f64, &f64)| *a as f32 == *b as f32;
                assert!(found.len() == expected.len() && found.iter().zip(&expected).all(same), "{found:?}");
            }
        }
    }
}

#[test]
fn whoever_writes_nothing_is_told_each_record_and_may_stop() {
    let texts = SST2.texts(Source::Reader(Box::new(&b"sentence,n\na,1\n,2\nb,3\nc,4\n"[..])));
    let mut told = Vec::new();
    let summary = answer_each(
        &letters("sst2"),
        texts,
        &AnswerOptions::new(Form::Text),
        &mut |record| {
            told.push((record.text.to_owned(), record.row.cells[1].text().into_owned(), record.said.is_some()));
            if record.text == "b" { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
        },
        &mut |_| {},
    );
    assert_eq!(summary.unwrap().missing, 1);
    let expected = [("a", "1", true), ("", "2", false), ("b", "3", true)];
    assert_eq!(told, expected.map(|(text, n, said)| (text.to_owned(), n.to_owned(), said)));
}
