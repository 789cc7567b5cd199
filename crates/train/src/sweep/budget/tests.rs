use super::super::figures::CellFigures;
use super::super::grid::Grid;
use super::*;

fn sweep() -> (Vec<Effort>, Journal) {
    let base = Recipe::default();
    let cells = Grid::new(None, &["layers=2,4".into()], &[1, 2], &base).unwrap().cells(&base).unwrap();
    let journal = Journal::new(&cells, &[100; 4]);
    let effort = |layers: usize| Effort { steps: 100, examples: 6400.0, layers, kind: layers.to_string() };
    (vec![effort(2), effort(4), effort(2), effort(4)], journal)
}

fn finish(record: &mut Record, seconds: f64) {
    (record.status, record.seconds, record.steps) = (Status::Finished, seconds, record.total_steps);
    record.measured = Some(CellFigures::default());
}

#[test]
fn estimates_follow_cells_of_the_same_kind_first() {
    let (efforts, mut journal) = sweep();
    assert_eq!(estimates(&efforts, &journal), [None; 4]);
    finish(&mut journal.cells[0], 10.0);
    assert_eq!(estimates(&efforts, &journal), [Some(0.0), Some(20.0), Some(10.0), Some(20.0)]);
    finish(&mut journal.cells[1], 60.0);
    // One that its time ended counts by the steps it took.
    (journal.cells[1].steps, journal.cells[1].seconds) = (50, 30.0);
    journal.cells[3].steps = 75;
    assert_eq!(estimates(&efforts, &journal), [Some(0.0), Some(0.0), Some(10.0), Some(15.0)]);
}

#[test]
fn the_time_that_is_left_decides_what_runs() {
    let (efforts, mut journal) = sweep();
    assert_eq!(next(&journal, &estimates(&efforts, &journal), Some(1.0)), Some(0));
    finish(&mut journal.cells[0], 10.0);
    let known = estimates(&efforts, &journal);
    assert_eq!(next(&journal, &known, None), Some(1));
    assert_eq!(next(&journal, &known, Some(30.0)), Some(1));
    assert_eq!(next(&journal, &known, Some(15.0)), Some(2), "the third fits, the second does not");
    assert_eq!(next(&journal, &known, Some(3.0)), Some(1), "none fits: the first is begun");
    assert_eq!(next(&journal, &known, Some(0.5)), None);
    journal.cells[3].status = Status::Paused;
    assert_eq!(next(&journal, &known, Some(0.5)), Some(3));
    for record in &mut journal.cells {
        finish(record, 1.0);
    }
    assert_eq!(next(&journal, &estimates(&efforts, &journal), None), None);
}

#[test]
fn a_deadline_sets_the_flag() {
    let began = Instant::now();
    let never = AtomicBool::new(false);
    let stopped = until(Some(began), &never, |stop| {
        while !stop.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(5));
        }
        stop.load(Ordering::Relaxed)
    });
    assert!(stopped && !until(None, &never, |stop| stop.load(Ordering::Relaxed)));
}
