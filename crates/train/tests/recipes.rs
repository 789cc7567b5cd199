//! Every recipe in `recipes/` loads, and every task of GLUE has one.

use std::path::Path;

use bitspike_data::GlueTask;
use bitspike_run::recipe::Recipe;

#[test]
fn all_recipes_load_and_cover_glue() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let mut loaded = 0;
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let recipe = Recipe::load(Some(&path), &[]).unwrap_or_else(|error| panic!("{error}"));
            assert!(!recipe.description.is_empty(), "{} has no description", path.display());
            loaded += 1;
        }
    }
    for name in ["sst2-ternary", "sst2-binary", "sst2-tiny", "stsb-ternary", "rte-ternary"] {
        let path = folder.join("release").join(name).with_extension("toml");
        let recipe = Recipe::load(Some(&path), &[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(recipe.seed, 42, "{}: models are shipped of seed 42", path.display());
    }
    assert!(loaded >= 11, "{loaded} recipes");
    for &task in GlueTask::ALL {
        assert!(folder.join(format!("{}.toml", task.name())).exists(), "no recipe for {}", task.name());
    }
}
