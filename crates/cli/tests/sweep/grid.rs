//! What a sweep makes of a grid.

use std::fs;

use bitspike::format::Packed;
use bitspike_run::recipe::Recipe;

use super::{cells, column, exits, journal, prepare, results, statuses, sweep};

#[test]
fn every_cell_is_trained_packed_and_measured() {
    let folder = prepare(1);
    let at = folder.path().join("s");
    let over = ["--out", "s", "--over", "bits=1,1.58", "--over", "rate_penalty=0,3", "--seeds", "1,2"];
    let (table, said) = sweep(folder.path(), &[&over[..], &["--display", "plain"]].concat(), 0);
    assert!(said.contains("8 cells (2 x 2 x 2 seeds)") && said.contains("8 of 8 cells done"), "{said}");
    assert!(said.contains("all that is left about"), "{said}");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 5, "a line a combination\n{table}");
    assert!(lines[0].contains("best accuracy") && lines[0].contains("last accuracy"), "{table}");
    assert!(lines[1].contains("+-") && table.contains("size"), "{table}");

    assert_eq!(statuses(&at), vec!["finished"; 8]);
    let csv = at.join("results.csv");
    assert_eq!(results(&csv).len(), 9);
    assert_eq!(column(&csv, "student.weight_bits")[..4], ["1", "1", "1.58", "1.58"]);
    assert_eq!(column(&csv, "seed"), ["1", "1", "1", "1", "2", "2", "2", "2"]);
    let numbers = |name: &str| -> Vec<f64> { column(&csv, name).iter().map(|x| x.parse().unwrap()).collect() };
    assert_eq!(numbers("best"), numbers("packed_metric"), "the packed student is the best one");
    assert!(
        numbers("last").iter().zip(numbers("best")).all(|(&last, best)| last <= best && (0.0..=1.0).contains(&last))
    );
    let (rates, spikes) = (numbers("rate"), numbers("spikes_per_token"));
    // Six populations of 16 neurons and one of 32; 16 steps.
    assert!(rates.iter().zip(&spikes).all(|(rate, spikes)| 0.0 < *rate && *rate < 1.0 && *spikes < 16.0 * 128.0));
    assert!(
        numbers("latency_ms")
            .iter()
            .zip(numbers("latency_best_ms"))
            .all(|(&median, best)| median >= best && best > 0.0)
    );
    let (energy, with_memory) = (numbers("energy_uj"), numbers("energy_with_memory_uj"));
    assert!(energy.iter().zip(with_memory).all(|(&compute, all)| 0.0 < compute && compute < all));
    assert!(numbers("operations").iter().all(|&count| count > 0.0));
    assert_eq!(column(&at.join("pareto.csv"), "seeds"), ["2"; 4]);
    let svg = fs::read_to_string(at.join("pareto.svg")).unwrap();
    let document = roxmltree::Document::parse(&svg).expect("well-formed XML");
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("circle")).count(), 4 * 4);

    let bytes = numbers("packed_bytes");
    for (i, cell) in journal(&at)["cells"].as_array().unwrap().iter().enumerate() {
        let path = at.join("cells").join(cell["name"].as_str().unwrap());
        let packed = Packed::open(path.join("model.safetensors")).unwrap();
        assert_eq!(packed.file_bytes().len() as f64, bytes[i]);
        assert!(!path.join("last.safetensors").exists(), "a finished cell is not resumed");
        let recipe = Recipe::load(Some(&path.join("recipe.toml")), &[]).unwrap();
        assert_eq!((recipe.seed, recipe.stage[0].rate_penalty), (if i < 4 { 1 } else { 2 }, [0.0, 3.0][i % 2]));
    }
    // Nothing is left to do, and nothing is done.
    let before = fs::read(at.join("sweep.json")).unwrap();
    let (again, _) = exits(folder.path(), &["sweep", "--resume", "--out", "s"], 0);
    assert_eq!((again, fs::read(at.join("sweep.json")).unwrap()), (table, before));
}

#[test]
fn a_cell_is_what_distil_makes() {
    let folder = prepare(2);
    let distil = ["distil", "--recipe", "recipe.toml", "--task", "sst2", "--data", "SST-2", "--teacher", "teacher"];
    let options = ["--threads", "1", "--display", "quiet", "--out"];
    exits(folder.path(), &[&distil[..], &["--seed", "5", "--bits", "1"], &options, &["run"]].concat(), 0);
    sweep(
        folder.path(),
        &["--seeds", "5", "--over", "bits=1", "--out", "s", "--display", "quiet", "--keep-checkpoints"],
        0,
    );
    let cell = &cells(&folder.path().join("s"))[0];
    for file in ["recipe.toml", "model.json", "tokenizer.json"] {
        assert_eq!(
            fs::read(cell.join(file)).unwrap(),
            fs::read(folder.path().join("run").join(file)).unwrap(),
            "{file}"
        );
    }
    let weights = |path: &std::path::Path| bitspike_run::weights::Weights::load(path).unwrap();
    for file in ["best.safetensors", "last.safetensors"] {
        let (a, b) = (weights(&cell.join(file)), weights(&folder.path().join("run").join(file)));
        assert!(a.names().count() > 10);
        a.names().for_each(|name| assert_eq!(a.get(name), b.get(name), "{file}: {name}"));
    }

    // From that run's student, one step at next to no learning rate leaves it what it was.
    let from = ["--from", "run", "--bits", "1", "--epochs", "0.1", "--over", "learning_rate=1e-9,2e-9", "--out", "f"];
    sweep(folder.path(), &[&from[..], &["--display", "quiet"]].concat(), 0);
    let best = |path: &std::path::Path| weights(&path.join("best.safetensors")).get("words").unwrap().values.clone();
    let distance = |a: Vec<f32>, b: Vec<f32>| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(distance(best(&cells(&folder.path().join("f"))[0]), best(&folder.path().join("run"))) < 1e-6);
}

#[test]
fn a_grid_in_a_file_and_a_dry_run() {
    let folder = prepare(1);
    fs::write(folder.path().join("grid.toml"), "seeds = [3]\n[over]\nT = [4, 8]\nsigned = [true, false]\n").unwrap();
    let (plan, _) = sweep(folder.path(), &["--grid", "grid.toml", "--out", "s", "--dry-run"], 0);
    for part in
        ["4 cells (2 x 2 x 1 seed)", "time_steps=8,signed=false,seed=3", "student.time_steps: 4, 8", "40 steps in all"]
    {
        assert!(plan.contains(part), "{part} is missing in\n{plan}");
    }
    assert!(!folder.path().join("s").exists(), "a dry run writes nothing");
    sweep(folder.path(), &["--grid", "grid.toml", "--out", "s", "--display", "quiet"], 0);
    let signed = column(&folder.path().join("s/results.csv"), "student.signed");
    assert_eq!(signed, ["true", "false", "true", "false"]);
    let (plan, _) = exits(folder.path(), &["sweep", "--resume", "--out", "s", "--dry-run"], 0);
    assert!(plan.contains("4 of 4 done"), "{plan}");
}
