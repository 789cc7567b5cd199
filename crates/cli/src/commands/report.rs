//! `bitspike report`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bitspike::{Input, Options, atomic_file};
use bitspike_analysis::energy::Profile;
use bitspike_analysis::examples::dev_share;
use bitspike_analysis::report::{Report, ReportOptions, beside, measure, sentence};
use bitspike_hub::Subject;

use crate::args::{CheckpointArgs, ClassArgs, Threads, profile, vacant};
use crate::output::{self, show, warn_silent};
use crate::trained::ScoredTeacher;

/// Write a run or a model as one HTML page: training, result, cost, mistakes
///
/// The page needs nothing else. Without --data the page shows what the run's folder holds. With it, the best student is scored on dev, its operations are counted,
/// and its mistakes and energy shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike report runs/sst2\n  \
    bitspike report runs/sst2 --data SST-2 --teacher minilm-l6-sst2 --sentence \"a gripping, funny film\" -o sst2.html\n  \
    bitspike report runs/ternary --beside runs/binary --beside runs/full --data SST-2")]
pub(crate) struct ReportArgs {
    /// Folder of the run, or a packed model by its name or file
    model: PathBuf,
    /// File to write
    #[arg(short, long = "out", alias = "output", value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// Replace an earlier file of that name
    #[arg(long)]
    force: bool,
    /// Folder (or file) with the task's data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder of the teacher, to score it too
    #[arg(long, value_name = "DIR", requires = "data")]
    teacher: Option<PathBuf>,
    #[command(flatten)]
    classes: ClassArgs,
    /// Another run or model of the same task for the table; may be repeated
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
    /// Constants of the energy: 45nm, 45nm-integer, neuromorphic, or your own TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "45nm")]
    profile: String,
    /// Print what is on the page as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(args: ReportArgs) -> Result<()> {
    args.threads.start()?;
    let profile = profile(&args.profile)?;
    vacant("--out", &args.output, args.force)?;
    // A run that was cut short has something to show, too: what cannot be read of it is said on the page.
    let subject = CheckpointArgs::default().resolve(&args.model);
    let mut report = match &subject {
        Ok(Subject::Packed(model)) => Report::of_model(&model.to_string(), model.open()?.header()),
        Ok(Subject::Teacher(path)) => bail!("{}: a teacher has no spikes; give the folder of a run", path.display()),
        Ok(Subject::Run { .. }) | Err(_) => match (Report::of_run(&args.model), &subject) {
            (Err(_), Err(_)) if !args.model.is_dir() => return Err(subject.expect_err("matched").into()),
            (report, _) => report?,
        },
    };
    if let Some(data) = &args.data {
        measured(&mut report, &subject?, data, &profile, &args)?;
    } else if let Some(text) = &args.sentence {
        let subject = subject?;
        let input = Input { first: text, second: args.sentence2.as_deref() };
        report.sentence = Some(sentence(&subject.model(&Options::new())?, &subject.to_string(), input)?);
    }
    if report.results.as_ref().is_some_and(|results| results.cost.is_silent()) {
        warn_silent(&args.model.display());
    }
    let page = report.page(&crate::version::program());
    atomic_file::write(&args.output, |file| std::io::Write::write_all(file, page.as_bytes()))?;
    show(&report, args.json, |_, out| Ok(writeln!(out, "wrote {} ({} kB)", args.output.display(), page.len() / 1000)?))
}

/// Adds what needs the task's data.
fn measured(report: &mut Report, subject: &Subject, data: &Path, profile: &Profile, args: &ReportArgs) -> Result<()> {
    let model = subject.model(&Options::new())?;
    let say = |what: &str| output::say(what);
    let dev = dev_share(subject, data)?;
    let teacher = match &args.teacher {
        Some(folder) => {
            say("scoring the teacher");
            let teacher = ScoredTeacher::on_dev(folder, model.header(), data, dev, args.classes.map.as_ref())?;
            teacher.note().iter().for_each(|note| output::say(format_args!("--teacher {}: {note}", folder.display())));
            Some(teacher)
        }
        None => None,
    };
    let teacher = teacher.as_ref().map(ScoredTeacher::answers);
    let options =
        ReportOptions { profile, teacher: teacher.as_ref(), dev, in_time: args.in_time, texts: !args.no_texts };
    report.results = Some(measure(&model, &subject.to_string(), data, &options, say)?);
    for path in &args.beside {
        say(&format!("measuring {}", path.display()));
        let other = || -> Result<_> {
            let name =
                path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
            Ok(beside(&CheckpointArgs::default().resolve(path)?.model(&Options::new())?, &name, data, &options)?)
        };
        report.beside.push(other().with_context(|| format!("--beside {}", path.display()))?);
    }
    if let Some(text) = &args.sentence {
        let input = Input { first: text, second: args.sentence2.as_deref() };
        report.sentence = Some(sentence(&model, &subject.to_string(), input)?);
    }
    Ok(())
}
