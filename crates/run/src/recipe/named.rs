//! The recipes that are compiled in, by name.

use std::borrow::Cow;
use std::path::Path;

use crate::error::{Error, Result};

/// The files of `recipes/` and `recipes/release/`: a crate that is packaged holds what it compiles in.
macro_rules! recipes {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../recipes/", $name, ".toml")))),*]
    };
}

static RECIPES: [(&str, &str); 22] = recipes![
    "cola",
    "embed",
    "feedback",
    "instantaneous",
    "mnli",
    "mrpc",
    "papers",
    "qnli",
    "qqp",
    "rte",
    "rte-ternary",
    "sst2",
    "sst2-binary",
    "sst2-sparse",
    "sst2-sparse-first",
    "sst2-ternary",
    "sst2-ternary-first",
    "sst2-tiny",
    "stsb",
    "stsb-ternary",
    "unsigned",
    "wnli",
];

/// The names that [`super::Recipe::load`] knows, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    RECIPES.iter().map(|(name, _)| *name)
}

/// The text of a recipe: that of the file at `path`, or of the recipe of that name.
pub(super) fn text(path: &Path) -> Result<Cow<'static, str>> {
    let is_name = path.extension().is_none() && path.components().count() == 1 && !path.is_file();
    if !is_name {
        return Ok(std::fs::read_to_string(path).map_err(|e| Error::io("read recipe", path, e))?.into());
    }
    match RECIPES.iter().find(|(name, _)| path == Path::new(name)) {
        Some((_, text)) => Ok((*text).into()),
        None => {
            let names = names().collect::<Vec<_>>().join(", ");
            Err(Error::checkpoint(
                path,
                format!("no such file, and no recipe of that name; those that are known: {names}"),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Recipe;
    use super::*;

    #[test]
    fn every_recipe_of_the_repository_is_known_by_name() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
        let mut found = 0;
        for folder in [repository.clone(), repository.join("release")] {
            let Ok(entries) = folder.read_dir() else { return };
            for path in
                entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "toml"))
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let name = path.file_stem().unwrap();
                let known = RECIPES.iter().find(|(known, _)| name == *known);
                assert!(
                    known.is_some_and(|(_, known)| *known == text),
                    "copy {} to crates/run/recipes",
                    path.display()
                );
                assert_eq!(Recipe::load(Some(Path::new(name)), &[]).unwrap(), Recipe::load(Some(&path), &[]).unwrap());
                found += 1;
            }
        }
        assert_eq!(found, RECIPES.len());
    }

    #[test]
    fn a_name_that_is_not_known_is_refused_with_those_that_are() {
        let error = Recipe::load(Some(Path::new("sst3")), &[]).unwrap_err().to_string();
        assert!(
            error.contains("sst3: no such file, and no recipe of that name") && error.contains("sst2, "),
            "{error}"
        );
        let error = Recipe::load(Some(Path::new("sst3.toml")), &[]).unwrap_err().to_string();
        assert!(error.contains("read recipe sst3.toml"), "{error}");
    }
}
