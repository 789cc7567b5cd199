//! Every form in, every form out, and the answers those of the engine.

use std::fs::File;
use std::sync::Arc;

use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::Field;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};

use crate::program::Folder;

const TEXTS: [&str; 3] = ["a fine film", "dull, \"dull\" plots.", ""];

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// What `--json` adds to a record whose text is `text`.
fn expected(folder: &Folder, text: &str) -> (Value, Value) {
    let (answers, labels) = folder.answers(&[(text, None)]);
    let probability = |i: usize| -> Value { serde_json::from_str(&answers[0].probabilities()[i].to_string()).unwrap() };
    let probabilities = json!({ &labels[0]: probability(0), &labels[1]: probability(1) });
    (answers[0].label().unwrap().to_owned().into(), probabilities)
}

#[test]
fn arguments_are_texts() {
    let folder = Folder::new("sst2");
    let (out, err) = folder.exits(&["--json", TEXTS[0], TEXTS[1], TEXTS[2]], b"", 0);
    assert_eq!(err, "note: texts without words, answered as an empty text is: 1\n");
    for (line, text) in lines(&out).into_iter().zip(TEXTS) {
        let (label, probabilities) = expected(&folder, text);
        assert_eq!(line, json!({ "text": text, "label": label, "probabilities": probabilities }));
    }
    let (out, _) = folder.exits(&["a fine film", "--threads", "1"], b"", 0);
    let (answers, _) = folder.answers(&[("a fine film", None)]);
    let answer = &answers[0];
    let line = format!(
        "{:<8}  {:.4}  a fine film\n",
        answer.label().unwrap(),
        answer.probabilities()[answer.class().unwrap()]
    );
    assert_eq!(out, line);
    let (out, _) = folder.exits(&["a\x1b[2Jfine\nfilm", "--", "--json"], b"", 0);
    assert!(out.contains("a\\u{1b}[2Jfine film\n") && out.ends_with("--json\n"), "{out}");
}

#[test]
fn plain_text_is_a_text_a_line() {
    let folder = Folder::new("sst2");
    let input = "\u{feff}a fine film\r\n\na\0film\nplot";
    let (out, _) = folder.exits(&["--json"], input.as_bytes(), 0);
    let found = lines(&out);
    let texts: Vec<&str> = found.iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["a fine film", "", "a\0film", "plot"]);
    for line in &found {
        assert_eq!(line["label"], expected(&folder, line["text"].as_str().unwrap()).0);
    }
    folder.write("x.txt", input);
    let (from_file, _) = folder.exits(&["--json", "--input", "x.txt"], b"", 0);
    assert_eq!(from_file, out);
    assert_eq!(folder.exits(&["--json"], b"", 0).0, "");
    let (csv, _) = folder.exits(&["--output-format", "csv"], b"\n", 0);
    assert!(csv.starts_with("text,label,probability_negative,probability_positive\n\"\","), "{csv}");
}

#[test]
fn tables_keep_their_columns_from_form_to_form() {
    let folder = Folder::new("sst2");
    folder.write("x.csv", "id,sentence,label\r\n7,a fine film,1\r\n\r\n8,\"dull, \"\"dull\"\"\nplot\",0\r\n");
    folder.exits(&["--input", "x.csv", "--output", "y.csv"], b"", 0);
    let found = folder.read("y.csv");
    let head = "id,sentence,label,predicted_label,probability_negative,probability_positive\n7,a fine film,1,";
    assert!(found.starts_with(head) && found.contains("\n8,\"dull, \"\"dull\"\"\nplot\",0,"), "{found}");
    // Through every other form and back.
    folder.exits(&["--input", "x.csv", "-o", "y.jsonl"], b"", 0);
    let rows = lines(&folder.read("y.jsonl"));
    assert_eq!((rows.len(), &rows[1]["sentence"]), (2, &json!("dull, \"dull\"\nplot")));
    assert_eq!(rows[0]["predicted_label"], expected(&folder, "a fine film").0);
    if cfg!(feature = "parquet") {
        folder.exits(&["--input", "x.csv", "-o", "y.parquet"], b"", 0);
        let (from_parquet, _) = folder.exits(&["--input", "y.parquet", "--json"], b"", 0);
        for (line, row) in lines(&from_parquet).iter().zip(&rows) {
            assert_eq!(line["predicted_label"], row["predicted_label"]);
            assert_eq!(line["predicted_predicted_label"], row["predicted_label"]);
            assert_eq!(line["probability_negative"], row["probabilities"]["negative"]);
            assert_eq!(line["probabilities"], row["probabilities"]);
        }
    }
    let (tsv, note) = folder.exits(&["--input", "x.csv", "--output-format", "tsv"], b"", 0);
    assert!(tsv.contains("\n8\tdull, \"dull\" plot\t0\t"), "{tsv}");
    assert!(note.contains("fields whose tabs and line breaks became spaces: 1\n"), "{note}");
    folder.write("y.tsv", &tsv);
    let (again, _) = folder.exits(&["--input", "y.tsv", "--text", "sentence", "--output-format", "csv"], b"", 0);
    assert_eq!(again.lines().count(), 3);
}

#[test]
fn objects_stay_as_they_were_written() {
    let folder = Folder::new("sst2");
    let rows =
        ["{\"z\": 1.50, \"t\": \"a fine film\", \"a\": [1, 2] }", "{\"t\":\"plot\",\"new\":12345678901234567890123}"];
    let input = format!("\n{}\r\n  {}\n\n", rows[0], rows[1]);
    let arguments = ["--format", "jsonl", "--text", "t"];
    let (out, _) = folder.exits(&[&arguments[..], &["--json"]].concat(), input.as_bytes(), 0);
    for (line, row) in out.lines().zip(rows) {
        let start = row.strip_suffix('}').unwrap().trim_end();
        assert!(line.starts_with(&format!("{start},\"label\":\"")), "{line}");
        serde_json::from_str::<Value>(line).expect("JSON");
    }
    let (csv, note) = folder.exits(&[&arguments[..], &["--output-format", "csv"]].concat(), input.as_bytes(), 0);
    assert!(csv.starts_with("z,t,a,label,") && csv.contains("\n1.50,a fine film,\"[1,2]\","), "{csv}");
    assert!(csv.contains("\n\"\",plot,,"), "{csv}");
    assert!(note.contains("keys beyond those of the first one were left out: 1\n"), "{note}");
    let message =
        folder.exits(&[&arguments[..], &["--json"]].concat(), b"{\"t\":\"a\"}\n{\"t\":\"a\",\"label\":1}", 1).1;
    assert!(message.contains("line 2: the key `label` is that of the answer"), "{message}");
    assert_eq!(folder.exits(&[&arguments[..], &["--json"]].concat(), b"\n", 0).0, "");
}

#[test]
fn parquet_keeps_its_types() {
    let folder = Folder::new("sst2");
    let schema = "message m { optional binary sentence (UTF8); required int32 idx; optional int64 n; required boolean b; \
                  required float f; optional double d; required int32 day (DATE); repeated int32 tags; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer =
        SerializedFileWriter::new(File::create(folder.file("x.parquet")).unwrap(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    macro_rules! column {
        ($kind:ty, $values:expr, $levels:expr, $repeats:expr) => {{
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<$kind>().write_batch(&$values, $levels, $repeats).unwrap();
            column.close().unwrap();
        }};
    }
    column!(ByteArrayType, [ByteArray::from("a fine film"), ByteArray::from("plot")], Some(&[1, 1]), None);
    column!(Int32Type, [3, 4], None, None);
    column!(Int64Type, [1 << 60], Some(&[0, 1]), None);
    column!(BoolType, [true, false], None, None);
    column!(FloatType, [0.1, f32::NAN], None, None);
    column!(DoubleType, [0.25], Some(&[1, 0]), None);
    column!(Int32Type, [0, 19_000], None, None);
    column!(Int32Type, [5, 6], Some(&[1, 1, 0]), Some(&[0, 1, 0]));
    group.close().unwrap();
    writer.close().unwrap();

    let (out, _) = folder.exits(&["-i", "x.parquet", "--json"], b"", 0);
    let found = lines(&out);
    assert_eq!(
        (&found[0]["idx"], &found[0]["n"], &found[0]["f"], &found[0]["day"], &found[0]["tags"]),
        (&json!(3), &Value::Null, &json!(0.1), &json!("1970-01-01"), &json!([5, 6]))
    );
    assert_eq!((&found[1]["n"], &found[1]["f"], &found[1]["d"]), (&json!(1_i64 << 60), &Value::Null, &Value::Null));
    folder.exits(&["-i", "x.parquet", "-o", "y.parquet"], b"", 0);
    let reader = SerializedFileReader::new(File::open(folder.file("y.parquet")).unwrap()).unwrap();
    let rows: Vec<Vec<(String, Field)>> =
        reader.get_row_iter(None).unwrap().map(|row| row.unwrap().into_columns()).collect();
    let field = |row: usize, name: &str| rows[row].iter().find(|(found, _)| found == name).unwrap().1.clone();
    assert_eq!((field(0, "idx"), field(1, "n")), (Field::Long(3), Field::Long(1 << 60)));
    assert_eq!((field(0, "f"), field(0, "d"), field(1, "d")), (Field::Float(0.1), Field::Double(0.25), Field::Null));
    assert_eq!((field(0, "b"), field(0, "tags")), (Field::Bool(true), Field::Str("[5,6]".into())));
    let (answers, _) = folder.answers(&[("plot", None)]);
    assert_eq!(field(1, "label"), Field::Str(answers[0].label().unwrap().to_owned()));
    assert_eq!(field(1, "probability_positive"), Field::Float(answers[0].probabilities()[1]));
}

#[test]
fn pairs_and_scores() {
    let folder = Folder::new("stsb");
    let (answers, _) = folder.answers(&[("a film", Some("a fine film"))]);
    let score = answers[0].score().unwrap();
    let (out, _) = folder.exits(&["a film", "a fine film", "--json"], b"", 0);
    assert_eq!(out, format!("{{\"text\":\"a film\",\"text2\":\"a fine film\",\"score\":{score}}}\n"));
    let (out, _) = folder.exits(&[], b"a film\ta fine film\n", 0);
    assert_eq!(out, format!("{score:>9.4}  a film  |  a fine film\n"));
    let table = b"sentence1,sentence2,score\na film,a fine film,4.5\n";
    let (out, _) = folder.exits(&["--format", "csv", "--output-format", "csv"], table, 0);
    let expected = format!("sentence1,sentence2,score,predicted_score\na film,a fine film,4.5,{score}\n");
    assert_eq!(out, expected);
    let (out, _) = folder.exits(
        &["--format", "csv", "--text", "score", "--text2", "sentence1", "--json"],
        b"sentence1,score\nx,y\n",
        0,
    );
    assert!(out.contains("\"predicted_score\":"), "{out}");
    let error = folder.exits(&["a film"], b"", 1).1;
    assert!(error.contains("expected an even number of texts, found 1"), "{error}");
    let error = folder.exits(&[], b"a film\n", 1).1;
    assert!(error.contains("standard input, line 1: expected two texts with one tab between, found 0 tabs"), "{error}");
}

#[test]
fn dynamics_and_kernels_are_the_users_choice() {
    let folder = Folder::new("sst2");
    let (scalar, _) = folder.exits(&["a fine film", "--json", "--isa", "scalar"], b"", 0);
    assert_eq!(scalar, folder.exits(&["a fine film", "--json"], b"", 0).0);
    let error = folder.exits(&["a", "--isa", "abacus"], b"", 2).1;
    assert!(error.contains("expected one of") && error.contains("scalar"), "{error}");
    let stepped = ["a fine film", "--json", "--dynamics", "accumulated"];
    let (long, _) = folder.exits(&[&stepped[..], &["--timesteps", "512"]].concat(), b"", 0);
    let (plain, _) = folder.exits(&["a fine film", "--json"], b"", 0);
    let positive = |out: &str| lines(out)[0]["probabilities"]["positive"].as_f64().unwrap();
    assert!((positive(&long) - positive(&plain)).abs() < 0.1, "{long}{plain}");
    let (short, _) = folder.exits(&[&stepped[..], &["--exit", "margin=0,change=9,patience=1,min=1"]].concat(), b"", 0);
    assert_ne!(positive(&short), positive(&long));
    folder.exits(&["a", "--exit", "margin=1"], b"", 2);
    folder.exits(&["a", "--exit", "colour=1", "--dynamics", "accumulated"], b"", 2);
    let error = folder.exits(&["a", "--exit", "margin=1", "--dynamics", "phased"], b"", 2).1;
    assert!(error.contains("--exit: expected --dynamics accumulated or instantaneous"), "{error}");
    let error = folder.exits(&["a", "--timesteps", "0"], b"", 2).1;
    assert!(error.contains("0 is not in 1..=65536"), "{error}");
}

#[test]
fn a_table_of_one_column_needs_no_name() {
    let folder = Folder::new("sst2");
    let (label, _) = expected(&folder, "a fine film");
    let label = label.as_str().unwrap();
    for (format, input) in [
        ("csv", &b"review\na fine film\n"[..]),
        ("tsv", b"review\na fine film\n"),
        ("jsonl", b"{\"review\":\"a fine film\"}\n"),
    ] {
        let (out, _) = folder.exits(&["--format", format, "--output-format", "tsv"], input, 0);
        let mut lines = out.lines();
        assert!(lines.next().unwrap().starts_with("review\tlabel\tprobability_"), "{format}: {out}");
        assert!(lines.next().unwrap().starts_with(&format!("a fine film\t{label}\t")), "{format}: {out}");
    }
    // A name that was given is meant.
    let (_, error) = folder.exits(&["--format", "csv", "--text", "sentence"], b"review\na\n", 1);
    assert!(error.contains("no column `sentence`; found `review`"), "{error}");
}
