//! Which output of a model answers for which class of a task.
//!
//! Outputs and classes have names, and a name counts wherever it stands. In this order, the first rule that pairs all of them:
//!
//! | rule | pairs |
//! |---|---|
//! | stated | what a user says ([`StatedClasses`]), the rest by name |
//! | names | the same names, in any order |
//! | composition | names that differ in how Unicode composes their letters |
//! | spelling | names that differ in case, in `_`, `-` or a space between words, or are short forms: `pos` for `positive` |
//! | numbers | `1`, `1.0`, `LABEL_1`, `1 star`; `false` and `true` are 0 and 1 |
//! | index | `LABEL_0`, `LABEL_1`, .. or 0, 1, .. on one side and other names on the other, by their order |
//!
//! Anything else is refused with both lists. So is an order that contradicts what is known of the names: `positive` as 0 where GLUE
//! and common sense have 1.

mod names;
mod stated;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bitspike::Target;

use crate::error::{Error, Result};
use crate::task::TaskSpec;
pub(crate) use names::sort;
use names::{composed, list, numbers, spelled, written_out};
pub use stated::{StatedClasses, split_names};

/// Pairs shown of a map.
const SHOWN: usize = 8;

/// Which output of a model answers for each class of a task.
///
/// ```
/// use bitspike_data::{ClassMap, TaskSpec};
///
/// let theirs = ["POSITIVE", "NEGATIVE"].map(String::from);
/// let map = ClassMap::new(&theirs, &TaskSpec::glue("sst2")?, None)?;
/// assert_eq!(map.outputs(), [1, 0]); // `negative` is their second output
/// assert!(map.note().expect("they are spelled in another way").contains("`POSITIVE` as `positive`"));
/// # Ok::<(), bitspike_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassMap {
    outputs: Vec<usize>,
    model: Vec<String>,
    task: Vec<String>,
    rule: Rule,
}

/// What paired the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Stated,
    Names,
    Composition,
    Spelling,
    Numbers,
    Index,
}

impl ClassMap {
    /// [`ClassMap::new`] of a model that was made for the task `own`.
    ///
    /// # Errors
    /// As [`ClassMap::new`].
    pub fn between(own: &TaskSpec, task: &TaskSpec, stated: Option<&StatedClasses>) -> Result<Self> {
        let score = ["a score".to_owned()];
        Self::new(if own.target.is_regression() { &score } else { own.labels() }, task, stated)
    }

    /// Pairs the outputs of a model, called `model`, with the classes of `task`, as `stated` says and otherwise by their names. A
    /// score has no classes: its one output is itself.
    ///
    /// # Errors
    /// [`Error::Outputs`] if there are not as many outputs as classes, [`Error::Classes`] if no rule pairs them; [`Error::Invalid`] if what is stated
    /// names what is on neither side, names something twice, or leaves something open.
    pub fn new(model: &[String], task: &TaskSpec, stated: Option<&StatedClasses>) -> Result<Self> {
        let classes = task.labels();
        let map = |(outputs, rule)| Self { outputs, model: model.to_vec(), task: classes.to_vec(), rule };
        if task.target.is_embedding() {
            return match (model, stated) {
                ([], None) => Ok(map((Vec::new(), Rule::Names))),
                (_, Some(_)) => {
                    Err(Error::invalid("--map", format!("a task with classes; {} is of vectors", task.name), "a map"))
                }
                (model, None) => {
                    let (found, task) = (format!("it classifies ({})", list(model)), task.name.clone());
                    Err(Error::Vectors { found, task, wanted: "vectors".into() })
                }
            };
        }
        if model.is_empty() {
            let (found, task) = ("it embeds texts and has no classes".to_owned(), task.name.clone());
            return Err(Error::Vectors { found, task, wanted: list(classes) });
        }
        if let Target::Regression { .. } = task.target {
            if model.len() != 1 {
                let (outputs, model, task) = (model.len(), list(model), task.name.clone());
                return Err(Error::Outputs { outputs, model, task, wanted: 1, classes: "a score".into() });
            }
            if stated.is_some() {
                return Err(Error::invalid("--map", format!("a task with classes; {} has scores", task.name), "a map"));
            }
            return Ok(map((vec![0], Rule::Names)));
        }
        let (task_name, lists) = (task.name.clone(), (list(model), list(classes)));
        if model.len() != classes.len() {
            let (outputs, wanted) = (model.len(), classes.len());
            return Err(Error::Outputs { outputs, model: lists.0, task: task_name, wanted, classes: lists.1 });
        }
        if let Some(stated) = stated {
            return Ok(map((stated.resolve(model, classes)?, Rule::Stated)));
        }
        by_name(model, classes)
            .or_else(|| by_index(model, classes, task.discovered).map(|outputs| (outputs, Rule::Index)))
            .map(map)
            .ok_or_else(|| Error::Classes {
                model: lists.0,
                task: task_name,
                classes: lists.1,
                example: example(model),
            })
    }

    /// For each class of the task, in its order, the model's output: a permutation.
    pub fn outputs(&self) -> &[usize] {
        &self.outputs
    }

    /// Whether every output is where its class is.
    pub fn is_identity(&self) -> bool {
        self.outputs.iter().enumerate().all(|(class, &output)| class == output)
    }

    /// Whether the names themselves say which is which, nothing being stated or assumed.
    pub fn is_by_name(&self) -> bool {
        !matches!(self.rule, Rule::Stated | Rule::Index)
    }

    /// One line for the user: which name was taken for which, and why; none where the same names stand in the same order.
    pub fn note(&self) -> Option<String> {
        let Self { outputs, model, task, rule } = self;
        if *rule == Rule::Names {
            let place = |&output: &usize| format!("`{}` is output {output}", model[output].escape_debug());
            let places: Vec<String> = outputs.iter().take(SHOWN).map(place).collect();
            let more = if outputs.len() > SHOWN { ", .." } else { "" };
            let note = format!(
                "its classes are in another order than the task's, and matched by name: {}{more}",
                places.join(", ")
            );
            return (!self.is_identity()).then_some(note);
        }
        let pair = |(class, &output): (usize, &usize)| {
            format!("`{}` as `{}`", model[output].escape_debug(), task[class].escape_debug())
        };
        let mut pairs: Vec<String> = outputs.iter().enumerate().take(SHOWN).map(pair).collect();
        if outputs.len() > SHOWN {
            pairs.push("..".into());
        }
        let why = match rule {
            Rule::Stated => ", as stated",
            Rule::Names | Rule::Spelling => "",
            Rule::Composition => ", which differ in how Unicode composes their letters",
            Rule::Numbers => ", by their numbers",
            Rule::Index => ", by their order; if that is wrong, state it with --map",
        };
        Some(format!("its classes are read {}{why}", pairs.join(", ")))
    }

    /// The pairs (output, class), as names, in the order of the classes.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.outputs.iter().zip(&self.task).map(|(&output, class)| (self.model[output].as_str(), class.as_str()))
    }
}

/// For each class the model's output of the same name, where each has one and the names mean more than a number.
///
/// Two tasks may well call their classes 0 and 1: such names do not say that the tasks are the same.
pub fn same_classes(model: &[String], classes: &[String]) -> Option<Vec<usize>> {
    if model.len() != classes.len() || numbers(classes).is_some_and(|numbers| !numbers.is_worded()) {
        return None;
    }
    by_name(model, classes).map(|(outputs, _)| outputs)
}

/// The names that say by themselves which is which.
fn by_name(model: &[String], classes: &[String]) -> Option<(Vec<usize>, Rule)> {
    let texts = |names: &[String], key: fn(&str) -> String| names.iter().map(|name| key(name)).collect::<Vec<_>>();
    for (key, rule) in [
        (str::to_owned as fn(&str) -> String, Rule::Names),
        (composed, Rule::Composition),
        (spelled, Rule::Spelling),
        (written_out, Rule::Spelling),
    ] {
        if let Some(outputs) = by_key(&texts(model, key), &texts(classes, key)) {
            return Some((outputs, rule));
        }
    }
    let (theirs, ours) = (numbers(model)?, numbers(classes)?);
    if !theirs.goes_with(&ours) {
        return None;
    }
    by_key(&theirs.keys, &ours.keys).map(|outputs| (outputs, Rule::Numbers))
}

/// Which of `model` has the key of each of `classes`, if it is one to one.
fn by_key(model: &[String], classes: &[String]) -> Option<Vec<usize>> {
    let places: BTreeMap<&str, usize> = model.iter().enumerate().map(|(i, key)| (key.as_str(), i)).collect();
    let outputs = classes.iter().map(|class| places.get(class.as_str()).copied()).collect::<Option<Vec<_>>>()?;
    let mut all = outputs.clone();
    all.sort_unstable();
    (all.len() == model.len() && all.iter().enumerate().all(|(i, &output)| i == output)).then_some(outputs)
}

/// Numbers from 0 on one side and names on the other: a number is the index of a name, as for Hugging Face's `id2label`.
fn by_index(model: &[String], classes: &[String], discovered: bool) -> Option<Vec<usize>> {
    match (numbers(model), numbers(classes)) {
        // The order of classes that were only found in the data is that of their bytes, and says little.
        (Some(theirs), None) if !discovered || names::may_count(classes) => theirs.places(),
        (None, Some(ours)) if names::may_count(model) => {
            let places = ours.places()?;
            let mut outputs = vec![0; places.len()];
            places.iter().enumerate().for_each(|(output, &class)| outputs[class] = output);
            Some(outputs)
        }
        // Stars from 1 to 5 and `LABEL_0` to `LABEL_4`.
        (Some(theirs), Some(ours)) if theirs.is_label() && !ours.is_label() && ours.ascend() => theirs.places(),
        _ => None,
    }
}

/// A map as it could be stated, its classes left open: nothing says which they are, and a guess would be copied.
fn example(model: &[String]) -> String {
    let quoted = |name: &String| {
        if name.contains([',', '=', '"']) || name.trim() != name {
            format!("\"{}\"", name.replace('"', "\"\""))
        } else {
            name.clone()
        }
    };
    let pairs = model.iter().take(2).map(|output| format!("{}=CLASS", quoted(output)));
    let more = if model.len() > 2 { ",.." } else { "" };
    format!("{}{more}", pairs.collect::<Vec<_>>().join(",").escape_debug())
}
