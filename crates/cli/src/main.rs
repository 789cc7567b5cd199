//! The `bitspike` program.
//!
//! Exit codes: 0 done, 1 a problem with data, files or training (one message on standard error), 2 wrong usage, 130
//! interrupted.

mod args;
mod commands;
#[cfg(feature = "download")]
mod download_progress;
mod interrupt;
#[cfg(feature = "train")]
mod live;
mod output;
mod print;
mod progress;
mod teacher_answers;
mod trained;

use std::process::ExitCode;

use bitspike::error::explain;
use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Spiking language models with 1- and 1.58-bit weights: distil, score, run.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "train")]
    /// Everything in one go, without a download: corpus, teacher, three students, one table
    Quickstart(commands::quickstart::QuickstartArgs),
    /// List tasks, check data, fetch tasks and models
    Data(commands::data::DataArgs),
    #[cfg(feature = "train")]
    /// Fine-tune a BERT teacher on a task
    Teacher(commands::teacher::TeacherArgs),
    #[cfg(feature = "train")]
    /// Distil a teacher into a spiking student
    Distil(Box<commands::distil::DistilArgs>),
    #[cfg(feature = "train")]
    /// Distil a student for every cell of a grid over the recipe, and compare them
    Sweep(Box<commands::sweep::SweepArgs>),
    /// Score a student, a packed model or a teacher
    Eval(commands::eval::EvalArgs),
    /// Watch a student spike: rates, membranes and spikes of one sentence, as tables and a picture
    Trace(commands::trace::TraceArgs),
    /// Pack the best student of a run into one small file, or bring a packed model to the newest form
    Pack(commands::pack::PackArgs),
    /// Show what a packed model is and what it takes
    Inspect(commands::inspect::InspectArgs),
    /// Classify texts, with the model that is compiled in or another
    Classify(Box<commands::classify::ClassifyArgs>),
    /// Measure a packed model: latency, throughput, kernels
    Bench(commands::bench::BenchArgs),
    /// Count what a student computes and what it costs in energy, beside its teacher
    Cost(commands::cost::CostArgs),
    /// Write a run or a model as one HTML page: training, result, cost, mistakes
    Report(Box<commands::report::ReportArgs>),
    /// List the models that can be named, or make one of a run
    Models(commands::models::ModelsArgs),
    /// Compute a shipped model's figures again and compare
    Verify(commands::verify::VerifyArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        #[cfg(feature = "train")]
        Command::Quickstart(args) => commands::quickstart::run(args),
        Command::Data(args) => commands::data::run(args),
        #[cfg(feature = "train")]
        Command::Teacher(args) => commands::teacher::run(args),
        #[cfg(feature = "train")]
        Command::Distil(args) => commands::distil::run(*args),
        #[cfg(feature = "train")]
        Command::Sweep(args) => commands::sweep::run(*args),
        Command::Eval(args) => commands::eval::run(args),
        Command::Trace(args) => commands::trace::run(args),
        Command::Pack(args) => commands::pack::run(args),
        Command::Inspect(args) => commands::inspect::run(args),
        Command::Classify(args) => commands::classify::run(*args),
        Command::Bench(args) => commands::bench::run(args),
        Command::Cost(args) => commands::cost::run(args),
        Command::Report(args) => commands::report::run(*args),
        Command::Models(args) => commands::models::run(args),
        Command::Verify(args) => commands::verify::run(args),
    };
    #[cfg(feature = "train")]
    live::restore_terminal();
    match result {
        Ok(()) if interrupt::requested() => ExitCode::from(130),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bitspike: {}", explain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// What made a page or a file: name, version and, where it is known, commit.
pub(crate) fn program() -> String {
    let commit = env!("BITSPIKE_COMMIT");
    let commit = if commit.is_empty() { String::new() } else { format!(", commit {commit}") };
    format!("bitspike {}{commit}", env!("CARGO_PKG_VERSION"))
}

/// A reader that went away, such as `head`, is no failure of ours.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let io = std::io::Error::other("no space left");
        let error = anyhow::Error::new(bitspike_run::Error::io("write", "x", io)).context("distillation");
        assert_eq!(explain(error.as_ref()), "distillation: write x: no space left");
    }
}
