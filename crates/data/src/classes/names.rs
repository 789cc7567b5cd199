//! What names of classes say: numbers, words, an order.

use unicode_normalization_alignments::UnicodeNormalization;

use crate::builtin::GlueTask;

/// Names shown in a message.
const SHOWN: usize = 12;

/// The numbers that all of some names are or hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    /// The number of each name, in one spelling.
    pub(super) keys: Vec<String>,
    /// What is around the numbers.
    word: Word,
}

/// What the names say besides their numbers.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    /// Nothing: `3`, `3.0`, or `true`.
    None,
    /// `LABEL_3`, `class 3`.
    Label,
    /// Something of its own: `3 stars`, `c3`.
    Own(String),
}

impl Numbers {
    /// Whether they say more than that they are counted.
    pub(super) fn is_worded(&self) -> bool {
        matches!(self.word, Word::Own(_))
    }

    /// Whether they are called `LABEL_0` or the like.
    pub(super) fn is_label(&self) -> bool {
        self.word == Word::Label
    }

    /// Whether numbers of the two kinds may mean the same.
    pub(super) fn goes_with(&self, other: &Self) -> bool {
        !(self.is_worded() && other.is_worded()) || self.word == other.word
    }

    /// Where each of 0, 1, .. stands; none if they are others.
    pub(super) fn places(&self) -> Option<Vec<usize>> {
        if self.is_worded() {
            return None;
        }
        let count: Vec<String> = (0..self.keys.len()).map(|i| i.to_string()).collect();
        super::by_key(&self.keys, &count)
    }

    /// Whether they rise.
    pub(super) fn ascend(&self) -> bool {
        let value = |key: &String| key.parse::<f64>().unwrap_or(f64::NAN);
        self.keys.windows(2).all(|pair| value(&pair[0]) < value(&pair[1]))
    }
}

/// The numbers of `names`, if all of them are or hold one in the same way.
pub(super) fn numbers(names: &[String]) -> Option<Numbers> {
    let mut found = names.iter().map(|name| number(name));
    let (first, word) = found.next()??;
    let mut keys = vec![first];
    for other in found {
        let (key, other) = other?;
        if other != word {
            return None;
        }
        keys.push(key);
    }
    Some(Numbers { keys, word })
}

/// The number that a name is or holds, in one spelling, and what is around it.
fn number(name: &str) -> Option<(String, Word)> {
    let name = spelled(name);
    match name.as_str() {
        "false" => return Some(("0".into(), Word::None)),
        "true" => return Some(("1".into(), Word::None)),
        _ => {}
    }
    if let Some(key) = plain(&name) {
        return Some((key, Word::None));
    }
    let digits = |c: char| c.is_ascii_digit();
    let begin = name.find(digits)?;
    let end = begin + name[begin..].find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len() - begin);
    let (before, number, after) = (&name[..begin], &name[begin..end], &name[end..]);
    if before.contains(digits) || after.contains(digits) || !(before.is_empty() || after.is_empty()) {
        return None;
    }
    let word = format!("{before}{after}");
    let word = word.trim_matches('_').trim_end_matches('s').to_owned();
    if word.is_empty() || !word.chars().all(|c| c.is_alphabetic() || c == '_') {
        return None;
    }
    let word = if ["label", "clas"].contains(&word.as_str()) { Word::Label } else { Word::Own(word) };
    Some((plain(number)?, word))
}

/// A number in one spelling: `1`, `1.0` and `+1` are 1; `01`, which is an identifier, is none.
fn plain(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    let part = part.trim_end_matches('0');
    let value = if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") };
    Some(if text.starts_with('-') && value != "0" { format!("-{value}") } else { value })
}

/// A name whose letters are composed.
pub(super) fn composed(name: &str) -> String {
    name.nfc().map(|(c, _)| c).collect()
}

/// A name without what only its spelling decides: composition, case, and what stands between words.
pub(super) fn spelled(name: &str) -> String {
    let between = |c: char| c == '_' || c == '-' || c.is_whitespace();
    let lower = composed(name).to_lowercase();
    lower.split(between).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

/// The same, with the short forms that data sets use for sentiments written out: `pos`, `neg`, `neu`.
pub(super) fn written_out(name: &str) -> String {
    let whole = |word: &str| match word {
        "pos" => "positive".to_owned(),
        "neg" => "negative".to_owned(),
        "neu" => "neutral".to_owned(),
        other => other.to_owned(),
    };
    spelled(name).split('_').map(whole).collect::<Vec<_>>().join("_")
}

/// Sorts names: by number where all of them are or hold one in the same way (`c2` before `c10`), otherwise by their bytes.
pub(crate) fn sort(names: &mut Vec<String>) {
    names.sort_unstable();
    let value = |name: &String| name.parse::<f64>().ok().filter(|value| value.is_finite());
    if names.iter().all(|name| value(name).is_some()) {
        names.sort_by(|a, b| value(a).unwrap_or(0.0).total_cmp(&value(b).unwrap_or(0.0)));
    } else if let Some(Numbers { keys, .. }) = numbers(names) {
        let mut numbered: Vec<(f64, String)> =
            keys.iter().map(|key| key.parse().unwrap_or(f64::INFINITY)).zip(names.drain(..)).collect();
        numbered.sort_by(|a, b| a.0.total_cmp(&b.0));
        names.extend(numbered.into_iter().map(|(_, name)| name));
    }
}

/// Whether the order of `names` may be that of 0, 1, ..: not if a benchmark or common sense counts them otherwise.
pub(super) fn may_count(names: &[String]) -> bool {
    let names: Vec<String> = names.iter().map(|name| spelled(name)).collect();
    let known = GlueTask::ALL.iter().map(|task| task.entry().labels).filter(|labels| {
        labels.len() == names.len() && labels.iter().all(|label| names.iter().any(|name| name == label))
    });
    let known: Vec<_> = known.collect();
    if !known.is_empty() {
        return known.iter().any(|labels| labels.iter().zip(&names).all(|(label, name)| label == name));
    }
    let [zero, one] = names.as_slice() else { return true };
    let yes = [("pos", "neg"), ("yes", "no"), ("good", "bad"), ("on", "off"), ("toxic", "neutral")];
    let negated = |name: &str, of: &str| ["not_", "non_", "no_"].iter().any(|not| name.strip_prefix(not) == Some(of));
    !yes.contains(&(zero, one)) && !negated(one, zero)
}

/// Names for a message.
pub(super) fn list(names: &[String]) -> String {
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{}`", name.escape_debug())).collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    if shown.is_empty() { "none".into() } else { shown.join(", ") }
}
