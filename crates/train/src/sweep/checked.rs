//! What a sweep stands on, loaded and found to fit every cell before the first one runs.

use std::path::Path;

use bitspike_data::TaskSpec;
use bitspike_run::recipe::{DataRecipe, Recipe};
use bitspike_run::run::RunFolder;

use super::budget::Effort;
use super::grid::Cell;
use super::plan::Paths;
use crate::distill::{Inputs, same_shape};
use crate::error::{Error, Result};
use crate::texts::Texts;

/// What a sweep stands on.
pub(super) struct Checked {
    pub(super) inputs: Inputs,
    /// Of what `inputs` were read from.
    pub(super) digest: String,
    /// The same as earlier versions had it.
    pub(super) earlier_digest: String,
    /// Of each cell.
    pub(super) efforts: Vec<Effort>,
}

impl Checked {
    /// Loads what lies at `paths` and checks each cell.
    ///
    /// # Errors
    /// If something is missing or damaged, or a cell does not fit; it is named.
    pub(super) fn new(paths: &Paths, task: TaskSpec, cells: &[Cell]) -> Result<Self> {
        let from = paths.from.as_deref().map(start).transpose()?;
        let inputs = Inputs::load(&paths.teacher, &paths.data, paths.corpus.as_slice(), task, paths.map.as_ref())?;
        let inputs = match &paths.soft_labels {
            Some(path) => inputs.with_soft_labels(path)?,
            None => inputs,
        };
        let (mut efforts, mut texts) = (Vec::new(), None);
        let (mut digest, mut earlier_digest) = (String::new(), String::new());
        let varied = cells.iter().any(|cell| cell.recipe.data.max_length != cells[0].recipe.data.max_length);
        for cell in cells {
            let fits = if varied { allowed(&inputs, cell) } else { Ok(()) };
            let effort = fits.and_then(|()| effort(&inputs, cell, &mut texts, from.as_ref()));
            efforts.push(effort.map_err(|e| e.during(format!("cell {}", cell.name)))?);
            if let (true, Some((_, texts))) = (digest.is_empty(), &texts) {
                digest = inputs.digest(texts, from.as_ref())?;
                earlier_digest = paths.earlier_digest(texts)?;
            }
        }
        Ok(Self { inputs, digest, earlier_digest, efforts })
    }
}

/// Refuses a cell whose texts would be shorter than it says, as those of another cell are.
fn allowed(inputs: &Inputs, cell: &Cell) -> Result<()> {
    let asked = cell.recipe.data.max_length;
    match inputs.most_tokens().filter(|most| *most < asked) {
        None => Ok(()),
        Some(most) => Err(Error::Mismatch(format!(
            "`data.max_length` is {asked}, and the teacher's `model_max_length` is {most}; leave values above that out"
        ))),
    }
}

/// Checks one cell; `texts` are those of the cell before with their length.
fn effort(
    inputs: &Inputs,
    cell: &Cell,
    texts: &mut Option<(usize, Texts)>,
    from: Option<&RunFolder>,
) -> Result<Effort> {
    let max_length = cell.recipe.data.max_length;
    if texts.as_ref().is_none_or(|(read, _)| *read != max_length) {
        let data = DataRecipe { limit: 0, ..cell.recipe.data.clone() };
        *texts = Some((max_length, inputs.texts(&Recipe { data, ..cell.recipe.clone() })?));
    }
    let (_, texts) = texts.as_ref().expect("read above");
    let config = inputs.check(&cell.recipe, texts)?;
    if texts.dev.is_empty() {
        return Err(Error::Mismatch("the dev split has no examples to score on".into()));
    }
    if let Some(from) = from {
        same_shape(&from.description()?.student, from.path(), &config)?;
    }
    Ok(Effort::new(&cell.recipe, &config, texts))
}

/// The run to start from, with a checkpoint.
fn start(path: &Path) -> Result<RunFolder> {
    let run = RunFolder::open(path)?;
    match run.best().exists() || run.last().exists() {
        true => Ok(run),
        false => Err(Error::checkpoint(path, "the run to start from has written no checkpoint yet")),
    }
}
