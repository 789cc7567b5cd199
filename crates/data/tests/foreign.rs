//! What other programs write, and what becomes of it. `docs/data.md` has the table of these cases, and a test says so.
//!
//! With `BITSPIKE_WRITE_DOCS=1` in the environment that test writes the table into the page.
#![cfg(feature = "parquet")]

use std::path::{Path, PathBuf};

use bitspike::{Target, Task};
use bitspike_data::answers::{AnswerOptions, Classifier, OnError, Said, Summary, TextColumns, Texts, classify_stream};
use bitspike_data::table::{Decoder, Form, Source};
use bitspike_data::{
    CustomTarget, CustomTask, Dataset, DevShare, Labels, Split, TaskSpec, check, load, load_for_training,
};

/// One kind of input.
struct Case {
    /// What is written, for the page.
    input: &'static str,
    /// What becomes of it, for the page.
    outcome: &'static str,
    /// Holds it to that.
    check: fn(),
}

/// A part of the page.
type Part = (&'static str, &'static [Case]);

const PARTS: [Part; 5] = [
    ("Files and folders", FILES),
    ("Columns and values", COLUMNS),
    ("CSV, TSV and JSON", TEXT),
    ("Labels", LABELS),
    ("Identifiers, missing texts, splits", RECORDS),
];

const FILES: &[Case] = &[
    Case {
        input: "Parquet with GZIP, Brotli, LZ4, Snappy or Zstandard pages, or none",
        outcome: "read (Zstandard with the feature `zstd`); LZO only if the column is not used",
        check: || {
            for codec in ["gzip", "brotli", "lz4", "snappy", "none"] {
                Folder::of(&[]).with_fixture("train.parquet", codec).is_read();
            }
            #[cfg(feature = "zstd")]
            Folder::of(&[]).with_fixture("train.parquet", "zstd").is_read();
        },
    },
    Case {
        input: "dictionary, categorical, large and view strings",
        outcome: "read",
        check: || {
            Folder::of(&[]).with_fixture("train.parquet", "dictionary").is_read();
            Folder::of(&[]).with_fixture("train.parquet", "polars").is_read();
        },
    },
    Case {
        input: "`.json` or `.jsonl` with one array of objects",
        outcome: "read as lines are",
        check: || Folder::of(&[("train.json", ARRAY)]).is_read(),
    },
    Case {
        input: "`.json` of one object by columns, or with the records under a key",
        outcome: "refused with the key",
        check: || {
            let columns = r#"{"text": {"0": "a"}, "label": {"0": "pos"}}"#;
            Folder::of(&[("train.json", columns)]).refused(&["line 1", "`text` holds a list or an object", "orient"]);
            let wrapped = r#"{"version": 1, "data": [{"text": "a", "label": "pos"}]}"#;
            Folder::of(&[("train.json", wrapped)]).refused(&[
                "line 1",
                "no column `text`; found `version`, `data`",
                "one record",
            ]);
        },
    },
    Case {
        input: "the hub's converted folders, `default/train/0000.parquet`",
        outcome: "read, all parts; a missing part is refused",
        check: || {
            let folder = Folder::of(&[]);
            folder.with_fixture("default/train/0000.parquet", "gzip").with_fixture("default/train/0001.parquet", "lz4");
            folder.with_fixture("default/validation/0000.parquet", "none");
            assert_eq!(folder.load().unwrap().examples.len(), 8);
            let gap = Folder::of(&[]);
            gap.with_fixture("default/train/0000.parquet", "gzip").with_fixture("default/train/0002.parquet", "lz4");
            gap.refused(&["part 0001 of the train split is missing"]);
            let several = Folder::of(&[("en/train/0000.jsonl", LINES), ("fr/train/0000.jsonl", LINES)]);
            several.refused(&["several folders hold splits: en, fr"]);
        },
    },
    Case {
        input: "a folder a split, as Spark writes it: `train.csv/part-00000-..`, `_SUCCESS`, `.crc` files",
        outcome: "read, parts without a byte aside",
        check: || {
            let folder = Folder::of(&[
                ("train.csv/part-00000-ab.c000.csv", "text,label\na good film,pos\na bad film,neg\n"),
                ("train.csv/part-00001-ab.c000.csv", ""),
                ("train.csv/part-00010-ab.c000.csv", "text,label\nwe love it,pos\nwe hate it,neg\n"),
                ("train.csv/_SUCCESS", ""),
                ("train.csv/._SUCCESS.crc", "x"),
                ("dev/part-00000.json", LINES),
            ]);
            folder.is_read();
            assert_eq!(load(&own(&["neg", "pos"]), &folder.path(), Split::Dev).unwrap().examples.len(), 4);
            // The same reader serves those who classify.
            let (out, summary) = classified(&folder.path().join("train.csv"), Form::Csv, Form::Jsonl, OnError::Null);
            assert_eq!((summary.texts, out.lines().count()), (4, 4));
        },
    },
    Case {
        input: "a pointer of Git LFS or Xet, a compressed file, a ZIP archive, a workbook, an Arrow file under the name of a table; \
                Parquet under that of text",
        outcome: "refused by what it is, with what to do",
        check: || {
            let kinds: [(&[u8], &str); 8] = [
                (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 90\n", "run `git lfs pull`"),
                (b"\x1F\x8B\x08\0", "compressed with gzip; decompress it"),
                (b"\x28\xB5\x2F\xFD\0", "Zstandard"),
                (b"\xFD7zXZ\0\0", "xz"),
                (b"BZh91AY&SYx", "bzip2"),
                (b"PK\x03\x04\x14", "a workbook of Excel"),
                (b"ARROW1\0\0", "an Arrow file; write it as Parquet"),
                (b"PAR1\x15\0", "a Parquet file; name it .parquet"),
            ];
            for (bytes, says) in kinds {
                for form in ["csv", "tsv", "jsonl", "json", "parquet"] {
                    if form == "parquet" && bytes.starts_with(b"PAR1") {
                        continue;
                    }
                    let folder = Folder::of(&[]);
                    folder.write(&format!("train.{form}"), bytes);
                    folder.refused(&[&format!("train.{form}: "), says]);
                }
            }
            Folder::of(&[("train.csv", "PAR1 of text,label\nx,1\n")]).refused(&["no column `text`"]);
        },
    },
    Case {
        input: "an unfinished Spark folder (`_temporary`), one partitioned by a column (`label=pos/`), `.arrow`, `.csv.gz`",
        outcome: "refused by name",
        check: || {
            Folder::of(&[("train/part-00000.csv", CSV), ("train/_temporary/0/x", "")]).refused(&["`_temporary`"]);
            Folder::of(&[("train/label=pos/part-0.csv", "text\na\n")]).refused(&["label=pos", "values of a column"]);
            Folder::of(&[("train/data-00000-of-00001.arrow", "x"), ("train/state.json", "{}")])
                .refused(&["data-00000-of-00001.arrow: cannot read this form"]);
            // What looks like no data is none.
            Folder::of(&[("train.csv", CSV), ("dev.csv", CSV), ("test/picture.png", "x")]).is_read();
            Folder::of(&[("train/a.csv.gz", "x")]).refused(&["a.csv.gz"]);
            Folder::of(&[("train/a.csv", CSV), ("train/b.tsv", CSV)])
                .refused(&["parts of several forms: a.csv and b.tsv"]);
        },
    },
];

const COLUMNS: &[Case] = &[
    Case {
        input: "columns that are not used, of any type: unsigned, dates and times, decimals, lists, objects, maps, bytes, nulls",
        outcome: "not decoded",
        check: || Folder::of(&[]).with_fixture("train.parquet", "types").is_read(),
    },
    Case {
        input: "bytes that are not UTF-8 in a column that is not used",
        outcome: "not decoded",
        check: || {
            let files: [(&str, &[u8]); 3] = [
                ("csv", b"x,text,label\n\xe9,a good film,pos\n\0,a bad film,neg\n,we love it,pos\n,we hate it,neg\n"),
                ("tsv", b"x\ttext\tlabel\n\xe9\ta good film\tpos\n\0\ta bad film\tneg\n\twe love it\tpos\n\twe hate it\tneg\n"),
                (
                    "jsonl",
                    b"{\"x\":\"\xe9\",\"text\":\"a good film\",\"label\":\"pos\"}\n{\"text\":\"a bad film\",\"label\":\"neg\"}\n\
                      {\"text\":\"we love it\",\"label\":\"pos\"}\n{\"text\":\"we hate it\",\"label\":\"neg\"}\n",
                ),
            ];
            for (form, bytes) in files {
                let folder = Folder::of(&[]);
                folder.write(&format!("train.{form}"), bytes);
                folder.is_read();
                folder.task("x", "label").refused(&["line"]);
            }
        },
    },
    Case {
        input: "the same columns in `classify`, where they stay beside the answers",
        outcome: "written: dates and times in ISO 8601, bytes that are no text as hexadecimal digits, lists as JSON; floats that are \
                  not finite as null in JSON",
        check: || {
            let (out, summary) = classified(&fixture("types"), Form::Parquet, Form::Jsonl, OnError::Null);
            assert_eq!((summary.texts, summary.unreadable.len()), (4, 0));
            let rows: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            for (column, expected) in [
                ("u64", r#"[1,2,3,18446744073709551615]"#),
                ("u32", r#"[1,2,3,4294967295]"#),
                ("date", r#"["2024-02-29",null,"2024-02-29","2024-02-29"]"#),
                ("half", "[1.0,2.5,-0.5,null]"),
                ("nan", "[1.0,null,null,null]"),
                ("raw", r#"["ff00","ok",null,""]"#),
                ("words", r#"[["a","b"],[],null,["c"]]"#),
                ("view", r#"["a view",null,"of a longer text than twelve bytes",""]"#),
                ("truth", "[true,false,null,true]"),
                ("money", r#"["-1.50","-1.50","-1.50","-1.50"]"#),
            ] {
                let found: Vec<String> = rows.iter().map(|row| row[column].to_string()).collect();
                assert_eq!(format!("[{}]", found.join(",")), expected, "{column}");
            }
            assert_eq!(rows[0]["micro"], "2024-02-29 12:00:00.123456 +00:00");
            assert_eq!(rows[0]["nano"], "2024-02-29 12:00:00.123456000");
            let (csv, _) = classified(&fixture("types"), Form::Parquet, Form::Csv, OnError::Null);
            assert!(csv.contains(",18446744073709551615,") && csv.contains(",ff00,"), "{csv}");
            let (out, _) = classified(&fixture("int96"), Form::Parquet, Form::Jsonl, OnError::Null);
            assert!(out.contains("\"when\":\"2024-02-29 12:00:00.123456000\""), "{out}");
        },
    },
    Case {
        input: "a text, or a label, that is a list or an object; a text that is a number, a date or bytes",
        outcome: "refused with the column",
        check: || {
            Folder::of(&[("train.jsonl", "{\"text\": [\"a\"], \"label\": 1}")])
                .refused(&["line 1", "`text` holds a list"]);
            Folder::of(&[("train.jsonl", "{\"text\": 7, \"label\": 1}\n{\"text\": \"a\", \"label\": 2}")])
                .refused(&["line 1", "`text`: expected text, found the number 7"]);
            Folder::of(&[])
                .with_fixture("train.parquet", "types")
                .task("words", "label")
                .refused(&["`words` holds lists"]);
            Folder::of(&[])
                .with_fixture("train.parquet", "types")
                .task("date", "label")
                .refused(&["`date` holds INT32 (DATE)"]);
        },
    },
    Case {
        input: "blanks around the names of columns",
        outcome: "read by the name with or without them; a column of the very name goes first",
        check: || {
            let text = "text, label\na good film,pos\na bad film,neg\nwe love it,pos\nwe hate it,neg\n";
            Folder::of(&[("train.csv", text)]).is_read();
            Folder::of(&[("train.csv", text)]).task("text", " label").is_read();
            let both =
                text.replace("text, label", "text,label, label").replace(",pos", ",x,pos").replace(",neg", ",x,neg");
            Folder::of(&[("train.csv", &both)]).task("text", " label").is_read();
        },
    },
];

const TEXT: &[Case] = &[
    Case {
        input: "semicolons, tabs or vertical bars in `.csv`, commas in `.tsv`; a first line `sep=;`",
        outcome: "refused with the line and the separator that was found; `sep=,` is passed over",
        check: || {
            Folder::of(&[("train.csv", "text;label\na;pos\n")]).refused(&["line 1", "semicolons (`;`)"]);
            Folder::of(&[("train.csv", "\"text\";\"label\"\n\"a;b\";\"pos\"\n")]).refused(&["line 1", "semicolons"]);
            Folder::of(&[("train.csv", "\"text\"\t\"label\"\n\"a\"\t\"pos\"\n")]).refused(&["line 1", "tabs"]);
            Folder::of(&[("train.csv", "text\tlabel\na\tpos\n")]).refused(&["line 1", "by tabs", ".tsv"]);
            Folder::of(&[("train.csv", "id;text;label, x\n1;a;pos, 1\n")]).refused(&["line 1", "semicolons"]);
            Folder::of(&[("train.tsv", "text,label\na,pos\n")]).refused(&["line 1", "commas", ".csv"]);
            Folder::of(&[("train.csv", "sep=;\ntext;label\n")]).refused(&["line 1", "`sep=`", "semicolons"]);
            Folder::of(&[("train.csv", &format!("sep=,\n{CSV}"))]).is_read();
        },
    },
    Case {
        input: "quotes escaped with a backslash (Spark), text behind a closing quote, a blank before an opening one",
        outcome: "refused with the line on which the quote opens",
        check: || {
            let message = Folder::of(&[("train.csv", "text,label\na,pos\n\"he said \\\"good\\\"\",pos\n")]);
            message.refused(&["line 3", "backslash", "Spark"]);
            Folder::of(&[("train.csv", "text,label\n\"a\nb\" film,pos\n")])
                .refused(&["line 2", "text behind its closing quote"]);
            Folder::of(&[("train.csv", "text,label\na,pos\nb, \"neg\"\n")])
                .refused(&["line 3", "blank before its opening"]);
        },
    },
    Case {
        input: "a quote that is never closed",
        outcome: "refused with the line on which it opens, within a record's memory",
        check: || {
            Folder::of(&[("train.csv", "text,label\na,pos\n\"b,neg\nc,pos\n")]).refused(&["line 3", "never closed"])
        },
    },
    Case {
        input: "TSV with a quoted header, or with fields in quotes and those inside doubled (pandas)",
        outcome: "refused with the line; GLUE's files and `classify` keep such fields as they stand, and `classify` counts them",
        check: || {
            Folder::of(&[("train.tsv", "\"text\"\t\"label\"\n\"a\"\t\"pos\"\n")]).refused(&["line 1", "double quotes"]);
            Folder::of(&[("train.tsv", "text\tlabel\n\"he said \"\"good\"\"\"\tpos\n")])
                .refused(&["line 2", "column 1", "doubled"]);
            let folder = Folder::of(&[("dev.tsv", "text\tlabel\n\"he said \"\"good\"\"\"\tpos\n\"a\" film\tneg\n")]);
            let (out, summary) = classified(&folder.path().join("dev.tsv"), Form::Tsv, Form::Jsonl, OnError::Null);
            assert_eq!(summary.quoted, 1);
            assert!(out.starts_with(r#"{"text":"\"he said \"\"good\"\"\"","#), "{out}");
        },
    },
    Case {
        input: "`NaN`, `Infinity`, `None`, lone surrogates in JSON",
        outcome: "refused with the line and the key where the value is used; never written",
        check: || {
            let line = |value: &str| {
                format!(
                    "{{\"text\": \"a\", \"label\": \"pos\"}}\n{{\"text\": \"b\", \"label\": \"neg\", \"x\": {value}}}\n"
                )
            };
            for value in ["NaN", "-Infinity", "[1, NaN]", "\"\\ud83d\"", "None"] {
                let file = ("train.jsonl", line(value));
                Folder::of(&[(file.0, &file.1)]).task("text", "label").loads();
                Folder::of(&[(file.0, &file.1)]).task("x", "label").refused(&["line "]);
                let folder = Folder::of(&[(file.0, &file.1)]);
                let message = failed(&folder.path().join("train.jsonl"), Form::Jsonl, OnError::Null);
                assert!(message.contains("line 2") && message.contains("key `x`"), "{message}");
            }
        },
    },
];

const LABELS: &[Case] = &[
    Case {
        input: "numbers as classes, `1`, `1.0`, a float column; `01` is text",
        outcome: "one class however it is written, under the shortest name that occurs in train",
        check: || {
            let folder = Folder::of(&[
                ("train.csv", "text,label\na,1.0\nb,2.0\nc,10.0\n"),
                ("dev.csv", "text,label\na,1\nb,2\nc,1e1\n"),
            ]);
            assert_eq!(folder.counts(), [[("1.0", 1), ("2.0", 1), ("10.0", 1)], [("1.0", 1), ("2.0", 1), ("10.0", 1)]]);
            let folder = Folder::of(&[
                ("train.csv", "text,label\na,01\nb,1\nc,2\n"),
                ("dev.csv", "text,label\na,01\nb,1\nc,2\n"),
            ]);
            assert_eq!(folder.counts()[1], [("01", 1), ("1", 1), ("2", 1)]);
            for kind in ["uint8", "uint64", "float64"] {
                let folder = Folder::of(&[("dev.csv", "text,label\na,1\nb,0.0\n")]);
                folder.with_fixture("train.parquet", &format!("label-{kind}"));
                assert_eq!(folder.counts(), [[("0", 2), ("1", 2)], [("0", 1), ("1", 1)]], "{kind}");
            }
        },
    },
    Case {
        input: "truth as a class: `True`, `TRUE`, `true`, a truth column",
        outcome: "`false` and `true` in every form; 0 and 1 where the classes have other names",
        check: || {
            let folder = Folder::of(&[
                ("dev.csv", "text,label\na,True\nb,False\nc,FALSE\n"),
                ("test.jsonl", "{\"text\": \"a\", \"label\": true}\n"),
            ]);
            folder.with_fixture("train.parquet", "label-bool");
            assert_eq!(
                folder.counts(),
                [vec![("false", 2), ("true", 2)], vec![("false", 2), ("true", 1)], vec![("false", 0), ("true", 1)]]
            );
            let folder = Folder::of(&[("dev.csv", "sentence,label\na,True\nb,0\n")]);
            let found = load(&TaskSpec::glue("sst2").unwrap(), &folder.path(), Split::Dev).unwrap();
            assert_eq!(found.examples.iter().map(|example| example.target).collect::<Vec<_>>(), [Some(1.0), Some(0.0)]);
        },
    },
    Case {
        input: "more than ten numbered classes, `c0` .. `c10`",
        outcome: "in the order of their numbers",
        check: || {
            let rows: String = (0..12).rev().map(|i| format!("a,c{i}\n")).collect();
            let folder = Folder::of(&[("train.csv", &format!("text,label\n{rows}"))]);
            assert_eq!(folder.own().labels(), (0..12).map(|i| format!("c{i}")).collect::<Vec<_>>());
        },
    },
    Case {
        input: "names of classes in the file itself (`ClassLabel` of the library `datasets`)",
        outcome: "used, in its order; where the task has other names, by number, with a note",
        check: || {
            let folder = Folder::of(&[("dev.csv", "text,label\na,neg\nb,pos\n")]);
            folder.with_fixture("train.parquet", "class-names");
            assert_eq!(folder.counts(), [[("pos", 2), ("neg", 2)], [("pos", 1), ("neg", 1)]]);
            let other = |classes| load(&own(classes), &folder.path(), Split::Train).unwrap();
            let targets =
                |found: &Dataset| found.examples.iter().map(|example| example.target.unwrap()).collect::<Vec<_>>();
            let turned = other(&["neg", "pos"]);
            assert_eq!((targets(&turned), turned.notes.len()), (vec![1.0, 0.0, 1.0, 0.0], 0));
            let renamed = other(&["good", "bad"]);
            assert_eq!(targets(&renamed), [0.0, 1.0, 0.0, 1.0]);
            assert!(renamed.notes[0].contains("`pos` = `good`, `neg` = `bad`"), "{:?}", renamed.notes);
        },
    },
    Case {
        input: "classes that differ in the composition of their Unicode characters only",
        outcome: "refused, and said to look alike",
        check: || {
            let train = "text,label\na,caf\u{e9}\nb,tea\n";
            Folder::of(&[("train.csv", &format!("{train}c,cafe\u{301}\n"))]).refused(&["look alike", "Unicode"]);
            let folder = Folder::of(&[("train.csv", train), ("dev.csv", "text,label\na,cafe\u{301}\n")]);
            let message = load(&folder.own(), &folder.path(), Split::Dev).unwrap_err().to_string();
            assert!(message.contains("line 2") && message.contains("looks like `caf\u{e9}`"), "{message}");
        },
    },
    Case {
        input: "control characters in the name of a class",
        outcome: "refused with the line",
        check: || {
            Folder::of(&[("train.csv", "text,label\na,x\nb,\u{1b}[2Jy\n")]).refused(&["line 3", "control characters"])
        },
    },
    Case {
        input: "rows without a label (nothing, null, NaN, -1) in train",
        outcome: "read where only a teacher's answers are needed, refused with the line otherwise",
        check: || {
            let folder = Folder::of(&[
                ("train.jsonl", "{\"text\":\"a\",\"label\":null}\n{\"text\":\"b\",\"label\":-1}\n{\"text\":\"c\"}\n"),
                ("dev.csv", CSV),
            ]);
            let task = own(&["neg", "pos"]);
            let read = |labels| load_for_training(&task, &folder.path(), labels, None);
            let (train, dev) = read(Labels::Optional).unwrap();
            assert!(train.examples.iter().all(|example| example.target.is_none()) && dev.is_labelled());
            let message = read(Labels::Required).unwrap_err().to_string();
            assert!(message.contains("line 1") && message.contains("found nothing"), "{message}");
        },
    },
];

const RECORDS: &[Case] = &[
    Case {
        input: "ids beyond 2^63, UUID, bytes, ids with blanks",
        outcome: "as they are written, without added quotes",
        check: || {
            let ids = |folder: &Folder| {
                folder.load().unwrap().examples.into_iter().map(|example| example.id).collect::<Vec<_>>()
            };
            let json = "{\"id\": 9223372036854775809, \"text\": \"a\", \"label\": 1}\n{\"id\": 123456789012345678901234567890, \"text\": \"b\", \"label\": 2}\n";
            assert_eq!(
                ids(Folder::of(&[("train.jsonl", json)])),
                ["9223372036854775809", "123456789012345678901234567890"]
            );
            let fixture = |name| ids(Folder::of(&[]).with_fixture("train.parquet", name));
            assert_eq!(fixture("id-unsigned")[1], "9223372036854775809");
            assert_eq!(fixture("id-uuid")[2], "00000000-0000-0000-0000-000000000002");
            assert_eq!(fixture("id-bytes")[3], "ff03");
        },
    },
    Case {
        input: "ids that are lists or objects",
        outcome: "not used; the examples are numbered, with a note",
        check: || {
            let found = Folder::of(&[]).with_fixture("train.parquet", "id-list").load().unwrap();
            assert_eq!((found.examples[3].id.as_str(), found.notes.len()), ("3", 1));
        },
    },
    Case {
        input: "ids that repeat",
        outcome: "said with both lines before anything is scored; refused for a submission; numbered by `--number-ids`",
        check: || {
            let mut found = Folder::of(&[("train.csv", "id,text,label\nu1,a,x\nu2,b,y\nu1,c,x\n")]).load().unwrap();
            let ids = found.repeated_ids.clone().unwrap();
            assert_eq!((ids.count, ids.id.as_str(), ids.line, ids.earlier), (1, "u1", 4, 2));
            found.number();
            assert_eq!(found.examples[2].id, "2");
        },
    },
    Case {
        input: "texts that are missing in `classify`: null, no such key, an empty field",
        outcome: "alike in every form, and counted: no answer (`--on-error null`, unless given), left out (`skip`), or refused with the line (`stop`)",
        check: || {
            let folder = Folder::of(&[
                ("a.csv", "text,n\na good film,1\n,2\n"),
                ("a.tsv", "text\tn\na good film\t1\n\t2\n"),
                ("a.jsonl", "{\"text\": \"a good film\", \"n\": \"1\"}\n{\"text\": null, \"n\": \"2\"}\n"),
                ("a.json", "[{\"text\": \"a good film\", \"n\": \"1\"},\n{\"n\": \"2\"}]"),
            ]);
            for name in ["a.csv", "a.tsv", "a.jsonl", "a.json"] {
                let path = folder.path().join(name);
                let form = Form::of(&path).unwrap();
                let lines = |on_error| {
                    let (out, summary) = classified(&path, form, Form::Tsv, on_error);
                    assert_eq!(summary.missing, 1, "{name}");
                    out.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
                };
                assert_eq!(lines(OnError::Skip), ["a good film\t1\tpos\t0.25\t0.75"], "{name}");
                assert_eq!(lines(OnError::Null), ["a good film\t1\tpos\t0.25\t0.75", "\t2\t\t\t"], "{name}");
                let message = failed(&path, form, OnError::Stop);
                assert!(message.contains("column `text`: expected text, found nothing"), "{name}: {message}");
            }
        },
    },
    Case {
        input: "one file as `--data` of a training",
        outcome: "refused, unless `--dev-share 0.1` sets a part aside by `--dev-seed`; equal texts stay on one side",
        check: || {
            let rows: String = (0..40).map(|i| format!("text {},{}\n", i / 2, ["neg", "pos"][i % 2])).collect();
            let folder = Folder::of(&[("all.csv", &format!("text,label\n{rows}"))]);
            let (task, path) = (own(&["neg", "pos"]), folder.path().join("all.csv"));
            let read = |dev| load_for_training(&task, &path, Labels::Required, dev);
            let message = read(None).unwrap_err().to_string();
            assert!(message.contains("would be the same") && message.contains("--dev-share"), "{message}");
            let share = |share, seed| Some(DevShare { share, seed });
            let (train, dev) = read(share(0.2, 1)).unwrap();
            assert_eq!((train.examples.len(), dev.examples.len(), dev.split), (32, 8, Split::Dev));
            assert!(dev.examples.iter().all(|example| train.examples.iter().all(|other| other.first != example.first)));
            assert_eq!(read(share(0.2, 1)).unwrap().1, dev);
            assert_ne!(read(share(0.2, 2)).unwrap().1.examples, dev.examples);
            for bad in [0.0, 1.0, f64::NAN, 0.001] {
                assert!(read(share(bad, 1)).is_err(), "{bad}");
            }
            let both = Folder::of(&[("train.csv", CSV), ("dev.csv", CSV)]);
            let message =
                load_for_training(&task, &both.path(), Labels::Required, share(0.5, 1)).unwrap_err().to_string();
            assert!(message.contains("there is a dev split"), "{message}");
        },
    },
    Case {
        input: "dev or test rows whose texts are in train",
        outcome: "counted and said by `data check`",
        check: || {
            let folder = Folder::of(&[
                ("train.csv", CSV),
                ("dev.csv", "text,label\na good film,neg\nnew,pos\na good film,pos\n"),
            ]);
            let reports = check(&folder.own(), &folder.path()).unwrap();
            assert_eq!(reports.iter().map(|report| report.in_train).collect::<Vec<_>>(), [None, Some(2)]);
        },
    },
];

const CSV: &str = "text,label\na good film,pos\na bad film,neg\nwe love it,pos\nwe hate it,neg\n";
const LINES: &str = r#"{"text": "a good film", "label": "pos"}
{"text": "a bad film", "label": "neg"}
{"text": "we love it", "label": "pos"}
{"text": "we hate it", "label": "neg"}
"#;
const ARRAY: &str = r#"[
  {"text": "a good film", "label": "pos"}, {"text": "a bad film", "label": "neg"},
  {"text": "we love it", "label": "pos"},
  {
    "text": "we hate it",
    "label": "neg"
  }
]"#;

/// A folder of data, and the columns of a task on it.
struct Folder {
    folder: tempfile::TempDir,
    columns: [&'static str; 2],
}

impl Folder {
    /// One with these files. It lives as long as the program: a case is one expression.
    fn of(files: &[(&str, &str)]) -> &'static mut Self {
        let folder = Self { folder: tempfile::tempdir().unwrap(), columns: ["text", "label"] };
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        Box::leak(Box::new(folder))
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn with_fixture(&self, name: &str, file: &str) -> &Self {
        self.write(name, &std::fs::read(fixture(file)).unwrap());
        self
    }

    fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn custom(&self) -> CustomTask {
        let [first, label] = self.columns.map(str::to_owned);
        CustomTask {
            name: "own".into(),
            first,
            second: None,
            label,
            target: CustomTarget::DiscoverClasses,
            metrics: Vec::new(),
        }
    }

    /// The task, with the classes that the data has.
    fn own(&self) -> TaskSpec {
        self.custom().resolve(&self.path()).unwrap()
    }

    fn load(&self) -> Result<Dataset, String> {
        let task = self.custom().resolve(&self.path()).map_err(|error| error.to_string())?;
        load(&task, &self.path(), Split::Train).map_err(|error| error.to_string())
    }

    /// Holds it to be the four examples.
    fn is_read(&self) {
        let found = self.load().unwrap();
        let examples: Vec<(&str, Option<f32>)> =
            found.examples.iter().map(|example| (example.first.as_str(), example.target)).collect();
        let expected = [
            ("a good film", Some(1.0)),
            ("a bad film", Some(0.0)),
            ("we love it", Some(1.0)),
            ("we hate it", Some(0.0)),
        ];
        assert_eq!(examples, expected);
    }

    fn loads(&self) {
        self.load().unwrap();
    }

    /// Holds it to be refused with all of `says`.
    fn refused(&self, says: &[&str]) {
        let message = self.load().unwrap_err();
        for part in says {
            assert!(message.contains(part), "{part}: {message}");
        }
    }

    /// Examples of each class, split by split.
    fn counts(&self) -> Vec<Vec<(&'static str, usize)>> {
        let count = |label: &bitspike_data::LabelCount| (&*label.label.clone().leak(), label.count);
        let reports = check(&self.own(), &self.path()).unwrap();
        for report in &reports {
            assert!(report.is_usable(), "{report:?}");
        }
        reports.iter().map(|report| report.labels.iter().map(count).collect()).collect()
    }
}

trait WithColumns {
    fn task(self, text: &'static str, label: &'static str) -> &'static Folder;
}

impl WithColumns for &Folder {
    fn task(self, text: &'static str, label: &'static str) -> &'static Folder {
        let other = Folder::of(&[]);
        other.columns = [text, label];
        for entry in std::fs::read_dir(self.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), other.path().join(entry.file_name())).unwrap();
        }
        other
    }
}

fn own(classes: &[&str]) -> TaskSpec {
    let classes = classes.iter().map(|&class| class.to_owned()).collect();
    let task = CustomTask {
        name: "own".into(),
        first: "text".into(),
        second: None,
        label: "label".into(),
        target: CustomTarget::Classes(classes),
        metrics: Vec::new(),
    };
    task.resolve(Path::new("")).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../fixtures/foreign/data/{name}.parquet"))
}

/// A model that answers everything alike.
struct Alike(Task);

impl Classifier for Alike {
    fn task(&self) -> &Task {
        &self.0
    }

    fn answer(&self, texts: &[(&str, Option<&str>)]) -> bitspike::Result<Vec<Said>> {
        Ok(texts
            .iter()
            .map(|_| Said { class: Some(1), values: vec![0.25, 0.75], tokens: 3, truncated: false })
            .collect())
    }
}

fn classify(path: &Path, from: Form, to: Form, on_error: OnError) -> (String, bitspike_data::Result<Summary>) {
    let task = Task {
        target: Target::Classification { labels: vec!["neg".into(), "pos".into()] },
        ..own(&["neg", "pos"]).for_model()
    };
    let columns = TextColumns::new(&TaskSpec::of_model(&task).unwrap(), None, None).unwrap();
    let texts = Texts { source: Source::File(path.into()), form: from, columns, decoder: Decoder::any(false, "") };
    let options = AnswerOptions { on_error, ..AnswerOptions::new(to) };
    let mut out = Vec::new();
    let result = classify_stream(&Alike(task), texts, &mut out, &options, &mut |_| {});
    (String::from_utf8(out).unwrap(), result)
}

fn classified(path: &Path, from: Form, to: Form, on_error: OnError) -> (String, Summary) {
    let (out, result) = classify(path, from, to, on_error);
    (out, result.unwrap())
}

fn failed(path: &Path, from: Form, on_error: OnError) -> String {
    classify(path, from, Form::Jsonl, on_error).1.unwrap_err().to_string()
}

fn run(part: usize) {
    for case in PARTS[part].1 {
        println!("{}: {}", case.input, case.outcome);
        (case.check)();
    }
}

#[test]
fn files_and_folders_of_other_programs() {
    run(0);
}

#[test]
fn columns_that_are_not_needed_never_stop_a_file() {
    run(1);
}

#[test]
fn text_forms_are_read_or_refused_with_line_and_separator() {
    run(2);
}

#[test]
fn labels_are_one_thing_however_they_are_written() {
    run(3);
}

#[test]
fn ids_survive_and_missing_texts_are_alike() {
    run(4);
}

#[test]
fn the_page_lists_these_cases() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/data.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let tables: String = PARTS
        .iter()
        .map(|(title, cases)| {
            let rows: String = cases.iter().map(|case| format!("| {} | {} |\n", case.input, case.outcome)).collect();
            format!("\n## {title}\n\n| written | what becomes of it |\n|---|---|\n{rows}")
        })
        .collect();
    let (start, end) = ("<!-- from crates/data/tests/foreign.rs -->\n", "\n<!-- to here -->");
    let (before, rest) = page.split_once(start).expect("the mark where the tables begin");
    let (found, after) = rest.split_once(end).expect("the mark where they end");
    if std::env::var_os("BITSPIKE_WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{start}{tables}{end}{after}")).unwrap();
    } else {
        assert_eq!(
            found, tables,
            "write the page again: BITSPIKE_WRITE_DOCS=1 cargo test -p bitspike-data --test foreign"
        );
    }
}
