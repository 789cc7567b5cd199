//! How a student spikes: the values of `--reset`, `--exit`, and the flags of `eval --dynamics`.

use bitspike::forward::{Dynamics, ExitRule};
use bitspike::neuron::{Code, Reset};
use bitspike_analysis::in_time::InTimeOptions;
use clap::builder::TypedValueParser;

use super::usage;

/// The flags of a simulation.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct InTimeArgs {
    /// Let the student spike: `phased`, `accumulated`, `instantaneous`, or several with commas
    #[arg(long, help_heading = "In time", value_name = "D", value_delimiter = ',')]
    dynamics: Vec<Dynamics>,
    /// Steps to answer at, with commas; unless given, the T that the student was trained with
    #[arg(long, help_heading = "In time", alias = "time-steps", value_name = "T,..", value_delimiter = ',', requires = "dynamics", value_parser = time_steps())]
    timesteps: Vec<u32>,
    /// Leak of every neuron in (0, 1]; 1 is integrate-and-fire
    #[arg(long, help_heading = "In time", value_name = "X", default_value_t = 1.0, requires = "dynamics", value_parser = parse_beta)]
    beta: f32,
    /// What a spike leaves of a potential: `soft` takes the threshold away, `hard` everything
    #[arg(long, help_heading = "In time", value_name = "RESET", default_value = "soft", value_parser = parse_reset, requires = "dynamics")]
    reset: Reset,
    /// How many thresholds beyond its own a spike that takes back earlier ones needs (accumulated)
    #[arg(long, help_heading = "In time", value_name = "H", default_value_t = 0.0, requires = "dynamics", value_parser = parse_hysteresis)]
    hysteresis: f32,
    /// Unsigned neurons never take back a spike (accumulated)
    #[arg(long, help_heading = "In time", requires = "dynamics")]
    no_retract: bool,
    /// Stop a sentence when its answer is settled (accumulated): `margin=2,change=0.5,patience=2,min=3`, each part optional
    #[arg(long, help_heading = "In time", value_name = "RULE", value_parser = parse_rule, requires = "dynamics")]
    exit: Option<ExitRule>,
    /// How counts are handed on (phased): as so many spikes (`unary`), as binary digits (`digits`), as canonic signed digits
    /// (`naf`). Answers are the same, spikes and steps are not. A student whose counts are powers of two has `single` alone. Unless
    /// given, as the student was trained to
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<Code>,
}

impl InTimeArgs {
    /// Refuses what contradicts itself.
    ///
    /// # Errors
    /// If an exit rule is given for a dynamics that has no answer to settle.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        match self.dynamics.iter().find(|&&dynamics| dynamics != Dynamics::Accumulated) {
            Some(other) if self.exit.is_some() => {
                Err(usage(format!("--exit: expected --dynamics accumulated alone, found {other}")))
            }
            _ => Ok(()),
        }
    }

    /// What they ask for, with operations counted where `count`; none where no dynamics is named.
    pub(crate) fn options(&self, count: bool) -> Option<InTimeOptions> {
        let Self { dynamics, timesteps, beta, reset, hysteresis, no_retract, exit, code } = self;
        (!dynamics.is_empty()).then(|| InTimeOptions {
            dynamics: dynamics.clone(),
            time_steps: timesteps.clone(),
            beta: *beta,
            reset: *reset,
            hysteresis: *hysteresis,
            retract: !no_retract,
            exit: *exit,
            count,
            code: *code,
        })
    }
}

/// Reads a number of steps.
pub(crate) fn time_steps() -> impl TypedValueParser<Value = u32> {
    clap::value_parser!(u32).range(1..=65_536)
}

pub(crate) fn parse_beta(text: &str) -> Result<f32, String> {
    let leak = text.parse().ok().filter(|beta: &f32| *beta > 0.0 && *beta <= 1.0);
    leak.ok_or_else(|| "expected a number above 0 and up to 1".to_owned())
}

fn parse_hysteresis(text: &str) -> Result<f32, String> {
    let thresholds = text.parse().ok().filter(|number: &f32| (0.0..=16.0).contains(number));
    thresholds.ok_or_else(|| "expected 0 to 16 thresholds".to_owned())
}

pub(crate) fn parse_reset(name: &str) -> Result<Reset, String> {
    match name {
        "soft" => Ok(Reset::Soft),
        "hard" => Ok(Reset::Hard),
        _ => Err("expected `soft` or `hard`".into()),
    }
}

pub(crate) fn parse_rule(text: &str) -> Result<ExitRule, String> {
    let mut rule = ExitRule::default();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(|| format!("`{part}`: expected key=value"))?;
        let number = || value.parse::<f32>().map_err(|_| format!("`{part}`: not a number"));
        let steps = || value.parse::<u32>().map_err(|_| format!("`{part}`: not a number of steps"));
        match key.trim() {
            "margin" => rule.margin = number()?,
            "change" => rule.change = number()?,
            "patience" => rule.patience = steps()?,
            "min" => rule.min_steps = steps()?,
            other => return Err(format!("`{other}`: expected margin, change, patience or min")),
        }
    }
    rule.validate().map_err(|e| e.to_string())?;
    Ok(rule)
}

#[cfg(test)]
mod tests;
