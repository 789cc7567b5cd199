//! Tables read back: JSON by serde, Arrow by its reader.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int8Type, UInt32Type};
use arrow_ipc::reader::FileReader;
use serde_json::Value;

use super::*;
use crate::trace::fixture;

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

/// Every spike as (population, token, neuron, t, sign), straight from the dense trains.
fn expected_spikes(report: &Report) -> Vec<(String, u32, u32, u32, i8)> {
    let mut spikes = Vec::new();
    for population in &report.trace.populations {
        for t in 0..report.trace.time_steps {
            for token in 0..report.trace.tokens {
                for neuron in 0..population.width {
                    let row = t as usize * report.trace.tokens + token;
                    let sign = population.spikes[row * population.width + neuron];
                    if sign != 0 {
                        spikes.push((population.name.clone(), token as u32, neuron as u32, t + 1, sign));
                    }
                }
            }
        }
    }
    spikes
}

#[test]
fn arrow_spikes_come_back() {
    for report in [fixture::report(20, 3, "x"), fixture::sized(1, 1, 1, "x")] {
        let (names, batches) = read(written(|out| write_spikes(&report, out)));
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
        assert_eq!(found, expected_spikes(&report));
    }
}

#[test]
fn many_spikes_take_several_batches() {
    let report = fixture::sized(64, 20, 600, "x");
    let (_, batches) = read(written(|out| write_spikes(&report, out)));
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, expected_spikes(&report).len());
    assert!(batches.iter().all(|batch| batch.num_rows() <= BATCH));
    assert!(batches.len() > report.trace.populations.len(), "{} batches", batches.len());
}

#[test]
fn arrow_rates_come_back() {
    let report = fixture::report(17, 2, "x");
    let (names, batches) = read(written(|out| write_rates(&report, out)));
    assert_eq!(names, ["population", "t", "mean_absolute_rate", "mean_rate", "rms_distance", "max_distance"]);
    let [batch] = &batches[..] else { panic!("{} batches", batches.len()) };
    assert_eq!(batch.num_rows(), 19 * 17);
    for row in 0..batch.num_rows() {
        let (population, t) = (row / 17, row % 17);
        assert_eq!(population_of(batch, row), report.trace.populations[population].name);
        assert_eq!(batch.column(1).as_primitive::<UInt32Type>().value(row), t as u32 + 1);
        let at = report.rates[population][t];
        let expected = [at.mean_absolute, at.mean, at.rms_distance, at.max_distance];
        let found = [2, 3, 4, 5].map(|i: usize| batch.column(i).as_primitive::<Float64Type>().value(row));
        assert_eq!(found, expected);
    }
}

#[test]
fn arrow_membranes_come_back() {
    let report = fixture::report(9, 2, "x");
    let (names, batches) = read(written(|out| write_membranes(&report, out)));
    assert_eq!(names, ["population", "token", "token_text", "neuron", "t", "potential", "theta", "spike"]);
    assert_eq!(batches.len(), 4);
    let last = report.trace.populations.last().unwrap();
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
fn json_holds_everything() {
    for report in [fixture::report(12, 3, "is <b> & \"quoted\"\n"), fixture::sized(1, 1, 1, "")] {
        let value: Value = serde_json::from_slice(&written(|out| write_json(&report, out))).expect("JSON");
        assert_eq!(value["summary"], serde_json::to_value(&report.summary).unwrap());
        assert_eq!(value["summary"]["text"], Value::from(report.origin.text.clone()));
        let populations = value["populations"].as_array().unwrap();
        let mut found = Vec::new();
        let array = |value: &Value| value.as_array().expect("an array").clone();
        for (i, population) in populations.iter().enumerate() {
            let name = population["name"].as_str().unwrap();
            let spikes = &population["spikes"];
            let columns = ["token", "neuron", "t", "sign"].map(|column| array(&spikes[column]));
            let [tokens, neurons, times, signs] = columns;
            for (((token, neuron), t), sign) in tokens.iter().zip(&neurons).zip(&times).zip(&signs) {
                let [token, neuron, t, sign] = [token, neuron, t, sign].map(|value| value.as_i64().unwrap());
                found.push((name.to_owned(), token as u32, neuron as u32, t as u32, sign as i8));
            }
            let rms: Vec<f64> =
                array(&population["rates"]["rms_distance"]).iter().map(|x| x.as_f64().unwrap()).collect();
            assert_eq!(rms, report.rates[i].iter().map(|at| at.rms_distance).collect::<Vec<_>>());
            assert_eq!(array(&population["rates"]["t"]).len(), report.trace.time_steps as usize);
            let traced = &report.trace.populations[i];
            let membranes = array(&population["membranes"]);
            assert_eq!(membranes.len(), traced.chosen.len());
            for (column, membrane) in membranes.iter().enumerate() {
                let potential = array(&membrane["potential"]);
                let expected: Vec<f64> = potentials(traced, column).map(f64::from).collect();
                let close = |(x, y): (&Value, &f64)| (x.as_f64().unwrap() - y).abs() < 1e-6;
                assert!(potential.len() == expected.len() && potential.iter().zip(&expected).all(close));
                assert_eq!(array(&membrane["spike"]).len(), expected.len());
            }
        }
        assert_eq!(found, expected_spikes(&report));
    }
}
