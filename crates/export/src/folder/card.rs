//! The card of an export: what it is, how it is loaded, what it does not carry.

use bitspike::Model;

use super::Target;

/// `README.md`.
pub(super) fn card(model: &Model, name: &str, target: Target) -> String {
    let student = &model.header().student;
    let neurons = student.code.describe(student.signed, student.time_steps);
    let max_length = model.header().max_length;
    let runtime = target.runtime();
    let computes = match target {
        Target::Gguf => {
            "Without its neurons: values are the currents that they would round and clip, so that answers are close to \
             bitspike's and no more."
        }
        _ => {
            "The operators compute its spike counts at equilibrium (`phased`), each sum that a count hangs on in the order of \
             bitspike's own engine."
        }
    };
    let mut text = format!(
        "# {name} for {runtime}\n\n\
         Task {}. A spiking BERT of {} layers, width {}, {neurons}; weights of {} bits. {computes}\n\n\
         | file | what |\n|---|---|\n",
        model.task().name,
        student.layers,
        student.hidden,
        student.weight_bits,
    );
    let mut row = |file: &str, what: &str| text.push_str(&format!("| `{file}` | {what} |\n"));
    match target {
        Target::Onnx { opset, .. } => {
            row("model.onnx", &format!("operators and weights, opset {}", opset.number()));
        }
        Target::OpenVino => {
            row("openvino_model.xml, openvino_model.bin", "operators; weights of 2 bits and all other constants");
        }
        Target::Gguf => row("model.gguf", "the network in the types of llama.cpp, with words and labels"),
        Target::TransformersJs => {
            row("onnx/model.onnx", "opset 21, codes of 4 bits: dtype `fp32`");
            row("onnx/model_q2.onnx", "opset 25, codes of 2 bits: dtype `q2`, the default of `config.json`");
        }
    }
    row("tokenizer.json, tokenizer_config.json, config.json", "words, labels, sizes, as transformers has them");
    row("parity.json", "every count, logit and label beside the engine's, if they were compared");
    row("bitspike.json", "what `bitspike export --check` reads");
    text.push_str(&format!(
        "\n## What it carries\n\n\
         - Texts of at most {max_length} tokens; cut longer ones.\n\
         - Not carried: spikes in time, the dynamics `accumulated` and `instantaneous`, exit rules. The engine runs them.\n"
    ));
    if target != Target::Gguf {
        text.push_str(
            "- The counts of every population are values of their names (`layer.0.key`), which can be made outputs.\n",
        );
    }
    if model.task().target.is_regression() {
        text.push_str("- One output, the score itself. `problem_type` keeps pipelines from making 1 of it; they give its sigmoid.\n");
    }
    if model.task().is_pair() {
        text.push_str("- Pairs of texts: call tokenizer and model. The pipeline of transformers.js classifies `{text, text_pair}` as the empty text.\n");
    }
    if target == Target::TransformersJs {
        text.push_str(
            "- transformers.js splits some marks newer than Unicode 8, and ideographs above U+FFFF, otherwise than bitspike; \
             texts with them may get other tokens.\n",
        );
    }
    text
}
