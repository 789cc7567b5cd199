//! A sentence in time, and its picture: `cargo run --example trace [TEXT] [FILE.svg]`.

use bitspike::Options;
use bitspike_analysis::trace::{TraceOptions, trace};
use bitspike_hub::Subject;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let text = arguments.next().unwrap_or_else(|| "a gripping, funny film".to_owned());
    let subject = Subject::builtin();
    let traced = trace(&subject.model(&Options::new())?, &subject.name(), &text, &TraceOptions::default())?;
    println!("{}: {}, at the equilibrium {}", text, traced.summary.answer, traced.summary.phased);
    for population in &traced.summary.populations {
        println!(
            "  {:<24} rate {:.4}, equilibrium {:.4}",
            population.name, population.rate, population.equilibrium_rate
        );
    }
    if let Some(file) = arguments.next() {
        std::fs::write(&file, traced.picture())?;
    }
    Ok(())
}
