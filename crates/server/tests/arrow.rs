//! Streams of Arrow record batches: a row in, a row out, and nothing taken for whole that is not.

#![cfg(feature = "arrow")]

mod client;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int8Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int32Array, LargeStringArray, RecordBatch, StringArray, StringViewArray,
};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use bitspike::Options;

use client::{Answer, Running, settings, shipped};

const KIND: &str = "application/vnd.apache.arrow.stream";
const TEXTS: [&str; 5] = ["a gripping, funny film", "dull", "", "Überraschung !", "a plot with charm and nonsense"];

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn written(batches: &[RecordBatch], options: IpcWriteOptions) -> Vec<u8> {
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn bytes(batches: &[RecordBatch]) -> Vec<u8> {
    written(batches, IpcWriteOptions::default())
}

fn ask(running: &Running, query: &str, body: &[u8]) -> Answer {
    running.connect().ask("POST", &format!("/v1/classify{query}"), &[("content-type", KIND)], body)
}

fn rows(answer: &Answer) -> Vec<RecordBatch> {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some(KIND)),
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    StreamReader::try_new(&answer.body[..], None).unwrap().map(Result::unwrap).collect()
}

/// Labels and probabilities of all rows, null where there is an error.
fn told(batches: &[RecordBatch]) -> Vec<Option<(String, u32, u32)>> {
    let of = |batch: &RecordBatch| -> Vec<_> {
        let column = |name: &str| batch.column_by_name(name).unwrap().clone();
        let (label, error) = (column("label"), column("error"));
        let (negative, positive) = (column("probability_negative"), column("probability_positive"));
        let bits = |column: &ArrayRef, i: usize| column.as_primitive::<Float32Type>().value(i).to_bits();
        let row = |i: usize| {
            assert_eq!(label.is_null(i), error.is_valid(i), "either an answer or a reason");
            label.is_valid(i).then(|| {
                assert!(column("tokens").as_primitive::<UInt32Type>().value(i) > 1);
                (label.as_string::<i32>().value(i).to_owned(), bits(&negative, i), bits(&positive, i))
            })
        };
        (0..batch.num_rows()).map(row).collect()
    };
    batches.iter().flat_map(of).collect()
}

fn expected(texts: impl IntoIterator<Item = Option<&'static str>>) -> Vec<Option<(String, u32, u32)>> {
    let model = bitspike_hub::Subject::builtin().model(&Options::new()).unwrap();
    let one = |text: &str| {
        let answer = &model.classify([text]).unwrap()[0];
        let probabilities = answer.probabilities();
        (answer.label().unwrap().to_owned(), probabilities[0].to_bits(), probabilities[1].to_bits())
    };
    texts.into_iter().map(|text| text.map(one)).collect()
}

#[test]
fn rows_of_every_kind_of_text_have_the_answers_of_the_model_in_their_order() {
    let running = Running::builtin();
    let kinds: [ArrayRef; 4] = [
        Arc::new(StringArray::from_iter_values(TEXTS)),
        Arc::new(LargeStringArray::from_iter_values(TEXTS)),
        Arc::new(StringViewArray::from_iter_values(TEXTS)),
        Arc::new(TEXTS.into_iter().collect::<DictionaryArray<Int8Type>>()),
    ];
    for column in kinds {
        let numbers: ArrayRef = Arc::new(Int32Array::from_iter_values(0..5));
        // The only column of text, whatever its name; of a part of a table too.
        let one = batch(vec![("number", numbers), ("anything", column)]);
        let body = bytes(&[one.clone(), one.slice(1, 3)]);
        let all = TEXTS.into_iter().chain(TEXTS[1..4].iter().copied()).map(Some);
        assert_eq!(told(&rows(&ask(&running, "", &body))), expected(all));
    }
}

#[test]
fn many_rows_are_as_many_answers_and_none_are_none() {
    let running = Running::builtin();
    let texts = (0..1000).map(|i| TEXTS[i * 7 % 5]);
    let table = batch(vec![("text", Arc::new(StringArray::from_iter_values(texts.clone())))]);
    assert_eq!(told(&rows(&ask(&running, "", &bytes(std::slice::from_ref(&table))))), expected(texts.map(Some)));
    assert_eq!(told(&rows(&ask(&running, "", &bytes(&[table.slice(0, 0)])))), []);
}

#[test]
fn a_row_without_a_text_or_with_too_long_a_one_has_a_reason_and_the_others_their_answers() {
    let running = Running::start(client_settings(20, 1 << 20), vec![bitspike_hub::Subject::builtin()]);
    let column: ArrayRef =
        Arc::new(StringArray::from(vec![Some("dull"), None, Some("longer than twenty bytes"), Some("")]));
    let found = rows(&ask(&running, "", &bytes(&[batch(vec![("text", column)])])));
    assert_eq!(told(&found), expected([Some("dull"), None, None, Some("")]));
    let errors = found[0].column_by_name("error").unwrap().as_string::<i32>().clone();
    assert_eq!(errors.value(1), "text: expected a text, found null");
    assert!(errors.value(2).contains("--max-text-bytes"), "{}", errors.value(2));
    // A dictionary's null, by its key and by its value.
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("dull"), None]));
    let keys = arrow_array::Int8Array::from(vec![Some(0), Some(1), None]);
    let column: ArrayRef = Arc::new(DictionaryArray::try_new(keys, values).unwrap());
    assert_eq!(
        told(&rows(&ask(&running, "", &bytes(&[batch(vec![("text", column)])])))),
        expected([Some("dull"), None, None])
    );
}

fn client_settings(max_text_bytes: usize, max_body_bytes: usize) -> bitspike_server::Settings {
    bitspike_server::Settings { max_text_bytes, max_body_bytes, ..settings() }
}

#[test]
fn pairs_have_two_columns_and_scores_one() {
    let running = Running::start(settings(), vec![shipped("stsb-ternary")]);
    let column = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text; 3])) };
    let table = batch(vec![("a", column("a man plays")), ("b", column("someone is playing"))]);
    let found = rows(&ask(&running, "?text=a&text_pair=b", &bytes(std::slice::from_ref(&table))));
    let model = shipped("stsb-ternary").model(&Options::new()).unwrap();
    let expected = model.classify([("a man plays", "someone is playing")]).unwrap()[0].score().unwrap();
    let scores = found[0].column_by_name("score").unwrap().as_primitive::<Float32Type>().clone();
    assert_eq!(scores.values().to_vec(), [expected; 3]);
    let refused = ask(&running, "", &bytes(&[table]));
    assert_eq!((refused.status, refused.json()["error"]["field"].as_str()), (422, Some("text")), "{}", refused.text());
}

#[test]
fn what_is_no_stream_or_has_no_text_is_refused_with_the_column_and_its_type() {
    let running = Running::builtin();
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let cases = [
        ("", bytes(&[batch(vec![("n", numbers.clone())])]), 422, "`n` (Int32)"),
        ("?text=n", bytes(&[batch(vec![("n", numbers), ("t", text.clone())])]), 422, "expected text in column `n`"),
        ("?text=x", bytes(&[batch(vec![("t", text.clone())])]), 422, "a column `x`"),
        ("?text_pair=t", bytes(&[batch(vec![("t", text.clone())])]), 422, "the model takes one text"),
        ("?logits=true", bytes(&[batch(vec![("t", text.clone())])]), 422, "has none"),
        ("?columns=t", bytes(&[batch(vec![("t", text.clone())])]), 422, "`text=COLUMN`"),
        ("", b"PAR1 is another format".to_vec(), 400, "streaming format"),
        ("", Vec::new(), 400, "found nothing"),
        ("", bytes(&[batch(vec![("t", text)])])[..40].to_vec(), 400, "within a message"),
        ("", [&[0xff; 4][..], &u32::MAX.to_le_bytes(), b"...."].concat(), 413, "--max-body-bytes"),
    ];
    for (query, body, status, message) in cases {
        let answer = ask(&running, query, &body);
        let said = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert_eq!(answer.status, status, "{query}: {said}");
        assert!(said.contains(message), "{query}: {said}");
    }
}

#[test]
fn a_stream_that_breaks_off_gives_one_that_breaks_off_after_the_rows_before() {
    let running = Running::builtin();
    let table = batch(vec![("text", Arc::new(StringArray::from_iter_values(TEXTS)) as ArrayRef)]);
    let whole = bytes(&[table.clone(), table.clone()]);
    let compressed = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    let cases = [
        ("a half message", whole[..whole.len() - 40].to_vec()),
        ("bytes behind the end", [&whole[..], b"more"].concat()),
        ("two schemas", [&whole[..whole.len() - 8], &whole[..]].concat()),
        ("a batch that is not what it says", {
            let mut other = whole.clone();
            let at = whole.len() - 8 - 100;
            other[at..at + 100].fill(0xa5);
            other
        }),
    ];
    for (what, body) in cases {
        let answer = ask(&running, "", &body);
        assert_eq!(answer.status, 200, "{what}");
        // The mark of the end is missing, and the connection was closed within the answer.
        assert!(!answer.body.ends_with(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), "{what}");
        let mut reader = StreamReader::try_new(&answer.body[..], None).unwrap();
        let rows = reader.next().unwrap_or_else(|| panic!("{what}: no rows")).unwrap().num_rows();
        assert_eq!(rows, TEXTS.len(), "{what}");
    }
    // A batch that would grow is not read at all.
    let answer = ask(&running, "", &written(&[table], compressed));
    assert!(StreamReader::try_new(&answer.body[..], None).unwrap().next().is_none_or(|batch| batch.is_err()));
    // And the server answers on.
    assert_eq!(running.post("/v1/classify", r#"{"inputs": "fine"}"#).status, 200);
}

#[test]
fn garbage_is_refused_and_harms_nobody() {
    let running = Running::start(client_settings(1 << 16, 1 << 20), vec![bitspike_hub::Subject::builtin()]);
    let table = batch(vec![
        ("text", Arc::new(StringViewArray::from_iter_values(TEXTS)) as ArrayRef),
        ("kind", Arc::new(TEXTS.into_iter().collect::<DictionaryArray<Int8Type>>())),
    ]);
    let whole = bytes(&[table]);
    let mut state = 42_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..300 {
        let mut body = whole.clone();
        for _ in 0..=random(4) {
            let at = random(body.len());
            body[at] = random(256) as u8;
        }
        let answer = ask(&running, "?text=text", &body);
        assert!([200, 400, 413, 422].contains(&answer.status), "{}", answer.status);
    }
    assert_eq!(running.post("/v1/classify", r#"{"inputs": "fine"}"#).status, 200);
    assert!(running.stop());
}
