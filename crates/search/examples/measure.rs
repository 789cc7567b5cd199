//! What an index costs and finds: `cargo run --release -p bitspike-search --example measure VECTORS.npy [FIRST]`.
//!
//! VECTORS are floats, as `bitspike embed --out vectors.npy` writes them. The last 500 are the questions; of the others all, or the FIRST so
//! many, become indexes of every precision, with a graph and without. What these find is compared with the ten nearest by whole vectors.

use std::error::Error;
use std::time::Instant;

use bitspike_search::{Builder, Index, Kept, Mark, Precision, Search, Settings};

const QUESTIONS: usize = 500;
const K: usize = 10;

/// The rows of an array of floats.
fn rows(bytes: &[u8]) -> Option<Vec<Vec<f32>>> {
    let length = usize::from(u16::from_le_bytes(*bytes.get(8..)?.first_chunk()?));
    let header = std::str::from_utf8(bytes.get(10..10 + length)?).ok().filter(|header| header.contains("'<f4'"))?;
    let width: usize = header.split_once("'shape': (")?.1.split([',', ')']).nth(1)?.trim().parse().ok()?;
    let floats: Vec<f32> = bytes[10 + length..].as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    Some(floats.chunks_exact(width).map(<[f32]>::to_vec).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().ok_or("usage: measure VECTORS.npy [FIRST]")?;
    let mut vectors =
        rows(&std::fs::read(path)?).ok_or("expected an array of two dimensions of little-endian floats")?;
    let questions = vectors.split_off(vectors.len().saturating_sub(QUESTIONS));
    if let Some(first) = arguments.get(1) {
        vectors.truncate(first.parse()?);
    }
    println!("{} vectors, {} questions, {} threads", vectors.len(), questions.len(), rayon::current_num_threads());
    let mut wanted: Vec<Vec<usize>> = Vec::new();
    for (precision, graph) in [
        (Precision::Float32, false),
        (Precision::Int8, false),
        (Precision::Binary, false),
        (Precision::Int8, true),
        (Precision::Float32, true),
    ] {
        let settings = Settings { precision, exact_below: if graph { 1 } else { usize::MAX }, ..Settings::default() };
        let mark = Mark { name: "measured".into(), sha256: "0".repeat(64) };
        let start = Instant::now();
        let mut builder = Builder::new(mark, vectors[0].len(), settings)?;
        for vector in &vectors {
            builder.push(vector, Kept { text: "", id: None })?;
        }
        let bytes = builder.to_bytes()?;
        let (built, size, start) = (start.elapsed().as_secs_f64(), bytes.len(), Instant::now());
        let index = Index::from_bytes(bytes)?;
        let how = if graph { "graph" } else { "every vector" };
        let opened = 1e3 * start.elapsed().as_secs_f64();
        println!("{}, {how}: built in {built:.1} s, {size} bytes, opened in {opened:.0} ms", precision.name());
        for &effort in if graph { &[32, 64, 128, 256][..] } else { &[128] } {
            let (mut found, mut times) = (Vec::new(), Vec::new());
            for question in &questions {
                let start = Instant::now();
                let hits = index.search(question, K, Search { exact: !graph, effort })?;
                times.push(1e3 * start.elapsed().as_secs_f64());
                found.push(hits.into_iter().map(|hit| hit.number).collect::<Vec<_>>());
            }
            if wanted.is_empty() {
                wanted = found.clone();
            }
            let same = |(a, b): (&Vec<usize>, &Vec<usize>)| a.iter().filter(|number| b.contains(number)).count();
            let same: usize = found.iter().zip(&wanted).map(same).sum();
            let recall = same as f64 / (K * questions.len()) as f64;
            times.sort_by(f64::total_cmp);
            let [least, median] = [times[0], times[times.len() / 2]];
            println!(
                "  effort {effort}: recall at {K} {recall:.4}, a question {median:.2} ms (median), {least:.2} ms (least)"
            );
        }
        if !graph {
            let start = Instant::now();
            index.search_all(&questions, K, Search { exact: true, effort: 128 })?;
            let each = 1e3 * start.elapsed().as_secs_f64() / questions.len() as f64;
            println!("  all questions together: {each:.2} ms each");
        }
    }
    Ok(())
}
