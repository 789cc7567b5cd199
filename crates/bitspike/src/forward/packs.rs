//! Which sentences are computed together, and on how many threads.

use std::ops::Range;

use crate::tokenizer::Encoding;

/// Tokens that a pack of short sentences has at least, where there are so many: enough to reuse a loaded weight often, few
/// enough that their values stay in the cache.
const PACK_TOKENS: usize = 64;

/// Tokens of a tile at least: below, threads wait for each other longer than they work.
const TILE_TOKENS: usize = 6;

/// Cuts a batch into packs of neighbouring sentences.
pub(crate) fn packs(encodings: &[Encoding], threads: usize) -> Vec<Range<usize>> {
    let total: usize = encodings.iter().map(|encoding| encoding.ids.len()).sum();
    let target = total.div_ceil(threads.max(1)).clamp(1, PACK_TOKENS);
    let mut packs = Vec::new();
    let (mut first, mut tokens) = (0, 0);
    for (i, encoding) in encodings.iter().enumerate() {
        let length = encoding.ids.len();
        if tokens > 0 && tokens + length > target {
            packs.push(first..i);
            (first, tokens) = (i, 0);
        }
        tokens += length;
    }
    if first < encodings.len() {
        packs.push(first..encodings.len());
    }
    packs
}

/// Tiles of each pack: threads that would otherwise be idle share the packs.
pub(crate) fn tiles(encodings: &[Encoding], packs: &[Range<usize>], threads: usize) -> Vec<usize> {
    let share = (threads / packs.len().max(1)).max(1);
    let tokens = |pack: &Range<usize>| encodings[pack.clone()].iter().map(|e| e.ids.len()).sum::<usize>();
    packs.iter().map(|pack| share.min(tokens(pack) / TILE_TOKENS).max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encodings(lengths: &[usize]) -> Vec<Encoding> {
        lengths.iter().map(|&length| Encoding { ids: vec![0; length], type_ids: vec![0; length] }).collect()
    }

    #[test]
    fn packs_cover_every_sentence_once() {
        for lengths in [vec![], vec![1], vec![25; 40], vec![128; 3], vec![3, 200, 3, 64, 1, 1, 62, 2]] {
            for threads in [1, 2, 16] {
                let encodings = encodings(&lengths);
                let packs = packs(&encodings, threads);
                let all: Vec<usize> = packs.iter().flat_map(Clone::clone).collect();
                assert_eq!(all, (0..lengths.len()).collect::<Vec<_>>());
                for pack in &packs {
                    let tokens: usize = lengths[pack.clone()].iter().sum();
                    assert!(pack.len() == 1 || tokens <= PACK_TOKENS, "{pack:?} has {tokens} tokens");
                }
                assert_eq!(tiles(&encodings, &packs, threads).len(), packs.len());
            }
        }
    }

    #[test]
    fn a_lone_request_takes_every_thread_and_a_batch_one_each() {
        let one = encodings(&[128]);
        assert_eq!(tiles(&one, &packs(&one, 2), 2), [2]);
        let short = encodings(&[7]);
        assert_eq!(tiles(&short, &packs(&short, 8), 8), [1]);
        let two = encodings(&[25, 25]);
        assert_eq!((packs(&two, 2), tiles(&two, &packs(&two, 2), 2)), (vec![0..1, 1..2], vec![1, 1]));
        let many = encodings(&[25; 100]);
        assert!(tiles(&many, &packs(&many, 2), 2).iter().all(|&tiles| tiles == 1));
    }
}
