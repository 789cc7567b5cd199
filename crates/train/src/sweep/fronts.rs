//! Pareto fronts: the combinations that no other beats in both the metric and a cost.

use std::path::Path;

use anyhow::{Context, Result};
use bitspike::atomic_file;

use super::results::{Group, QUANTITIES};
use super::settings::Settings;

/// A cost to weigh the metric against.
pub(crate) struct Cost {
    /// Its mark in the table.
    pub(crate) name: &'static str,
    /// Its column.
    pub(crate) column: &'static str,
    /// What it is, with its unit.
    pub(crate) title: &'static str,
}

/// The costs.
pub(crate) const COSTS: [Cost; 4] = [
    Cost { name: "energy", column: "energy_uj", title: "microjoules a sentence, operations at 45 nm" },
    Cost { name: "spikes", column: "spikes_per_token", title: "spikes per token" },
    Cost { name: "latency", column: "latency_ms", title: "milliseconds a sentence" },
    Cost { name: "size", column: "packed_bytes", title: "bytes of the packed file" },
];

/// Whether each group is on the front of the best metric against `cost`, by means over seeds: no other has at least its metric
/// at no more cost and is better in one of the two.
pub(crate) fn front(groups: &[Group], cost: &Cost) -> Vec<bool> {
    let place = |group: &Group| Some((group.get("best")?.mean, group.get(cost.column)?.mean));
    let places: Vec<Option<(f64, f64)>> = groups.iter().map(place).collect();
    let beaten = |(metric, cost): (f64, f64)| {
        let better = |&(m, c): &(f64, f64)| m >= metric && c <= cost && (m > metric || c < cost);
        places.iter().flatten().any(better)
    };
    places.iter().map(|place| place.is_some_and(|place| !beaten(place))).collect()
}

/// The fronts that each group is on, as words.
pub(crate) fn marks(groups: &[Group]) -> Vec<String> {
    let fronts: Vec<(&Cost, Vec<bool>)> = COSTS.iter().map(|cost| (cost, front(groups, cost))).collect();
    let mark = |i: usize| {
        let names: Vec<&str> = fronts.iter().filter(|(_, front)| front[i]).map(|(cost, _)| cost.name).collect();
        names.join(" ")
    };
    (0..groups.len()).map(mark).collect()
}

/// Writes `pareto.csv`, a line a combination with mean and deviation of every quantity and the fronts that it is on, and the
/// picture `pareto.svg`.
///
/// # Errors
/// If one cannot be written.
pub(crate) fn write(folder: &Path, settings: &Settings, groups: &[Group]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let keys = settings.grid.axis.iter().map(|axis| axis.key.clone());
    let columns = QUANTITIES.iter().flat_map(|q| [q.name.to_owned(), format!("{}_deviation", q.name)]);
    let head: Vec<String> =
        ["group".to_owned()].into_iter().chain(keys).chain(["seeds".into(), "metric".into()]).collect();
    writer.write_record(head.into_iter().chain(columns).chain(["fronts".into()]))?;
    for (group, marks) in groups.iter().zip(marks(groups)) {
        let values = QUANTITIES.iter().flat_map(|q| match group.get(q.name) {
            Some(spread) => [spread.mean.to_string(), spread.deviation.to_string()],
            None => [String::new(), String::new()],
        });
        let name = [group.name.clone()].into_iter().chain(group.labels.iter().cloned());
        let row = name.chain([group.seeds.to_string(), group.metric.clone()]).chain(values).chain([marks]);
        writer.write_record(row)?;
    }
    let table = writer.into_inner().context("write pareto.csv")?;
    let about = format!("{}, {}", settings.task.name, folder.display());
    let picture = super::picture::draw(groups, &settings.grid.short_keys(), &about).context("draw pareto.svg")?;
    let write = |name: &str, bytes: &[u8]| {
        atomic_file::write(&folder.join(name), |file| std::io::Write::write_all(file, bytes))
    };
    write("pareto.csv", &table)?;
    Ok(write("pareto.svg", picture.as_bytes())?)
}
