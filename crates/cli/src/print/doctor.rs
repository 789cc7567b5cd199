//! What the machine is, for people.

use std::io::Write;

use anyhow::Result;
use bitspike_analysis::doctor::{Cores, Machine, Memory};

pub(crate) fn print(machine: &Machine, out: &mut dyn Write) -> Result<()> {
    let Cores { logical, physical, usable, load } = machine.cores;
    let kind = if machine.is_virtual { ", a virtual machine" } else { "" };
    writeln!(out, "processor  {} ({}{kind})", machine.processor, machine.platform)?;
    writeln!(out, "devices    {}", machine.devices.join(", "))?;
    writeln!(out, "kernels    {}, the last of which is used", machine.kernels.join(", "))?;
    let cores = physical.map(|cores| format!(" on {cores} cores")).unwrap_or_default();
    let load = load.map(|load| format!("; load {load:.1}")).unwrap_or_default();
    writeln!(out, "threads    {logical}{cores}, {usable} for this process{load}")?;
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let Memory { total, available, limit } = machine.memory;
    let parts = [(total, ""), (available, " available"), (limit, " at most for this process's group")];
    let parts = parts.into_iter().filter_map(|(bytes, what)| Some(format!("{}{what}", gigabytes(bytes?))));
    let memory: Vec<String> = parts.collect();
    writeln!(out, "memory     {}", if memory.is_empty() { "unknown".to_owned() } else { memory.join(", ") })?;
    let caches = machine.caches.iter().filter(|cache| cache.kind != "Instruction");
    let caches: Vec<String> = caches.map(|cache| format!("L{} {} KiB", cache.level, cache.bytes >> 10)).collect();
    if !caches.is_empty() {
        writeln!(out, "caches     {}", caches.join(", "))?;
    }
    for line in machine.measured.iter().flat_map(|measured| measured.lines()) {
        writeln!(out, "{line}")?;
    }
    match machine.advice.as_slice() {
        [] => writeln!(out, "nothing that would slow it down was found")?,
        advice => {
            writeln!(out, "what to know of it:")?;
            advice.iter().try_for_each(|advice| writeln!(out, "  - {advice}"))?;
        }
    }
    Ok(())
}
