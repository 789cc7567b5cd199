//! Wrong usage ends with 2, whoever finds it; what files say ends with 1.

use crate::small_run::exits;
use crate::{prepare, teacher};

#[test]
fn wrong_usage_ends_with_two_everywhere() {
    let folder = prepare();
    let distil = format!("distil --teacher {} --data SST-2 --out d", teacher());
    let sweep = format!("sweep --teacher {} --data SST-2 --task sst2 --out s", teacher());
    let distil_with = |more: &str| format!("{distil} {more}");
    let sweep_with = |more: &str| format!("{sweep} {more}");
    for line in [
        // Flags and values that are not known.
        "inspect m --nonsense".to_owned(),
        "data check --task sst3 SST-2".into(),
        "data fetch sst3".into(),
        "eval m --data SST-2 --task sst3".into(),
        "eval m --data SST-2 --split final".into(),
        "cost m --data SST-2 --profile 7nm".into(),
        "report m --profile 7nm".into(),
        "trace m fine --dynamics sideways".into(),
        "trace m fine --beta 2".into(),
        "classify --model m fine --isa abacus".into(),
        "classify --model m fine --timesteps 0".into(),
        "bench m --lengths 0".into(),
        "bench m --batches 0".into(),
        "bench m --seconds 0".into(),
        "bench m --threads 5000".into(),
        "models add run --name a/b --data SST-2 --origins none".into(),
        "completions elvish9".into(),
        distil_with("--task sst3"),
        distil_with("--task sst2 --set seed"),
        distil_with("--task sst2 --set student.weight_bit=1"),
        distil_with("--task sst2 --set stage.7.epochs=1"),
        distil_with("--task sst2 --threads 5000"),
        sweep_with("--over bits"),
        sweep_with("--seeds 1,1"),
        // Missing ones.
        "pack".into(),
        "bench".into(),
        "data fetch".into(),
        "cost m".into(),
        sweep_with(""),
        distil.clone(),
        // Those that contradict each other.
        "eval m --data SST-2 --dynamics phased --exit margin=1".into(),
        "eval m --data SST-2 --split dev --split test --predictions p.tsv".into(),
        "classify --model m --text review".into(),
        "classify --model m --input SST-2/dev.tsv --out SST-2/dev.tsv".into(),
        "classify --model m fine --dynamics phased --exit margin=1".into(),
        "classify --model m fine --out-format parquet".into(),
        "classify --model m --format parquet".into(),
        "embed fine --out a.bin".into(),
        "embed fine --bit-order least-first".into(),
        "embed --input SST-2/dev.tsv --out SST-2/dev.tsv".into(),
        "index build -o a.index".into(),
        "index build SST-2/dev.doc --format words -o a.index".into(),
        "search a.index fine --top 0".into(),
        "inspect m --quiet --verbose".into(),
        distil_with("--task sst2 --text sentence --label label"),
        sweep_with("--over bits=1,32 --bits 1"),
        sweep_with("--over bits=1,32 --over student.weight_bits=1"),
    ] {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let (out, error) = exits(folder.path(), &arguments, 2);
        assert!(out.is_empty() && !error.is_empty(), "{line}: {out}");
    }
    for left in ["d", "s", "p.tsv"] {
        assert!(!folder.path().join(left).exists(), "wrong usage left {left}");
    }
}

#[test]
fn what_files_say_ends_with_one() {
    let folder = prepare();
    let distil =
        format!("distil --teacher {} --data SST-2 --task sst2 --out d --set student.thresholds.key=-1", teacher());
    for line in [
        "inspect nowhere",
        "inspect SST-2",
        "cost m --data nowhere",
        "cost m --data SST-2 --profile none.toml",
        "classify --model m --input nowhere.csv",
        "embed --model m fine",
        "index build SST-2/dev.tsv --model m -o a.index",
        "search SST-2/dev.tsv fine --model m",
        "data check --text review --label label SST-2",
        "pack SST-2 --out new.safetensors",
        "eval m --data SST-2 --max-length 4000",
        "distil --recipe nowhere --teacher t --data SST-2 --task sst2 --out d",
        &distil,
    ] {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        exits(folder.path(), &arguments, 1);
    }
}

#[test]
fn old_spellings_go_on() {
    let folder = prepare();
    for line in [
        "pack run --output old.safetensors",
        "report run --output old.html",
        "trace run fine --time-steps 4 --output traced",
        "classify --model m fine --time-steps 8 --output a.csv",
        "classify --model m fine --output-format csv",
        "cost run --data SST-2 --time-steps 8",
        "eval run --data SST-2 --dynamics accumulated --time-steps 4",
        "bench m --time-steps 8 --seconds 0.01 --lengths 4 --batches 1 --no-kernels",
        "distill --help",
    ] {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        exits(folder.path(), &arguments, 0);
    }
    for made in ["old.safetensors", "old.html", "traced/trace.svg", "a.csv"] {
        assert!(folder.path().join(made).exists(), "{made}");
    }
    let train = ["--teacher", teacher(), "--data", "SST-2", "--task", "sst2", "--max-length", "8"];
    let distil = ["distil", "--set", "stage.0.kind=internal", "--time-steps", "4", "--output", "d"];
    exits(folder.path(), &[&distil[..], &train].concat(), 0);
    assert!(std::fs::read_to_string(folder.path().join("d/recipe.toml")).unwrap().contains("time_steps = 4\n"));
}

#[test]
fn a_limit_of_zero_takes_all() {
    let folder = prepare();
    for command in ["eval", "cost"] {
        let counted = |limit: &str| {
            exits(folder.path(), &[command, "m", "--data", "SST-2", "--limit", limit], 0)
                .0
                .lines()
                .next()
                .unwrap()
                .to_owned()
        };
        assert_eq!(counted("0"), counted("3"), "{command}");
        assert_ne!(counted("0"), counted("1"), "{command}");
    }
}

#[test]
fn a_recipe_is_called_by_its_name() {
    let folder = prepare();
    let distil = ["distil", "--recipe", "unsigned", "--teacher", teacher(), "--data", "SST-2", "--task", "sst2"];
    let small =
        ["--max-length", "8", "--epochs", "1", "--layers", "1", "--out", "d", "--map", "no=negative,yes=positive"];
    exits(folder.path(), &[&distil[..], &small].concat(), 0);
    assert!(std::fs::read_to_string(folder.path().join("d/recipe.toml")).unwrap().contains("signed = false\n"));
    let (_, error) = exits(folder.path(), &[&["distil", "--recipe", "sst3"], &distil[3..], &small].concat(), 1);
    assert!(error.contains("sst3: no such file, and no recipe of that name"), "{error}");
}
