use super::super::figures::{CellFigures, PackedStudent};
use super::super::grid::Grid;
use super::super::groups::groups;
use super::super::journal::{Journal, Status};
use super::*;
use bitspike_run::recipe::Recipe;

/// Groups of two seeds with these metrics and sizes, the first value being markup.
fn sample(found: &[(f64, u64)]) -> Vec<Group> {
    let base = Recipe::default();
    let names: Vec<String> = (0..found.len()).map(|i| format!("\"<b>{i}&\"")).collect();
    let grid = Grid::new(None, &[format!("description={}", names.join(","))], &[1, 2], &base).unwrap();
    let cells = grid.cells(&base).unwrap();
    let mut journal = Journal::new(&cells, &vec![1; cells.len()]);
    for (i, record) in journal.cells.iter_mut().enumerate() {
        let (metric, bytes) = found[i % found.len()];
        record.status = Status::Finished;
        let packed = PackedStudent {
            bytes,
            metric: None,
            latency_ms: 1.0,
            latency_best_ms: 1.0,
            latency_tokens: 3,
            operations: 9.0,
            energy_uj: 2.5,
            energy_with_memory_uj: 3.5,
        };
        let best = Some(metric + if i < found.len() { 0.001 } else { -0.001 });
        let name = "accuracy".to_owned();
        record.measured = Some(CellFigures {
            metric: name,
            best,
            spikes_per_token: 5.0,
            packed: Some(packed),
            ..CellFigures::default()
        });
    }
    groups(&cells, &journal)
}

#[test]
fn the_front_holds_what_nothing_beats() {
    let groups = sample(&[(0.9, 100), (0.8, 50), (0.85, 100), (0.9, 200), (0.7, 50), (0.9, 100)]);
    let size = COSTS.iter().find(|cost| cost.name == "size").unwrap();
    assert_eq!(front(&groups, size), [true, true, false, false, false, true], "equals are both on it");
    assert_eq!(front(&[], size), Vec::<bool>::new());
}

#[test]
fn the_picture_is_whole_and_markup_stays_text() {
    for found in [&[(0.9, 100), (0.8, 50), (0.85, 5000)][..], &[(0.5, 1)], &[(0.5, 7), (0.5, 7)]] {
        let groups = sample(found);
        let svg = draw(&groups, &["<key>".to_owned()], "sst2 & others");
        let document = roxmltree::Document::parse(&svg).expect("well-formed XML");
        assert_eq!(document.root_element().attribute("width"), Some("800"));
        let circles = document.descendants().filter(|node| node.has_tag_name("circle")).count();
        assert_eq!(circles, COSTS.len() * found.len(), "a mark a combination and panel");
        let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).map(str::trim).collect();
        assert!(texts.contains(&"<b>0&") && texts.contains(&"sst2 & others"), "{texts:?}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{found:?}");
        assert!(!svg.contains("href"));
    }
    assert!(roxmltree::Document::parse(&draw(&[], &[], "nothing yet")).is_ok());
}
