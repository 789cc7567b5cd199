//! What trainers put before the names of a model's tensors.

use bitspike::config::Family;

/// Prefixes that wrappers leave: data parallelism, compilation, a trainer's attribute.
const WRAPPERS: [&str; 3] = ["module", "_orig_mod", "model"];

/// Keys under which a trainer saves the weights beside its own state.
const KEYS: [&str; 6] = ["state_dict", "model_state_dict", "model_state", "model_weights", "network", "net"];

/// Beginnings of keys of a trainer's own state.
const STATE: [&str; 8] = ["optimizer", "optim", "lr_scheduler", "scheduler", "scaler", "rng", "callbacks", "loops"];

/// The tensor that every encoder has.
const ANCHOR: &str = "embeddings.word_embeddings.weight";

/// What stands before `bert.embeddings...`, `encoder...` or `classifier...` in all names of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefix {
    /// With the dot at its end; empty where there is none.
    text: String,
    /// Tensors that have it.
    tensors: usize,
    /// Tensors that have not: a trainer's own state.
    others: usize,
}

impl Prefix {
    /// The prefix of a checkpoint's names.
    ///
    /// # Errors
    /// If it is none that is taken off, or there are two models; what was found, and what to do.
    pub(super) fn of(names: &[String]) -> Result<Self, String> {
        let mut found: Vec<&str> = names.iter().filter_map(|name| before(name)).collect();
        found.sort_unstable();
        found.dedup();
        let text = match found[..] {
            // What is missing is said by whoever looks for it.
            [] => "",
            [one] => one,
            ["", ..] => "",
            [first, second, ..] => {
                return Err(format!(
                    "tensors of two models, under `{first}` and under `{second}`; expected one: save the one that is meant with \
                     `save_pretrained`"
                ));
            }
        };
        let known = |part: &str| WRAPPERS.contains(&part) || KEYS.contains(&part);
        if let Some(part) = text.trim_end_matches('.').split('.').find(|part| !text.is_empty() && !known(part)) {
            return Err(format!(
                "the names of its tensors begin with `{text}`, and `{part}.` is no prefix that is taken off ({}); save the model \
                 within with `save_pretrained`, or rename its tensors",
                WRAPPERS.iter().chain(&KEYS).map(|known| format!("`{known}.`")).collect::<Vec<_>>().join(", ")
            ));
        }
        let tensors = names.iter().filter(|name| name.starts_with(text)).count();
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let foreign = names
            .iter()
            .find(|name| !name.starts_with(text) && !STATE.iter().any(|state| first(name).starts_with(state)));
        match foreign {
            None => Ok(Self { text: text.to_owned(), tensors, others: names.len() - tensors }),
            Some(name) => Err(format!(
                "{tensors} names of its tensors begin with `{text}`, and `{name}` does not; expected one prefix: save the model \
                 with `save_pretrained`, or rename its tensors"
            )),
        }
    }

    /// A name without it; none where the name has not got it.
    pub(super) fn strip<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(self.text.as_str())
    }

    /// Whether there is one.
    pub(super) fn is_wrapper(&self) -> bool {
        !self.text.is_empty()
    }

    /// What was done, where something was.
    pub(super) fn note(&self) -> Option<String> {
        let Self { text, tensors, others } = self;
        let others = match others {
            0 => String::new(),
            others => format!("; {others} of a trainer's own state are not read"),
        };
        self.is_wrapper().then(|| format!("the prefix `{text}` was taken off the names of {tensors} tensors{others}"))
    }

    /// Why half precision is not read from under it.
    pub(super) fn half(&self, name: &str) -> String {
        format!(
            "tensor `{name}` has the prefix `{}` of a training's wrapper and half precision: the rounded copy that mixed precision \
             keeps beside the weights it trains; give the weights in F32, or write the model without the wrapper with \
             `save_pretrained` if half precision is meant",
            self.text
        )
    }
}

/// What stands before the anchor, and before the family's prefix there.
fn before(name: &str) -> Option<&str> {
    let before = name.strip_suffix(ANCHOR)?;
    let family = Family::ALL.into_iter().rev().find_map(|family| before.strip_suffix(&family.prefix()));
    let before = family.unwrap_or(before);
    (before.is_empty() || before.ends_with('.')).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(names: &[&str]) -> Result<Prefix, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Prefix::of(&names)
    }

    #[test]
    fn prefixes_of_wrappers_and_keys_are_taken_off_and_said() {
        for text in ["module.", "_orig_mod.", "model.", "module._orig_mod.", "state_dict.", "state_dict.model.module."]
        {
            for bert in ["bert.", ""] {
                let word = format!("{text}{bert}{ANCHOR}");
                let classifier = format!("{text}classifier.weight");
                let found = prefix(&[&word, &classifier, "optimizer.state.0.exp_avg"]).unwrap();
                assert_eq!(found.strip(&classifier), Some("classifier.weight"), "{text}");
                let note = found.note().unwrap();
                assert!(note.contains(&format!("`{text}`")) && note.contains("2 tensors; 1 of"), "{note}");
            }
        }
        for bert in ["bert.", ""] {
            let word = format!("{bert}{ANCHOR}");
            let found = prefix(&[&word, "classifier.weight", "cls.predictions.bias"]).unwrap();
            assert_eq!((found.note(), found.strip("classifier.weight")), (None, Some("classifier.weight")));
        }
    }

    #[test]
    fn other_prefixes_and_mixtures_are_refused_by_name() {
        let word = |prefix: &str| format!("{prefix}{ANCHOR}");
        for (names, expected) in [
            (vec![word("auto_model."), "auto_model.pooler.dense.weight".into()], "begin with `auto_model.`"),
            (vec![word("0.auto_model.")], "`0.` is no prefix"),
            (vec![word("model."), "classifier.weight".into()], "`classifier.weight` does not"),
            (vec![word("model."), word("ema.")], "two models, under `ema.` and under `model.`"),
        ] {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let error = prefix(&names).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
