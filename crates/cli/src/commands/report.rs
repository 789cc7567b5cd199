//! `bitspike report`

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bitspike::atomic_file;

use super::cost::profile;
use super::threads::Threads;
use crate::report::{Folder, Report, Settings, beside, measure, page, sentence};

/// Write a run as one HTML page that needs nothing else: what was distilled, how it went, what came out and what it costs.
///
/// Without --data the page shows what the run's folder holds. With it, the best student is scored on dev, its operations are counted,
/// and its mistakes and energy shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike report runs/sst2\n  \
    bitspike report runs/sst2 --data SST-2 --teacher minilm-l6-sst2 --sentence \"a gripping, funny film\" -o sst2.html\n  \
    bitspike report runs/ternary --beside runs/binary --beside runs/full --data SST-2")]
pub(crate) struct ReportArgs {
    /// Folder of the run
    run: PathBuf,
    /// File to write
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder of the teacher, to score it too
    #[arg(long, value_name = "DIR", requires = "data")]
    teacher: Option<PathBuf>,
    /// Another run of the same task for the table; may be repeated
    #[arg(long, value_name = "RUN", requires = "data")]
    beside: Vec<PathBuf>,
    /// A sentence to show in time
    #[arg(long, value_name = "TEXT")]
    sentence: Option<String>,
    /// The second text of the sentence, for tasks on pairs
    #[arg(long, value_name = "TEXT", requires = "sentence")]
    sentence2: Option<String>,
    /// Sentences of dev on which the three dynamics are compared; 0 leaves that out
    #[arg(long, value_name = "N", default_value_t = 100)]
    in_time: usize,
    /// Show no text of the data, for a page to be passed on where the data may not
    #[arg(long)]
    no_texts: bool,
    /// Constants of the energy: 45nm, 45nm-integer, neuromorphic, or a TOML file of one's own
    #[arg(long, value_name = "NAME|FILE", default_value = "45nm")]
    profile: String,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(args: ReportArgs) -> Result<()> {
    args.threads.start()?;
    let profile = profile(&args.profile)?;
    if args.output.is_dir() {
        bail!("--output {}: expected the name of a file, found a folder", args.output.display());
    }
    let mut missing = Vec::new();
    let folder = Folder::read(&args.run, &mut missing)?;
    let say = |what: &str| eprintln!("{what}");
    let measured = match &args.data {
        None => {
            missing.push("score, operations, energy, mistakes, the dynamics in time: give --data DIR".into());
            None
        }
        Some(data) => {
            let settings = Settings {
                data,
                teacher: args.teacher.as_deref(),
                profile: &profile,
                in_time: args.in_time,
                texts: !args.no_texts,
            };
            if args.no_texts {
                missing.push("the worst mistakes: left out by --no-texts".into());
            }
            let measured = measure(&args.run, &settings, say)?;
            let mut others = Vec::new();
            for path in &args.beside {
                say(&format!("measuring {}", path.display()));
                others.push(beside(path, &settings).with_context(|| format!("--beside {}", path.display()))?);
            }
            Some((measured, others))
        }
    };
    let sentence = match &args.sentence {
        Some(text) => Some(sentence(&args.run, text, args.sentence2.as_deref())?),
        None => {
            missing.push("spikes and rates of a sentence: give --sentence TEXT".into());
            None
        }
    };
    let (measured, beside) = measured.map_or((None, Vec::new()), |(measured, others)| (Some(measured), others));
    if measured.as_ref().is_some_and(|measured| measured.teacher.is_none()) {
        missing.push("the teacher's score: give --teacher DIR".into());
    }
    let page = page(&Report { folder, measured, beside, sentence, missing });
    atomic_file::write(&args.output, |file| file.write_all(page.as_bytes()))?;
    println!("wrote {} ({} kB)", args.output.display(), page.len() / 1000);
    Ok(())
}
