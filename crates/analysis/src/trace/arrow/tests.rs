//! Tables read back by Arrow's reader.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int8Type, UInt32Type};
use arrow_ipc::reader::FileReader;

use super::*;
use crate::trace::fixture::{self, expected_spikes};

/// Reads an Arrow file; its name, type and order of columns are checked by the caller's casts.
fn read(bytes: Vec<u8>) -> (Vec<String>, Vec<RecordBatch>) {
    let reader = FileReader::try_new(io::Cursor::new(bytes), None).expect("an Arrow file");
    let names = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    (names, reader.map(|batch| batch.expect("a batch")).collect())
}

fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("memory takes everything");
    bytes
}

fn population_of(batch: &RecordBatch, row: usize) -> String {
    let names = batch.column(0).as_dictionary::<UInt16Type>();
    let values = names.values().as_string::<i32>();
    values.value(names.keys().value(row) as usize).to_owned()
}

#[test]
fn arrow_spikes_come_back() {
    for traced in [fixture::traced(20, 3, "x"), fixture::sized(1, 1, 1, "x")] {
        let (names, batches) = read(written(|out| write_spikes(&traced, out)));
        assert_eq!(names, ["population", "token", "neuron", "t", "sign"]);
        let mut found = Vec::new();
        for batch in &batches {
            let column = |i: usize| batch.column(i).as_primitive::<UInt32Type>();
            let signs = batch.column(4).as_primitive::<Int8Type>();
            found.extend((0..batch.num_rows()).map(|row| {
                let at = |i: usize| column(i).value(row);
                (population_of(batch, row), at(1), at(2), at(3), signs.value(row))
            }));
        }
        assert_eq!(found, expected_spikes(&traced));
    }
}

#[test]
fn many_spikes_take_several_batches() {
    let traced = fixture::sized(64, 20, 600, "x");
    let (_, batches) = read(written(|out| write_spikes(&traced, out)));
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, expected_spikes(&traced).len());
    assert!(batches.iter().all(|batch| batch.num_rows() <= BATCH));
    assert!(batches.len() > traced.trace.populations.len(), "{} batches", batches.len());
}

#[test]
fn arrow_rates_come_back() {
    let traced = fixture::traced(17, 2, "x");
    let (names, batches) = read(written(|out| write_rates(&traced, out)));
    assert_eq!(names, ["population", "t", "mean_absolute_rate", "mean_rate", "rms_distance", "max_distance"]);
    let [batch] = &batches[..] else { panic!("{} batches", batches.len()) };
    assert_eq!(batch.num_rows(), 19 * 17);
    for row in 0..batch.num_rows() {
        let (population, t) = (row / 17, row % 17);
        assert_eq!(population_of(batch, row), traced.trace.populations[population].name);
        assert_eq!(batch.column(1).as_primitive::<UInt32Type>().value(row), t as u32 + 1);
        let at = traced.rates[population][t];
        let expected = [at.mean_absolute, at.mean, at.rms_distance, at.max_distance];
        let found = [2, 3, 4, 5].map(|i: usize| batch.column(i).as_primitive::<Float64Type>().value(row));
        assert_eq!(found, expected);
    }
}

#[test]
fn arrow_membranes_come_back() {
    let traced = fixture::traced(9, 2, "x");
    let (names, batches) = read(written(|out| write_membranes(&traced, out)));
    assert_eq!(names, ["population", "token", "token_text", "neuron", "t", "potential", "theta", "spike"]);
    assert_eq!(batches.len(), 4);
    let last = traced.trace.populations.last().unwrap();
    let batch = &batches[3];
    for t in 0..9 {
        assert_eq!(population_of(batch, t), "layer.2.output");
        assert_eq!(batch.column(2).as_string::<i32>().value(t), "[CLS]");
        assert_eq!(batch.column(3).as_primitive::<UInt32Type>().value(t), 1);
        assert_eq!(batch.column(4).as_primitive::<UInt32Type>().value(t), t as u32 + 1);
        assert_eq!(batch.column(5).as_primitive::<Float32Type>().value(t), last.membrane[t * 2 + 1]);
        assert_eq!(batch.column(6).as_primitive::<Float32Type>().value(t), last.theta);
        assert_eq!(batch.column(7).as_primitive::<Int8Type>().value(t), last.spikes[t * 2 * last.width + 1]);
    }
}

#[test]
fn tables_in_memory_are_those_of_the_files() {
    let traced = fixture::traced(17, 2, "x");
    let files = [
        written(|out| write_rates(&traced, out)),
        written(|out| write_membranes(&traced, out)),
        written(|out| write_spikes(&traced, out)),
    ];
    for (table, file) in traced.tables().unwrap().into_iter().zip(files) {
        let (names, batches) = read(file);
        let own: Vec<String> = table.schema.fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!((own, table.batches), (names, batches));
    }
}
