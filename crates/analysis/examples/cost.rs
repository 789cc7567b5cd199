//! What a model costs on a few sentences: `cargo run --example cost [MODEL]`.

use bitspike::Options;
use bitspike_analysis::cost::{self, CostOptions};
use bitspike_analysis::energy::Profile;
use bitspike_analysis::examples::EncodedSplit;
use bitspike_hub::Subject;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let subject = match std::env::args_os().nth(1) {
        Some(argument) => Subject::resolve(argument)?,
        None => Subject::builtin(),
    };
    let model = subject.model(&Options::new())?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("dev.tsv"), "sentence\tlabel\na gripping, funny film\t1\ndull and long\t0\n")?;
    let split = EncodedSplit::dev_of(&model, folder.path())?;
    let profile = Profile::named("45nm")?;
    let options = CostOptions { profile: &profile, teacher: None, int8: None, codes: false };
    let (cost, _) = cost::measure(&model, &subject.name(), &split, &options)?;
    println!("{}: {} sentences, {} tokens, {} spikes", cost.model, cost.examples, cost.tokens, cost.total.spikes);
    for row in &cost.energy {
        println!("  {:<40} {:>8.2} uJ a sentence", row.estimate.name, row.estimate.total_picojoules / 1e6);
    }
    Ok(())
}
