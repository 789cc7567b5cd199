//! `bitspike trace`

use std::path::PathBuf;

use anyhow::{Result, bail};
use bitspike::forward::{Dynamics, Simulation};
use bitspike::neuron::{Code, Reset};
use bitspike::trace::NeuronName;
use bitspike::{Input, Options};
use bitspike_analysis::trace::{TableFormat, TraceOptions, trace};

use crate::args::CheckpointArgs;
use crate::args::simulation::{parse_beta, parse_reset, time_steps};
use crate::output::{say, show};

/// Watch a student spike: rates, membranes and spikes of one sentence, as tables and a picture
///
/// Simulates one text and writes the firing rate of every population against time, the membrane of chosen neurons and every
/// spike, and says how far each population is from its equilibrium.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike trace runs/sst2 \"a fine film\"\n  \
    bitspike trace runs/sst2 \"a fine film\" --timesteps 256 --neuron layer.5.output:0:17 --format json --out film")]
pub(crate) struct TraceArgs {
    /// The model: a name, a packed file, or the folder of a run
    model: PathBuf,
    /// The text
    text: String,
    /// The second text, for tasks on pairs
    text2: Option<String>,
    /// `phased`, `accumulated` or `instantaneous`; unless given, `accumulated`, and `phased` of a student whose counts are powers of
    /// two
    #[arg(long, value_name = "D")]
    dynamics: Option<Dynamics>,
    /// Steps to simulate; unless given, 64, and the T of training of a student whose counts are powers of two
    #[arg(long, alias = "time-steps", value_name = "T", value_parser = time_steps())]
    timesteps: Option<u32>,
    /// Leak of every neuron in (0, 1]; 1 is integrate-and-fire
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = parse_beta)]
    beta: f32,
    /// What a spike leaves of a potential: `soft` takes the threshold away, `hard` everything
    #[arg(long, value_name = "RESET", default_value = "soft", value_parser = parse_reset)]
    reset: Reset,
    /// How counts are handed on (phased): as so many spikes (`unary`), as binary digits (`digits`), as canonic signed digits
    /// (`naf`); `single` of a student whose counts are powers of two. Unless given, as the student was trained to
    #[arg(long, value_name = "CODE")]
    code: Option<Code>,
    /// Neuron whose membrane is written, such as `layer.0.output:0:17` (token 0 is `[CLS]`); may be repeated. Unless given, the
    /// most active ones of `[CLS]` in the first and the last population
    #[arg(long, value_name = "POPULATION:TOKEN:INDEX", value_parser = parse_neuron)]
    neuron: Vec<NeuronName>,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    /// Folder to write into
    #[arg(long, alias = "output", short, value_name = "DIR", default_value = "trace")]
    out: PathBuf,
    /// Tables as Arrow files (`rates`, `membrane`, `spikes`) or as one JSON file
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
    /// Replace files of an earlier trace
    #[arg(long)]
    force: bool,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// The form of the tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[cfg_attr(not(feature = "arrow"), default)]
    Json,
    #[cfg(feature = "arrow")]
    #[default]
    Arrow,
}

impl From<Format> for TableFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            #[cfg(feature = "arrow")]
            Format::Arrow => Self::Arrow,
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
    let format = TableFormat::from(args.format);
    // Refused before anything is computed.
    let existing = format.files().iter().map(|name| args.out.join(name)).find(|path| path.exists());
    if let Some(path) = existing.filter(|_| !args.force) {
        bail!("{} exists; choose another --out, or give --force", path.display());
    }
    let subject = args.checkpoint.resolve(&args.model)?;
    let model = subject.model(&Options::new())?;
    let student = &model.header().student;
    let (dynamics, timesteps) = match student.code.is_unary() {
        true => (Dynamics::Accumulated, 64),
        false => (Dynamics::Phased, student.time_steps),
    };
    let simulation = Simulation {
        beta: args.beta,
        reset: args.reset,
        code: args.code.unwrap_or(student.code.code()),
        ..Simulation::new(args.dynamics.unwrap_or(dynamics), args.timesteps.unwrap_or(timesteps))
    };
    simulation.validate()?;
    let input = Input { first: &args.text, second: args.text2.as_deref() };
    let traced = trace(&model, &subject.to_string(), input, &TraceOptions { simulation, neurons: args.neuron })?;
    if traced.origin.truncated {
        let length = model.header().max_length;
        say(format_args!("note: the text is cut to the {length} tokens that the model was trained with"));
    }
    traced.write(&args.out, format)?;
    show(&traced.summary, args.json, |summary, out| {
        write!(out, "{summary}")?;
        let names: Vec<String> = format.files().iter().map(|name| args.out.join(name).display().to_string()).collect();
        Ok(writeln!(out, "wrote {}", names.join(", "))?)
    })
}

#[cfg(test)]
mod tests;
