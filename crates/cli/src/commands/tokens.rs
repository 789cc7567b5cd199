//! `bitspike tokens`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use bitspike::config::BertConfig;
use bitspike::tokenizer::{Piece, Side, Tokenizer};
use bitspike_hub::Subject;
use serde::Serialize;

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

/// What became of the texts.
#[derive(Debug, Serialize)]
pub(crate) struct Tokens {
    /// The model.
    pub(crate) model: String,
    /// Tokens kept at most; none where nothing limits them.
    pub(crate) max_length: Option<usize>,
    /// The end that too long a text loses: `right` or `left`.
    pub(crate) truncation_side: &'static str,
    /// What the model reads.
    pub(crate) tokens: Vec<Token>,
    /// What was cut.
    pub(crate) cut: Vec<Token>,
    /// What should be known of the tokeniser.
    pub(crate) notes: Vec<String>,
}

/// A token.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Token {
    pub(crate) id: u32,
    pub(crate) piece: String,
    /// 0, or 1 for what belongs to a second text.
    pub(crate) type_id: u32,
    /// 1 or 2, the text that it is of; none of the frame's.
    pub(crate) text: Option<usize>,
    /// The characters of that text.
    pub(crate) start: Option<usize>,
    pub(crate) end: Option<usize>,
    /// What stands there.
    pub(crate) characters: Option<String>,
}

pub(crate) fn run(args: &TokensArgs) -> Result<()> {
    let (model, tokenizer, max_length, rows) = open(&args.model, args.max_length)?;
    let tokens = tokens(model, &tokenizer, args, max_length, rows);
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

fn tokens(
    model: String,
    tokenizer: &Tokenizer,
    args: &TokensArgs,
    max_length: Option<usize>,
    rows: Option<usize>,
) -> Tokens {
    let length = max_length.unwrap_or(usize::MAX);
    let texts = [Some(args.text.as_str()), args.text2.as_deref()];
    let encoding = tokenizer.encode(&args.text, args.text2.as_deref(), length);
    let pieces = tokenizer.pieces(&args.text, args.text2.as_deref(), length);
    let frame = |at: usize| Token {
        id: encoding.ids[at],
        piece: tokenizer.token(encoding.ids[at]).unwrap_or_default(),
        type_id: encoding.type_ids[at],
        text: None,
        start: None,
        end: None,
        characters: None,
    };
    let (mut kept, mut cut) = (vec![frame(0)], Vec::new());
    for (i, (text, pieces)) in texts.into_iter().flatten().zip(&pieces).enumerate() {
        let type_id = if i == 0 { 0 } else { tokenizer.second_type() };
        let places = characters(text, &pieces.pieces);
        for (at, (piece, (start, end))) in pieces.pieces.iter().zip(places).enumerate() {
            let token = Token {
                id: piece.id,
                piece: tokenizer.token(piece.id).unwrap_or_default(),
                type_id,
                text: Some(i + 1),
                start: Some(start),
                end: Some(end),
                characters: Some(text[piece.range.clone()].to_owned()),
            };
            if pieces.kept.contains(&at) { kept.push(token) } else { cut.push(token) }
        }
        kept.push(frame(kept.len()));
    }
    let mut notes = tokenizer.notes().to_vec();
    if let Some(rows) = rows {
        let without = kept.iter().filter(|token| token.id as usize >= rows);
        notes
            .extend(without.map(|token| format!("{} has the id {}, and the model {rows} rows", token.piece, token.id)));
    }
    let truncation_side = match tokenizer.truncation_side() {
        Side::Right => "right",
        Side::Left => "left",
    };
    Tokens { model, max_length, truncation_side, tokens: kept, cut, notes }
}

/// Bytes as characters, in one pass for pieces in their order.
fn characters(text: &str, pieces: &[Piece]) -> Vec<(usize, usize)> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let place = |byte: usize| starts.partition_point(|&start| start < byte);
    pieces.iter().map(|piece| (place(piece.range.start), place(piece.range.end))).collect()
}
