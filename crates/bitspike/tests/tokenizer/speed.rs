//! How fast both are, printed: `cargo test --release --test tokenizer speed -- --nocapture`.

use std::time::Instant;

use super::both;
use super::data::{folder, lines};

#[test]
fn speed_of_both() {
    let Some(folder) = folder() else { return };
    let (ours, reference) = both();
    for (name, column, most) in [("SST-2/dev.tsv", 0, 872), ("IMDB/train.tsv", 3, 1000)] {
        let mut texts: Vec<String> =
            lines(&folder.join(name)).into_iter().skip(1).map(|mut f| f.swap_remove(column)).collect();
        texts.truncate(most);
        let bytes: usize = texts.iter().map(String::len).sum();
        let best = |run: &dyn Fn(&str) -> usize| {
            let time = || {
                let began = Instant::now();
                let tokens: usize = texts.iter().map(|text| run(text)).sum();
                (began.elapsed().as_secs_f64(), tokens)
            };
            (0..5).map(|_| time()).min_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
        };
        let found = [
            ("ours", best(&|text| ours.encode(text, None, usize::MAX).ids.len() - 2)),
            ("library", best(&|text| reference.tokens(text).len())),
            ("ours, 128", best(&|text| ours.encode(text, None, 128).ids.len() - 2)),
        ];
        for (who, (seconds, tokens)) in found {
            let (texts, per) = (texts.len() as f64 / seconds, tokens as f64 / seconds / 1e6);
            println!(
                "{name} {who:>9}: {texts:>9.0} texts/s {per:>6.2} M tokens/s {:>6.1} MB/s",
                bytes as f64 / seconds / 1e6
            );
        }
        assert_eq!(found[0].1.1, found[1].1.1);
    }
}
