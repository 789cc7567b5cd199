//! The commands, one file each.

pub(crate) mod bench;
pub(crate) mod classify;
pub(crate) mod completions;
pub(crate) mod cost;
pub(crate) mod data;
#[cfg(feature = "train")]
pub(crate) mod distil;
pub(crate) mod doctor;
pub(crate) mod embed;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod index;
pub(crate) mod inspect;
#[cfg(feature = "train")]
pub(crate) mod logits;
pub(crate) mod man;
pub(crate) mod models;
pub(crate) mod pack;
#[cfg(feature = "train")]
pub(crate) mod quickstart;
pub(crate) mod report;
pub(crate) mod search;
#[cfg(feature = "serve")]
pub(crate) mod serve;
#[cfg(feature = "train")]
pub(crate) mod sweep;
#[cfg(feature = "train")]
pub(crate) mod teacher;
pub(crate) mod tokens;
pub(crate) mod trace;
#[cfg(feature = "train")]
pub(crate) mod training;
pub(crate) mod verify;

/// What to say of ids that repeat.
fn repeated(ids: &bitspike_data::RepeatedIds) -> String {
    let bitspike_data::RepeatedIds { count, id, file, line, earlier } = ids;
    let more =
        if *count > 1 { format!(", and {} more examples have an earlier one's", count - 1) } else { String::new() };
    format!("{}, line {line}: the id `{}` is that of line {earlier} too{more}", file.display(), id.escape_debug())
}
