//! Files of every form, read for a task.

use super::*;
use crate::fixture::{firsts, read};
use crate::labels::Labels;
use crate::split::Split;
use crate::task::TaskSpec;

#[test]
fn an_unknown_extension_lists_the_known_ones() {
    let wanted = TaskColumns::new(&TaskSpec::glue("rte").unwrap(), Labels::of(Split::Train));
    let message = open(Path::new("train.xlsx"), &wanted).err().unwrap().to_string();
    assert!(message.contains("train.xlsx") && message.contains(".parquet"), "{message}");
}

mod tsv {
    use super::*;

    #[test]
    fn quotes_hold_nothing_together() {
        let rows = b"label\tsentence\n1\t\"Never\" , he said .\n0\t\"open\n1\t5\" of snow\"\n";
        let found = read("sst2", "train.tsv", rows).unwrap();
        assert_eq!(firsts(&found), ["\"Never\" , he said .", "\"open", "5\" of snow\""]);
    }

    #[test]
    fn empty_lines_are_ignored_and_lines_counted() {
        let found = read("sst2", "train.tsv", b"\n\xEF\xBB\xBFsentence\tlabel\n").unwrap_err();
        // A mark in the middle of a file is a character, and so part of the column's name.
        assert!(found.contains("line 2: no column `sentence`"), "{found}");
        let rows = b"\xEF\xBB\xBFsentence\tlabel\r\n\r\none\t0\r\n\n\ntwo\t1\r\n\r\n\n";
        assert_eq!(firsts(&read("sst2", "train.tsv", rows).unwrap()), ["one", "two"]);
        let message = read("sst2", "train.tsv", b"sentence\tlabel\n\none\t0\n\ntwo\n").unwrap_err();
        assert!(message.contains("line 5: expected 2 columns, found 1"), "{message}");
    }

    #[test]
    fn too_many_columns_are_refused_too() {
        let message = read("sst2", "train.tsv", b"sentence\tlabel\none\t0\t\n").unwrap_err();
        assert!(message.contains("line 2: expected 2 columns, found 3"), "{message}");
    }

    #[test]
    fn empty_files_and_bare_headers_are_told_apart() {
        for nothing in [b"".as_slice(), b"\n", b"\xEF\xBB\xBF", b"\r\n\r\n"] {
            let message = read("rte", "train.tsv", nothing).unwrap_err();
            assert!(
                message.contains(
                    "line 1: the file is empty; expected a header line with `sentence1`, `sentence2`, `label`"
                ),
                "{message}"
            );
        }
        let message = read("rte", "train.tsv", b"index\tsentence1\tsentence2\tlabel\n").unwrap_err();
        assert!(message.contains("no examples; expected a record a line below the header"), "{message}");
    }
}

mod csv {
    use super::*;

    #[test]
    fn quoted_fields_hold_commas_breaks_and_quotes() {
        let rows = "\u{feff}idx,sentence,label\r\n7,\"one, \"\"two\"\"\r\nthree\",1\r\n8,plain \"inner\" quote,0\r\n9,\"\",1\r\n";
        let found = read("sst2", "train.csv", rows.as_bytes()).unwrap();
        assert_eq!(firsts(&found), ["one, \"two\"\r\nthree", "plain \"inner\" quote", ""]);
        assert_eq!(found.examples.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["7", "8", "9"]);
    }

    #[test]
    fn an_unclosed_quote_is_found_where_it_opens() {
        for end in ["", "\n", "\r\n"] {
            let rows = format!("label,sentence\n1,one\n0,\"two\n1,three{end}");
            let message = read("sst2", "train.csv", rows.as_bytes()).unwrap_err();
            assert!(message.contains("line 3: a field that begins with a double quote is never closed"), "{message}");
        }
    }

    #[test]
    fn lines_are_counted_through_quoted_breaks_and_both_endings() {
        for end in ["\n", "\r\n", "\r"] {
            let rows = ["sentence,label", "\"a", "b\",1", "", "c,1", "d,2", ""].join(end);
            let message = read("sst2", "train.csv", rows.as_bytes()).unwrap_err();
            assert!(message.contains("line 6: column `label`") && message.contains("found `2`"), "{message}");
        }
    }

    #[test]
    fn bad_records_are_refused() {
        let message = |rows: &[u8]| read("sst2", "train.csv", rows).unwrap_err();
        assert!(message(b"sentence,label\none, two,1\n").contains("line 2: expected 2 columns, found 3; put a field"));
        assert!(message(b"sentence,label\none\n").contains("line 2: expected 2 columns, found 1"));
        assert!(message(b"sentence,label\na,1\n\xE9,0\n").contains("line 3: invalid UTF-8 at byte 1 (0xE9)"));
        assert!(message(b"sentence,label\na\0,1\n").contains("line 2: NUL"));
        assert!(
            message(b"sentence;label\na;1\n")
                .contains("line 1: the columns of the header are separated by semicolons (`;`)")
        );
        assert!(message(b"").contains("the file is empty"));
        assert!(message(b"sentence,label\n").contains("no examples"));
    }
}

mod jsonl {
    use super::*;

    #[test]
    fn objects_give_columns_in_any_order() {
        let rows = "\u{feff}{\"label\": 1, \"sentence\": \"caf\\u00e9 \\\"x\\\"\\tz\", \"extra\": [1]}\r\n\n{\"sentence\":\"\",\"label\":\"negative\",\"id\":\"k\"}";
        let found = read("sst2", "train.jsonl", rows.as_bytes()).unwrap();
        assert_eq!(firsts(&found), ["caf\u{e9} \"x\"\tz", ""]);
        let rest: Vec<_> = found.examples.iter().map(|e| (e.id.as_str(), e.target)).collect();
        assert_eq!(rest, [("0", Some(1.0)), ("k", Some(0.0))]);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let message = |row: &str| {
            read("sst2", "train.jsonl", format!("{{\"sentence\":\"a\",\"label\":0}}\n{row}\n").as_bytes()).unwrap_err()
        };
        assert!(message("[1, 2]").contains("line 2: expected one JSON object a line"));
        assert!(message("{\"sentence\":\"a\",\"label\":0").contains("line 2: expected one JSON object"));
        assert!(message("{\"sentence\":\"a\"}").contains("line 2: no column `label`; found `sentence`"));
        assert!(message("{\"sentence\":3,\"label\":0}").contains("expected text, found the number 3"));
        assert!(message("{\"sentence\":null,\"label\":0}").contains("expected text, found nothing"));
        assert!(message("{\"sentence\":[\"a\"],\"label\":0}").contains("holds a list or an object"));
        assert!(message("{\"sentence\":\"a\",\"label\":null}").contains("found nothing"));
        assert!(message(&"[".repeat(100_000)).contains("line 2: expected one JSON object"));
    }
}
