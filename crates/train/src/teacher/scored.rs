//! What a teacher answers to a student's dev set, for what sets the two side by side.

use std::path::Path;

use bitspike::format::Header;
use bitspike_analysis::energy::Int8Products;
use bitspike_analysis::teacher::TeacherAnswers;
use bitspike_data::{DevShare, Encoded, Predictions, StatedClasses, TaskSpec, encode, load_dev};
use burn::tensor::Device;

use super::Teacher;
use crate::error::{Error, Result};
use crate::evaluate::predict_teacher;

/// A teacher that was scored.
#[derive(Debug)]
pub struct ScoredTeacher {
    teacher: Teacher,
    predictions: Predictions,
    int8: Int8Products,
    note: Option<String>,
}

impl ScoredTeacher {
    /// Runs the teacher in `folder`, with its own tokeniser, on the dev set in `data` of the task that a student has, cut to as
    /// many tokens as the student reads, or as the teacher has positions for; its outputs are the task's classes by name, or as `classes`
    /// states. Of data without a dev split it is the `share` that was set aside.
    ///
    /// # Errors
    /// If the teacher or the data cannot be read, if nothing says which output is which class, or if the teacher has no classifier.
    pub fn on_dev(
        folder: &Path,
        student: &Header,
        data: &Path,
        share: Option<DevShare>,
        classes: Option<&StatedClasses>,
    ) -> Result<Self> {
        let device = Device::flex();
        let task = TaskSpec::of_model(&student.task)?;
        let (mut teacher, tokenizer) = Teacher::with_tokenizer(folder, &device)?;
        teacher.check_types(&tokenizer, task.second.is_some())?;
        let during = |error: Error| error.during(format!("--teacher {}", folder.display()));
        teacher = teacher.for_task(&task, folder).map_err(during)?;
        let note = teacher.answer_for(&task, classes).map_err(during)?;
        let length = student.max_length.min(teacher.config.max_position_embeddings);
        let examples = encode(&load_dev(&task, data, share)?, &tokenizer, length);
        let predictions = predict_teacher(&teacher, &examples, &device)?;
        let int8 = teacher.int8_products(&examples, &device);
        Ok(Self { teacher, predictions, int8, note })
    }

    /// What should be known of the mapping of its classes.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// What it is set beside a student as.
    pub fn answers(&self) -> TeacherAnswers<'_> {
        TeacherAnswers {
            config: &self.teacher.config,
            parameters: self.teacher.parameters() as u64,
            predictions: self.predictions.clone(),
            int8: Some(self.int8),
        }
    }
}

/// What the teacher in `folder` multiplies in INT8 on `examples`, which another tokeniser may have encoded.
///
/// # Errors
/// If it cannot be read, or has no rows for some of the tokens.
pub fn int8_products(folder: &Path, examples: &[Encoded]) -> Result<Int8Products> {
    let device = Device::flex();
    let teacher = Teacher::load(folder, &device)?;
    let config = &teacher.config;
    let knows = |example: &Encoded| {
        example.ids.len() <= config.max_position_embeddings
            && example.ids.iter().all(|&id| (id as usize) < config.vocab_size)
            && example.types.iter().all(|&id| (id as usize) < config.type_vocab_size)
    };
    match examples.iter().all(knows) {
        true => Ok(teacher.int8_products(examples, &device)),
        false => Err(Error::folder(folder, "has no rows for the model's tokens")),
    }
}
