//! The tokens of a text, where they are in it, and what is cut.

use bitspike::tokenizer::{Piece, Side, Tokenizer};
use serde::Serialize;

/// What became of the texts.
#[derive(Debug, Serialize)]
pub struct Tokens {
    /// The model.
    pub model: String,
    /// Tokens kept at most; none where nothing limits them.
    pub max_length: Option<usize>,
    /// The end that too long a text loses: `right` or `left`.
    pub truncation_side: &'static str,
    /// What the model reads.
    pub tokens: Vec<Token>,
    /// What was cut.
    pub cut: Vec<Token>,
    /// What should be known of the tokeniser.
    pub notes: Vec<String>,
}

/// A token.
#[derive(Debug, Clone, Serialize)]
pub struct Token {
    /// Its number in the vocabulary.
    pub id: u32,
    /// Its text in the vocabulary.
    pub piece: String,
    /// 0, or 1 for what belongs to a second text.
    pub type_id: u32,
    /// 1 or 2, the text that it is of; none of the frame's.
    pub text: Option<usize>,
    /// The first of its characters in that text, from 0.
    pub start: Option<usize>,
    /// One after the last of them.
    pub end: Option<usize>,
    /// What stands there.
    pub characters: Option<String>,
}

impl Tokens {
    /// The tokens of a text, or of a pair of texts, with those of the frame; `max_length` of them are kept. Where `rows` of the word table
    /// are given, a token without a row is noted.
    pub fn of(
        model: String,
        tokenizer: &Tokenizer,
        (first, second): (&str, Option<&str>),
        max_length: Option<usize>,
        rows: Option<usize>,
    ) -> Self {
        let length = max_length.unwrap_or(usize::MAX);
        let encoding = tokenizer.encode(first, second, length);
        let pieces = tokenizer.pieces(first, second, length);
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
        for (i, (text, pieces)) in [Some(first), second].into_iter().flatten().zip(&pieces).enumerate() {
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
            notes.extend(
                without.map(|token| format!("{} has the id {}, and the model {rows} rows", token.piece, token.id)),
            );
        }
        let truncation_side = match tokenizer.truncation_side() {
            Side::Right => "right",
            Side::Left => "left",
        };
        Tokens { model, max_length, truncation_side, tokens: kept, cut, notes }
    }
}

/// Bytes as characters, in one pass for pieces in their order.
fn characters(text: &str, pieces: &[Piece]) -> Vec<(usize, usize)> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let place = |byte: usize| starts.partition_point(|&start| start < byte);
    pieces.iter().map(|piece| (place(piece.range.start), place(piece.range.end))).collect()
}
