//! What the cell of a label column says: a class by its name or its number, or a score.
//!
//! Classes are one thing however they are written: `1` and `1.0`, `True` and a stored truth value. `01` is text.

use std::borrow::Cow;
use std::cell::{Cell as Noted, RefCell};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use bitspike::config::{Target, preview};
use unicode_normalization_alignments::UnicodeNormalization;

use super::builtin::GlueTask;
use super::classes;
use super::split::Split;
use super::table::Cell;
use super::task::TaskSpec;
use crate::error::shorten;

/// Names of the two truth values, in every form of table.
const TRUTH: [&str; 2] = ["false", "true"];

/// Whether every record must say what its label is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// One without is an error.
    Required,
    /// One may be without: nothing in the column, the hub's -1, or no such column.
    Optional,
}

impl Labels {
    /// What data for training and scoring demands of a split: a test split may be without.
    pub fn of(split: Split) -> Self {
        if split.must_be_labelled() { Self::Required } else { Self::Optional }
    }
}

/// Reads the label column of one task and split.
pub(super) struct LabelReader<'a> {
    pub(super) task: &'a TaskSpec,
    required: bool,
    classes: HashMap<&'a str, usize>,
    /// Classes that are numbers or truth, by what they are however they are written.
    alike: HashMap<String, usize>,
    /// Whether a whole number is a class index. Not so where a class is itself called by a number.
    by_index: bool,
    /// Whether one was, of a task whose benchmark does not say which number is which class.
    indexed: Noted<bool>,
    /// Spellings that have been read, the first few, each with its class: nearly every cell is one of them.
    met: RefCell<Vec<(String, f32)>>,
}

/// Most spellings that are kept, and the longest.
const MET: (usize, usize) = (16, 64);

impl<'a> LabelReader<'a> {
    pub(super) fn new(task: &'a TaskSpec, labels: Labels) -> Self {
        let classes = task.labels();
        let numbered = || classes.iter().enumerate();
        Self {
            task,
            required: labels == Labels::Required,
            classes: numbered().map(|(i, label)| (label.as_str(), i)).collect(),
            alike: numbered().filter_map(|(i, label)| Some((same(label)?.into_owned(), i))).collect(),
            by_index: !classes.iter().any(|label| is_numeral(label)),
            indexed: Noted::new(false),
            met: RefCell::default(),
        }
    }

    /// What was decided about the column without being asked: which class a number stands for.
    pub(super) fn note(&self) -> Option<String> {
        let labels = self.indexed.get().then(|| self.task.labels())?;
        let pairs: Vec<String> =
            labels.iter().take(8).enumerate().map(|(i, label)| format!("{i} is {}", shorten(label))).collect();
        let more = if labels.len() > pairs.len() { ", and so on" } else { "" };
        Some(format!(
            "column `{}` has numbers for the classes: {}{more}, in the order of the classes",
            self.task.label,
            pairs.join(", ")
        ))
    }

    /// MNLI marks a pair on which its annotators did not agree with `-`; GLUE leaves such pairs out.
    pub(super) fn is_undecided(&self, cell: Option<&Cell>) -> bool {
        self.task.glue == Some(GlueTask::Mnli) && matches!(cell, Some(Cell::Text(text)) if text.trim() == "-")
    }

    /// Class index or score; none for an absent column, an empty field, a null, a float that is not a number, and the hub's -1 for
    /// "no label", all of which are refused where a label is required.
    pub(super) fn read(&self, cell: Option<&Cell>) -> Result<Option<f32>, String> {
        let Some(cell) = cell else { return Ok(None) };
        let Cell::Text(text) = cell else { return self.value(cell) };
        let met = self.met.borrow().iter().find(|(spelling, _)| spelling == text).map(|(_, class)| *class);
        if met.is_some() {
            return Ok(met);
        }
        let value = self.value(cell)?;
        let mut met = self.met.borrow_mut();
        if let Some(class) = value.filter(|_| met.len() < MET.0 && text.len() <= MET.1)
            && !self.task.target.is_regression()
        {
            met.push((text.clone(), class));
        }
        Ok(value)
    }

    fn value(&self, cell: &Cell) -> Result<Option<f32>, String> {
        let found = written(cell).unwrap_or_default();
        if let Some(&class) = self.classes.get(found.as_ref()) {
            return Ok(Some(class as f32));
        }
        let marks_absence = match &self.task.target {
            Target::Classification { .. } => !self.alike.contains_key("-1"),
            Target::Regression { min, .. } => *min > -1.0,
            Target::Embedding { .. } => false,
        };
        if found.is_empty() || (marks_absence && stands_for_none(&found)) {
            if self.required {
                let found = if found.is_empty() { "nothing" } else { "-1, which stands for no label" };
                return Err(format!("column `{}`: expected {}, found {found}", self.task.label, self.expected()));
            }
            return Ok(None);
        }
        let value = match &self.task.target {
            Target::Classification { .. } => self.class(&found).map(|class| class as f32),
            Target::Regression { min, max } => {
                let fits = |x: &f32| x.is_finite() && (self.task.discovered || (*min..=*max).contains(x));
                let found = match cell {
                    Cell::Boolean(value) => Cow::from(u8::from(*value).to_string()),
                    _ => found.clone(),
                };
                found.parse::<f32>().ok().filter(fits)
            }
            // How alike two texts are, on any scale.
            Target::Embedding { .. } => found.parse::<f32>().ok().filter(|x| x.is_finite()),
        };
        value.map(Some).ok_or_else(|| {
            let hint = self.composed_alike(&found).unwrap_or_default();
            format!("column `{}`: expected {}, found {}{hint}", self.task.label, self.expected(), shorten(&found))
        })
    }

    /// The class that `found` is, in another spelling or by index.
    fn class(&self, found: &str) -> Option<usize> {
        let same = same(found)?;
        if let Some(&class) = self.alike.get(same.as_ref()) {
            return Some(class);
        }
        // Truth is 1 and 0 where the classes are numbers, or none are named.
        let number = TRUTH.iter().position(|truth| *truth == same).map(|i| i.to_string());
        let number = number.as_deref().unwrap_or(&same);
        let index = || number.parse::<usize>().ok().filter(|&i| self.by_index && i < self.classes.len());
        let found = self.alike.get(number).copied();
        found.or_else(|| {
            let index = index()?;
            self.indexed.set(self.indexed.get() || self.task.glue.is_none());
            Some(index)
        })
    }

    /// A note on the class that differs from `found` in how its characters are composed only.
    fn composed_alike(&self, found: &str) -> Option<String> {
        let composed = composed(found);
        let class = self.task.labels().iter().find(|label| self::composed(label) == composed)?;
        Some(format!(
            ", which looks like {} but is composed of other Unicode characters; write both alike (NFC)",
            shorten(class)
        ))
    }

    fn expected(&self) -> String {
        match &self.task.target {
            Target::Classification { labels } if self.by_index => {
                format!("one of {} or a class index from 0 to {}", preview(labels), labels.len().saturating_sub(1))
            }
            Target::Classification { labels } => format!("one of {}", preview(labels)),
            Target::Embedding { .. } => "a finite number".to_owned(),
            Target::Regression { .. } if self.task.discovered => "a finite number".to_owned(),
            Target::Regression { min, max } => format!("a number from {min} to {max}"),
        }
    }
}

/// The label that a cell holds, as text; nothing where it holds none, or a list or an object.
pub(super) fn written(cell: &Cell) -> Option<Cow<'_, str>> {
    if cell.is_absent() || cell.is_nested() {
        return None;
    }
    Some(match cell.text() {
        Cow::Borrowed(text) => text.trim().into(),
        text => text,
    })
}

/// Whether a label is the hub's -1, which stands for "no label".
pub(super) fn stands_for_none(label: &str) -> bool {
    number(label).is_some_and(|number| number == "-1")
}

/// Classes as they turn up, each under one name.
#[derive(Debug, Default)]
pub(super) struct Classes {
    /// By what they are: the shortest spelling that has turned up.
    names: BTreeMap<String, String>,
}

impl Classes {
    pub(super) fn add(&mut self, label: &str) {
        let key = same(label);
        let key = key.as_deref().unwrap_or(label);
        match self.names.get_mut(key) {
            Some(name) if (name.len(), name.as_str()) <= (label.len(), label) => {}
            Some(name) => *name = label.to_owned(),
            None => {
                self.names.insert(key.to_owned(), label.to_owned());
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Two classes that differ in how their characters are composed only.
    pub(super) fn composed_alike(&self) -> Option<[&str; 2]> {
        let mut seen: HashMap<String, &str> = HashMap::new();
        self.names.values().find_map(|name| Some([seen.insert(composed(name), name)?, name]))
    }

    /// Their names in the order of a task's classes.
    pub(super) fn into_names(self) -> Vec<String> {
        if self.names.keys().all(|key| TRUTH.contains(&key.as_str())) {
            return self.names.into_keys().collect();
        }
        let mut names: Vec<String> = self.names.into_values().collect();
        classes::sort(&mut names);
        names
    }
}

/// What a label is however it is written: the shortest spelling of a number, or `false` and `true`. Nothing of other text.
fn same(label: &str) -> Option<Cow<'_, str>> {
    let truth = TRUTH.iter().find(|truth| label.eq_ignore_ascii_case(truth));
    truth.map(|&truth| truth.into()).or_else(|| number(label))
}

/// The shortest spelling of a decimal number. `01`, `+1` and `.5` are text: nothing writes numbers so.
fn number(label: &str) -> Option<Cow<'_, str>> {
    let digits = label.strip_prefix('-').unwrap_or(label);
    let (mantissa, exponent) = digits.split_once(['e', 'E']).map_or((digits, None), |(a, b)| (a, Some(b)));
    let (whole, part) = mantissa.split_once('.').map_or((mantissa, None), |(a, b)| (a, Some(b)));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) || part.is_some_and(|part| !all_digits(part)) {
        return None;
    }
    if let Some(exponent) = exponent {
        let value: f64 = label.parse().ok().filter(|_| all_digits(exponent.trim_start_matches(['-', '+'])))?;
        return value.is_finite().then(|| value.to_string().into());
    }
    let kept = match part.map(|part| part.trim_end_matches('0').len()) {
        None => label.len(),
        Some(0) => label.len() - mantissa.len() + whole.len(),
        Some(digits) => label.len() - mantissa.len() + whole.len() + 1 + digits,
    };
    let kept = &label[..kept];
    Some(if kept == "-0" { "0" } else { kept }.into())
}

/// Whether a label is called by a number, of whatever spelling.
fn is_numeral(label: &str) -> bool {
    label.contains(|c: char| c.is_ascii_digit()) && label.parse::<f64>().is_ok()
}

/// Text in its composed form (NFC).
fn composed(text: &str) -> String {
    text.nfc().map(|(c, _)| c).collect()
}

/// Numbers by value; otherwise digits within names by value, everything else by its bytes.
pub(super) fn in_order(a: &str, b: &str) -> Ordering {
    let value = |label: &str| number(label).and_then(|number| number.parse::<f64>().ok());
    if let (Some(x), Some(y)) = (value(a), value(b)) {
        return x.total_cmp(&y).then_with(|| a.cmp(b));
    }
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    loop {
        let order = match (run(left), run(right)) {
            ([], _) | (_, []) => {
                let order = left.first().cmp(&right.first());
                if order == Ordering::Equal && !left.is_empty() {
                    (left, right) = (&left[1..], &right[1..]);
                    continue;
                }
                order
            }
            (x, y) => {
                (left, right) = (&left[x.len()..], &right[y.len()..]);
                let [x, y] = [x, y].map(|run| &run[run.iter().take_while(|&&byte| byte == b'0').count()..]);
                x.len().cmp(&y.len()).then_with(|| x.cmp(y))
            }
        };
        if order != Ordering::Equal || (left.is_empty() && right.is_empty()) {
            return order.then_with(|| a.cmp(b));
        }
    }
}

/// The digits that `bytes` begin with.
fn run(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()]
}

#[cfg(test)]
mod tests;
