//! A student in time: `phased` is the quantised equilibrium that training computes, spike by spike and all at once.

use bitspike::config::StudentConfig;
use bitspike::config::population_names;
use bitspike::forward::{Dynamics, Record, Sentences, Simulation, Wanted, simulate, simulate_recorded};
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike_run::recipe::Thresholds;
use bitspike_train::layers::PackedTokens;
use bitspike_train::student::{Start, Student};
use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn config(signed: bool, weight_bits: WeightBits, time_steps: u32) -> StudentConfig {
    StudentConfig {
        hidden: 60,
        heads: 4,
        intermediate: 130,
        layers: 3,
        vocab_size: 50,
        max_positions: 40,
        type_vocab: 2,
        layer_norm_eps: 1e-12,
        num_labels: 3,
        labels: Vec::new(),
        time_steps,
        code: bitspike::neuron::Levels::Unary,
        signed,
        weight_bits,
        granularity: if signed { Granularity::Row } else { Granularity::Matrix },
        embedding_bits: EmbeddingBits::Full,
        relative_attention: signed,
        feedback: None,
        pooling: None,
    }
}

/// Counts net spikes per population.
struct Counts(Vec<Vec<i32>>);

impl Record for Counts {
    fn step(&mut self, population: usize, step: u32, spikes: &[i8], potentials: &[f32]) {
        if step == 1 {
            self.0.push(vec![0; spikes.len()]);
        }
        assert_eq!(potentials.len(), spikes.len());
        self.0[population].iter_mut().zip(spikes).for_each(|(n, &s)| *n += i32::from(s));
    }
}

#[test]
fn phased_is_the_quantised_equilibrium() {
    let device = Device::flex();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut neurons = 0;
    for (case, (signed, bits, time_steps)) in [
        (true, WeightBits::Ternary, 16),
        (false, WeightBits::Ternary, 16),
        (true, WeightBits::Binary, 7),
        (false, WeightBits::Binary, 32),
        (true, WeightBits::Ternary, 1),
        (false, WeightBits::Ternary, 127),
    ]
    .into_iter()
    .enumerate()
    {
        let config = config(signed, bits, time_steps);
        let thresholds =
            Thresholds { key: 0.25, value: 0.3, context: 0.125, feed_forward: 0.5, ..Thresholds::default() };
        let start = Start { teacher_width: 60, thresholds: &thresholds, deviation: 0.2 };
        let student = Student::random(config.clone(), start, &mut rng, &device);
        let sentences: Vec<(Vec<u32>, Vec<u32>)> = [1usize, 7, 33]
            .map(|length| {
                let ids = (0..length).map(|_| rng.random_range(0..50)).collect();
                (ids, (0..length).map(|i| u32::from(2 * i > length)).collect())
            })
            .into();
        let tokens = PackedTokens::new(sentences.iter().map(|(ids, types)| (ids.as_slice(), types.as_slice())));
        let expected = student.infer(&tokens, &device);
        let encoder = student.encoder().unwrap();
        let embedded = student.embedding_currents(&tokens, &device);
        let lengths = [1, 7, 33];
        let simulation = Simulation::new(Dynamics::Phased, time_steps);
        let options = Wanted { sums: true, ..Wanted::default() };
        let runs =
            simulate(&encoder, Sentences { currents: &embedded, lengths: &lengths }, &simulation, options).unwrap();
        let logits: Vec<f32> = expected.logits.into_data().try_into_vec::<f32>().unwrap();
        for (p, (name, counts)) in expected.populations.iter().enumerate() {
            assert_eq!(*name, population_names(3)[p]);
            let width = counts.dims()[1];
            let counts = counts.clone().into_data().try_into_vec::<f32>().unwrap();
            let found: Vec<f32> = runs.iter().flat_map(|run| run.sums[p].clone()).collect();
            assert!(counts == found, "case {case}: counts of {name} differ");
            let spikes: u64 = runs.iter().map(|run| run.spikes[p]).sum();
            assert_eq!(spikes as f64, counts.iter().map(|n| f64::from(n.abs())).sum::<f64>(), "spikes of {name}");
            neurons += counts.len();
            let mut start = 0;
            for (i, &length) in lengths.iter().enumerate() {
                let rows = start..start + length;
                let mut record = Counts(Vec::new());
                let one = &embedded[rows.start * 60..rows.end * 60];
                let run = simulate_recorded(&encoder, one, &simulation, &mut record).unwrap();
                assert_eq!(run, runs[i], "case {case}: spike by spike, sentence {i}");
                let expected: Vec<i32> =
                    counts[rows.start * width..rows.end * width].iter().map(|&n| n as i32).collect();
                assert!(record.0[p] == expected, "case {case}: recorded spikes of {name} differ");
                for (a, b) in run.logits.iter().zip(&logits[i * 3..]) {
                    assert!((a - b).abs() < 1e-4, "case {case}: logits {a} and {b}");
                }
                start += length;
            }
        }
    }
    assert!(neurons > 100_000, "{neurons} neurons compared");
}
