//! What a user says of classes: `positive=1,negative=0`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::by_key;
use super::names::{composed, list, numbers, spelled};
use crate::error::{Error, Result};

/// Which output of a model is which class, as a user states it: `output=class,..`, or `class=output,..` where only that can be
/// meant. A name may stand for itself or be the number of an output or a class from 0; one that holds a comma, a quote or a `=`
/// stands in double quotes.
///
/// ```
/// let stated: bitspike_data::StatedClasses = r#"positive=1,"no, not at all"=0"#.parse()?;
/// # Ok::<(), bitspike_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StatedClasses {
    text: String,
    pairs: Vec<(String, String)>,
}

impl FromStr for StatedClasses {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::invalid("--map", "OUTPUT=CLASS,.. such as positive=1,negative=0", format!("`{text}`"));
        let names = parts(text, &['=', ',']).map_err(|_| wrong())?;
        let pair = |pair: &[(String, Option<char>)]| match pair {
            [(left, Some('=')), (right, None | Some(','))] if !left.is_empty() && !right.is_empty() => {
                Ok((left.clone(), right.clone()))
            }
            _ => Err(wrong()),
        };
        Ok(Self { text: text.to_owned(), pairs: names.chunks(2).map(pair).collect::<Result<_>>()? })
    }
}

impl TryFrom<String> for StatedClasses {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<StatedClasses> for String {
    fn from(stated: StatedClasses) -> Self {
        stated.text
    }
}

impl StatedClasses {
    /// For each of `classes` the output of `model`, the ones that are not stated by their names.
    pub(super) fn resolve(&self, model: &[String], classes: &[String]) -> Result<Vec<usize>> {
        let wrong = |expected: String, found: String| Error::invalid("--map", expected, found);
        let forward = self.pairs.iter().map(|(left, right)| Some((find(model, left)?, find(classes, right)?)));
        let backward = self.pairs.iter().map(|(left, right)| Some((find(model, right)?, find(classes, left)?)));
        let pairs: Option<Vec<(usize, usize)>> = forward.collect();
        let Some(pairs) = pairs.or_else(|| backward.collect()) else {
            let expected = format!("OUTPUT=CLASS with one of {} and one of {}", list(model), list(classes));
            let known = |name: &String| find(model, name).is_some() || find(classes, name).is_some();
            let odd = self.pairs.iter().flat_map(|(left, right)| [left, right]).find(|name| !known(name));
            let found = odd.map_or_else(|| "two names of one side".into(), |name| format!("`{}`", name.escape_debug()));
            return Err(wrong(expected, found));
        };
        let mut outputs: Vec<Option<usize>> = vec![None; classes.len()];
        let mut taken = vec![false; model.len()];
        for &(output, class) in &pairs {
            if taken[output] || outputs[class].is_some() {
                let twice = if taken[output] { &model[output] } else { &classes[class] };
                return Err(wrong("each name once".into(), format!("`{}` twice", twice.escape_debug())));
            }
            (outputs[class], taken[output]) = (Some(output), true);
        }
        let open: Vec<usize> = (0..classes.len()).filter(|&class| outputs[class].is_none()).collect();
        let free: Vec<usize> = (0..model.len()).filter(|&output| !taken[output]).collect();
        let names = |names: &[String], places: &[usize]| places.iter().map(|&i| names[i].clone()).collect::<Vec<_>>();
        let rest = match (open.as_slice(), free.as_slice()) {
            ([_], [_]) => Some(vec![0]),
            _ => {
                let spelled = |names: Vec<String>| names.iter().map(|name| spelled(name)).collect::<Vec<_>>();
                by_key(&spelled(names(model, &free)), &spelled(names(classes, &open)))
            }
        };
        let rest = rest.ok_or_else(|| {
            let left = format!("nothing for {}", list(&names(classes, &open)));
            wrong(format!("an output for each of {}", list(classes)), left)
        })?;
        open.iter().zip(rest).for_each(|(&class, i)| outputs[class] = Some(free[i]));
        Ok(outputs.into_iter().flatten().collect())
    }
}

/// Which of `names` is meant by `text`: itself, in another spelling, by the number that it holds, or by its place.
fn find(names: &[String], text: &str) -> Option<usize> {
    let one = |key: fn(&str) -> String| {
        let wanted = key(text);
        let mut places = (0..names.len()).filter(|&i| key(&names[i]) == wanted);
        places.next().filter(|_| places.next().is_none())
    };
    let number = || match numbers(names) {
        Some(theirs) => {
            let wanted = numbers(&[text.to_owned()])?;
            theirs.keys.iter().position(|key| *key == wanted.keys[0])
        }
        None => text.parse::<usize>().ok().filter(|&i| i < names.len()),
    };
    one(str::to_owned).or_else(|| one(composed)).or_else(|| one(spelled)).or_else(number)
}

/// Names in a row, separated by commas: `a,b` or, where a name holds a comma, `"a, b",c` with quotes within it doubled. White space
/// around a name does not count; within quotes it does.
///
/// ```
/// # use bitspike_data::split_names;
/// assert_eq!(split_names(r#"sad, "so, so",happy"#)?, ["sad", "so, so", "happy"]);
/// # Ok::<(), bitspike_data::Error>(())
/// ```
///
/// # Errors
/// [`Error::Invalid`] if a quote is not closed or something stands behind it.
pub fn split_names(text: &str) -> Result<Vec<String>> {
    let names = parts(text, &[',']);
    let names = names.map_err(|why| Error::invalid("names", "a,b,.. or \"a, b\",c", format!("{why} in `{text}`")))?;
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

/// The names in `text`, each with the separator behind it.
fn parts(text: &str, separators: &[char]) -> Result<Vec<(String, Option<char>)>, &'static str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    loop {
        rest = rest.trim_start();
        let name = match rest.strip_prefix('"') {
            None => {
                let end = rest.find(separators).unwrap_or(rest.len());
                let name;
                (name, rest) = rest.split_at(end);
                name.trim_end().to_owned()
            }
            Some(quoted) => {
                let mut name = String::new();
                let mut chars = quoted.chars();
                loop {
                    match chars.next() {
                        None => return Err("a quote that is not closed"),
                        Some('"') if chars.as_str().starts_with('"') => name.extend(chars.next()),
                        Some('"') => break,
                        Some(c) => name.push(c),
                    }
                }
                rest = chars.as_str().trim_start();
                name
            }
        };
        let Some(separator) = rest.chars().next() else {
            parts.push((name, None));
            return Ok(parts);
        };
        if !separators.contains(&separator) {
            return Err("something behind a closing quote");
        }
        rest = &rest[separator.len_utf8()..];
        parts.push((name, Some(separator)));
    }
}
