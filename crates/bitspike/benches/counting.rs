//! What counting operations costs: sentences through a random model of MiniLM's size with and without it, in turns.
//!
//!     cargo bench -p bitspike --bench counting

use std::hint::black_box;
use std::time::{Duration, Instant};

use bitspike::Error;
use bitspike::config::StudentConfig;
use bitspike::count::Counter;
use bitspike::encoder::Encoder;
use bitspike::forward::{Dynamics, Rows, Sentences, Simulation, Wanted, simulate};
use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};

const ROUNDS: usize = 31;

/// A sequence of numbers in [-1, 1].
fn noise(mut state: u64) -> impl FnMut() -> f32 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

fn config() -> StudentConfig {
    StudentConfig {
        hidden: 384,
        heads: 12,
        intermediate: 1536,
        layers: 6,
        vocab_size: 1,
        max_positions: 128,
        type_vocab: 1,
        layer_norm_eps: 1e-12,
        num_labels: 2,
        labels: Vec::new(),
        time_steps: 16,
        code: bitspike::neuron::Levels::Unary,
        signed: true,
        weight_bits: WeightBits::Ternary,
        granularity: Granularity::Row,
        embedding_bits: EmbeddingBits::Full,
        relative_attention: false,
        feedback: None,
        pooling: None,
    }
}

fn encoder(config: &StudentConfig) -> Encoder {
    let (d, f) = (config.hidden, config.intermediate);
    let mut next = noise(3);
    Encoder::build(config, |name| {
        let wide = name.contains("intermediate") || name.ends_with(".output.weight");
        let size = match name {
            "classifier.weight" => 2 * d,
            "classifier.bias" => 2,
            _ if name.ends_with("theta") => 1,
            _ if name.ends_with("intermediate.bias") => f,
            _ if name.ends_with("bias") || name.ends_with("gain") => d,
            _ if wide => d * f,
            _ => d * d,
        };
        let value = if name.ends_with("theta") { Some(2.0) } else { name.ends_with("gain").then_some(1.0) };
        Ok::<_, Error>((0..size).map(|_| value.unwrap_or_else(|| 0.1 * next())).collect())
    })
    .expect("a valid model")
}

fn main() {
    let config = config();
    let encoder = encoder(&config);
    let counter = Counter::new(&encoder);
    let mut next = noise(5);
    println!("{:<14} {:>7} {:>12} {:>12} {:>9}", "dynamics", "tokens", "without, ms", "with, ms", "costs");
    for (dynamics, tokens) in
        [(Dynamics::Phased, 25), (Dynamics::Phased, 128), (Dynamics::Accumulated, 25), (Dynamics::Instantaneous, 25)]
    {
        let embedded: Vec<f32> = (0..tokens * config.hidden).map(|_| 1.7 * next()).collect();
        let simulation = Simulation::new(dynamics, 16);
        let run = |sent| -> Duration {
            let began = Instant::now();
            let options = Wanted { sent, rows: Rows::Last, ..Wanted::default() };
            let sentence = Sentences { currents: &embedded, lengths: &[tokens] };
            let runs = simulate(&encoder, sentence, &simulation, options).expect("finite currents");
            if sent {
                black_box(counter.sentence(&runs[0], tokens, &simulation));
            }
            black_box(runs);
            began.elapsed()
        };
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS {
            for (times, sent) in times.iter_mut().zip([false, true]) {
                let time = run(sent);
                // The first meets cold caches.
                if round > 0 {
                    times.push(time);
                }
            }
        }
        let [without, with] = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64() * 1e3
        });
        let costs = 100.0 * (with / without - 1.0);
        println!("{:<14} {tokens:>7} {without:>12.3} {with:>12.3} {costs:>7.1} %", dynamics.name());
    }
}
