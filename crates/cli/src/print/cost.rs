//! Costs for people.

use std::io::Write;

use anyhow::Result;
use bitspike::count::Operations;
use bitspike::neuron::Code;
use bitspike_analysis::cost::{Cost, NetworkCost};
use bitspike_analysis::counts::{NeuroBench, SynapticOperations};
use bitspike_analysis::number::grouped;
use serde::Serialize;

/// Prints everything but the layers.
pub(crate) fn print(cost: &Cost, out: &mut dyn Write) -> Result<()> {
    print_figures(cost, out)?;
    for (metric, value) in &cost.metrics {
        writeln!(out, "{metric} {value:.4} on {} {}", cost.task, cost.split)?;
    }
    Ok(())
}

fn print_figures(cost: &Cost, out: &mut dyn Write) -> Result<()> {
    let Cost { model, dynamics, time_steps, mean_steps, code, examples, tokens, neurobench, total, .. } = cost;
    let ended = mean_steps.map_or(String::new(), |steps| format!(", {steps:.2} steps taken"));
    let code = if *code == Code::Unary { String::new() } else { format!(", {code}") };
    writeln!(out, "{model}  {dynamics}{code}, T={time_steps}{ended}  {examples} sentences, {tokens} tokens")?;
    writeln!(out)?;
    writeln!(out, "a mean sentence")?;
    print_operations(neurobench, total, *examples, out)?;

    writeln!(out, "\nenergy of a mean sentence, profile {}: {}", cost.profile.name, cost.profile.description)?;
    writeln!(out, "  {:<38} {:>12} {:>9} {:>14} {:>9} {:>12}", "", "operations", "", "with memory", "", "activations")?;
    for NetworkCost { estimate, gain_compute, gain_total, .. } in &cost.energy {
        let (compute, all) = (micro(estimate.compute_picojoules), micro(estimate.total_picojoules));
        let [compute_gain, all_gain] = [gain_compute, gain_total].map(|gain| times(*gain));
        let bits = whole(8.0 * estimate.activation_bytes());
        writeln!(
            out,
            "  {:<38} {compute:>9} uJ {compute_gain:>9} {all:>11} uJ {all_gain:>9} {bits:>12}",
            estimate.name
        )?;
    }
    writeln!(out, "  (x: energy of the first in FP32 over this one's; activations: bits written and read)")?;

    if let Some(row) = cost.energy.first() {
        writeln!(out, "\nwhere the student's goes")?;
        let mut terms: Vec<_> = row.estimate.compute.iter().chain(&row.estimate.memory).collect();
        terms.sort_by(|a, b| b.picojoules.total_cmp(&a.picojoules));
        for term in terms {
            let share = 100.0 * term.picojoules / row.estimate.total_picojoules.max(f64::MIN_POSITIVE);
            writeln!(
                out,
                "  {:<38} {:>16} {:>9} uJ {share:>5.1} %",
                term.name,
                whole(term.amount),
                micro(term.picojoules)
            )?;
        }
    }
    if let Some(reason) = cost.undefined.get("break_even") {
        writeln!(out, "\nspikes a synapse and window: not defined, {reason}")?;
    }
    print_codes(cost, out)?;
    if let Some(even) = &cost.break_even {
        writeln!(out, "\nspikes a synapse and window (T x rate): {:.3}; the same energy at", even.found)?;
        for (name, value) in [
            ("an FP32 multiply-add a weight", even.against_fp32),
            ("an INT8 multiply-add a weight", even.against_int8),
            ("one accumulate a count that is not zero", even.against_quantised),
        ] {
            let verdict = if even.found < value { "spikes win" } else { "spikes lose" };
            writeln!(out, "  {name:<42} {value:>8.3}  {verdict}")?;
        }
    }
    let gain = match cost.undefined.get("normalised_energy_gain") {
        Some(reason) => format!("no energy to compare: {reason}"),
        None => format!("{:.2}x less energy than FP32", cost.normalised_energy_gain),
    };
    writeln!(
        out,
        "\nnormalised operations (SpikingBERT's figure: matrices alone, zero weights counted): {:.3}, {gain}",
        cost.normalised_operations
    )?;
    Ok(match (&cost.measured, &cost.not_measured) {
        (Some(measured), _) => writeln!(
            out,
            "measured by the processor's counters: {:.0} uJ a sentence, idle power included ({:.2} s)",
            measured.microjoules, measured.seconds
        ),
        (None, reason) => writeln!(out, "joules not measured: {}", reason.as_deref().unwrap_or("not asked for")),
    }?)
}

/// What NeuroBench's own counter gives, under its names; of a mean sentence.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NeuroBenchResults {
    connection_sparsity: f64,
    activation_sparsity: f64,
    synaptic_operations: SynapticOperations,
}

impl NeuroBenchResults {
    pub(crate) fn of(counted: &NeuroBench) -> Self {
        Self {
            connection_sparsity: counted.connection_sparsity,
            activation_sparsity: counted.activation_sparsity,
            synaptic_operations: counted.linear_operations,
        }
    }
}

/// Prints them.
pub(crate) fn print_neurobench(results: &NeuroBenchResults, out: &mut dyn Write) -> Result<()> {
    let SynapticOperations { dense, effective_macs, effective_acs } = results.synaptic_operations;
    writeln!(out, "a mean sentence as NeuroBench counts it: the encoder's matrices, step by step")?;
    for (name, value) in [("Dense", dense), ("Effective_MACs", effective_macs), ("Effective_ACs", effective_acs)] {
        writeln!(out, "  {name:<48} {:>16}", whole(value))?;
    }
    writeln!(out, "  {:<48} {:>16.4}", "ConnectionSparsity", results.connection_sparsity)?;
    writeln!(out, "  {:<48} {:>16.4}", "ActivationSparsity", results.activation_sparsity)?;
    Ok(writeln!(out, "attention and the classifier are not among them: docs/energy.md")?)
}

/// The same answers in every code.
fn print_codes(cost: &Cost, out: &mut dyn Write) -> Result<()> {
    if cost.codes.is_empty() {
        return Ok(());
    }
    let sums = cost.sum_bits.map_or(String::new(), |bits| format!("; sums fit {bits} bits"));
    writeln!(out, "\nthe same answers in every code (docs/codes.md), a mean sentence{sums}")?;
    writeln!(
        out,
        "  {:<8} {:>5} {:>12} {:>12} {:>9} {:>12} {:>12} {:>12} {:>12}",
        "code", "steps", "spikes", "accumulates", "a synapse", "attention", "updates", "operations", "with memory"
    )?;
    for code in &cost.codes {
        writeln!(
            out,
            "  {:<8} {:>5} {:>12} {:>12} {:>9.3} {:>12} {:>12} {:>9} uJ {:>9} uJ",
            code.code.name(),
            code.steps,
            whole(code.spikes),
            whole(code.synaptic_acs),
            code.accumulates_a_synapse,
            whole(code.attention_acs),
            whole(code.membrane_updates),
            micro(code.compute_picojoules),
            micro(code.total_picojoules)
        )?;
    }
    Ok(())
}

/// Prints what a mean sentence of `examples` takes, below a heading.
pub(crate) fn print_operations(
    neurobench: &NeuroBench,
    total: &Operations,
    examples: usize,
    out: &mut dyn Write,
) -> Result<()> {
    let mean = |amount: u64| amount as f64 / examples as f64;
    let synaptic = &neurobench.synaptic_operations;
    for (name, value) in [
        ("spikes", mean(total.spikes)),
        ("synaptic operations, dense", synaptic.dense),
        ("synaptic accumulates, weights that are not zero", mean(total.synaptic_acs)),
        ("attention accumulates", mean(total.attention_acs)),
        ("multiply-adds (attention on values, classifier)", synaptic.effective_macs),
        ("sums doubled", mean(total.doublings)),
        ("scores and contexts doubled", mean(total.attention_doublings)),
        ("membrane updates", neurobench.membrane_updates),
        ("layer norm values", mean(total.norm_values)),
        ("GELU values", mean(total.gelus)),
        ("softmax exponentials", mean(total.exponentials)),
        ("scales and biases", mean(total.scalings)),
        ("bytes of weights read", mean(total.weight_bits) / 8.0),
        ("bytes of spikes moved", mean(total.activation_bits) / 8.0),
        ("bytes of sums and currents moved", mean(total.value_bits) / 8.0),
        ("bytes of potentials moved", mean(total.state_bits) / 8.0),
    ] {
        if value > 0.0 {
            writeln!(out, "  {name:<48} {:>16}", whole(value))?;
        }
    }
    writeln!(out, "  {:<48} {:>16}", "file without vocabulary, bytes (footprint)", whole(neurobench.footprint as f64))?;
    writeln!(out, "  {:<48} {:>16.4}", "zero weights (connection sparsity)", neurobench.connection_sparsity)?;
    Ok(writeln!(out, "  {:<48} {:>16.4}", "silent neuron steps (activation sparsity)", neurobench.activation_sparsity)?)
}

/// How many times as much; a dash where that is not defined.
fn times(gain: Option<f64>) -> String {
    gain.map_or_else(|| "-".into(), |gain| format!("{gain:.2}x"))
}

/// `x`, which is not negative, as a whole number with its thousands apart.
fn whole(x: f64) -> String {
    grouped(x.round_ties_even() as u64)
}

/// Picojoules in microjoules.
fn micro(picojoules: f64) -> String {
    let micro = picojoules * 1e-6;
    if micro >= 100.0 { format!("{micro:.0}") } else { format!("{micro:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (x, text) in [(0.0, "0"), (999.0, "999"), (1000.0, "1,000"), (1_234_567.4, "1,234,567")] {
            assert_eq!(whole(x), text);
        }
        assert_eq!((micro(1.5e6).as_str(), micro(2.5e8).as_str()), ("1.50", "250"));
    }
}
