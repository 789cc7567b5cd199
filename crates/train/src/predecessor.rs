//! The student that another one starts from: of a run, or of a packed model.

use std::path::{Path, PathBuf};

use bitspike::config::StudentConfig;
use bitspike::format::{Form, Packed, PackedMatrix, Role};
use bitspike_data::TaskSpec;
use bitspike_hub::Subject;
use bitspike_run::run::RunFolder;
use bitspike_run::weights::Weights;

use crate::error::Result;

/// A student to start from.
#[derive(Debug)]
pub enum Predecessor {
    /// That of a run, with its latent weights.
    Run(RunFolder),
    /// That of a packed model, whose latent weights are chosen so that they quantise to its codes and scales.
    Packed {
        /// What it was asked for by.
        path: PathBuf,
        /// The model.
        packed: Box<Packed>,
    },
}

impl Predecessor {
    /// The student of the run in the folder `path`, or of the packed model of this name.
    ///
    /// # Errors
    /// If there is neither.
    pub fn open(path: &Path) -> Result<Self> {
        let run = RunFolder::open(path);
        if run.is_ok() || path.is_dir() && !path.join("model.safetensors").exists() {
            return Ok(Self::Run(run?));
        }
        match Subject::resolve(path)? {
            Subject::Packed(model) => Ok(Self::Packed { path: path.into(), packed: Box::new(model.open()?) }),
            _ => Ok(Self::Run(run?)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Run(run) => run.path(),
            Self::Packed { path, .. } => path,
        }
    }

    /// What it is.
    ///
    /// # Errors
    /// If its description is damaged.
    pub fn student(&self) -> Result<StudentConfig> {
        match self {
            Self::Run(run) => Ok(run.description()?.student),
            Self::Packed { packed, .. } => Ok(packed.header().student.clone()),
        }
    }

    /// What it was trained for.
    ///
    /// # Errors
    /// If its description is damaged.
    pub fn task(&self) -> Result<TaskSpec> {
        match self {
            Self::Run(run) => Ok(run.description()?.task),
            Self::Packed { packed, .. } => Ok(TaskSpec::of_model(&packed.header().task)?),
        }
    }

    /// Its latent weights by their names in a checkpoint; of a packed model without the map to the teacher's width, which no model
    /// has.
    ///
    /// # Errors
    /// If a run has no checkpoint.
    pub fn weights(&self) -> Result<Weights> {
        match self {
            Self::Run(run) => Ok(run.weights()?),
            Self::Packed { packed, .. } => Ok(latent(packed)),
        }
    }
}

/// Weights that quantise to the codes of `packed`, under scales that differ by rounding at most.
fn latent(packed: &Packed) -> Weights {
    let mut weights = Weights::default();
    for (tensor, form, _) in packed.tensors() {
        let (name, rows, columns) = (tensor.name.as_str(), tensor.rows, tensor.columns);
        let values = match tensor.role {
            Role::Matrix => of_matrix(&packed.matrix(name)),
            Role::Table => {
                let table = packed.table(name);
                let mut values = vec![0.0; rows * columns];
                for (row, out) in values.chunks_exact_mut(columns).enumerate() {
                    table.row(row, out);
                }
                spread(&mut values, columns, form);
                values
            }
            Role::Classifier | Role::Relative | Role::Vector | Role::Threshold => packed.vector(name),
        };
        let shape = if rows == 1 { vec![columns] } else { vec![rows, columns] };
        weights.insert(name, &shape, values);
    }
    weights
}

fn of_matrix(matrix: &PackedMatrix<'_>) -> Vec<f32> {
    if let Some(values) = matrix.full() {
        return values;
    }
    let mut values = Vec::with_capacity(matrix.rows * matrix.columns);
    let mut codes = vec![0i8; matrix.columns];
    for row in 0..matrix.rows {
        matrix.codes_row(row, &mut codes);
        let scale = if matrix.scales.len() == 1 { matrix.scales[0] } else { matrix.scales[row] };
        values.extend(codes.iter().map(|&code| f32::from(code) * scale));
    }
    let group = if matrix.scales.len() == 1 { values.len() } else { matrix.columns };
    spread(&mut values, group, matrix.form);
    values
}

/// Raises values so that they quantise to the scale that they were decoded with. The scale of three codes is the mean magnitude, zeros
/// included; that of two the mean distance from their mean, `4 a (1 - a)` of them where a share `a` is positive.
fn spread(values: &mut [f32], group: usize, form: Form) {
    for group in values.chunks_exact_mut(group.max(1)) {
        let share = |of: &dyn Fn(f32) -> bool| group.iter().filter(|&&x| of(x)).count() as f32 / group.len() as f32;
        let kept = match form {
            Form::TwoBit | Form::Trits => share(&|x| x != 0.0),
            Form::OneBit => {
                let positive = share(&|x| x > 0.0);
                4.0 * positive * (1.0 - positive)
            }
            _ => return,
        };
        if kept > 0.0 {
            group.iter_mut().for_each(|value| *value /= kept);
        }
    }
}
