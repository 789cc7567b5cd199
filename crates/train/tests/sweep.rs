//! A sweep as a library: run, stopped, gone on with, refused where it is another.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bitspike_data::TaskSpec;
use bitspike_run::progress::{Event, Observer, Silent};
use bitspike_run::recipe::{Recipe, Stage, StageKind};
use bitspike_train::quickstart::Quickstart;
use bitspike_train::sweep::{Bounds, CellStart, Grid, Outline, Paths, Request, Status, Sweep, SweepObserver};

/// Two precisions and two seeds on what [`prepare`] made in `folder`.
fn request(folder: &Path) -> Request {
    let mut recipe = Recipe { stage: vec![Stage::new(StageKind::Prediction)], ..Recipe::default() };
    recipe.data.max_length = 24;
    let grid = Grid::new(None, &["bits=1,1.58".into()], &[1, 2], &recipe).unwrap();
    let inputs = Paths {
        teacher: folder.join("teacher"),
        data: folder.join("corpus"),
        corpus: None,
        soft_labels: None,
        from: None,
        map: None,
    };
    Request { recipe, grid, inputs, task: TaskSpec::glue("sst2").unwrap() }
}

fn prepare(folder: &Path) {
    let never = AtomicBool::new(false);
    let quickstart = Quickstart { out: folder, seed: 3, train: 192, dev: 32, stop: &never };
    quickstart.corpus().unwrap();
    quickstart.teacher(&mut Silent).unwrap();
}

/// Notes the cells that are run and stops the sweep in the one of this number.
struct Watcher<'a> {
    stop: &'a AtomicBool,
    at: usize,
    cells: Vec<(String, bool)>,
    planned: usize,
}

impl Observer for Watcher<'_> {
    fn on_event(&mut self, event: &Event) -> std::io::Result<()> {
        if matches!(event, Event::Start { .. }) {
            self.stop.store(self.cells.len() == self.at, Ordering::Relaxed);
            // The sweep passes it on to the cell within a moment.
            std::thread::sleep(std::time::Duration::from_millis(if self.cells.len() == self.at { 200 } else { 0 }));
        }
        Ok(())
    }
}

impl SweepObserver for Watcher<'_> {
    fn begins(&mut self, outline: &Outline) {
        self.planned = outline.cells.len();
    }

    fn cell(&mut self, cell: &CellStart<'_>) {
        assert_eq!(cell.of, 4);
        self.cells.push((cell.name.to_owned(), cell.goes_on));
    }
}

#[test]
fn a_sweep_is_stopped_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let out = folder.path().join("sweep");
    let mut sweep = Sweep::new(&out, request(folder.path()), &[]).unwrap();
    assert!(!out.exists(), "nothing is written before it runs");
    let outline = sweep.outline();
    assert_eq!((outline.cells.len(), outline.count(Status::Pending), outline.seconds_left), (4, 4, None));

    let stop = AtomicBool::new(false);
    let mut watcher = Watcher { stop: &stop, at: 3, cells: Vec::new(), planned: 0 };
    sweep.run(&Bounds::default(), &stop, &mut watcher).unwrap();
    assert_eq!((watcher.planned, watcher.cells.len()), (4, 3));
    let outline = sweep.outline();
    assert_eq!((outline.count(Status::Finished), outline.count(Status::Paused)), (2, 1));
    assert!(outline.seconds_left.is_some());
    drop(sweep);

    // Another grid, and a new sweep in its place.
    let mut another = request(folder.path());
    another.grid.seeds.pop();
    let error = Sweep::resume(&out, another, false).unwrap_err().to_string();
    assert!(error.contains("the grid in"), "{error}");
    assert!(Sweep::new(&out, request(folder.path()), &[]).unwrap_err().to_string().contains("already holds a sweep"));

    let mut sweep = Sweep::resume(&out, request(folder.path()), false).unwrap();
    let stop = AtomicBool::new(false);
    let mut watcher = Watcher { stop: &stop, at: 9, cells: Vec::new(), planned: 0 };
    sweep.run(&Bounds::default(), &stop, &mut watcher).unwrap();
    let cells: Vec<(&str, bool)> = watcher.cells.iter().map(|(name, goes_on)| (name.as_str(), *goes_on)).collect();
    assert_eq!(cells, [("weight_bits=1,seed=2", true), ("weight_bits=1.58,seed=2", false)]);
    let found = sweep.findings();
    assert_eq!((found.finished, found.failed.len(), found.combinations.len()), (4, 0, 2));
    assert!(found.table().lines().count() == 3 && found.table().contains("+-"), "{}", found.table());
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["combinations"][1]["name"], "weight_bits=1.58");
    assert_eq!(json["combinations"][1]["figures"]["best"]["count"], 2);
    for file in ["sweep.toml", "sweep.json", "results.csv", "pareto.csv", "pareto.svg"] {
        assert!(out.join(file).exists(), "{file}");
    }
    assert!(out.join("cells/weight_bits=1,seed=1/model.safetensors").exists());
}

#[test]
fn overrides_of_all_cells_are_not_undone_by_an_axis() {
    let folder = tempfile::tempdir().unwrap();
    let fixed = ["student.weight_bits=1".to_owned()];
    let error = Sweep::new(&folder.path().join("s"), request(folder.path()), &fixed).unwrap_err().to_string();
    assert!(error.contains("leave one out"), "{error}");
}
