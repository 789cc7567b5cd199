//! The tables of a sweep: `results.csv`, a line a cell; `pareto.csv` and the text at its end, a line a combination.

use super::figures::{QUANTITIES, Quantity};
use super::fronts::marks;
use super::grid::{Cell, Grid};
use super::groups::{Group, Spread};
use super::journal::{Journal, Record};

/// `results.csv`
pub(super) fn results_csv(grid: &Grid, cells: &[Cell], journal: &Journal) -> Vec<u8> {
    let columns = ["status", "ended", "steps", "total_steps", "seconds", "metric"];
    let head = ["cell", "seed"].into_iter().chain(grid.axis.iter().map(|axis| axis.key.as_str()));
    let head = head.chain(columns).chain(QUANTITIES.iter().map(|quantity| quantity.name)).chain(["best_step", "error"]);
    csv(head.map(str::to_owned).collect(), cells.iter().zip(&journal.cells).map(|(cell, record)| row(cell, record)))
}

fn row(cell: &Cell, record: &Record) -> Vec<String> {
    let measured = record.measured.as_ref();
    let text = |value: Option<String>| value.unwrap_or_default();
    let mut row = vec![cell.name.clone(), cell.seed.to_string()];
    row.extend(cell.labels.iter().cloned());
    row.extend([
        record.status.name().to_owned(),
        text(record.ended.clone()),
        record.steps.to_string(),
        record.total_steps.to_string(),
        format!("{:.1}", record.seconds),
        text(measured.map(|measured| measured.metric.clone())),
    ]);
    row.extend(QUANTITIES.iter().map(|quantity| text(measured.and_then(quantity.of).map(|value| value.to_string()))));
    row.push(text(measured.and_then(|measured| measured.best_step).map(|step| step.to_string())));
    row.push(text(record.error.clone()));
    row
}

/// `pareto.csv`, with mean and deviation of every quantity and the fronts that a combination is on.
pub(super) fn pareto_csv(grid: &Grid, groups: &[Group]) -> Vec<u8> {
    let keys = grid.axis.iter().map(|axis| axis.key.clone());
    let columns = QUANTITIES.iter().flat_map(|q| [q.name.to_owned(), format!("{}_deviation", q.name)]);
    let head = ["group".to_owned()].into_iter().chain(keys).chain(["seeds".into(), "metric".into()]);
    let rows = groups.iter().zip(marks(groups)).map(|(group, marks)| {
        let values = QUANTITIES.iter().flat_map(|q| match group.get(q.name) {
            Some(spread) => [spread.mean.to_string(), spread.deviation.to_string()],
            None => [String::new(), String::new()],
        });
        let name = [group.name.clone()].into_iter().chain(group.labels.iter().cloned());
        name.chain([group.seeds.to_string(), group.metric.clone()]).chain(values).chain([marks]).collect()
    });
    csv(head.chain(columns).chain(["fronts".into()]).collect(), rows)
}

fn csv(head: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in std::iter::once(head).chain(rows) {
        writer.write_record(row).expect("rows of one length, in memory");
    }
    writer.into_inner().expect("in memory")
}

/// The table that a sweep ends with, of groups and the fronts that each is on; empty without any.
pub(super) fn table(groups: &[(&Group, &str)], keys: &[String]) -> String {
    let Some((first, _)) = groups.first() else { return String::new() };
    let shown = ["best", "last", "packed_bytes", "rate", "spikes_per_token", "energy_uj", "latency_ms"];
    let shown: Vec<&Quantity> = QUANTITIES.iter().filter(|quantity| shown.contains(&quantity.name)).collect();
    let number = |spread: Option<Spread>, name: &str| {
        let decimals = match name {
            "best" | "last" | "rate" => 4,
            "latency_ms" | "energy_uj" => 3,
            _ => 0,
        };
        match spread {
            None => "-".to_owned(),
            Some(Spread { count: 1, mean, .. }) => format!("{mean:.decimals$}"),
            Some(Spread { mean, deviation, .. }) => format!("{mean:.decimals$} +- {deviation:.decimals$}"),
        }
    };
    let metric = &first.metric;
    let titles = shown.iter().map(|quantity| match quantity.name {
        "best" | "last" => format!("{} {metric}", quantity.title),
        _ => quantity.title.to_owned(),
    });
    let mut rows =
        vec![keys.iter().cloned().chain(["seeds".into()]).chain(titles).chain(["front".into()]).collect::<Vec<_>>()];
    for (group, front) in groups {
        let values = shown.iter().map(|quantity| number(group.get(quantity.name), quantity.name));
        let name = group.labels.iter().cloned().chain([group.seeds.to_string()]);
        rows.push(name.chain(values).chain([(*front).to_owned()]).collect());
    }
    let widths: Vec<usize> =
        (0..rows[0].len()).map(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(text, &width)| format!("{text:>width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests;
