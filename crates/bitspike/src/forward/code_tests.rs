//! Counts handed on by digits, spike by spike and at once.

use super::tests::{currents, small_encoder};
use super::{Dynamics, Record, SentenceRun, Sentences, Simulation, Wanted, simulate, simulate_recorded};
use crate::encoder::Encoder;
use crate::neuron::Code;
use crate::quantize::WeightBits;

/// What a population sent: spikes of each neuron of each token, and the highest potential that a step left.
#[derive(Default)]
struct Sent(Vec<Vec<u64>>, Vec<u32>);

impl Record for Sent {
    fn step(&mut self, population: usize, step: u32, spikes: &[i8], potentials: &[f32]) {
        assert_eq!(spikes.len(), potentials.len());
        if self.0.len() == population {
            self.0.push(vec![0; spikes.len()]);
            self.1.push(0);
        }
        self.1[population] = step;
        self.0[population].iter_mut().zip(spikes).for_each(|(sum, &spike)| *sum += u64::from(spike != 0));
    }
}

fn coded(code: Code, time_steps: u32) -> Simulation {
    Simulation { code, ..Simulation::new(Dynamics::Phased, time_steps) }
}

fn at_once(encoder: &Encoder, tokens: usize, simulation: &Simulation, wanted: Wanted) -> SentenceRun {
    let embedded = currents(tokens);
    simulate(encoder, Sentences { currents: &embedded, lengths: &[tokens] }, simulation, wanted).unwrap().swap_remove(0)
}

#[test]
fn every_code_stepped_spike_by_spike_gives_every_count_and_logit_of_the_window() {
    for (signed, bits) in [(true, WeightBits::Ternary), (false, WeightBits::Ternary), (true, WeightBits::Binary)] {
        let encoder = small_encoder(signed, bits);
        for time_steps in [1, 2, 5, 16, 100, 127] {
            let expected =
                at_once(&encoder, 9, &coded(Code::Unary, time_steps), Wanted { sums: true, ..Wanted::default() });
            assert!(expected.sums.iter().flatten().any(|&n| n != 0.0));
            for &code in Code::ANY {
                let mut sent = Sent::default();
                let run = simulate_recorded(&encoder, &currents(9), &coded(code, time_steps), &mut sent).unwrap();
                let case = format!("{code}, T={time_steps}, signed {signed}, {bits:?}");
                assert_eq!(run.sums, expected.sums, "{case}");
                assert_eq!(run.logits, expected.logits, "{case}");
                assert_eq!(run.steps, code.steps(time_steps), "{case}");
                assert!(sent.1.iter().all(|&steps| steps == code.steps(time_steps)), "{case}: {:?}", sent.1);
            }
        }
    }
}

#[test]
fn what_is_counted_at_once_is_what_is_sent_spike_by_spike() {
    for signed in [true, false] {
        let encoder = small_encoder(signed, WeightBits::Ternary);
        let widths = encoder.config.population_widths();
        for &code in Code::ANY {
            let counted = at_once(&encoder, 7, &coded(code, 16), Wanted { sent: true, ..Wanted::default() });
            let mut sent = Sent::default();
            simulate_recorded(&encoder, &currents(7), &coded(code, 16), &mut sent).unwrap();
            let total: Vec<u64> = sent.0.iter().map(|spikes| spikes.iter().sum()).collect();
            assert_eq!(counted.spikes, total, "{code}");
            for (population, width) in widths.iter().enumerate() {
                let by_neuron: Vec<u64> =
                    (0..*width).map(|neuron| sent.0[population].iter().skip(neuron).step_by(*width).sum()).collect();
                assert_eq!(counted.sent[population].spikes, by_neuron, "{code}, population {population}");
            }
        }
    }
}

#[test]
fn windows_beyond_a_byte_are_handed_on_whole_too() {
    let encoder = small_encoder(true, WeightBits::Ternary);
    let wanted = Wanted { sums: true, ..Wanted::default() };
    let expected = at_once(&encoder, 4, &coded(Code::Unary, 300), wanted);
    for code in [Code::Digits, Code::Naf] {
        let run = at_once(&encoder, 4, &coded(code, 300), wanted);
        assert_eq!((run.steps, run.sums, run.logits), (9, expected.sums.clone(), expected.logits.clone()), "{code}");
    }
}

#[test]
fn a_code_needs_windows_that_end_in_exact_counts() {
    for code in [Code::Digits, Code::Naf] {
        for (simulation, found) in [
            (Simulation { code, ..Simulation::new(Dynamics::Accumulated, 16) }, "accumulated"),
            (Simulation { beta: 0.5, ..coded(code, 16) }, "beta 0.5"),
            (Simulation { reset: crate::neuron::Reset::Hard, ..coded(code, 16) }, "hard reset"),
        ] {
            let text = simulation.validate().unwrap_err().to_string();
            assert!(text.contains(code.name()) && text.contains("phased") && text.contains(found), "{text}");
        }
    }
    assert!("radix".parse::<Code>().unwrap_err().to_string().contains("unary, digits, naf or single"));
}
