//! `bitspike search`

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context, Result};
use bitspike_data::answers::{Embedder, OnError};
use bitspike_data::table::Form;
use bitspike_search::{Access, Asked, Hit, Index, Search, ask};
use serde::Serialize;

use super::embed::texts;
use crate::args::EmbedderArgs;
use crate::args::embedder::Found;
use crate::interrupt;
use crate::output::{Stdout, put, say};
use crate::streams::{column_form, forms, notes, source};

/// Find the texts of an index that mean what a question means
///
/// The score is the cosine of the vectors of question and text; of equal ones the text that was added first comes first. The model is the
/// index's, found by the name that it had when the index was built unless --model says where it is; another one is refused. Without a question they are
/// read from standard input, a line a question.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    bitspike search docs.index \"how do I reset my password\"\n  \
    bitspike search docs.index -k 3 --json \"refunds\" \"delivery abroad\"\n  \
    bitspike search docs.index --input questions.txt --json > answers.jsonl")]
pub(crate) struct SearchArgs {
    /// The index
    #[arg(value_name = "INDEX")]
    index: PathBuf,
    /// Questions
    #[arg(value_name = "QUESTION")]
    questions: Vec<String>,
    #[command(flatten)]
    model: EmbedderArgs,
    /// File of questions; `-` is standard input
    #[arg(long, short, value_name = "FILE", conflicts_with = "questions")]
    input: Option<PathBuf>,
    /// Form of the file of questions, where its name does not tell; plain text, unless given
    #[arg(long, value_parser = forms(), value_name = "FORM", conflicts_with = "questions")]
    format: Option<Form>,
    /// Column of the question; `text` or the only one of text, unless given
    #[arg(long, value_name = "COLUMN", conflicts_with = "questions")]
    text: Option<String>,
    /// Texts to find for each question
    #[arg(short = 'k', long = "top", value_name = "K", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    top: u32,
    /// Print an object of JSON a question
    #[arg(long)]
    json: bool,
    /// Look at every vector, even where there is a graph
    #[arg(long)]
    exact: bool,
    /// Vectors that a search in a graph holds at a time: the more, the slower and the fewer are missed
    #[arg(long, value_name = "N", default_value_t = 128, conflicts_with = "exact", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    effort: u32,
    /// Map the index instead of reading it: for one that is larger than memory
    #[arg(long)]
    map: bool,
}

pub(crate) fn run(args: SearchArgs) -> Result<()> {
    let form = column_form(&args.input, args.format, args.text.as_deref())?;
    let index = Index::open(&args.index, if args.map { Access::Mapped } else { Access::Loaded })?;
    let Found { model, mark, .. } = args.model.load(Some(&index.model().name))?;
    index.check_model(&mark).with_context(|| args.index.display().to_string())?;
    let embedder = Embedder::new(&model, Some(index.dims()))?;
    let search = Search { exact: args.exact, effort: args.effort as usize };
    let mut printer = Printer { index: &index, json: args.json, several: args.questions.len() != 1, first: true };
    if !args.questions.is_empty() {
        for question in &args.questions {
            let hits = index.ask(&embedder, question, args.top as usize, search)?;
            printer.print(&Asked { question: question.clone(), hits })?;
        }
        return Ok(());
    }
    if args.input.is_none() && std::io::stdin().is_terminal() {
        say("reading standard input, a question a line; Ctrl-D ends");
    }
    let cancel = Some(interrupt::listen()?);
    let questions = texts(source(&args.input), form, args.text.as_deref(), false)?;
    let mut failed = None;
    let mut each = |asked: Asked| match printer.print(&asked) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    };
    let summary = ask(&index, &embedder, questions, (args.top as usize, search), cancel, &mut each)?;
    if let Some(error) = failed {
        return Err(error);
    }
    notes(&summary, model.header().max_length, OnError::Skip);
    Ok(())
}

/// An answer in JSON.
#[derive(Debug, Serialize)]
struct Line<'a> {
    question: &'a str,
    hits: Vec<Shown<'a>>,
}

/// A text that was found, in JSON.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    number: usize,
    score: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

/// Prints answers.
struct Printer<'a> {
    index: &'a Index,
    json: bool,
    several: bool,
    first: bool,
}

impl Printer<'_> {
    fn print(&mut self, asked: &Asked) -> Result<()> {
        let hit = |hit: &Hit| -> Result<Shown<'_>> {
            let (id, text) = (self.index.id(hit.number)?, self.index.text(hit.number)?);
            Ok(Shown { number: hit.number, score: hit.score, id, text })
        };
        let hits = asked.hits.iter().map(hit).collect::<Result<Vec<_>>>()?;
        if self.json {
            let mut line = serde_json::to_vec(&Line { question: &asked.question, hits })?;
            line.push(b'\n');
            return Ok(put(&line)?);
        }
        let mut out = Vec::new();
        if self.several {
            let gap = if self.first { "" } else { "\n" };
            writeln!(out, "{gap}{}", shown(&asked.question, 160))?;
        }
        self.first = false;
        for hit in hits {
            let id = hit.id.map(|id| format!("{}  ", shown(id, 80))).unwrap_or_default();
            let number = if hit.id.is_none() { format!("{:>7}  ", hit.number) } else { String::new() };
            writeln!(out, "{:>7.4}  {number}{id}{}", hit.score, shown(hit.text.unwrap_or(""), 160))?;
        }
        Stdout.write_all(&out)?;
        Ok(Stdout.flush()?)
    }
}

/// The beginning of a text on one line; what would steer a terminal is escaped.
fn shown(text: &str, most: usize) -> String {
    let escaped = |c: char| match c {
        '\n' | '\r' | '\t' => " ".to_owned(),
        c if bitspike::config::steers(c) => c.escape_default().to_string(),
        c => c.to_string(),
    };
    let line: String = text.chars().take(most).map(escaped).collect();
    let more = if text.chars().nth(most).is_some() { "..." } else { "" };
    format!("{line}{more}")
}
