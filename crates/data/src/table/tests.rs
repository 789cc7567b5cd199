use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::error::Result;

fn source(bytes: &[u8]) -> Source {
    Source::Reader(Box::new(std::io::Cursor::new(bytes.to_vec())))
}

fn any() -> ReadOptions {
    ReadOptions::any(Decoder::any(false, "convert it"))
}

fn rows(bytes: &[u8], form: Form) -> Result<Vec<Row>> {
    Table::open(source(bytes), form, &any())?.collect()
}

/// Line that the first record at byte `start` or after it begins on.
fn line_at(text: &str, start: usize) -> usize {
    let start = start + text[start..].len() - text[start..].trim_start_matches(['\r', '\n']).len();
    1 + text[..start].replace("\r\n", "\n").matches(['\r', '\n']).count()
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { rng_seed: RngSeed::Fixed(14), failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// Whether a field was refused that is none of RFC 4180.
fn departs(error: &crate::Error) -> bool {
    error.to_string().contains("text behind its closing quote")
}

proptest! {
    #![proptest_config(config(3000))]

    /// The crate `csv` reads the same records, an unclosed quote as a field that runs to the end, and text behind a closing quote as
    /// part of the field.
    #[test]
    fn csv_is_read_as_another_parser_reads_it(text in "[a,\"\r\n]{0,24}") {
        let mut oracle = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let expected: Vec<(usize, Vec<String>)> = oracle.records().map(Result::unwrap).map(|record| {
            let start = record.position().unwrap().byte() as usize;
            (line_at(&text, start), record.iter().map(str::to_owned).collect())
        }).collect();
        let table = match Table::open(source(text.as_bytes()), Form::Csv, &any()) {
            Ok(table) => table,
            Err(error) => {
                prop_assert!(departs(&error) || expected.len() == 1 && error.to_string().contains("is never closed"), "{}", error);
                return Ok(());
            }
        };
        let header: Vec<String> = table.columns().cloned().unwrap_or_default().iter().map(|column| column.name.clone()).collect();
        prop_assert_eq!(&header, &expected.first().map(|(_, fields)| fields.clone()).unwrap_or_default());
        let mut found: Vec<Result<Row>> = table.collect();
        // The rest is not read then.
        if found.last().is_some_and(|last| last.as_ref().is_err_and(departs)) {
            found.pop();
            prop_assert!(found.len() < expected.len());
        } else {
            prop_assert_eq!(found.len(), expected.len().saturating_sub(1));
        }
        for (i, (found, (line, fields))) in found.iter().zip(expected.iter().skip(1)).enumerate() {
            match found {
                Ok(row) => {
                    let cells: Vec<_> = row.cells.iter().map(Cell::text).collect();
                    prop_assert_eq!((row.line, cells.len()), (*line, header.len()));
                    prop_assert_eq!(&cells, fields);
                }
                Err(error) => {
                    let error = error.to_string();
                    let last = i + 2 == expected.len() && error.contains("is never closed");
                    let width = format!("line {line}: expected {} columns, found {};", header.len(), fields.len());
                    prop_assert!(last || error.contains(&width), "{} for {}", error, width);
                }
            }
        }
    }
}

/// Cells that a form might trip over.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[\"',\t\r\n\\\\ a{}\\[\\]=-]{0,8}",
        "\\PC{0,12}",
        "[\u{0}-\u{20}\u{feff}\u{85}\u{2028}\u{1f600}]{0,6}"
    ]
}

fn write(form: Form, columns: &[Column], table: &[Vec<Cell>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = TableWriter::create(&mut out, form, columns.to_vec()).unwrap();
    table.iter().for_each(|row| writer.write(row.clone()).unwrap());
    writer.finish().unwrap();
    out
}

/// What is read back of `bytes`; Parquet from a file.
fn read(form: Form, bytes: &[u8], options: &ReadOptions) -> Result<Vec<Row>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    Table::open(Source::File(file.path().to_owned()), form, options)?.collect()
}

fn forms() -> impl Iterator<Item = Form> {
    let written = |form: &Form| *form != Form::Text && (*form != Form::Parquet || cfg!(feature = "parquet"));
    Form::ALL.iter().copied().filter(written)
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn what_is_written_is_read_back(
        texts in proptest::collection::vec(proptest::array::uniform3(hostile()), 0..6),
        names in proptest::array::uniform2(hostile()),
    ) {
        // The first name is plain: the beginning of a file may not look like a byte order mark.
        let names = ["first".to_owned(), format!("1{}", names[0]), format!("2{}", names[1])];
        let columns: Vec<Column> = names.iter().map(Column::text).collect();
        let table: Vec<Vec<Cell>> = texts.iter().map(|row| row.iter().map(|text| text.as_str().into()).collect()).collect();
        for form in forms() {
            // TSV has no way to hold these three.
            let kept = |text: &str| match form {
                Form::Tsv => text.replace(['\t', '\r', '\n'], " "),
                _ => text.to_owned(),
            };
            let found = read(form, &write(form, &columns, &table), &any()).unwrap();
            prop_assert_eq!(found.len(), texts.len(), "{}", form);
            for (row, texts) in found.iter().zip(&texts) {
                for ((cell, column), (text, name)) in row.cells.iter().zip(row.columns.iter()).zip(texts.iter().zip(&names)) {
                    prop_assert_eq!(cell, &Cell::Text(kept(text)), "{}", form);
                    prop_assert_eq!(&column.name, &kept(name), "{}", form);
                }
            }
        }
    }

    /// Who learns from a cell and who classifies it see the same text.
    #[test]
    fn training_and_classifying_read_the_same_text(texts in proptest::collection::vec(hostile(), 1..6)) {
        let texts: Vec<String> = texts.iter().map(|text| text.replace('\0', "")).collect();
        let columns = [Column::text("label"), Column::text("sentence")];
        let table: Vec<Vec<Cell>> = texts.iter().map(|text| vec!["1".into(), text.as_str().into()]).collect();
        let folder = tempfile::tempdir().unwrap();
        let task = crate::TaskSpec::glue("sst2").unwrap();
        for form in forms() {
            let bytes = write(form, &columns, &table);
            let path = folder.path().join(format!("train.{form}"));
            std::fs::write(&path, &bytes).unwrap();
            let learnt = crate::load(&task, &path, crate::Split::Train).unwrap();
            let classified = read(form, &bytes, &any()).unwrap();
            let learnt: Vec<_> = learnt.examples.iter().map(|example| example.first.as_str()).collect();
            let classified: Vec<_> = classified.iter().map(|row| row.cells[1].text()).collect();
            prop_assert_eq!(learnt, classified, "{}", form);
        }
    }
}

#[test]
fn numbers_keep_their_type_and_their_digits() {
    let kinds = [Kind::Boolean, Kind::Integer, Kind::Single, Kind::Double, Kind::Text];
    let columns: Vec<Column> =
        kinds.into_iter().enumerate().map(|(i, kind)| Column::new(i.to_string(), kind)).collect();
    let full = [Cell::Boolean(true), Cell::Integer(i64::MIN), Cell::Single(0.1), Cell::Number(-0.1), "x".into()];
    let table = [
        full.to_vec(),
        vec![Cell::Missing; 5],
        vec![Cell::Boolean(false), Cell::Integer(7), Cell::Single(1e-6), Cell::Number(1e300), "".into()],
    ];
    assert_eq!(write(Form::Csv, &columns, &table[..2]), b"0,1,2,3,4\ntrue,-9223372036854775808,0.1,-0.1,x\n\"\",,,,\n");
    assert_eq!(
        write(Form::Jsonl, &columns, &table[..2]),
        b"{\"0\":true,\"1\":-9223372036854775808,\"2\":0.1,\"3\":-0.1,\"4\":\"x\"}\n\
          {\"0\":null,\"1\":null,\"2\":null,\"3\":null,\"4\":null}\n"
    );
    if cfg!(feature = "parquet") {
        let found = read(Form::Parquet, &write(Form::Parquet, &columns, &table), &any()).unwrap();
        assert_eq!(found.iter().map(|row| row.cells.clone()).collect::<Vec<_>>(), table);
        assert_eq!(found[0].columns.iter().map(|column| column.kind).collect::<Vec<_>>(), kinds);
        assert_eq!((found[2].line, found[2].position), (3, 3));
    }
}

#[test]
fn columns_that_are_not_wanted_are_left_out() {
    let columns: Vec<Column> = ["a", "b", "c"].map(Column::text).to_vec();
    for form in forms().filter(|form| *form != Form::Jsonl) {
        let bytes = write(form, &columns, &[vec!["1".into(), "2".into(), "3".into()]]);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let mut rows = Table::open(Source::File(file.path().to_owned()), form, &any()).unwrap();
        rows.select(&[2, 0]);
        assert_eq!(
            rows.columns().unwrap().iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
            ["c", "a"],
            "{form}"
        );
        assert_eq!(rows.next().unwrap().unwrap().cells, ["3".into(), "1".into()], "{form}");
        assert!(rows.next().is_none());
    }
}

#[test]
fn strict_and_lenient_readers_differ_in_what_they_take() {
    let strict = |bytes: &[u8], form| -> Result<Vec<Row>> {
        Table::open(source(bytes), form, &ReadOptions::strict())?.collect()
    };
    let nul = b"a\tb\nx\0\ty\n";
    assert!(strict(nul, Form::Tsv).unwrap_err().to_string().contains("the input, line 2: NUL at byte 2"));
    assert_eq!(rows(nul, Form::Tsv).unwrap()[0].cells[0].text(), "x\0");
    let decoder = Decoder::any(true, "");
    let lossy = ReadOptions::any(decoder.clone());
    let table = Table::open(source(b"a,b\n\xFF,\xFE\n"), Form::Csv, &lossy).unwrap();
    assert_eq!({ table }.next().unwrap().unwrap().cells[1].text(), "\u{fffd}");
    assert_eq!(decoder.replaced(), 2);
    // Fewer columns than the header: refused, or let pass without cells.
    assert!(rows(b"a\tb\nx\n", Form::Tsv).unwrap_err().to_string().contains("expected 2 columns, found 1"));
    let short = ReadOptions { short_rows: true, ..any() };
    let found = Table::open(source(b"a\tb\nx\n"), Form::Tsv, &short).unwrap().next().unwrap().unwrap();
    assert_eq!((found.line, found.cells.len(), found.columns.len()), (2, 0, 2));
}

#[test]
fn what_is_no_table_is_refused() {
    let text = TableWriter::create(Vec::new(), Form::Text, Vec::new()).err().unwrap().to_string();
    assert!(text.contains("csv, tsv, jsonl or parquet, found text"), "{text}");
    assert!(rows(b"", Form::Parquet).is_err());
    assert!(
        "xml".parse::<Form>().unwrap_err().to_string().contains("one of text, csv, tsv, jsonl, parquet, found xml")
    );
    let wide = vec![b','; 70_000];
    assert!(rows(&wide, Form::Csv).unwrap_err().to_string().contains("line 1: more than 65536 columns"));
    assert!(rows(&[b'\t'; 70_000], Form::Tsv).unwrap_err().to_string().contains("line 1: more than 65536 columns"));
    if cfg!(not(feature = "parquet")) {
        let message = rows(b"", Form::Parquet).unwrap_err().to_string();
        assert!(message.contains("its feature `parquet` is off"), "{message}");
    }
}

/// A pipe that gives a byte at a time, and whose end blocks.
struct Drip(&'static [u8]);

impl std::io::Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let (first, rest) = self.0.split_first().expect("nothing more is asked for");
        buffer[0] = *first;
        self.0 = rest;
        Ok(1)
    }
}

#[test]
fn a_record_is_given_before_the_next_byte_comes() {
    for (form, bytes, expected) in [
        (Form::Text, &b"\xEF\xBB\xBFone\r\ntwo\n"[..], ["one", "two"]),
        (Form::Tsv, b"x\none\r\ntwo\n", ["one", "two"]),
        (Form::Csv, b"x\r\none\r\n\n\"two\"\n", ["one", "two"]),
        (Form::Csv, b"x\rone\r\"t\"\"wo\"\r", ["one", "t\"wo"]),
        (Form::Jsonl, b"{\"x\":\"one\"}\n{\"x\":\"two\"}\n", ["one", "two"]),
    ] {
        let rows = Table::open(Source::Reader(Box::new(Drip(bytes))), form, &any()).unwrap();
        let found: Vec<String> = rows.take(2).map(|row| row.unwrap().cells[0].text().into_owned()).collect();
        assert_eq!(found, expected, "{form}");
    }
}
