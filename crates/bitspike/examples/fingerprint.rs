//! Digests of a model's logits and spike counts, to compare machines:
//! `cargo run -p bitspike --example fingerprint -- [--texts N] FILE MODEL ...`.
//!
//! FILE is the dev set of SST-2 as GLUE lays it out, or any file of a text a line; what follows a tab is not read. A model on pairs
//! gets each text with the next one. A line is printed a model: its folder, the texts, the digest of the logits, that of the counts.

use std::path::Path;

use bitspike::model::Fingerprint;
use bitspike::{Error, Input, Model};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/sst2-tiny/model.safetensors");

fn main() -> bitspike::Result<()> {
    let mut given: Vec<String> = std::env::args().skip(1).collect();
    let mut most = usize::MAX;
    if given.first().is_some_and(|first| first == "--texts") {
        let number = given.get(1).cloned().unwrap_or_default();
        most = number.parse().map_err(|_| Error::invalid("--texts", "a number of texts", number))?;
        given.drain(..2);
    }
    let file = (!given.is_empty()).then(|| given.remove(0));
    let lines = match &file {
        Some(file) => std::fs::read_to_string(file).map_err(|error| Error::io("read", file, error))?,
        None => "a fine film\ndull from start to finish".to_owned(),
    };
    let texts: Vec<&str> = lines.lines().map(|line| line.split('\t').next().unwrap_or_default()).collect();
    // The first line of the dev set names its columns.
    let header = usize::from(lines.starts_with("sentence\t"));
    let texts = &texts[header..texts.len().min(most.saturating_add(header))];
    let models = if given.is_empty() { vec![SHIPPED.to_owned()] } else { given };
    for path in models {
        let model = Model::load(&path)?;
        let second = |i: usize| model.task().is_pair().then(|| texts[(i + 1) % texts.len()]);
        let mut found = Fingerprint::default();
        for (i, first) in texts.iter().enumerate() {
            found = model.fingerprint(&[model.encode(Input { first, second: second(i) })], found)?;
        }
        let folder = Path::new(&path).parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        println!("{folder} {} {:016x} {:016x}", texts.len(), found.logits, found.counts);
    }
    Ok(())
}
