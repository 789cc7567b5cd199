//! Texts and tokens a second of the tokeniser and of the `tokenizers` crate, on one thread: SST-2's dev set and 1,000 reviews of IMDB.
//!
//!     BITSPIKE_SHARED=... cargo bench -p bitspike --bench tokenizer

use std::path::Path;
use std::time::Instant;

use bitspike::format::Packed;
use bitspike::tokenizer::Tokenizer;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::{DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper, TokenizerImpl};

type Library = TokenizerImpl<WordPiece, NormalizerWrapper, PreTokenizerWrapper, PostProcessorWrapper, DecoderWrapper>;

const ROUNDS: usize = 5;

fn main() {
    let Some(shared) = std::env::var_os("BITSPIKE_SHARED") else {
        return println!("BITSPIKE_SHARED is not set: there is nothing to read");
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/sst2-tiny");
    let packed = Packed::open(folder.join("model.safetensors")).expect("a packed model");
    let ours = packed.tokenizer().unwrap_or_else(|| Tokenizer::load(&folder).expect("a tokeniser"));
    let library: Library = serde_json::from_str(&ours.to_json().expect("JSON")).expect("a tokeniser");
    println!("{:<16} {:<18} {:>10} {:>12} {:>8}", "", "", "texts/s", "M tokens/s", "MB/s");
    for (name, column, most) in [("SST-2/dev.tsv", 0, 872), ("IMDB/train.tsv", 3, 1000)] {
        let path = Path::new(&shared).join("data").join(name);
        let file = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let field = |line: &'static str| line.split('\t').nth(column).expect("a text");
        let texts: Vec<&str> = String::leak(file).lines().skip(1).take(most).map(field).collect();
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        let run = |who: &str, tokens: &dyn Fn(&str) -> usize| {
            let round = || {
                let began = Instant::now();
                let tokens: usize = texts.iter().map(|text| tokens(text)).sum();
                (began.elapsed().as_secs_f64(), tokens)
            };
            let best = (0..ROUNDS).map(|_| round()).min_by(|a, b| a.0.total_cmp(&b.0));
            let (seconds, tokens) = best.expect("a round");
            let [texts, tokens, bytes] = [texts.len(), tokens, bytes].map(|n| n as f64 / seconds);
            println!("{name:<16} {who:<18} {texts:>10.0} {:>12.2} {:>8.1}", tokens / 1e6, bytes / 1e6);
        };
        run("ours", &|text| ours.encode(text, None, usize::MAX).ids.len());
        run("ours, 128 tokens", &|text| ours.encode(text, None, 128).ids.len());
        run("tokenizers", &|text| library.encode_fast(text, true).expect("a text").len());
    }
}
