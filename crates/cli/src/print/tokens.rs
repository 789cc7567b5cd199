//! The tokens of a text, a line each.

use std::io::Write;

use anyhow::Result;
use bitspike_analysis::tokens::{Token, Tokens};

/// The tokens, those that are cut, and what should be known of the tokeniser.
pub(crate) fn print(tokens: &Tokens, out: &mut dyn Write) -> Result<()> {
    let all = tokens.tokens.iter().chain(&tokens.cut);
    let width = all.map(|token| token.piece.escape_debug().count()).max().unwrap_or(0).max("piece".len());
    writeln!(out, "{:>5} {:>7}  {:<width$} {:>4} {:>4}  {:>11}", "place", "id", "piece", "type", "text", "characters")?;
    for (place, token) in tokens.tokens.iter().enumerate() {
        line(token, &place.to_string(), width, out)?;
    }
    if !tokens.cut.is_empty() {
        let most = tokens.max_length.map_or(String::new(), |most| format!(", to keep {most}"));
        writeln!(out, "cut at the {} end{most}: {} tokens", tokens.truncation_side, tokens.cut.len())?;
        for token in &tokens.cut {
            line(token, "cut", width, out)?;
        }
    }
    for note in &tokens.notes {
        writeln!(out, "note: {note}")?;
    }
    Ok(())
}

fn line(token: &Token, place: &str, width: usize, out: &mut dyn Write) -> Result<()> {
    let Token { id, piece, type_id, text, start, end, characters } = token;
    let piece = piece.escape_debug().to_string();
    write!(out, "{place:>5} {id:>7}  {piece:<width$} {type_id:>4}")?;
    match (text, start, end) {
        (Some(text), Some(start), Some(end)) => {
            let places = format!("{start}..{end}");
            writeln!(out, " {text:>4}  {places:>11}  {:?}", characters.as_deref().unwrap_or_default())?;
        }
        _ => writeln!(out)?,
    }
    Ok(())
}
