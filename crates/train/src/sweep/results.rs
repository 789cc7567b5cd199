//! What a sweep found: `results.csv`, a line a cell, and the table, a line a combination of values with its seeds put together.

use std::path::Path;

use anyhow::{Context, Result, bail};
use bitspike::atomic_file;

use super::grid::{Cell, Grid};
use super::journal::{Journal, Record, Status};
use super::measure::{Measured, PackedStudent};

/// A measured quantity: its column, and how a cell's is read.
pub(crate) struct Quantity {
    pub(crate) name: &'static str,
    /// Heading of a table.
    pub(crate) title: &'static str,
    of: fn(&Measured) -> Option<f64>,
}

/// All quantities in the order of the columns.
pub(crate) const QUANTITIES: [Quantity; 14] = [
    Quantity { name: "best", title: "best", of: |m| m.best },
    Quantity { name: "last", title: "last", of: |m| m.last },
    Quantity { name: "packed_metric", title: "packed", of: |m| packed(m)?.metric },
    Quantity { name: "packed_bytes", title: "bytes", of: |m| Some(packed(m)?.bytes as f64) },
    Quantity { name: "rate", title: "rate", of: |m| Some(m.rate) },
    Quantity { name: "spikes_per_token", title: "spikes/token", of: |m| Some(m.spikes_per_token) },
    Quantity { name: "last_rate", title: "last rate", of: |m| m.last_rate },
    Quantity { name: "last_spikes_per_token", title: "last spikes/token", of: |m| m.last_spikes_per_token },
    Quantity { name: "operations", title: "operations", of: |m| Some(packed(m)?.operations) },
    Quantity { name: "energy_uj", title: "uJ", of: |m| Some(packed(m)?.energy_uj) },
    Quantity { name: "energy_with_memory_uj", title: "uJ with memory", of: |m| Some(packed(m)?.energy_with_memory_uj) },
    Quantity { name: "latency_ms", title: "ms", of: |m| Some(packed(m)?.latency_ms) },
    Quantity { name: "latency_best_ms", title: "best ms", of: |m| Some(packed(m)?.latency_best_ms) },
    Quantity { name: "latency_tokens", title: "tokens", of: |m| Some(packed(m)?.latency_tokens as f64) },
];

/// Larger than anything that is measured, and small enough for the arithmetic of means and charts.
const LARGEST: f64 = 1e15;

/// Refuses numbers that no cell measures, from a file that was changed or a run that was.
///
/// # Errors
/// If a quantity is not finite, negative beyond a correlation of -1, or absurdly large; it is named.
pub(crate) fn plausible(measured: &Measured) -> Result<()> {
    for quantity in &QUANTITIES {
        if let Some(value) = (quantity.of)(measured).filter(|value| !(-1.0..=LARGEST).contains(value)) {
            bail!("`{}`: expected a number from -1 to {LARGEST:e}, found {value}", quantity.name);
        }
    }
    Ok(())
}

fn packed(measured: &Measured) -> Option<&PackedStudent> {
    measured.packed.as_ref()
}

/// Mean and spread of a quantity over the seeds of a combination.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) count: usize,
    pub(crate) mean: f64,
    /// Sample standard deviation; 0 of a single value.
    pub(crate) deviation: f64,
}

/// A combination of values with the finished cells of its seeds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// Its values, as in the names of cells; empty where seeds alone vary.
    pub(crate) name: String,
    pub(crate) labels: Vec<String>,
    /// Name of the metric.
    pub(crate) metric: String,
    /// Seeds that are finished.
    pub(crate) seeds: usize,
    /// As [`QUANTITIES`].
    spreads: Vec<Option<Spread>>,
}

impl Spread {
    /// Of `values`; none of none.
    fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        (count > 0).then_some(Self { count, mean, deviation })
    }
}

impl Group {
    /// The quantity of that column.
    pub(crate) fn get(&self, name: &str) -> Option<Spread> {
        let at = QUANTITIES.iter().position(|quantity| quantity.name == name)?;
        self.spreads[at]
    }
}

/// The combinations with at least one finished cell, in the order of the grid.
pub(crate) fn groups(cells: &[Cell], journal: &Journal) -> Vec<Group> {
    let mut order: Vec<(&Cell, Vec<&Measured>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (cell, record) in cells.iter().zip(&journal.cells) {
        let Some(measured) = record.measured.as_ref().filter(|_| record.status == Status::Finished) else { continue };
        let place = *places.entry(cell.group.as_str()).or_insert_with(|| {
            order.push((cell, Vec::new()));
            order.len() - 1
        });
        order[place].1.push(measured);
    }
    let group = |(cell, all): (&Cell, Vec<&Measured>)| Group {
        name: cell.group.clone(),
        labels: cell.labels.clone(),
        metric: all[0].metric.clone(),
        seeds: all.len(),
        spreads: QUANTITIES
            .iter()
            .map(|q| Spread::of(&all.iter().filter_map(|m| (q.of)(m)).collect::<Vec<_>>()))
            .collect(),
    };
    order.into_iter().map(group).collect()
}

/// Writes `results.csv`.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_csv(path: &Path, grid: &Grid, cells: &[Cell], journal: &Journal) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns = ["status", "ended", "steps", "total_steps", "seconds", "metric"];
    let head = ["cell", "seed"].into_iter().chain(grid.axis.iter().map(|axis| axis.key.as_str()));
    let head = head.chain(columns).chain(QUANTITIES.iter().map(|quantity| quantity.name)).chain(["best_step", "error"]);
    writer.write_record(head)?;
    for (cell, record) in cells.iter().zip(&journal.cells) {
        writer.write_record(row(cell, record))?;
    }
    let bytes = writer.into_inner().context("write results.csv")?;
    Ok(atomic_file::write(path, |file| std::io::Write::write_all(file, &bytes))?)
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

/// The table that a sweep ends with; `fronts` has the marks of each group.
pub(crate) fn table(groups: &[Group], keys: &[String], fronts: &[String]) -> String {
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
    let metric = groups.first().map_or("", |group| group.metric.as_str());
    let titles = shown.iter().map(|quantity| match quantity.name {
        "best" | "last" => format!("{} {metric}", quantity.title),
        _ => quantity.title.to_owned(),
    });
    let mut rows =
        vec![keys.iter().cloned().chain(["seeds".into()]).chain(titles).chain(["front".into()]).collect::<Vec<_>>()];
    for (group, front) in groups.iter().zip(fronts) {
        let values = shown.iter().map(|quantity| number(group.get(quantity.name), quantity.name));
        rows.push(
            group
                .labels
                .iter()
                .cloned()
                .chain([group.seeds.to_string()])
                .chain(values)
                .chain([front.clone()])
                .collect(),
        );
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
mod tests {
    use bitspike_run::recipe::Recipe;

    use super::*;

    fn sweep() -> (Grid, Vec<Cell>, Journal) {
        let base = Recipe::default();
        let grid = Grid::new(None, &["bits=1,32".into()], &[1, 2], &base).unwrap();
        let cells = grid.cells(&base).unwrap();
        let mut journal = Journal::new(&cells, &[10; 4]);
        for (record, best) in journal.cells.iter_mut().zip([0.8, 0.9, 0.84]) {
            let packed = PackedStudent {
                bytes: 100,
                metric: Some(best),
                latency_ms: 1.5,
                latency_best_ms: 1.0,
                latency_tokens: 7,
                operations: 9.0,
                energy_uj: 2.5,
                energy_with_memory_uj: 3.5,
            };
            record.status = Status::Finished;
            record.measured = Some(Measured {
                metric: "accuracy".into(),
                best: Some(best),
                rate: 0.25,
                spikes_per_token: 1000.0,
                packed: Some(packed),
                ..Measured::default()
            });
        }
        journal.cells[3].status = Status::Failed;
        journal.cells[3].error = Some("no, \"really\"\nnot".into());
        (grid, cells, journal)
    }

    #[test]
    fn seeds_are_put_together() {
        let (_, cells, journal) = sweep();
        let groups = groups(&cells, &journal);
        assert_eq!(
            groups.iter().map(|group| (group.name.as_str(), group.seeds)).collect::<Vec<_>>(),
            [("weight_bits=1", 2), ("weight_bits=32", 1)]
        );
        let best = groups[0].get("best").unwrap();
        assert!((best.mean - 0.82).abs() < 1e-12 && (best.deviation - 0.02 * 2f64.sqrt()).abs() < 1e-12, "{best:?}");
        assert_eq!(groups[1].get("best"), Some(Spread { count: 1, mean: 0.9, deviation: 0.0 }));
        assert_eq!((groups[0].get("last"), groups[0].get("no such")), (None, None));
        let table = table(&groups, &["weight_bits".into()], &["size".into(), String::new()]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[0].contains("best accuracy") && lines[1].contains("0.8200 +- 0.0283") && lines[1].ends_with("size"),
            "{table}"
        );
        assert!(lines[2].contains("0.9000") && lines[2].contains(" - "), "{table}");
    }

    #[test]
    fn the_csv_has_a_line_a_cell() {
        let (grid, cells, journal) = sweep();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.csv");
        write_csv(&path, &grid, &cells, &journal).unwrap();
        let mut reader = csv::Reader::from_path(&path).unwrap();
        let head = reader.headers().unwrap().clone();
        let at = |name: &str| head.iter().position(|column| column == name).unwrap_or_else(|| panic!("{name}"));
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(rows.len(), 4);
        assert_eq!(
            (&rows[0][at("cell")], &rows[0][at("student.weight_bits")], &rows[0][at("best")]),
            ("weight_bits=1,seed=1", "1", "0.8")
        );
        assert_eq!(
            (&rows[3][at("status")], &rows[3][at("best")], &rows[3][at("error")]),
            ("failed", "", "no, \"really\"\nnot")
        );
    }
}
