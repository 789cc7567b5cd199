//! Every figure again, by loops over every neuron, weight, token and step of small models of odd sizes.

use super::*;
use crate::encoder::{Encoder, Projection, Sums};
use crate::forward::tests::{currents, small_encoder};
use crate::forward::{
    Dynamics, Record, Rows, Sent, SentenceRun, Sentences, Simulation, Wanted, simulate, simulate_recorded,
};
use crate::kernels::{Kernels, SpikeBits};
use crate::quantize::{Granularity, WeightBits};

/// Every spike of a sentence: population, step, spikes `[L, width]`.
#[derive(Default)]
struct Spikes(Vec<(usize, u32, Vec<i8>)>);

impl Record for Spikes {
    fn step(&mut self, population: usize, step: u32, spikes: &[i8], _: &[f32]) {
        self.0.push((population, step, spikes.to_vec()));
    }
}

/// Outputs that a spike at input `column` changes, found by sending one.
fn reached(map: &Projection, column: usize, columns: usize) -> u64 {
    let mut spikes = vec![0i8; columns];
    spikes[column] = 1;
    let (mut sums, mut out) = (Sums::default(), vec![0.0; map.rows()]);
    map.of_spikes(Kernels::Scalar, (&SpikeBits::of(&spikes, columns), &spikes), 0..1, &mut sums);
    map.accumulate(&sums, 0.0, &mut out);
    out.iter().filter(|&&x| x != 0.0).count() as u64
}

/// The operations of layer `index`, one by one.
fn by_hand(encoder: &Encoder, index: usize, all: &Spikes, tokens: u64, simulation: &Simulation) -> Operations {
    let layer = &encoder.layers[index];
    let config = encoder.config();
    let maps = layer.maps();
    let widths = config.population_widths();
    let mut count = Operations::default();
    for (population, _, spikes) in &all.0 {
        let Some(kind) = population.checked_sub(6 * index).filter(|kind| *kind <= 6) else { continue };
        let width = widths[*population];
        for (i, _) in spikes.iter().enumerate().filter(|(_, s)| **s != 0) {
            for (map, _) in maps.iter().filter(|(_, read)| *read == kind) {
                count.synaptic_acs += reached(map, i % width, width);
            }
            if (kind == 1 || kind == 2) && simulation.dynamics != Dynamics::Accumulated {
                // The score, or the context, of every query.
                count.attention_acs += tokens;
            }
            count.spikes += u64::from(kind > 0);
        }
        if kind > 0 {
            count.membrane_updates += spikes.len() as u64;
        }
    }
    let times = if simulation.dynamics == Dynamics::Phased { 1 } else { u64::from(simulation.time_steps) };
    for _step in 0..simulation.time_steps {
        for (map, read) in maps {
            count.synaptic_dense += tokens * (map.rows() * widths[6 * index + read]) as u64;
        }
        for _query in 0..tokens {
            for _key in 0..tokens {
                count.synaptic_dense += 2 * config.hidden as u64;
                if simulation.dynamics == Dynamics::Accumulated {
                    count.attention_macs += 2 * config.hidden as u64;
                }
            }
        }
    }
    for _time in 0..times {
        for _token in 0..tokens {
            maps.iter().for_each(|(map, _)| count.scalings += map.rows() as u64);
            for _norm in 0..2 {
                count.norm_rows += 1;
                count.norm_values += config.hidden as u64;
                count.residuals += config.hidden as u64;
            }
            count.gelus += config.intermediate as u64;
            for _head in 0..config.heads {
                count.softmax_rows += 1;
                count.exponentials += tokens;
                // The bias of each score.
                count.residuals += if config.relative_attention { tokens } else { 0 };
            }
        }
    }
    count
}

/// What the loops do not look at: bytes, and the accumulates of values.
fn without_bits(count: Operations) -> Operations {
    Operations { value_acs: 0, weight_bits: 0, activation_bits: 0, value_bits: 0, state_bits: 0, ..count }
}

#[test]
fn counts_are_those_of_loops_over_everything() {
    for bits in [WeightBits::Ternary, WeightBits::Binary, WeightBits::Full] {
        for signed in [true, false] {
            let encoder = small_encoder(signed, bits);
            let counter = Counter::new(&encoder);
            for (dynamics, steps) in [(Dynamics::Phased, 16), (Dynamics::Accumulated, 11), (Dynamics::Instantaneous, 9)]
            {
                for tokens in [1, 5, 11] {
                    let simulation = Simulation::new(dynamics, steps);
                    let embedded = currents(tokens);
                    let options = Wanted { sent: true, rows: Rows::Last, ..Wanted::default() };
                    let run = &simulate(
                        &encoder,
                        Sentences { currents: &embedded, lengths: &[tokens] },
                        &simulation,
                        options,
                    )
                    .unwrap()[0];
                    let mut spikes = Spikes::default();
                    simulate_recorded(&encoder, &embedded, &simulation, &mut spikes).unwrap();

                    let found = counter.sentence(run, tokens, &simulation);
                    for (layer, &found) in found[1..].iter().enumerate() {
                        let expected = by_hand(&encoder, layer, &spikes, tokens as u64, &simulation);
                        assert_eq!(without_bits(found), expected, "{bits:?} {signed} {simulation:?} {tokens} tokens");
                    }
                    let of_embedding: Vec<_> = spikes.0.iter().filter(|(population, ..)| *population == 0).collect();
                    let fired: usize = of_embedding.iter().map(|(.., s)| s.iter().filter(|s| **s != 0).count()).sum();
                    assert_eq!(found[0].spikes, fired as u64);
                    assert_eq!(
                        found[0].membrane_updates,
                        of_embedding.iter().map(|(.., s)| s.len() as u64).sum::<u64>()
                    );
                    let total: Operations = found.into_iter().sum();
                    assert_eq!(total.spikes, run.spikes.iter().sum::<u64>());
                }
            }
        }
    }
}

#[test]
fn values_are_the_counts_that_are_not_zero() {
    for signed in [true, false] {
        let encoder = small_encoder(signed, WeightBits::Ternary);
        let (simulation, embedded) = (Simulation::new(Dynamics::Phased, 16), currents(7));
        let options = Wanted { sent: true, sums: true, ..Wanted::default() };
        let run =
            &simulate(&encoder, Sentences { currents: &embedded, lengths: &[7] }, &simulation, options).unwrap()[0];
        let found = Counter::new(&encoder).sentence(run, 7, &simulation);
        let layer = &encoder.layers[0];
        let mut expected = 0;
        for (map, read) in layer.maps() {
            let width = encoder.config().population_widths()[read];
            let active = run.sums[read].iter().enumerate().filter(|(_, n)| **n != 0.0);
            expected += active.map(|(i, _)| reached(map, i % width, width)).sum::<u64>();
        }
        assert_eq!(found[1].value_acs, expected);
        assert!(found[1].value_acs < found[1].synaptic_acs);
    }
}

#[test]
fn both_ways_to_run_phased_count_alike() {
    let encoder = small_encoder(true, WeightBits::Ternary);
    let (simulation, embedded) = (Simulation::new(Dynamics::Phased, 16), currents(5));
    let options = Wanted { sent: true, ..Wanted::default() };
    let at_once = simulate(&encoder, Sentences { currents: &embedded, lengths: &[5] }, &simulation, options).unwrap();
    // A hard reset that never happens differently: beta 1, but not the exact path.
    let leaky = Simulation { beta: 1.0, reset: crate::neuron::Reset::Hard, ..simulation };
    let stepwise = simulate(&encoder, Sentences { currents: &embedded, lengths: &[5] }, &leaky, options).unwrap();
    assert_eq!(at_once[0].sent.len(), stepwise[0].sent.len());
    for (p, sent) in stepwise[0].sent.iter().enumerate() {
        assert_eq!(sent.spikes.iter().sum::<u64>(), stepwise[0].spikes[p]);
        assert_eq!(at_once[0].sent[p].spikes.iter().sum::<u64>(), at_once[0].spikes[p]);
    }
}

#[test]
fn a_dense_network_does_what_its_shapes_say() {
    let model = DenseShape { hidden: 4, intermediate: 12, layers: 3, heads: 2, num_labels: 5, distances: false };
    let count = dense(model, 7, [32, 32]);
    assert_eq!(count.synaptic_dense, 3 * 7 * (4 * 16 + 2 * 48 + 2 * 7 * 4));
    assert_eq!((count.attention_macs, count.classifier_macs), (3 * 2 * 49 * 4, 20));
    assert_eq!((count.gelus, count.norm_rows, count.exponentials), (3 * 7 * 12, 7 * 7, 3 * 2 * 49));
}

#[test]
fn levels_need_bits() {
    for (levels, bits) in [(1, 0), (2, 1), (3, 2), (16, 4), (17, 5), (33, 6), (255, 8)] {
        assert_eq!(counter::bits_of_levels(levels), bits, "{levels} levels");
    }
}

/// Of one sentence of 5 tokens: embedding and classifier, then two layers of `D = 20`, `F = 70`.
fn counted(encoder: &Encoder, simulation: &Simulation) -> Vec<Operations> {
    let (embedded, options) = (currents(5), Wanted { sent: true, rows: Rows::Last, ..Wanted::default() });
    let sentences = Sentences { currents: &embedded, lengths: &[5] };
    let run = simulate(encoder, sentences, simulation, options).unwrap().swap_remove(0);
    Counter::new(encoder).sentence(&run, 5, simulation)
}

#[test]
fn one_scale_a_matrix_is_counted_as_one() {
    let (weights, rows) = (4 * 20 * 20 + 2 * 20 * 70, 5 * 20 + 70);
    let plain = rows + 4 * 20 + 6;
    for (bits, code, scaled) in [(WeightBits::Ternary, 2, 1), (WeightBits::Binary, 1, 1), (WeightBits::Full, 32, 0)] {
        for (granularity, scales) in [(Granularity::Matrix, 6), (Granularity::Row, rows)] {
            let mut encoder = small_encoder(true, bits);
            encoder.config.granularity = granularity;
            let found = counted(&encoder, &Simulation::new(Dynamics::Phased, 16))[1].weight_bits;
            assert_eq!(found, weights * code + 32 * (plain + scaled * scales), "{bits:?} {granularity:?}");
        }
    }
}

#[test]
fn messages_are_as_wide_as_what_is_sent() {
    let plain = |dynamics, steps| Simulation::new(dynamics, steps);
    let never_back = Simulation { retract: false, ..plain(Dynamics::Accumulated, 9) };
    let leaky = Simulation { beta: 0.9, ..plain(Dynamics::Phased, 9) };
    for (signed, simulation, bits) in [
        // Counts of 0 to 16, and of -16 to 16.
        (false, plain(Dynamics::Phased, 16), 5),
        (true, plain(Dynamics::Phased, 16), 6),
        (true, plain(Dynamics::Phased, 200), 9),
        // Nine spikes: of 0 and 1; of -1, 0 and 1, which unsigned neurons send where they take spikes back.
        (false, plain(Dynamics::Instantaneous, 9), 9),
        (true, plain(Dynamics::Instantaneous, 9), 18),
        (false, plain(Dynamics::Accumulated, 9), 18),
        (true, plain(Dynamics::Accumulated, 9), 18),
        (false, never_back, 9),
        // A count does not say what a leaky neuron sent.
        (false, leaky, 9),
        (true, leaky, 18),
    ] {
        let layer = counted(&small_encoder(signed, WeightBits::Ternary), &simulation)[1];
        assert_eq!(layer.activation_bits, 2 * 5 * (5 * 20 + 70) * bits, "signed {signed}, {simulation:?}");
    }
}

#[test]
fn a_count_that_is_too_large_stays_large() {
    let mut sum = Operations { synaptic_dense: u64::MAX - 3, spikes: 7, ..Operations::default() };
    assert_eq!(sum.overflows(), None);
    sum += Operations { synaptic_dense: 5, spikes: 1, ..Operations::default() };
    assert_eq!((sum.synaptic_dense, sum.spikes, sum.overflows()), (u64::MAX, 8, Some("synaptic_dense")));
    let encoder = small_encoder(true, WeightBits::Ternary);
    let sent = |width| Sent { spikes: vec![u64::MAX / 2; width], active: Vec::new() };
    let sent = encoder.config().population_widths().into_iter().map(sent).collect();
    let run = SentenceRun { steps: u32::MAX, sent, ..SentenceRun::default() };
    let simulation = Simulation::new(Dynamics::Accumulated, 9);
    let all: Operations = Counter::new(&encoder).sentence(&run, usize::MAX, &simulation).into_iter().sum();
    assert_eq!(
        (all.spikes, all.synaptic_acs, all.synaptic_dense, all.state_bits),
        (u64::MAX, u64::MAX, u64::MAX, u64::MAX)
    );
}
