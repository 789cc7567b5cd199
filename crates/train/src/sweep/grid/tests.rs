use super::*;

fn grid(over: &[&str], seeds: &[u64]) -> Result<Grid> {
    Grid::new(None, &over.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), seeds, &Recipe::default())
}

#[test]
fn cells_are_all_combinations_seed_by_seed() {
    let cells = grid(&["bits=1,1.58", "rate_penalty=0,0.1,0.3"], &[1, 2]).unwrap().cells(&Recipe::default()).unwrap();
    assert_eq!(cells.len(), 12);
    assert_eq!(cells[0].name, "weight_bits=1,rate_penalty=0,seed=1");
    assert_eq!(cells[1].name, "weight_bits=1,rate_penalty=0.1,seed=1");
    assert_eq!(
        (cells[6].name.as_str(), cells[6].group.as_str()),
        ("weight_bits=1,rate_penalty=0,seed=2", "weight_bits=1,rate_penalty=0")
    );
    assert_eq!((cells[11].seed, cells[11].recipe.seed, cells[11].recipe.stage[0].rate_penalty), (2, 2, 0.3));
    assert_eq!(cells[11].labels, ["1.58", "0.3"]);
    let only_seeds = grid(&[], &[5, 6]).unwrap().cells(&Recipe::default()).unwrap();
    assert_eq!((only_seeds[1].name.as_str(), only_seeds[1].group.as_str()), ("seed=6", ""));
}

#[test]
fn names_suit_every_file_system_and_differ() {
    let over = ["stage.0.simulate={dynamics=\"phased\"},{dynamics=\"accumulated\"}", "student.thresholds.key=1,2"];
    let cells = grid(&over, &[]).unwrap().cells(&Recipe::default()).unwrap();
    assert!(cells.iter().all(|cell| !cell.name.contains(['/', '"', ' ', '{'])), "{}", cells[0].name);
    let long = format!("description=\"{}a\",\"{0}b\"", "x".repeat(300));
    let cells = grid(&[&long], &[3]).unwrap().cells(&Recipe::default()).unwrap();
    assert_eq!(
        cells.iter().map(|cell| cell.name.as_str()).collect::<Vec<_>>(),
        ["cell-0000,seed=3", "cell-0001,seed=3"]
    );
    let alike = grid(&["description=\"a b\",\"a_b\""], &[3]).unwrap().cells(&Recipe::default()).unwrap();
    assert_eq!((alike[0].name.as_str(), alike[1].name.as_str()), ("description=a_b,seed=3", "cell-0001,seed=3"));
    assert_eq!(alike[1].group, "cell-0001");
    let keys = grid(&["stage.0.epochs=1,2", "student.layers=1"], &[]).unwrap().short_keys();
    assert_eq!(keys, ["epochs", "layers"]);
}

#[test]
fn mistakes_are_named() {
    let many: Vec<String> = (0..3)
        .map(|i| {
            let values: Vec<String> = (1..=1000).map(|x| x.to_string()).collect();
            format!("{}={}", ["seed_", "epochs", "batch_size"][i], values.join(","))
        })
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (over, seeds, says) in [
        (&[][..], &[][..], "nothing to sweep"),
        (&["bits=1,2"], &[], "cell weight_bits=2,seed=42"),
        (&["student.weight_bit=1"], &[], "unknown field `weight_bit`"),
        (&["stage.1.epochs=1"], &[], "there are 1 of `stage`"),
        (&["bits=1", "student.weight_bits=32"], &[], "set the same key"),
        (&["epochs=1", "stage.0.epochs=2"], &[], "set the same key"),
        (&["bits=1"], &[3, 3], "seed 3 is given twice"),
        (&["bits=1"], &[u64::MAX], "seeds: expected 0 to"),
        (&["epochs=1,1.0"], &[], "are the same"),
        (&many, &[], "1000000000 cells"),
    ] {
        let error = grid(over, seeds).and_then(|grid| grid.cells(&Recipe::default()).map(|_| ())).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(says), "{over:?}: {error}");
    }
}

#[test]
fn files_hold_lists_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grid.toml");
    let read = |text: &str, over: &[String], seeds: &[u64]| {
        std::fs::write(&path, text).unwrap();
        Grid::new(Some(&path), over, seeds, &Recipe::default())
    };
    let text = "seeds = [1, 2]\n[over]\nbits = [1, 1.58]\n\"stage.*.epochs\" = [1, 2]\nstage.0.warmup = [0.1]\n";
    let grid = read(text, &["signed=true,false".into()], &[]).unwrap();
    let keys: Vec<&str> = grid.axis.iter().map(|axis| axis.key.as_str()).collect();
    assert_eq!(keys, ["student.weight_bits", "stage.0.warmup", "stage.*.epochs", "student.signed"]);
    assert_eq!(grid.seeds, [1, 2]);
    let again: Grid = toml::from_str(&toml::to_string(&grid).unwrap()).unwrap();
    assert_eq!(again, grid);
    for (text, says) in [
        ("seed = [1]\n", "unknown field `seed`"),
        ("[over]\nbits = 1\n", "expected a list"),
        ("[over]\nbits = [1]\nbits = [2]\n", "duplicate key"),
        ("[over]\nbits = []\n", "no values"),
        ("[over\n", "line 1"),
    ] {
        let error = format!("{:#}", read(text, &[], &[]).unwrap_err());
        assert!(error.contains(says), "{text}: {error}");
    }
    let error = read("seeds = [1]\n", &[], &[2]).unwrap_err().to_string();
    assert!(error.contains("--seeds"), "{error}");
}
