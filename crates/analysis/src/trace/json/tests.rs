//! The document read back.

use serde_json::Value;

use super::*;
use crate::trace::fixture::{self, expected_spikes};

fn written(traced: &TracedText) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(traced, &mut bytes).expect("memory takes everything");
    bytes
}

#[test]
fn json_holds_everything() {
    for traced in [fixture::traced(12, 3, "is <b> & \"quoted\"\n"), fixture::sized(1, 1, 1, "")] {
        let value: Value = serde_json::from_slice(&written(&traced)).expect("JSON");
        assert_eq!(value["summary"], serde_json::to_value(&traced.summary).unwrap());
        assert_eq!(value["summary"]["text"], Value::from(traced.origin.text.clone()));
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
            assert_eq!(rms, traced.rates[i].iter().map(|at| at.rms_distance).collect::<Vec<_>>());
            assert_eq!(array(&population["rates"]["t"]).len(), traced.trace.time_steps as usize);
            let traced = &traced.trace.populations[i];
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
        assert_eq!(found, expected_spikes(&traced));
    }
}
