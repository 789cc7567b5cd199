//! Windows longer than a signed byte counts, and rows of a simulation.

use super::tests::{currents, small_encoder};
use super::*;
use crate::arithmetic::{Attention, AttentionInputs, Scaled, gelu};
use crate::encoder::{Encoder, Projection, Sums};
use crate::kernels::{Kernels, SpikeBits};
use crate::neuron::{Equilibrium, NeuronConfig};
use crate::quantize::WeightBits;

/// What `map` makes of counts `[L, columns]`, column by column: sums are exact in `f64`.
fn naive(map: &Projection, counts: &[f32], scale: f32, columns: usize) -> Vec<f32> {
    let (tokens, rows) = (counts.len() / columns, map.rows());
    let mut sums = vec![0.0f64; tokens * rows];
    for column in 0..columns {
        let mut spike = vec![0i8; columns];
        spike[column] = 1;
        let (mut found, mut codes) = (Sums::default(), vec![0.0; rows]);
        map.of_spikes(Kernels::Scalar, (&SpikeBits::of(&spike, columns), &spike), 0..1, &mut found);
        map.accumulate(&found, 0.0, &mut codes);
        for (sums, counts) in sums.chunks_exact_mut(rows).zip(counts.chunks_exact(columns)) {
            sums.iter_mut().zip(&codes).for_each(|(sum, &code)| *sum += f64::from(code) * f64::from(counts[column]));
        }
    }
    let sums: Vec<f32> = sums.into_iter().map(|sum| sum as f32).collect();
    let mut out = vec![0.0; sums.len()];
    map.finish(&sums, scale, &mut out);
    out
}

/// The counts of every population by the count identity, population after population, and the logits.
fn by_identity(encoder: &Encoder, currents: &[f32], time_steps: u32) -> (Vec<Vec<f32>>, Vec<f32>) {
    let config = encoder.config();
    let (d, f) = (config.hidden, config.intermediate);
    let mut all = Vec::new();
    let mut fire = |current: &[f32], theta: f32| {
        let neuron =
            Equilibrium::new(NeuronConfig { levels: config.code, time_steps, signed: config.signed, theta }).unwrap();
        all.push(current.iter().map(|&i| neuron.count_as_float(i)).collect::<Vec<f32>>());
        (all[all.len() - 1].clone(), theta / time_steps as f32)
    };
    let (mut x, mut scale) = fire(currents, encoder.embedding_threshold);
    for layer in &encoder.layers {
        let thresholds = layer.thresholds;
        let query = naive(&layer.query, &x, scale, d);
        let (key, of_key) = fire(&naive(&layer.key, &x, scale, d), thresholds[0]);
        let (value, of_value) = fire(&naive(&layer.value, &x, scale, d), thresholds[1]);
        let mut context = vec![0.0; query.len()];
        let (key, value) = (Scaled { values: &key, scale: of_key }, Scaled { values: &value, scale: of_value });
        let inputs = AttentionInputs {
            query: &query,
            key,
            value,
            width: d,
            heads: config.heads,
            relative: encoder.relative(0, 0),
        };
        Attention::default().attend(inputs, &mut context);
        let (context, of_context) = fire(&context, thresholds[2]);
        let mut attention = naive(&layer.attention_output, &context, of_context, d);
        layer.attention_norm.rows(&mut attention, Scaled { values: &x, scale });
        let (attention, of_attention) = fire(&attention, thresholds[3]);
        let inner: Vec<f32> = naive(&layer.intermediate, &attention, of_attention, d).into_iter().map(gelu).collect();
        let (inner, of_inner) = fire(&inner, thresholds[4]);
        let mut out = naive(&layer.output, &inner, of_inner, f);
        layer.output_norm.rows(&mut out, Scaled { values: &attention, scale: of_attention });
        (x, scale) = fire(&out, thresholds[5]);
    }
    let mut logits = Vec::new();
    encoder.readout.apply(Scaled { values: &x[..d], scale }, &mut logits);
    (all, logits)
}

#[test]
fn long_windows_hold_the_counts_of_the_identity() {
    for (signed, bits) in [(true, WeightBits::Ternary), (false, WeightBits::Binary)] {
        for (time_steps, tokens) in [(16, 5), (127, 5), (128, 5), (1000, 3), (65_536, 1)] {
            let (encoder, embedded) = (small_encoder(signed, bits), currents(tokens));
            let (sums, logits) = by_identity(&encoder, &embedded, time_steps);
            let simulation = Simulation::new(Dynamics::Phased, time_steps);
            let sentences = Sentences { currents: &embedded, lengths: &[tokens] };
            let wanted = Wanted { sums: true, sent: true, ..Wanted::default() };
            let run = &simulate(&encoder, sentences, &simulation, wanted).unwrap()[0];
            assert_eq!((&run.sums, &run.logits), (&sums, &logits), "T = {time_steps}, signed {signed}");
            let sent = run.sent.iter().map(|sent| sent.spikes.iter().sum::<u64>());
            assert_eq!(sent.collect::<Vec<_>>(), run.spikes);
            let counted = sums.iter().map(|sums| sums.iter().map(|n| n.abs() as u64).sum::<u64>());
            assert_eq!(counted.collect::<Vec<_>>(), run.spikes, "T = {time_steps}, signed {signed}");
        }
    }
}

#[test]
fn rows_at_some_steps_are_those_of_shorter_runs() {
    let encoder = small_encoder(false, WeightBits::Ternary);
    let run = |steps: u32, rows, dynamics| {
        let (embedded, wanted) = (currents(5), Wanted { rows, ..Wanted::default() });
        let sentences = Sentences { currents: &embedded, lengths: &[5] };
        simulate(&encoder, sentences, &Simulation::new(dynamics, steps), wanted).unwrap().swap_remove(0)
    };
    for dynamics in [Dynamics::Accumulated, Dynamics::Instantaneous] {
        let some = run(30, Rows::At(&[1, 7, 8, 24]), dynamics);
        assert_eq!((some.steps, some.change.len(), some.logits.len(), some.spikes.len()), (30, 5, 10, 5 * 13));
        for (row, steps) in [1, 7, 8, 24, 30].into_iter().enumerate() {
            let alone = run(steps, Rows::Last, dynamics);
            assert_eq!(some.logits[2 * row..][..2], alone.logits, "{dynamics}, step {steps}");
            assert_eq!(some.change[row..=row], alone.change, "{dynamics}, step {steps}");
            for population in 0..13 {
                let up_to = some.spikes[population..].iter().step_by(13).take(row + 1).sum::<u64>();
                assert_eq!(up_to, alone.spikes[population], "{dynamics}, step {steps}");
            }
        }
    }
}

#[test]
fn a_sentence_that_ends_early_is_counted_to_its_end() {
    let encoder = small_encoder(true, WeightBits::Ternary);
    let embedded = currents(17);
    let sentences = Sentences { currents: &embedded, lengths: &[6, 2, 9] };
    let simulation = Simulation::new(Dynamics::Accumulated, 64);
    let rule = ExitRule { margin: 0.0, change: 0.2, patience: 2, min_steps: 1 };
    let run = |simulation: &Simulation, exit, rows| {
        let wanted = Wanted { exit, sent: true, sums: true, rows, ..Wanted::default() };
        simulate(&encoder, sentences, simulation, wanted).unwrap()
    };
    let ended = run(&simulation, Some(rule), Rows::Last);
    assert!(ended.iter().all(|run| run.steps < 64));
    for (i, ended) in ended.iter().enumerate() {
        let whole = run(&Simulation { time_steps: ended.steps, ..simulation }, None, Rows::Last).swap_remove(i);
        assert_eq!(*ended, whole, "sentence {i} as if it had {} steps only", ended.steps);
    }
    let at = run(&simulation, Some(rule), Rows::At(&[1, 63]));
    for (at, ended) in at.iter().zip(&ended) {
        assert_eq!((at.steps, at.logits.len()), (ended.steps, 4));
        assert_eq!(at.logits[2..], ended.logits);
    }
}

#[test]
fn an_exit_rule_is_refused_where_there_is_one_answer() {
    let (encoder, embedded) = (small_encoder(true, WeightBits::Ternary), currents(2));
    let sentences = Sentences { currents: &embedded, lengths: &[2] };
    let wanted = Wanted { exit: Some(ExitRule::default()), ..Wanted::default() };
    let error = simulate(&encoder, sentences, &Simulation::new(Dynamics::Phased, 8), wanted).unwrap_err();
    assert!(error.to_string().contains("expected accumulated or instantaneous dynamics"), "{error}");
}
