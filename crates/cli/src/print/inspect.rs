//! The contents of a packed model as text.

use std::io::Write;

use anyhow::Result;
use bitspike::{Target, Task};
use bitspike_analysis::inspect::{Contents, Part, TensorContents};

/// Everything: configuration, tensors with codes, sizes.
pub(crate) fn print(contents: &Contents, out: &mut dyn Write) -> Result<()> {
    let Contents { file, sha256, format_version, config, .. } = contents;
    let student = &config.student;
    writeln!(out, "{file}: bitspike model, format {format_version}")?;
    writeln!(out, "  sha256   {sha256}")?;
    writeln!(out, "  task     {}", task(&config.task))?;
    writeln!(
        out,
        "  student  {} layers, width {}, {} heads, feed-forward {}, {}",
        student.layers,
        student.hidden,
        student.heads,
        student.intermediate,
        student.code.describe(student.signed, student.time_steps)
    )?;
    writeln!(
        out,
        "  weights  {} bit, one scale a {}; embeddings {} bit, one scale a row",
        student.weight_bits, student.granularity, student.embedding_bits
    )?;
    writeln!(
        out,
        "  texts    up to {} tokens of a vocabulary of {}; {} positions, {} types",
        config.max_length, student.vocab_size, student.max_positions, student.type_vocab
    )?;
    writeln!(out)?;
    print_tensors(contents, out)?;
    writeln!(out)?;
    print_sizes(contents, out)
}

/// What each part takes, and the whole beside the same model in `f32`.
pub(crate) fn print_sizes(contents: &Contents, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{:<18} {:>12} {:>11} {:>7} {:>12}", "part", "values", "bits/value", "zeros", "bytes")?;
    for Part { name, values, bytes, zeros, .. } in &contents.parts {
        let bits = 8.0 * *bytes as f64 / *values as f64;
        writeln!(out, "{name:<18} {values:>12} {bits:>11.3} {:>7} {bytes:>12}", share(*zeros))?;
    }
    if let Some(bytes) = contents.vocabulary_bytes {
        writeln!(out, "{:<18} {:>12} {:>11} {:>7} {bytes:>12}", "vocabulary", "", "", "")?;
    }
    writeln!(out, "{:<18} {:>12} {:>11} {:>7} {:>12}", "header", "", "", "", contents.header_bytes)?;
    let values: u64 = contents.parts.iter().map(|part| part.values).sum();
    let bits = 8.0 * contents.bytes as f64 / values as f64;
    writeln!(out, "{:<18} {values:>12} {bits:>11.3} {:>7} {:>12}", "file", "", contents.bytes)?;
    Ok(writeln!(
        out,
        "the same sizes in f32 take {} bytes: the file is {:.1} times smaller",
        contents.full_bytes, contents.times_smaller
    )?)
}

fn print_tensors(contents: &Contents, out: &mut dyn Write) -> Result<()> {
    let coded: Vec<&TensorContents> = contents.tensors.iter().filter(|tensor| tensor.form != "f32").collect();
    let width = coded.iter().map(|tensor| tensor.name.len()).max().unwrap_or(0).max("tensor".len());
    if !coded.is_empty() {
        writeln!(
            out,
            "{:<width$} {:>7} {:>13} {:>7} {:>6} {:>10} {:>10} {:>10} {:>10}",
            "tensor", "form", "shape", "zeros", "scales", "least", "mean", "most", "bytes"
        )?;
    }
    for TensorContents { name, form, shape: [rows, columns], bytes, zeros, scales, .. } in coded {
        let shape = format!("{rows} x {columns}");
        let [count, min, mean, max] = match scales {
            Some(scales) => {
                let value = |value: f64| format!("{value:.3e}");
                [scales.count.to_string(), value(scales.min.into()), value(scales.mean), value(scales.max.into())]
            }
            None => Default::default(),
        };
        let zeros = share(*zeros);
        writeln!(
            out,
            "{name:<width$} {form:>7} {shape:>13} {zeros:>7} {count:>6} {min:>10} {mean:>10} {max:>10} {bytes:>10}"
        )?;
    }
    let full = contents.tensors.iter().filter(|tensor| tensor.form == "f32");
    let (count, bytes) = full.fold((0, 0), |(count, bytes), tensor| (count + 1, bytes + tensor.bytes));
    Ok(writeln!(out, "and {count} tensors in f32, {bytes} bytes")?)
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| format!("{:.1} %", 100.0 * share))
}

fn task(task: &Task) -> String {
    let second = task.second.as_ref().map_or(String::new(), |second| format!(" and {second}"));
    let target = match &task.target {
        Target::Classification { labels } => labels.join(", "),
        Target::Regression { min, max } => format!("a score from {min} to {max}"),
        Target::Embedding { normalize, prefixes } => {
            let length = if *normalize { " of length 1" } else { "" };
            let prefixes: Vec<String> =
                prefixes.iter().map(|prefix| format!(", or its first {prefix} values")).collect();
            format!("a vector{length}{}", prefixes.concat())
        }
    };
    format!("{}: {}{second} to {target}", task.name, task.first)
}
