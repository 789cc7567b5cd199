//! What is worth knowing of teacher and texts before a student learns from them.

use bitspike::tokenizer::Tokenizer;
use bitspike_data::{Encoded, Target, TaskSpec};
use bitspike_run::progress::Level;
use burn::tensor::Device;

use crate::error::Result;
use crate::evaluate::{Network, score};
use crate::teacher::Teacher;

/// Examples that the teacher answers.
const EXAMPLES: usize = 500;

/// Shares of unknown tokens from which on they are said, and are a warning.
const UNKNOWN: [f64; 2] = [0.01, 0.2];

/// Fewer examples than this say nothing about chance.
const FEW: usize = 50;

/// What the teacher scores on the first examples of dev, and how many of their tokens its vocabulary lacks, a sentence each.
///
/// # Errors
/// If an answer of the teacher is not a number.
pub(super) fn first_look(
    teacher: &Teacher,
    tokenizer: &Tokenizer,
    task: &TaskSpec,
    dev: &[Encoded],
    device: &Device,
) -> Result<Vec<(Level, String)>> {
    // Of vectors every pair: there are few, and a part ranks otherwise.
    let examples = if task.target.is_embedding() { dev } else { &dev[..dev.len().min(EXAMPLES)] };
    let mut said = Vec::new();
    let embeds = teacher.sentence.is_some() && task.target.is_embedding();
    if (embeds || teacher.num_outputs() == Some(task.num_outputs())) && !examples.is_empty() {
        let scored = score(Network::Teacher(teacher), task, examples, device)?;
        if let Some(value) = scored.metrics.get(&task.primary().to_string()) {
            let of =
                if examples.len() < dev.len() { format!("the first {} of ", examples.len()) } else { String::new() };
            let text = format!("the teacher scores {} {value:.4} on {of}{} dev examples", task.primary(), dev.len());
            let answers = scored.predictions.answers(task);
            let right =
                examples.iter().zip(&answers).filter(|(example, answer)| example.target == Some(**answer)).count();
            said.push(match most_frequent(task, examples) {
                Some(most) if right <= most && examples.len() >= FEW => {
                    let share = most as f64 / examples.len() as f64;
                    let advice = "is it a teacher of this task, and are its classes in the order that its labels say?";
                    (
                        Level::Warn,
                        format!("{text}, no better than always the same answer ({share:.4} are right then); {advice}"),
                    )
                }
                _ => (Level::Info, text),
            });
        }
    }
    let (mut unknown, mut tokens) = (0_usize, 0_usize);
    for Encoded { ids, .. } in examples {
        unknown += ids.iter().filter(|&&id| id == tokenizer.unk_id()).count();
        tokens += ids.len();
    }
    let share = unknown as f64 / tokens.max(1) as f64;
    if share >= UNKNOWN[0] {
        let name = tokenizer.token(tokenizer.unk_id()).unwrap_or_default();
        let text =
            format!("{:.1} % of the tokens of dev are {name}: the teacher's vocabulary lacks them", 100.0 * share);
        said.push((if share >= UNKNOWN[1] { Level::Warn } else { Level::Info }, text));
    }
    Ok(said)
}

/// How many examples have the label that most have; none of a task of scores.
fn most_frequent(task: &TaskSpec, examples: &[Encoded]) -> Option<usize> {
    let Target::Classification { .. } = task.target else { return None };
    (0..task.num_outputs()).map(|class| examples.iter().filter(|it| it.target == Some(class as f32)).count()).max()
}
