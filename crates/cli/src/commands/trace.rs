//! `bitspike trace`

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use bitspike::atomic_file;
use bitspike::trace::{NeuronName, PopulationTrace, Trace, choose, most_active};
use bitspike::forward::{Dynamics, Wanted, Simulation, simulate, simulate_recorded};
use bitspike_data::TaskSpec;
use bitspike::config::population_names;
use bitspike::neuron::Reset;
use bitspike::tokenizer::{Encoding, Tokenizer};
use bitspike_train::data::{Encoded, pack};
use bitspike_run::run::RunFolder;
use bitspike_train::student::Student;
use burn::module::Module;
use burn::tensor::Device;

use super::eval_in_time::parse_reset;
use crate::trace::{Origin, Report, picture, tables};

/// Neurons of the first and of the last population whose membranes are kept unless `--neuron` names some.
const DEFAULT_NEURONS: usize = 2;

/// Watch a student spike: simulates one text and writes the firing rate of every population against time, the membrane of
/// chosen neurons and every spike, as tables and as a picture, and says how far each population is from its equilibrium.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike trace runs/sst2 \"a fine film\"\n  \
    bitspike trace runs/sst2 \"a fine film\" --timesteps 256 --neuron layer.5.output:0:17 --format json --out film")]
pub(crate) struct TraceArgs {
    /// Folder of the run
    run: PathBuf,
    /// The text
    text: String,
    /// The second text, for tasks on pairs
    text2: Option<String>,
    /// `phased`, `accumulated` or `instantaneous`
    #[arg(long, value_name = "D", default_value = "accumulated")]
    dynamics: Dynamics,
    /// Steps to simulate
    #[arg(long, value_name = "T", default_value_t = 64)]
    timesteps: u32,
    /// Leak of every neuron in (0, 1]; 1 is integrate-and-fire
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    beta: f32,
    /// What a spike leaves of a potential: `soft` takes the threshold away, `hard` everything
    #[arg(long, value_name = "RESET", default_value = "soft", value_parser = parse_reset)]
    reset: Reset,
    /// Neuron whose membrane is written, such as `layer.0.output:0:17` (token 0 is `[CLS]`); may be repeated. Unless given, the
    /// most active ones of `[CLS]` in the first and the last population
    #[arg(long, value_name = "POPULATION:TOKEN:INDEX", value_parser = parse_neuron)]
    neuron: Vec<NeuronName>,
    /// Folder to write into
    #[arg(long, value_name = "DIR", default_value = "trace")]
    out: PathBuf,
    /// Tables as Arrow files (`rates`, `membrane`, `spikes`) or as one JSON file
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Arrow)]
    format: Format,
    /// Replace files of an earlier trace
    #[arg(long)]
    force: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// The form of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Json,
    Arrow,
}

impl Format {
    /// Names of the files that a trace consists of.
    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["trace.json", "trace.svg"],
            Self::Arrow => &["rates.arrow", "membrane.arrow", "spikes.arrow", "summary.json", "trace.svg"],
        }
    }
}

/// `population:token:neuron`
fn parse_neuron(text: &str) -> Result<NeuronName, String> {
    let number = |part: &str| part.parse().map_err(|_| format!("`{part}`: expected a number from 0 on"));
    match text.split(':').collect::<Vec<_>>()[..] {
        [population, token, neuron] if !population.is_empty() => {
            Ok(NeuronName { population: population.to_owned(), token: number(token)?, neuron: number(neuron)? })
        }
        _ => Err("expected POPULATION:TOKEN:INDEX, such as layer.0.output:0:17".into()),
    }
}

pub(crate) fn run(args: TraceArgs) -> Result<()> {
    let simulation =
        Simulation { beta: args.beta, reset: args.reset, ..Simulation::new(args.dynamics, args.timesteps) };
    simulation.validate()?;
    check_output(&args)?;
    let folder = RunFolder::open(&args.run)?;
    let report = trace_text(&folder, (&args.text, args.text2.as_deref()), &simulation, &args.neuron)?;
    write(&report, &args.out, args.format)?;
    print(&report, &args)
}

/// Records one text, or a pair, through the run's best student.
///
/// # Errors
/// If the texts do not suit the task, the run is damaged, or a neuron does not exist.
pub(crate) fn trace_text(
    folder: &RunFolder,
    texts: (&str, Option<&str>),
    simulation: &Simulation,
    neurons: &[NeuronName],
) -> Result<Report> {
    let description = folder.description()?;
    check_texts(texts, &description.task)?;
    let tokenizer = folder.tokenizer()?;
    let device = Device::flex();
    let (student, _) = folder.student(&device)?;
    tokenizer.check_vocab(student.config.vocab_size)?;
    let encoding = encode(texts, &tokenizer, description.max_length.min(student.config.max_positions));
    let word = |&id: &u32| tokenizer.token(id).unwrap_or_else(|| format!("#{id}"));
    let tokens: Vec<String> = encoding.ids.iter().map(word).collect();
    let simulated = simulate_text(&student, encoding, simulation, neurons, &device)?;
    let origin = Origin {
        model: folder.path().display().to_string(),
        text: texts.0.to_owned(),
        text2: texts.1.map(str::to_owned),
        tokens,
        dynamics: simulation.dynamics,
        beta: simulation.beta,
        reset: if simulation.reset == Reset::Hard { "hard".into() } else { "soft".into() },
        signed: student.config.signed,
        labels: description.task.labels().to_vec(),
        logits: simulated.logits,
        phased_logits: simulated.phased_logits,
    };
    Ok(Report::new(origin, simulated.trace)?)
}

/// Refuses to write over an earlier trace, before anything is computed.
fn check_output(args: &TraceArgs) -> Result<()> {
    let existing = args.format.files().iter().map(|name| args.out.join(name)).find(|path| path.exists());
    match existing {
        Some(path) if !args.force => bail!("{} exists; choose another --out, or give --force", path.display()),
        _ => Ok(()),
    }
}

fn check_texts((first, second): (&str, Option<&str>), task: &TaskSpec) -> Result<()> {
    if [Some(first), second].into_iter().flatten().any(|text| text.trim().is_empty()) {
        bail!("text: expected at least one word, found none");
    }
    match (&task.second, second) {
        (Some(second), None) => {
            bail!("task {} takes two texts, {} and {second}: give both, each in quotes", task.name, task.first)
        }
        (None, Some(_)) => bail!("task {} takes one text: put it in quotes", task.name),
        _ => Ok(()),
    }
}

fn encode((first, second): (&str, Option<&str>), tokenizer: &Tokenizer, max_length: usize) -> Encoding {
    let encoding = tokenizer.encode(first, second, max_length);
    if encoding.ids.len() == max_length && tokenizer.encode(first, second, max_length + 1).ids.len() > max_length {
        eprintln!("note: the text is cut to the {max_length} tokens that the model was trained with");
    }
    encoding
}

/// What a simulation of one text gives.
struct Simulated {
    trace: Trace,
    /// After the last step.
    logits: Vec<f32>,
    /// At the quantised equilibrium.
    phased_logits: Vec<f32>,
}

/// Finds the equilibrium by `phased` with as many steps and neurons without leak, chooses the neurons, and runs the simulation.
fn simulate_text(
    student: &Student,
    encoding: Encoding,
    simulation: &Simulation,
    wanted: &[NeuronName],
    device: &Device,
) -> Result<Simulated> {
    let encoder = student.encoder()?;
    // Without autodiff no graph is kept.
    let student = Student { net: student.net.valid(), ..student.clone() };
    let tokens = encoding.ids.len();
    let example = Encoded { id: String::new(), ids: encoding.ids, types: encoding.type_ids, target: None };
    let embedded = student.embedding_currents(&pack(&[example], &[0]), device);

    let time_steps = simulation.time_steps;
    let phased = Simulation::new(Dynamics::Phased, time_steps);
    let options = Wanted { sums: true, ..Wanted::default() };
    let mut equilibrium = simulate(&encoder, (&embedded, &[tokens]), &phased, options)?.swap_remove(0);

    let names = population_names(student.config.layers);
    let shapes = encoder.populations();
    let named: Vec<(&str, usize)> = names.iter().map(String::as_str).zip(shapes.iter().map(|shape| shape.0)).collect();
    let rates = |sums: Vec<f32>| sums.into_iter().map(|sum| sum / time_steps as f32).collect();
    let rates: Vec<Vec<f32>> = std::mem::take(&mut equilibrium.sums).into_iter().map(rates).collect();
    let chosen = match wanted {
        [] => choose(&default_neurons(&named, &rates), &named, tokens)?,
        wanted => choose(wanted, &named, tokens)?,
    };
    let parts = names.iter().zip(shapes).zip(chosen).zip(rates);
    let populations = parts.map(|(((name, (width, theta)), chosen), equilibrium)| PopulationTrace {
        name: name.clone(),
        width,
        theta,
        spikes: Vec::new(),
        membrane: Vec::new(),
        chosen,
        equilibrium,
    });
    let mut trace = Trace::new(time_steps, tokens, populations.collect())?;
    let run = simulate_recorded(&encoder, &embedded, simulation, &mut trace)?;
    let classes = student.config.num_labels;
    let logits = run.logits[run.logits.len().saturating_sub(classes)..].to_vec();
    Ok(Simulated { trace, logits, phased_logits: equilibrium.logits })
}

/// The most active neurons of `[CLS]` in the first and the last population, given the rates at equilibrium.
fn default_neurons(populations: &[(&str, usize)], equilibrium: &[Vec<f32>]) -> Vec<NeuronName> {
    let most = |((name, width), rates): (&(&str, usize), &Vec<f32>)| -> Vec<NeuronName> {
        let neurons = most_active(rates, *width, DEFAULT_NEURONS);
        neurons.into_iter().map(|neuron| NeuronName { population: (*name).to_owned(), token: 0, neuron }).collect()
    };
    let both = || populations.iter().zip(equilibrium);
    both().take(1).chain(both().skip(1).last()).flat_map(most).collect()
}

/// Writes every file of the trace, the picture last.
fn write(report: &Report, folder: &Path, format: Format) -> Result<()> {
    let svg = picture::draw(report)?;
    std::fs::create_dir_all(folder).map_err(|e| bitspike_train::Error::io("create folder", folder, e))?;
    for name in format.files() {
        let content = |file: &mut File| match *name {
            "trace.json" => tables::write_json(report, file),
            "rates.arrow" => tables::write_rates(report, file),
            "membrane.arrow" => tables::write_membranes(report, file),
            "spikes.arrow" => tables::write_spikes(report, file),
            "summary.json" => tables::write_summary(report, file),
            _ => file.write_all(svg.as_bytes()),
        };
        atomic_file::write(&folder.join(name), content)?;
    }
    Ok(())
}

fn print(report: &Report, args: &TraceArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&report.summary)?)?);
    }
    report.print(&mut out)?;
    let names: Vec<String> = args.format.files().iter().map(|name| args.out.join(name).display().to_string()).collect();
    writeln!(out, "wrote {}", names.join(", "))?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neurons_are_named_by_population_token_and_number() {
        let name = NeuronName { population: "layer.0.output".into(), token: 2, neuron: 17 };
        assert_eq!(parse_neuron("layer.0.output:2:17").unwrap(), name);
        for (text, says) in [
            ("layer.0.output", "POPULATION:TOKEN:INDEX"),
            (":0:1", "POPULATION:TOKEN:INDEX"),
            ("key:0:1:2", "POPULATION:TOKEN:INDEX"),
            ("key:-1:2", "`-1`"),
            ("key:0:x", "`x`"),
        ] {
            assert!(parse_neuron(text).unwrap_err().contains(says), "{text}");
        }
    }

    #[test]
    fn first_and_last_population_give_the_default_neurons() {
        let populations = [("embedding", 3), ("layer.0.key", 3), ("layer.0.output", 3)];
        let rates = [vec![0.1, -0.5, 0.2], vec![0.9; 3], vec![0.0, 0.0, 0.4]];
        let names = default_neurons(&populations, &rates);
        let found: Vec<_> = names.iter().map(|name| (name.population.as_str(), name.token, name.neuron)).collect();
        let expected = [("embedding", 0, 1), ("embedding", 0, 2), ("layer.0.output", 0, 2), ("layer.0.output", 0, 0)];
        assert_eq!(found, expected);
        assert_eq!(default_neurons(&populations[..1], &rates[..1]).len(), 2);
    }
}
