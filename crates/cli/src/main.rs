//! The `bitspike` program.
//!
//! Exit codes: 0 done, 1 a problem with data, files or training (one message on standard error), 2 wrong usage, 130
//! interrupted.

mod chart;
mod commands;
mod cost;
mod distillation;
mod download_progress;
mod interrupt;
mod live;
mod models;
mod number;
mod packed;
mod quickstart;
mod report;
mod sweep;
mod trace;

use std::process::ExitCode;

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
    /// Everything in one go, without a download: corpus, teacher, three students, one table
    Quickstart(commands::quickstart::QuickstartArgs),
    /// List tasks, check data, fetch tasks and models
    Data(commands::data::DataArgs),
    /// Fine-tune a BERT teacher on a task
    Teacher(commands::teacher::TeacherArgs),
    /// Distil a teacher into a spiking student
    Distil(Box<commands::distil::DistilArgs>),
    /// Distil a student for every cell of a grid over the recipe, and compare them
    Sweep(Box<commands::sweep::SweepArgs>),
    /// Score a student or a teacher
    Eval(commands::eval::EvalArgs),
    /// Watch a student spike: rates, membranes and spikes of one sentence, as tables and a picture
    Trace(commands::trace::TraceArgs),
    /// Pack the best student of a run into one small file
    Pack(commands::pack::PackArgs),
    /// Show what a packed model is and what it takes
    Inspect(commands::inspect::InspectArgs),
    /// Classify texts, with the model that is compiled in or another
    Classify(Box<commands::classify::ClassifyArgs>),
    /// Measure a packed model: latency, throughput, kernels
    Bench(commands::bench::BenchArgs),
    /// Count what a student computes and what it costs in energy, beside its teacher
    Cost(commands::cost::CostArgs),
    /// Write a run as one HTML page: training, result, cost, mistakes
    Report(Box<commands::report::ReportArgs>),
    /// List the models that can be named, or make one of a run
    Models(commands::models::ModelsArgs),
    /// Compute a shipped model's figures again and compare
    Verify(commands::verify::VerifyArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Quickstart(args) => commands::quickstart::run(args),
        Command::Data(args) => commands::data::run(args),
        Command::Teacher(args) => commands::teacher::run(args),
        Command::Distil(args) => commands::distil::run(*args),
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
    live::restore_terminal();
    match result {
        Ok(()) if interrupt::requested() => ExitCode::from(130),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bitspike: {}", message(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and its causes on one line. Many errors print their cause themselves; it is not said twice.
fn message(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |message, cause| match message.is_empty() {
        true => cause,
        false if message.contains(&cause) => message,
        false => format!("{message}: {cause}"),
    })
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
        let error = anyhow::Error::new(bitspike_train::Error::io("write", "x", io)).context("distillation");
        assert_eq!(message(&error), "distillation: write x: no space left");
    }
}
