use bitspike::quantize::WeightBits;

use super::*;

fn load(text: &str, overrides: &[&str]) -> Result<Recipe> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.toml");
    std::fs::write(&path, text).unwrap();
    Recipe::load(Some(&path), &overrides.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
}

#[test]
fn values_and_overrides_arrive() {
    let text = "seed = 7\n[student]\nlayers = 4\nweight_bits = 1\n[[stage]]\nkind = \"internal\"\nepochs = 0.5\n[[stage]]\nkind = \"prediction\"\n";
    let recipe =
        load(text, &["stage.1.learning_rate=1e-4", "student.signed=false", "student.weight_bits=1.58"]).unwrap();
    assert_eq!((recipe.seed, recipe.student.layers, recipe.student.signed), (7, 4, false));
    assert_eq!(recipe.student.weight_bits, WeightBits::Ternary);
    assert_eq!((recipe.stage[0].epochs, recipe.stage[1].learning_rate), (0.5, 1e-4));
    assert_eq!(recipe.stage[0].loss_weights().attention, 0.1);
    assert_eq!(recipe.stage[1].loss_weights().hidden, 0.0);
    let again: Recipe = toml::from_str(&recipe.to_toml()).unwrap();
    assert_eq!(again, recipe);
}

#[test]
fn mistakes_are_named() {
    let stage = "[[stage]]\nkind = \"prediction\"\n";
    for (text, overrides, expected) in [
        ("sed = 1\n", &[][..], "unknown field `sed`"),
        ("[student]\nlayer = 3\n", &[], "unknown field `layer`"),
        ("[[stage]]\nkind = \"predict\"\n", &[], "unknown variant `predict`"),
        ("[[stage]]\nkind = \"labels\"\nepoch = 1\n", &[], "unknown field `epoch`"),
        ("stage = []\n", &[], "no `[[stage]]`"),
        (stage, &["student.time_steps=0"], "student.time_steps"),
        (stage, &["student.weight_bits=2"], "2"),
        (stage, &["student.code=morse"], "unknown variant `morse`, expected `unary` or `single`"),
        (stage, &["student.code=single", "student.time_steps=12"], "1, 2, 4, 8 or 16, found 12"),
        (stage, &["student.code=single", "student.time_steps=32"], "K 1 to 5"),
        (stage, &["student.code=single", "stage.0.simulate.dynamics=phased"], "trains at its equilibrium"),
        (stage, &["stage.0.target_nonzero=0"], "stage.0.target_nonzero"),
        (stage, &["stage.0.target_nonzero=1.5"], "a share in (0, 1]"),
        (stage, &["stage.0.target_nonzero=nan"], "stage.0.target_nonzero"),
        (stage, &["stage.0.target_nonzero=0.2", "stage.0.rate_penalty=1"], "leave one out"),
        (stage, &["stage.1.epochs=1"], "there are 1 of `stage`, none is `1`"),
        (stage, &["stage.0.epochs=-1"], "stage.0.epochs"),
        (stage, &["stage.0.learning_rate=nan"], "stage.0.learning_rate"),
        (stage, &["student.thresholds.key=-1"], "`student.thresholds.key`: expected a positive number, found -1"),
        (stage, &["student.thresholds.output=1e-38"], "`student.thresholds.output`"),
        (stage, &["stage.0.rate_penalty=-1"], "`stage.0.rate_penalty`: expected 0 or more, found -1"),
        (stage, &["stage.0.hidden_weight=inf"], "`stage.0.hidden_weight`"),
        (stage, &["nonsense"], "expected key=value"),
        ("seed = 1\n[[stage]]\nkind = \"labels\"\n", &["seed.x=1"], "`seed` is a value"),
        (stage, &["stage.0.prediction_weight=0"], "at least one loss above 0"),
        (stage, &["stage.0.simulate.dynamics=sometimes"], "sometimes"),
        (stage, &["stage.0.simulate.dynamics=phased", "stage.0.simulate.time_steps=0"], "time_steps"),
        (stage, &["stage.0.simulate.dynamics=phased", "stage.0.simulate.beta=1.5"], "beta"),
        (stage, &["stage.0.simulate.dynamics=phased", "stage.0.simulate.from=1"], "simulate.from"),
        (stage, &["stage.0.simulate.steps=3"], "steps"),
        (stage, &["student.feedback.spectral_norm=-1"], "spectral_norm"),
        (stage, &["student.feedback.solver=newton"], "solver"),
        (stage, &["student.feedback.memory=4", "stage.0.simulate.dynamics=phased"], "fixed point"),
    ] {
        let error = load(text, overrides).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?} {overrides:?}: {error}");
    }
}

#[test]
fn a_recipe_of_old_says_nothing_of_codes_and_targets() {
    let recipe = load("[[stage]]\nkind = \"labels\"\n", &[]).unwrap();
    let written = recipe.to_toml();
    assert!(!written.contains("code") && !written.contains("target_nonzero"), "{written}");
    let sparse = recipe.with(&["student.code=single".into(), "stage.0.target_nonzero=0.25".into()]).unwrap();
    assert_eq!((sparse.student.time_steps, sparse.stage[0].target_nonzero), (16, Some(0.25)), "K = 5");
    assert_eq!(toml::from_str::<Recipe>(&sparse.to_toml()).unwrap(), sparse);
}

#[test]
fn the_learning_rate_rises_then_falls_to_nothing() {
    let stage = Stage { learning_rate: 1.0, ..Stage::new(StageKind::Labels) };
    let rates: Vec<f64> = (0..100).map(|step| stage.rate_at(step, 100)).collect();
    assert!(rates[..11].windows(2).all(|w| w[0] < w[1]), "{rates:?}");
    assert!(rates[11..].windows(2).all(|w| w[0] > w[1]), "{rates:?}");
    assert!(rates[0] > 0.0 && rates[99] > 0.0 && rates[99] < 0.02 && rates.iter().all(|&r| r <= 1.0));
    assert!(Stage { schedule: Schedule::Constant, ..stage }.rate_at(99, 100) == 1.0);
}

#[test]
fn changes_are_named_by_their_keys_with_both_values() {
    let then = load("seed = 1\n[[stage]]\nkind = \"labels\"\nlearning_rate = 0.5\n", &[]).unwrap();
    assert_eq!(then.changes(&then), []);
    let now = then.with(&["stage.0.learning_rate=0.25".into(), "run.log_every=3".into(), "seed=2".into()]).unwrap();
    let changes: Vec<String> = then.changes(&now).iter().map(ToString::to_string).collect();
    assert_eq!(
        changes,
        ["`run.log_every` was 20 and is 3", "`seed` was 1 and is 2", "`stage.0.learning_rate` was 0.5 and is 0.25"]
    );
    let free: Vec<bool> = then.changes(&now).iter().map(Change::is_of_the_run).collect();
    assert_eq!(free, [true, false, false]);
    let rates: Vec<bool> = then.changes(&now).iter().map(Change::is_of_the_optimiser).collect();
    assert_eq!(rates, [false, false, true]);
    let heavy = then.with(&["stage.0.label_weight=2".into()]).unwrap();
    assert!(then.changes(&heavy)[0].is_of_a_step() && !then.changes(&heavy)[0].is_of_the_optimiser());
    let fed = then.with(&["student.feedback.memory=4".into()]).unwrap();
    assert!(
        then.changes(&fed).iter().any(|change| change.to_string() == "`student.feedback.memory` is 4 and was not set")
    );
}
