//! When an answer of the `accumulated` dynamics is settled.

use serde::{Deserialize, Serialize};

use super::Dynamics;
use crate::arithmetic::largest;
use crate::error::{Error, Result};

/// Stops a sentence when, for `patience` steps in a row, the answer stayed the same, its logit led the next one by at least
/// `margin`, and the value of `[CLS]` changed by at most `change` of its size. A single output has no margin: there only the
/// change counts.
///
/// ```
/// # use bitspike::forward::ExitRule;
/// let rule = ExitRule { margin: 1.0, change: 1.0, patience: 2, min_steps: 1 };
/// let logits = [0.0, 2.0, 2.0, 0.0, 3.0, 0.0, 3.0, 0.0]; // four steps of two classes
/// assert_eq!(rule.exit_step(&logits, &[1.0, 0.5, 0.3, 0.2]), Some(3));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExitRule {
    /// Least lead of the best logit; 0 turns this part off.
    pub margin: f32,
    /// Largest change of the value of `[CLS]` against the step before, as a part of its size; 1 or more turns this part off
    /// (the value can turn round, and then changes by twice its size).
    pub change: f32,
    /// Steps in a row for which it must hold.
    pub patience: u32,
    /// No exit before this step.
    pub min_steps: u32,
}

impl Default for ExitRule {
    fn default() -> Self {
        Self { margin: 2.0, change: 0.5, patience: 2, min_steps: 3 }
    }
}

impl ExitRule {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the margin or the change is negative or no number, or the patience is 0.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [("exit margin", self.margin), ("exit change", self.change)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::invalid(name, "a number of 0 or more", value));
            }
        }
        if self.patience == 0 {
            return Err(Error::invalid("exit patience", "1 or more steps", 0));
        }
        Ok(())
    }

    /// [`ExitRule::validate`], for a model that is run in `dynamics`.
    ///
    /// # Errors
    /// As [`ExitRule::validate`], and of `phased`, which has an answer at its end alone.
    pub fn check(&self, dynamics: Dynamics) -> Result<()> {
        self.validate()?;
        if dynamics == Dynamics::Phased {
            return Err(Error::invalid("exit rule", "accumulated or instantaneous dynamics", dynamics));
        }
        Ok(())
    }

    /// The first step (counted from 1) at which the answer is settled, given the logits `[steps, classes]` and the change
    /// `[steps]` of every step so far.
    pub fn exit_step(&self, logits: &[f32], change: &[f32]) -> Option<u32> {
        let classes = logits.len() / change.len().max(1);
        let mut streak = Streak::new(*self);
        let mut steps = (1..).zip(logits.chunks_exact(classes.max(1)).zip(change));
        steps.find(|(_, (logits, change))| streak.settles(logits, **change)).map(|(step, _)| step)
    }
}

/// A rule, and for how many steps in a row it has held: all that must be known of the steps before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streak {
    rule: ExitRule,
    steps: u32,
    held: u32,
    answer: usize,
}

impl Streak {
    /// Before the first step.
    pub(super) fn new(rule: ExitRule) -> Self {
        Self { rule, steps: 0, held: 0, answer: usize::MAX }
    }

    /// Takes one more step; whether the answer is settled with it.
    pub(super) fn settles(&mut self, logits: &[f32], change: f32) -> bool {
        let Self { rule, steps, held, answer } = self;
        let (best, lead) = lead(logits);
        let still = rule.change >= 1.0 || change <= rule.change;
        let settled = still && (logits.len() < 2 || lead >= rule.margin);
        *steps += 1;
        *held = match settled {
            true if best == *answer => *held + 1,
            true => 1,
            false => 0,
        };
        *answer = best;
        *held >= rule.patience && *steps >= rule.min_steps
    }
}

/// The best class and its lead over the next.
fn lead(logits: &[f32]) -> (usize, f32) {
    let best = largest(logits);
    let others = logits.iter().enumerate().filter(|(class, _)| *class != best);
    let next = others.fold(f32::NEG_INFINITY, |next, (_, &logit)| next.max(logit));
    (best, logits.get(best).map_or(0.0, |logit| logit - next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_rule_can_hold_it_up() {
        let flat = [0.2f32; 6];
        let logits = [2.0, 0.0, 0.0, 2.0, 0.0, 2.0, 0.0, 0.5, 0.0, 2.0, 0.0, 2.0];
        let rule = ExitRule { margin: 1.0, change: 1.0, patience: 1, min_steps: 1 };
        assert_eq!(rule.exit_step(&logits, &flat), Some(1));
        // A new answer starts a new streak; a lead that is too small breaks it.
        assert_eq!(ExitRule { patience: 2, ..rule }.exit_step(&logits, &flat), Some(3));
        assert_eq!(ExitRule { patience: 2, min_steps: 4, ..rule }.exit_step(&logits, &flat), Some(6));
        assert_eq!(ExitRule { patience: 3, ..rule }.exit_step(&logits, &flat), None);
        assert_eq!(ExitRule { change: 0.1, ..rule }.exit_step(&logits, &flat), None);
        assert_eq!(ExitRule { change: 0.1, ..rule }.exit_step(&logits, &[1.0, 0.3, 0.1, 0.1, 0.1, 0.1]), Some(3));
        assert_eq!(rule.exit_step(&[], &[]), None);
    }

    #[test]
    fn a_change_of_one_is_off_whatever_the_change_is() {
        // The value of `[CLS]` turned round: it changed by twice its size.
        let rule = ExitRule { margin: 1.0, change: 1.0, patience: 1, min_steps: 1 };
        assert_eq!(rule.exit_step(&[2.0, 0.0], &[2.0]), Some(1));
        assert_eq!(ExitRule { change: 0.99, ..rule }.exit_step(&[2.0, 0.0], &[2.0]), None);
    }

    #[test]
    fn a_score_is_settled_by_its_change_alone() {
        let rule = ExitRule { margin: 100.0, change: 0.25, patience: 2, min_steps: 1 };
        assert_eq!(rule.exit_step(&[3.0, 2.5, 2.6, 2.6], &[1.0, 0.3, 0.2, 0.1]), Some(4));
    }

    #[test]
    fn impossible_rules_are_refused() {
        let rule = ExitRule::default();
        assert!(rule.validate().is_ok());
        for rule in [
            ExitRule { margin: -1.0, ..rule },
            ExitRule { margin: f32::NAN, ..rule },
            ExitRule { change: -0.1, ..rule },
            ExitRule { patience: 0, ..rule },
        ] {
            assert!(matches!(rule.validate(), Err(Error::Invalid { .. })), "{rule:?}");
        }
    }
}
