//! Whether recipe, task, teacher and texts of a distillation fit together.

use std::path::Path;

use bitspike::config::StudentConfig;
use bitspike::format::Header;
use bitspike_data::TaskSpec;
use bitspike_run::recipe::{Init, Recipe, StageKind};

use crate::error::{Error, Result};
use crate::student::Student;
use crate::teacher::Teacher;
use crate::texts::Texts;

/// The configuration of the student that `recipe` describes for `teacher` and `task`.
///
/// # Errors
/// If it is not a valid one.
pub fn student_config(recipe: &Recipe, teacher: &Teacher, task: &TaskSpec) -> Result<StudentConfig> {
    let (wanted, source) = (&recipe.student, &teacher.config);
    let or = |value: usize, default: usize| if value == 0 { default } else { value };
    if wanted.init == Init::Teacher && wanted.hidden + wanted.heads + wanted.intermediate > 0 {
        return Err(Error::Mismatch(
            "`student.hidden`, `heads` and `intermediate` are the teacher's when `student.init = \"teacher\"`; leave them out \
             or set `init = \"random\"`"
                .into(),
        ));
    }
    let config = StudentConfig {
        hidden: or(wanted.hidden, source.hidden_size),
        heads: or(wanted.heads, source.num_attention_heads),
        intermediate: or(wanted.intermediate, source.intermediate_size),
        layers: or(wanted.layers, source.num_hidden_layers),
        vocab_size: source.vocab_size,
        max_positions: source.max_position_embeddings,
        type_vocab: source.type_vocab_size,
        layer_norm_eps: source.layer_norm_eps,
        num_labels: if task.target.is_embedding() { or(wanted.hidden, source.hidden_size) } else { task.num_outputs() },
        labels: task.labels().to_vec(),
        time_steps: wanted.time_steps,
        code: wanted.code,
        signed: wanted.signed,
        weight_bits: wanted.weight_bits,
        granularity: wanted.granularity,
        embedding_bits: wanted.embedding_bits,
        relative_attention: source.family().has_distances(),
        feedback: wanted.feedback,
        pooling: task.target.is_embedding().then(|| {
            let teachers = teacher.sentence.unwrap_or_default().pooling;
            wanted.pooling.unwrap_or(teachers)
        }),
    };
    config.validate()?;
    Ok(config)
}

/// Whether a student of `config` can start from the weights of `found`, which is in `place`. Which counts the two have may differ.
///
/// # Errors
/// If it has another shape; the first size that differs is named.
pub fn same_shape(found: &StudentConfig, place: &Path, config: &StudentConfig) -> Result<()> {
    let sizes = |config: &StudentConfig| {
        [
            ("layers", config.layers),
            ("hidden size", config.hidden),
            ("attention heads", config.heads),
            ("intermediate size", config.intermediate),
            ("vocabulary", config.vocab_size),
            ("positions", config.max_positions),
            ("token types", config.type_vocab),
        ]
    };
    let mut pairs = sizes(config).into_iter().zip(sizes(found));
    match pairs.find(|(expected, found)| expected != found) {
        None => Ok(()),
        Some(((what, expected), (_, found))) => Err(Error::Mismatch(format!(
            "a student starts only from one of the same shape: {what} expected {expected}, found {found} in {}",
            place.display()
        ))),
    }
}

/// Whether recipe, task, teacher and texts fit together; the configuration of the student that they make.
///
/// # Errors
/// If they do not; what does not fit is named with what to change.
pub fn check(recipe: &Recipe, task: &TaskSpec, teacher: &Teacher, texts: &Texts) -> Result<StudentConfig> {
    let config = student_config(recipe, teacher, task)?;
    if recipe.student.init == Init::Teacher {
        Student::fits_teacher(&config, teacher)?;
    }
    let fail = |message: String| Err(Error::Mismatch(message));
    for (i, stage) in recipe.stage.iter().enumerate() {
        let weights = stage.loss_weights();
        if (stage.kind == StageKind::Embedding) != task.target.is_embedding() && stage.kind != StageKind::Internal {
            return fail(match stage.kind {
                StageKind::Embedding => {
                    format!("stage {i} is `embedding`, but task {} is not of vectors: give --task embed", task.name)
                }
                kind => format!(
                    "stage {i} is `{}`, but the task is of vectors: its stages are `embedding`, or `internal`",
                    kind.name()
                ),
            });
        }
        let answer = texts.train.first().and_then(|example| example.answer.as_ref());
        let width = answer.map_or(teacher.config.hidden_size, |answer| answer.len());
        if weights.vectors.of_equal_widths() > 0.0 && width != config.hidden {
            return fail(format!(
                "stage {i} compares vectors by their coordinates, but the student's have {} and the teacher's {width}; set \
                 `vectors.cosine`, `vectors.square` and `vectors.contrastive` to 0 and compare by `similarity` and `ranking`",
                config.hidden
            ));
        }
        if stage.kind == StageKind::General && texts.corpus.is_empty() {
            return fail(format!("stage {i} is `general` and needs plain text: give a file with --corpus"));
        }
        if stage.kind != StageKind::General && texts.train.is_empty() {
            return fail(format!(
                "stage {i} ({}) needs the task's training examples: none were found",
                stage.kind.name()
            ));
        }
        if weights.attention > 0.0 && config.heads != teacher.config.num_attention_heads {
            return fail(format!(
                "stage {i} compares attention scores, but the student has {} heads and the teacher {}; set \
                 `attention_weight = 0` or give both the same",
                config.heads, teacher.config.num_attention_heads
            ));
        }
        let outputs = teacher.num_outputs();
        let answered = texts.train.iter().all(|example| example.answer.is_some());
        if weights.prediction > 0.0
            && outputs != Some(task.num_outputs())
            && !(answered && stage.kind != StageKind::General)
        {
            let name = &task.name;
            return fail(match outputs {
                _ if task.target.is_embedding() => format!(
                    "stage {i} learns from a teacher's logits, of which vectors have none: take a recipe whose stages are `embedding` or \
                     `internal`, such as --recipe embed"
                ),
                None => format!(
                    "stage {i} learns from the teacher's logits, but the teacher has no classifier: fine-tune it with \
                     `bitspike teacher --task {name}` first, give another's answers with --soft-labels, or use a `labels` stage"
                ),
                Some(found) => format!(
                    "the teacher has {found} outputs, task {name} has {}: this teacher was fine-tuned for another task",
                    task.num_outputs()
                ),
            });
        }
    }
    if recipe.data.max_length > config.max_positions {
        return fail(format!(
            "`data.max_length` is {}, but the teacher has only {} positions; give --max-length {}, or less",
            recipe.data.max_length, config.max_positions, config.max_positions
        ));
    }
    if config.feedback.is_none() {
        let header = Header { student: config.clone(), task: task.for_model(), max_length: recipe.data.max_length };
        let packable = header.validate();
        packable.map_err(|e| Error::from(e).during("the student could not be packed"))?;
    }
    Ok(config)
}
