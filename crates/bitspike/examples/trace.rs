//! Watches a text spike: `cargo run -p bitspike --example trace -- [MODEL] [TEXT]` prints how the firing rates of every population
//! approach its equilibrium.

use bitspike::{Dynamics, Model, Simulation};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");

fn main() -> bitspike::Result<()> {
    let mut given = std::env::args().skip(1);
    let model = Model::load(given.next().unwrap_or_else(|| SHIPPED.to_owned()))?;
    let text = given.next().unwrap_or_else(|| "a fine film".to_owned());
    let simulation = Simulation::new(Dynamics::Accumulated, 64);
    let traced = model.trace(&text, &simulation, &[])?;
    println!("{}: {}", traced.tokens.join(" "), traced.answer.label().unwrap_or("a score"));
    println!(
        "{:<22} {:>8} {:>8} {:>12}   spikes of the neuron watched first",
        "population", "rate", "at rest", "rms distance"
    );
    for population in &traced.trace.populations {
        let rates = population.rates(simulation.beta);
        let last = rates.last().copied().unwrap_or_default();
        print!("{:<22} {:>8.4} ", population.name, last.mean_absolute);
        print!("{:>8.4} {:>12.4}   ", population.equilibrium_rate(), last.rms_distance);
        for sign in population.chosen.iter().take(1).flat_map(|&neuron| population.train(traced.trace.tokens, neuron)) {
            print!(
                "{}",
                match sign {
                    1 => '|',
                    -1 => '.',
                    _ => ' ',
                }
            );
        }
        println!();
    }
    Ok(())
}
