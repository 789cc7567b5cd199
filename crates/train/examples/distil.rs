//! A teacher and a student of it, from nothing: a corpus that is made on the spot, a small BERT fine-tuned on it, and a spiking
//! student of 1.58-bit weights distilled from that. Takes some ten seconds.
//!
//! `cargo run --release -p bitspike-train --example distil`

use std::path::Path;
use std::sync::atomic::AtomicBool;

use bitspike::quantize::WeightBits;
use bitspike_data::{Split, TaskSpec, encode, load};
use bitspike_run::progress::{Event, Observer};
use bitspike_run::recipe::{Recipe, Stage, StageKind};
use bitspike_run::run::{Checkpoint, RunFolder};
use bitspike_train::Result;
use bitspike_train::distill::{Inputs, Job};
use bitspike_train::evaluate::{Network, score};
use bitspike_train::quickstart::Quickstart;
use bitspike_train::student::Student;
use burn::tensor::Device;

/// Prints each score on the development set.
struct Scores;

impl Observer for Scores {
    fn on_event(&mut self, event: &Event) -> std::io::Result<()> {
        match event {
            Event::Start { run, total_steps, .. } => println!("{run}: {total_steps} steps"),
            Event::Eval { step, metrics, primary, .. } => {
                println!("  step {step:>4}  {primary} {:.3}", metrics[primary])
            }
            _ => {}
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    distil(folder.path())
}

fn distil(folder: &Path) -> Result<()> {
    // A corpus in GLUE's layout, its vocabulary, and a teacher of it in the layout of the Hugging Face hub.
    let never = AtomicBool::new(false);
    let quickstart = Quickstart { out: folder, seed: 1, train: 4000, dev: 500, stop: &never };
    quickstart.corpus()?;
    quickstart.teacher(&mut Scores)?;

    // What `bitspike distil` does: a recipe, a folder for the run, a teacher with its data.
    let mut recipe =
        Recipe { stage: vec![Stage { epochs: 3.0, ..Stage::new(StageKind::Internal) }], ..Recipe::default() };
    recipe.student.weight_bits = WeightBits::Ternary;
    recipe.stage[0].learning_rate = 1e-3;
    recipe.stage[0].prediction_weight = Some(1.0);
    recipe.data.max_length = 48;
    let run = RunFolder::create(&folder.join("student"))?;
    let data = quickstart.data();
    let inputs = Inputs::load(&folder.join("teacher"), &data, &[], TaskSpec::glue("sst2")?, None)?;
    let done = inputs.distil(&Job::new(&recipe, &run), &mut Scores)?;
    println!("ended: {}", done.run.outcome.reason.name());

    // The run's folder holds the student.
    let device = Device::flex();
    let (student, _) = Student::of_run(&run, Checkpoint::Best, &device)?;
    let dev = encode(&load(&inputs.task, &data, Split::Dev)?, &inputs.tokenizer, 48);
    let found = score(Network::Student(&student), &inputs.task, &dev, &device)?;
    let rates = &found.predictions.rates;
    println!("accuracy {:.3}", found.metrics["accuracy"]);
    println!("firing rate {:.3}", rates.values().sum::<f64>() / rates.len() as f64);
    println!("packed {} bytes, of {} in 32 bits", student.config.packed_bytes(), student.config.full_bytes());
    Ok(())
}
