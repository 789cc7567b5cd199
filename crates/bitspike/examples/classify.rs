//! Classifies texts: `cargo run -p bitspike --example classify -- [MODEL] [TEXT ...]`, a packed file and texts of your own.

use bitspike::{Model, Output};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");

fn main() -> bitspike::Result<()> {
    let mut given: Vec<String> = std::env::args().skip(1).collect();
    let model = Model::load(if given.is_empty() { SHIPPED.to_owned() } else { given.remove(0) })?;
    if given.is_empty() {
        given = ["a fine film", "dull from start to finish"].map(str::to_owned).into();
    }
    for (text, answer) in given.iter().zip(model.classify(&given)?) {
        match answer.output {
            Output::Class { index, label, probabilities } => println!("{label} {:.4}  {text}", probabilities[index]),
            Output::Score(score) => println!("{score:.2}  {text}"),
            Output::Vector(values) => println!("{} values  {text}", values.len()),
        }
    }
    Ok(())
}
