//! `bitspike tokens`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use bitspike::config::BertConfig;
use bitspike::tokenizer::Tokenizer;
use bitspike_analysis::tokens::Tokens;
use bitspike_hub::Subject;

use crate::output::show;
use crate::print::tokens::print;

/// Show the tokens of a text or a pair of texts: pieces, ids, places, and what is cut
///
/// Places are counted in characters, from 0, as transformers counts them. A folder that holds nothing but a tokeniser will do.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bitspike tokens sst2-tiny 'a gripping, funny film'\n  \
    bitspike tokens teachers/rte 'All birds sing.' 'This bird sings.' --max-length 12 --json")]
pub(crate) struct TokensArgs {
    /// The model: a name (see `bitspike models`), a packed file, or the folder of a run, of a teacher or of a tokeniser
    model: PathBuf,
    /// The text
    text: String,
    /// The second text of a pair
    text2: Option<String>,
    /// Tokens kept, with those of the frame; unless given, what the model was trained with (teachers: 128, or their
    /// `model_max_length` where it is less)
    #[arg(long, value_name = "N")]
    max_length: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &TokensArgs) -> Result<()> {
    let (model, tokenizer, max_length, rows) = open(&args.model, args.max_length)?;
    let texts = (args.text.as_str(), args.text2.as_deref());
    let tokens = Tokens::of(model, &tokenizer, texts, max_length, rows);
    show(&tokens, args.json, print)
}

/// Name, tokeniser, length and rows of the word table, as far as they are known.
fn open(model: &Path, asked: Option<usize>) -> Result<(String, Tokenizer, Option<usize>, Option<usize>)> {
    let holds = |name: &str| model.join(name).is_file();
    let bare = holds("tokenizer.json") || holds("vocab.txt");
    if bare && !["config.json", "model.json", "model.safetensors"].into_iter().any(holds) {
        let tokenizer = Tokenizer::load(model)?;
        let length = asked.or(tokenizer.max_length());
        if let Some(length) = length.filter(|&length| length < 3) {
            bail!("--max-length: expected 3 or more, found {length}");
        }
        return Ok((model.display().to_string(), tokenizer, length, None));
    }
    let subject = Subject::resolve(model)?;
    let rows = subject.teacher().map(BertConfig::load).transpose()?.map(|config| config.vocab_size);
    let length = subject.max_length(asked)?;
    Ok((subject.name(), subject.tokenizer()?, Some(length), rows))
}
