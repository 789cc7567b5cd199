use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArrayType, DoubleType, FloatType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::fixture::read;
use crate::{Split, TaskSpec, load};

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

fn write(schema: &str, compression: Compression, groups: &[&dyn Fn(&mut Group<'_>)]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for fill in groups {
        let mut group = writer.next_row_group().unwrap();
        fill(&mut group);
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn column<T: parquet::data_type::DataType>(group: &mut Group<'_>, values: &[T::T], levels: Option<&[i16]>) {
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<T>().write_batch(values, levels, None).unwrap();
    column.close().unwrap();
}

fn texts(group: &mut Group<'_>, values: &[&str]) {
    let values: Vec<_> = values.iter().map(|&text| text.into()).collect();
    column::<ByteArrayType>(group, &values, Some(&vec![1; values.len()]));
}

/// As the hub writes it: optional text, optional 64-bit class index, optional 32-bit number.
const HUB: &str = "message schema {
    optional binary sentence1 (UTF8); optional binary sentence2 (UTF8); optional int64 label; optional int32 idx;
}";

fn hub(compression: Compression, labels: &[i64]) -> Vec<u8> {
    let group = |labels: &[i64], group: &mut Group<'_>| {
        let mine: Vec<String> = labels.iter().map(|label| format!("a \u{e9} {label}")).collect();
        texts(group, &mine.iter().map(String::as_str).collect::<Vec<_>>());
        texts(group, &vec!["b"; labels.len()]);
        column::<Int64Type>(group, labels, Some(&vec![1; labels.len()]));
        let ids: Vec<i32> = (0..labels.len() as i32).map(|i| 100 + i).collect();
        column::<parquet::data_type::Int32Type>(group, &ids, Some(&vec![1; labels.len()]));
    };
    let (one, two) = labels.split_at(labels.len() / 2);
    write(HUB, compression, &[&|g| group(one, g), &|g| group(two, g)])
}

#[test]
fn the_hubs_layout_is_read_over_row_groups_and_batches() {
    let labels: Vec<i64> = (0..5000).map(|i| i % 2).collect();
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::BROTLI(Default::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        #[cfg(feature = "zstd")]
        Compression::ZSTD(Default::default()),
    ];
    for codec in codecs {
        let found = read("rte", "train-00000-of-00001.parquet", &hub(codec, &labels)).unwrap();
        assert_eq!(found.examples.len(), 5000);
        for (i, example) in found.examples.iter().enumerate() {
            assert_eq!(example.target, Some((i % 2) as f32));
            assert_eq!(
                (example.first.as_str(), example.second.as_deref()),
                (["a \u{e9} 0", "a \u{e9} 1"][i % 2], Some("b"))
            );
            assert_eq!(example.id, (100 + i % 2500).to_string());
        }
    }
    let found = read("rte", "test-00000-of-00001.parquet", &hub(Compression::SNAPPY, &[-1, -1])).unwrap();
    assert!(found.examples.iter().all(|example| example.target.is_none()));
    let message = read("rte", "validation-00000-of-00001.parquet", &hub(Compression::SNAPPY, &[0, -1])).unwrap_err();
    assert!(message.contains("line 2: column `label`") && message.contains("found -1"), "{message}");
}

#[test]
fn nulls_floats_and_required_columns() {
    let schema = "message m { required binary sentence1; required double other; optional binary sentence2 (UTF8); required float label; }";
    let bytes = write(
        schema,
        Compression::SNAPPY,
        &[&|group| {
            column::<ByteArrayType>(group, &["x".into(), "y".into()], None);
            column::<DoubleType>(group, &[f64::NAN, 1.0], None);
            column::<ByteArrayType>(group, &["z".into()], Some(&[1, 0]));
            column::<FloatType>(group, &[2.5, 5.0], None);
        }],
    );
    let message = read("stsb", "train.parquet", &bytes).unwrap_err();
    assert!(message.contains("line 2: column `sentence2`: expected text, found nothing"), "{message}");
}

#[test]
fn unreadable_columns_are_named() {
    let schema = "message m { optional group sentence (LIST) { repeated group list { optional binary element (UTF8); } } required int64 label; }";
    let message = read("sst2", "train.parquet", &write(schema, Compression::SNAPPY, &[])).unwrap_err();
    assert!(message.contains("column `sentence` holds lists; expected text"), "{message}");
    let schema = "message m { repeated binary sentence (UTF8); required int64 label; }";
    let message = read("sst2", "train.parquet", &write(schema, Compression::SNAPPY, &[])).unwrap_err();
    assert!(message.contains("column `sentence` holds lists"), "{message}");
    let schema = "message m { required binary sentence (UTF8); required int64 label (TIMESTAMP_MILLIS); }";
    let message = read("sst2", "train.parquet", &write(schema, Compression::SNAPPY, &[])).unwrap_err();
    // Times are text as a label is.
    assert!(message.contains("no examples"), "{message}");
    let schema = "message m { required int32 sentence (DATE); required int64 label; }";
    let message = read("sst2", "train.parquet", &write(schema, Compression::SNAPPY, &[])).unwrap_err();
    assert!(message.contains("column `sentence` holds INT32 (DATE)"), "{message}");
    let schema = "message m { required binary sentence (UTF8); optional group label { optional int64 x; } }";
    let message = read("sst2", "train.parquet", &write(schema, Compression::SNAPPY, &[])).unwrap_err();
    assert!(message.contains("column `label` holds groups"), "{message}");
    let schema = "message m { required binary sentence (UTF8); required int64 label; }";
    let message = read("sst2", "train.parquet", &write(schema, Compression::SNAPPY, &[])).unwrap_err();
    assert!(message.contains("no examples"), "{message}");
}

#[test]
fn a_compression_that_cannot_be_read_matters_only_in_columns_that_are_used() {
    // A column's codec in the footer: its path, then field 4 as a zigzag varint, 1 = Snappy, 3 = LZO.
    let lzo = |column: &str| {
        let mut bytes = hub(Compression::SNAPPY, &[0, 1]);
        let mut snappy = vec![column.len() as u8];
        snappy.extend(column.bytes().chain(*b"\x15\x02"));
        let mut found = 0;
        for at in 0..bytes.len() - snappy.len() {
            if bytes[at..].starts_with(&snappy) {
                bytes[at + snappy.len() - 1] = 0x06;
                found += 1;
            }
        }
        assert_eq!(found, 2, "a codec for each row group");
        bytes
    };
    let message = read("rte", "train.parquet", &lzo("label")).unwrap_err();
    assert!(message.contains("column `label` cannot be read: it is compressed with LZO"), "{message}");
    let found = read("rte", "train.parquet", &lzo("idx")).unwrap();
    assert_eq!(found.examples[1].id, "1");
    assert!(found.notes[0].contains("column `idx`: it is compressed with LZO"), "{:?}", found.notes);
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let schema = "message m { required binary sentence; required int64 label; }";
    let bytes = write(
        schema,
        Compression::UNCOMPRESSED,
        &[&|group| {
            column::<ByteArrayType>(group, &[vec![b'a'].into(), vec![0xE9].into()], None);
            column::<Int64Type>(group, &[0, 1], None);
        }],
    );
    let message = read("sst2", "train.parquet", &bytes).unwrap_err();
    assert!(message.contains("not UTF-8"), "{message}");
}

#[test]
fn a_damaged_file_is_an_error_or_other_values_but_never_a_panic() {
    let labels = [0, 1, 1, 0, 1, 0, 0, 1];
    // One file, written over: a folder for each of the thousand variants would be most of this test's time.
    let folder = tempfile::tempdir().unwrap();
    let (path, task) = (folder.path().join("train.parquet"), TaskSpec::glue("rte").unwrap());
    let read_again = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        load(&task, &path, Split::Train).map_err(|e| e.to_string())
    };
    // One damaged bit where bytes are stored as they are, all bits where they are compressed: lengths, levels, offsets, types.
    for (codec, bits) in [(Compression::UNCOMPRESSED, 0x01), (Compression::SNAPPY, 0xFF)] {
        let whole = hub(codec, &labels);
        assert_eq!(read_again(&whole).unwrap().examples.len(), labels.len());
        for length in (0..whole.len()).step_by(5) {
            let message = read_again(&whole[..length]).unwrap_err();
            assert!(message.contains("train.parquet"), "{message}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= bits;
            if let Ok(found) = read_again(&damaged) {
                assert!(found.examples.len() <= labels.len(), "byte {at}");
            }
        }
    }
    let message = read("rte", "train.parquet", b"version https://git-lfs\nsize 12\n").unwrap_err();
    assert!(message.contains("not a readable Parquet file"), "{message}");
}
