//! `bitspike serve`

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bitspike::Options;
use bitspike::forward::{Dynamics, ExitRule};
use bitspike_hub::Subject;
use bitspike_server::{Server, Settings, TlsFiles, systemd_unit};
use clap::ArgAction;
use clap::builder::RangedU64ValueParser;

use crate::args::simulation::{parse_rule, time_steps};
use crate::args::{CheckpointArgs, usage};
use crate::log::{LogFormat, LogLevel};
use crate::output::{put, say};

/// Answer over HTTP, with a page that shows the spikes
///
/// Routes are those of text-embeddings-inference, of Hugging Face's clients and of KServe, and our own. The first model answers requests that name none. Nothing listens but this machine unless `--host` says so, nothing is asked of
/// anyone else, and texts are not logged. Termination ends it once requests at work are answered; a hang-up, or a file that is
/// replaced, loads models, keys and certificate anew.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    bitspike serve\n  \
    bitspike serve sst2-ternary stsb-ternary --port 8080\n  \
    bitspike serve model.safetensors --host 0.0.0.0 --api-key-file keys --tls-cert cert.pem --tls-key key.pem\n\n  \
    curl -s localhost:8080/v1/classify -d '{\"inputs\": \"a gripping, funny film\"}'\n\n\
    docs/server.md has every route and what each limit is for.")]
pub(crate) struct ServeArgs {
    /// Models: names, packed files, folders of runs; the one that is compiled in, unless given
    #[arg(value_name = "MODEL")]
    models: Vec<PathBuf>,
    #[command(flatten)]
    checkpoint: CheckpointArgs,
    /// Address to listen on; 0.0.0.0 is every one of this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port to listen on; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Threads to compute with, up to 1024; 0 takes all cores
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1024))]
    threads: u16,
    /// `phased`, `accumulated` or `instantaneous`
    #[arg(long, value_name = "D", default_value = "phased", help_heading = "Answers")]
    dynamics: Dynamics,
    /// Time steps, instead of those that a model was trained with
    #[arg(long, alias = "time-steps", value_name = "T", value_parser = time_steps(), help_heading = "Answers")]
    timesteps: Option<u32>,
    /// End a text when its answer is settled (accumulated, instantaneous): `margin=2,change=0.5,patience=2,min=3`, each part
    /// optional
    #[arg(long, value_name = "RULE", value_parser = parse_rule, help_heading = "Answers")]
    exit: Option<ExitRule>,
    /// The same while much is waiting alone, so that fewer requests are refused; answers say which ended early
    #[arg(long, value_name = "RULE", value_parser = parse_rule, conflicts_with = "exit", help_heading = "Answers")]
    anytime: Option<ExitRule>,
    /// File with keys, one a line, of which a request has to show one
    #[arg(long, value_name = "FILE", help_heading = "Access")]
    api_key_file: Option<PathBuf>,
    /// Certificate chain in PEM; the server then speaks TLS alone
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "Access")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "Access")]
    tls_key: Option<PathBuf>,
    /// Origin whose pages may ask, such as `https://example.org`; may be repeated
    #[arg(long, value_name = "ORIGIN", action = ArgAction::Append, help_heading = "Access")]
    cors: Vec<String>,
    #[command(flatten)]
    limits: Limits,
    /// What is logged, on standard error
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = LogLevel::Info, help_heading = "Log")]
    log_level: LogLevel,
    /// Lines for people or JSON for programs
    #[arg(long, value_enum, value_name = "FORM", default_value_t = LogFormat::Text, help_heading = "Log")]
    log_format: LogFormat,
    /// Log the texts too, at the level `debug`
    #[arg(long, help_heading = "Log")]
    log_texts: bool,
    /// Print a unit for systemd that runs this command line, and end
    #[arg(long)]
    print_systemd_unit: bool,
}

/// What a server may take, hold and spend.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
struct Limits {
    /// Threads that speak HTTP
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = at_least_one())]
    io_threads: usize,
    /// Connections at a time; further ones wait
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = at_least_one())]
    max_connections: usize,
    /// Bytes of a body, also after decompression
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 20, value_parser = at_least_one())]
    max_body_bytes: usize,
    /// Bytes of all bodies in memory
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 20, value_parser = at_least_one())]
    max_buffered_bytes: usize,
    /// Bytes of a text
    #[arg(long, value_name = "BYTES", default_value_t = 256 << 10, value_parser = at_least_one())]
    max_text_bytes: usize,
    /// Texts of a request
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = at_least_one())]
    max_texts: usize,
    /// Tokens that may wait; while more do, requests are refused with 429
    #[arg(long, value_name = "N", default_value_t = 16_384, value_parser = at_least_one())]
    max_queue_tokens: usize,
    /// Tokens that are computed together; answers do not depend on it
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = at_least_one())]
    max_batch_tokens: usize,
    /// Time steps of a trace
    #[arg(long, value_name = "T", default_value_t = 1024, value_parser = time_steps())]
    max_steps: u32,
    /// Traces and counts that may wait
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = at_least_one())]
    max_waiting_traces: usize,
    /// Seconds from a request to its answer, then 503
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    deadline_seconds: u64,
    /// Seconds for the head of a request, and for which a connection may be idle
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    idle_seconds: u64,
    /// Seconds for a body, and between two parts of a stream of lines
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3600))]
    body_seconds: u64,
    /// Seconds for requests at work when the server is told to stop
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=3600))]
    drain_seconds: u64,
    /// Seconds between two looks at the files of models, keys and certificate; 0 looks when a hang-up says so alone
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    watch_seconds: u64,
}

fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=1 << 40)
}

pub(crate) fn run(args: ServeArgs) -> Result<()> {
    for (flag, rule) in [("--exit", args.exit), ("--anytime", args.anytime)] {
        if rule.is_some() && args.dynamics == Dynamics::Phased {
            return Err(usage(format!("{flag}: expected --dynamics accumulated or instantaneous, found phased")));
        }
    }
    if args.print_systemd_unit {
        return print_unit(args.limits.drain_seconds);
    }
    crate::log::start(args.log_level, args.log_format);
    let models = match &args.models[..] {
        [] => vec![Subject::builtin()],
        models => models.iter().map(|model| Ok(args.checkpoint.resolve(model)?)).collect::<Result<_>>()?,
    };
    let server = Server::bind(settings(&args), models)?.with_signals();
    let scheme = if server.is_secure() { "https" } else { "http" };
    say(format_args!("{} at {scheme}://{}; Ctrl-C ends", server.models().join(", "), server.address()));
    if !args.host.is_loopback() && args.api_key_file.is_none() {
        say("note: whoever reaches this address may ask; --api-key-file asks for a key");
    }
    if !server.run()? {
        bail!(
            "requests were still at work after {} s (--drain-seconds), and were not answered",
            args.limits.drain_seconds
        );
    }
    Ok(())
}

fn settings(args: &ServeArgs) -> Settings {
    let mut options = Options::new().dynamics(args.dynamics);
    if let Some(time_steps) = args.timesteps {
        options = options.time_steps(time_steps);
    }
    if let Some(rule) = args.exit {
        options = options.exit(rule);
    }
    let tls = args.tls_cert.clone().zip(args.tls_key.clone());
    let Limits { io_threads, max_connections, max_body_bytes, max_buffered_bytes, .. } = args.limits;
    let Limits { max_text_bytes, max_texts, max_queue_tokens, max_batch_tokens, .. } = args.limits;
    let Limits { max_steps, max_waiting_traces, watch_seconds, .. } = args.limits;
    Settings {
        host: args.host,
        port: args.port,
        options,
        threads: args.threads.into(),
        io_threads,
        max_connections,
        max_body_bytes,
        max_buffered_bytes,
        max_text_bytes,
        max_texts,
        max_queue_tokens,
        max_batch_tokens,
        max_steps,
        max_waiting_traces,
        deadline: Duration::from_secs(args.limits.deadline_seconds),
        idle: Duration::from_secs(args.limits.idle_seconds),
        body_time: Duration::from_secs(args.limits.body_seconds),
        drain: Duration::from_secs(args.limits.drain_seconds),
        watch: (watch_seconds > 0).then(|| Duration::from_secs(watch_seconds)),
        api_key_file: args.api_key_file.clone(),
        tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }),
        cors: args.cors.clone(),
        anytime: args.anytime,
        log_texts: args.log_texts,
    }
}

/// The unit that runs this very command line.
fn print_unit(drain: u64) -> Result<()> {
    let program = std::env::current_exe().context("find this program")?;
    let flags = std::env::args().skip(1).filter(|flag| flag != "--print-systemd-unit");
    let words = std::iter::once(program.display().to_string()).chain(flags).map(|word| quoted(&word));
    put(systemd_unit(&words.collect::<Vec<_>>().join(" "), drain).as_bytes())?;
    Ok(())
}

/// A word as systemd reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$"))
}
