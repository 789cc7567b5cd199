use bitspike_run::recipe::Recipe;

use super::super::figures::{CellFigures, PackedStudent};
use super::super::groups::groups;
use super::super::journal::Status;
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
        record.measured = Some(CellFigures {
            metric: "accuracy".into(),
            best: Some(best),
            rate: 0.25,
            spikes_per_token: 1000.0,
            packed: Some(packed),
            ..CellFigures::default()
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
    let table = table(&[(&groups[0], "size"), (&groups[1], "")], &["weight_bits".into()]);
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
    let bytes = results_csv(&grid, &cells, &journal);
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
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

#[test]
fn a_silent_student_stands_on_no_front() {
    let (_, cells, mut journal) = sweep();
    let costs = |journal: &Journal| {
        let groups = groups(&cells, journal);
        (groups.iter().map(|group| group.silent).collect::<Vec<_>>(), marks(&groups))
    };
    assert_eq!(costs(&journal).0, [false, false]);
    // It costs least in everything and would keep the others off.
    let silent = journal.cells[1].measured.as_mut().unwrap();
    (silent.best, silent.rate, silent.spikes_per_token) = (Some(0.99), 0.0, 0.0);
    let packed = silent.packed.as_mut().unwrap();
    (packed.energy_uj, packed.latency_ms, packed.bytes) = (0.1, 0.1, 1);
    let (found, marks) = costs(&journal);
    assert_eq!((found, marks[1].as_str()), (vec![false, true], ""));
    assert_eq!(marks[0], "energy spikes latency size");
    // One silent seed among others.
    let silent = journal.cells[0].measured.as_mut().unwrap();
    (silent.rate, silent.spikes_per_token) = (0.0, 0.0);
    assert_eq!(costs(&journal).1, ["", ""]);
}
