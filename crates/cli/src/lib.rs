//! The command line: what the program `bitspike` and the Python package run.
//!
//! Exit codes: 0 done, 1 a problem with data, files or training (one message on standard error), 2 wrong usage, 130
//! interrupted. Wrong usage is what the command line alone shows: a flag, or a value of one, that is not known, is missing or
//! contradicts another. What files say is never wrong usage.

mod args;
mod commands;
#[cfg(feature = "download")]
mod download_progress;
mod interrupt;
#[cfg(feature = "train")]
mod live;
#[cfg(feature = "serve")]
mod log;
mod output;
mod print;
mod progress;
mod streams;
#[cfg(feature = "train")]
mod teacher_folder;
mod trained;
mod version;

use std::ffi::OsString;

use bitspike::error::explain;
use clap::{CommandFactory, Parser, Subcommand};

/// Spiking language models with 1- and 1.58-bit weights: distil, score, run.
#[derive(Debug, Parser)]
#[command(name = "bitspike", version, long_version = version::long(), max_term_width = 110, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    verbosity: args::Verbosity,
}

// Each command is described by its arguments, in one line and in full.
#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "train")]
    Quickstart(commands::quickstart::QuickstartArgs),
    Data(commands::data::DataArgs),
    #[cfg(feature = "train")]
    Teacher(commands::teacher::TeacherArgs),
    #[cfg(feature = "train")]
    Logits(commands::logits::LogitsArgs),
    #[cfg(feature = "train")]
    #[command(visible_alias = "distill")]
    Distil(Box<commands::distil::DistilArgs>),
    #[cfg(feature = "train")]
    Sweep(Box<commands::sweep::SweepArgs>),
    Eval(commands::eval::EvalArgs),
    Trace(commands::trace::TraceArgs),
    Tokens(commands::tokens::TokensArgs),
    Pack(commands::pack::PackArgs),
    Export(Box<commands::export::ExportArgs>),
    Inspect(commands::inspect::InspectArgs),
    Classify(Box<commands::classify::ClassifyArgs>),
    Embed(Box<commands::embed::EmbedArgs>),
    Index(commands::index::IndexArgs),
    Search(Box<commands::search::SearchArgs>),
    #[cfg(feature = "serve")]
    Serve(Box<commands::serve::ServeArgs>),
    Bench(commands::bench::BenchArgs),
    Doctor(commands::doctor::DoctorArgs),
    Cost(commands::cost::CostArgs),
    Report(Box<commands::report::ReportArgs>),
    Models(commands::models::ModelsArgs),
    Verify(commands::verify::VerifyArgs),
    Completions(commands::completions::CompletionsArgs),
    Man(commands::man::ManArgs),
}

/// Does what `arguments` say, the first of which is the name of the program, and returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(said) => {
            // Help and version too; a closed pipe is no failure of ours.
            let _ = said.print();
            return said.exit_code() as u8;
        }
    };
    cli.verbosity.apply();
    let began = std::time::Instant::now();
    output::detail(format_args!("{}", version::line()));
    let result = match cli.command {
        #[cfg(feature = "train")]
        Command::Quickstart(args) => commands::quickstart::run(args),
        Command::Data(args) => commands::data::run(args),
        #[cfg(feature = "train")]
        Command::Teacher(args) => commands::teacher::run(args),
        #[cfg(feature = "train")]
        Command::Logits(args) => commands::logits::run(&args),
        #[cfg(feature = "train")]
        Command::Distil(args) => commands::distil::run(*args),
        #[cfg(feature = "train")]
        Command::Sweep(args) => commands::sweep::run(*args),
        Command::Eval(args) => commands::eval::run(args),
        Command::Trace(args) => commands::trace::run(args),
        Command::Tokens(args) => commands::tokens::run(&args),
        Command::Pack(args) => commands::pack::run(args),
        Command::Export(args) => commands::export::run(*args),
        Command::Inspect(args) => commands::inspect::run(args),
        Command::Classify(args) => commands::classify::run(*args),
        Command::Embed(args) => commands::embed::run(*args),
        Command::Index(args) => commands::index::run(args),
        Command::Search(args) => commands::search::run(*args),
        #[cfg(feature = "serve")]
        Command::Serve(args) => commands::serve::run(*args),
        Command::Bench(args) => commands::bench::run(args),
        Command::Doctor(args) => commands::doctor::run(args),
        Command::Cost(args) => commands::cost::run(args),
        Command::Report(args) => commands::report::run(*args),
        Command::Models(args) => commands::models::run(args),
        Command::Verify(args) => commands::verify::run(args),
        Command::Completions(args) => commands::completions::run(&args, Cli::command()),
        Command::Man(args) => commands::man::run(&args, Cli::command()),
    };
    #[cfg(feature = "train")]
    live::restore_terminal();
    output::detail(format_args!("{:.2} s", began.elapsed().as_secs_f64()));
    match result {
        Ok(()) if interrupt::requested() => 130,
        Ok(()) => 0,
        // A reader that went away, such as `head`, is no failure of ours.
        Err(_) if output::Stdout::is_closed() => 0,
        Err(error) => {
            output::warn(format_args!("bitspike: {}", explain(error.as_ref())));
            if error.is::<args::Usage>() { 2 } else { 1 }
        }
    }
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
