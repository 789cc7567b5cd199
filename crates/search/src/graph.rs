//! The graph of near neighbours: hierarchical navigable small worlds (Malkov and Yashunin, 2016).
//!
//! The lowest layer has every text, each layer above it a sixteenth of the one below. A search goes down from the entry, in every
//! layer to the nearest node, and looks in the lowest at the neighbours of the nearest so far, until none of them is nearer.
//!
//! It is built on the rows as they are stored, a batch of texts at a time: every text of a batch looks for its neighbours in the graph
//! before the batch, on all threads, and then the links are made, target by target. The graph of some rows is the same one whatever the
//! number of threads.
//!
//! Of texts with the same row the first is a node, and each holds the number of the next: copies of one text would else be each other's
//! nearest neighbours and nobody else's. A node that pruning has cut off from the entry is linked again in the end.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::ops::ControlFlow;

use bitspike::arithmetic::wide;
use rayon::prelude::*;

use crate::file::{GraphHead, word};
use crate::rows::{Query, Rows};
use crate::top::{Ranked, Top};

/// Neighbours that a new node gets in each of its layers.
const NEIGHBOURS: usize = 16;

/// Most neighbours of a node in the lowest layer, and in the others.
const DEGREES: [usize; 2] = [2 * NEIGHBOURS, NEIGHBOURS];

/// Neighbours of a node in the file: in the lowest layer one place is a copy's.
const PLACES: [usize; 2] = [DEGREES[0] - 1, DEGREES[1]];

/// Nodes among which a new node's neighbours are chosen.
const CONSTRUCTION: usize = 128;

/// Most layers above the lowest.
const LAYERS: u32 = 8;

/// A batch is this share of the nodes before it, and no more than so many.
const SHARE: usize = 16;
const BATCH: usize = 2048;

/// No neighbour.
const NONE: u32 = u32::MAX;

/// What is no neighbour but the next text with the same row has this bit. It stands first.
const COPY: u32 = 1 << 31;

/// Most texts of an index, so that their numbers leave that bit free.
pub(crate) const MOST: usize = COPY as usize - 1;

/// A graph that can be walked through.
trait Links: Sync {
    /// Neighbours of a node in a layer, 0 the lowest.
    fn neighbours(&self, layer: usize, node: u32) -> impl Iterator<Item = u32>;
}

/// From `nearest` to the node of a layer that has no neighbour nearer to the question.
#[inline(always)]
fn descend(links: &impl Links, layer: usize, mut nearest: Ranked, ranked: impl Fn(u32) -> Ranked) -> Ranked {
    while let Some(nearer) = links.neighbours(layer, nearest.number).map(&ranked).max().filter(|near| *near > nearest) {
        nearest = nearer;
    }
    nearest
}

/// The nearest nodes of a layer that are found from `starts`, the nearest first: `effort` of them, or all that can be reached.
#[inline(always)]
fn nearest(
    links: &impl Links,
    layer: usize,
    nodes: usize,
    starts: &[Ranked],
    effort: usize,
    ranked: impl Fn(u32) -> Ranked,
) -> Vec<Ranked> {
    let mut seen = vec![0_u64; nodes.div_ceil(64)];
    let mut first_time = |number: u32| {
        let (word, bit) = (&mut seen[number as usize / 64], 1 << (number % 64));
        let new = *word & bit == 0;
        *word |= bit;
        new
    };
    let (mut ahead, mut found) = (BinaryHeap::new(), Top::new(effort));
    for &start in starts {
        if first_time(start.number) {
            ahead.push(start);
            found.offer(start);
        }
    }
    while let Some(node) = ahead.pop() {
        if found.bar().is_some_and(|worst| node < worst) {
            break;
        }
        for number in links.neighbours(layer, node.number) {
            if first_time(number) {
                let near = ranked(number);
                if found.offer(near) {
                    ahead.push(near);
                }
            }
        }
    }
    found.sorted()
}

/// The layer up to which a node is: one in sixteen of those of the layer below. It depends on its number alone.
fn level(number: u32) -> usize {
    // The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
    let mut x = u64::from(number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ x >> 31).trailing_zeros() / 4).min(LAYERS) as usize
}

/// A graph in the making.
struct Growing<'a> {
    rows: Rows<'a>,
    /// Neighbours by node.
    lowest: Vec<Vec<u32>>,
    /// Those in the layers above.
    upper: Vec<BTreeMap<u32, Vec<u32>>>,
    entry: u32,
}

impl Links for Growing<'_> {
    #[inline(always)]
    fn neighbours(&self, layer: usize, node: u32) -> impl Iterator<Item = u32> {
        let list = if layer == 0 { self.lowest.get(node as usize) } else { self.upper[layer - 1].get(&node) };
        list.map_or(&[][..], Vec::as_slice).iter().copied()
    }
}

impl Growing<'_> {
    /// Neighbours for a new node, by layer.
    #[inline(always)]
    fn choose_for(&self, number: u32) -> Vec<Vec<u32>> {
        let query = self.rows.query(number as usize);
        let ranked = |number: u32| Ranked { score: self.rows.score(&query, number as usize), number };
        let (level, top) = (level(number), self.upper.len());
        let mut start = ranked(self.entry);
        for layer in (level + 1..=top).rev() {
            start = descend(self, layer, start, ranked);
        }
        let mut starts = vec![start];
        let mut chosen = vec![Vec::new(); level + 1];
        for layer in (0..=level.min(top)).rev() {
            starts = nearest(self, layer, self.lowest.len(), &starts, CONSTRUCTION, ranked);
            chosen[layer] = self.choose(&starts, NEIGHBOURS);
        }
        chosen
    }

    /// At most `most` neighbours among `candidates`, the nearest first: those that are nearer to the node than to any neighbour that was
    /// chosen before, so that they lie on all sides of it, and then the nearest of the others.
    #[inline(always)]
    fn choose(&self, candidates: &[Ranked], most: usize) -> Vec<u32> {
        let (mut chosen, mut others): (Vec<u32>, Vec<u32>) = (Vec::with_capacity(most), Vec::new());
        for near in candidates {
            if chosen.len() == most {
                break;
            }
            let apart = |&other: &u32| self.rows.between(near.number as usize, other as usize) < near.score;
            if chosen.iter().all(apart) { chosen.push(near.number) } else { others.push(near.number) }
        }
        let free = most - chosen.len();
        chosen.extend(others.into_iter().take(free));
        chosen
    }

    /// The neighbours of a node, cut to `most` where there are more.
    #[inline(always)]
    fn cut(&self, node: u32, list: Vec<u32>, most: usize) -> Vec<u32> {
        if list.len() <= most {
            return list;
        }
        let ranked = |&number: &u32| Ranked { score: self.rows.between(node as usize, number as usize), number };
        let mut all: Vec<Ranked> = list.iter().map(ranked).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        self.choose(&all, most)
    }

    /// Adds the next nodes.
    fn add(&mut self, batch: &[u32]) {
        let found: Vec<Vec<Vec<u32>>> = {
            let graph = &*self;
            let choose = |number: u32| {
                wide(
                    #[inline(always)]
                    || graph.choose_for(number),
                )
            };
            batch.par_iter().map(|&number| choose(number)).collect()
        };
        // What each node is a neighbour of, by layer.
        let mut back: Vec<Vec<(u32, u32)>> = Vec::new();
        for (&number, chosen) in batch.iter().zip(found) {
            for (layer, list) in chosen.into_iter().enumerate() {
                if back.len() <= layer {
                    back.resize_with(layer + 1, Vec::new);
                }
                back[layer].extend(list.iter().map(|&target| (target, number)));
                if layer == 0 {
                    self.lowest[number as usize] = list;
                    continue;
                }
                if self.upper.len() < layer {
                    self.upper.push(BTreeMap::new());
                    self.entry = number;
                }
                self.upper[layer - 1].insert(number, list);
            }
        }
        for (layer, mut pairs) in back.into_iter().enumerate() {
            pairs.sort_unstable();
            let most = DEGREES[layer.min(1)];
            let graph = &*self;
            // A list is cut once it is half as long again: cutting takes long.
            let linked = |pairs: &[(u32, u32)]| {
                let target = pairs[0].0;
                let list: Vec<u32> = graph.neighbours(layer, target).chain(pairs.iter().map(|pair| pair.1)).collect();
                let cut = if list.len() > most + most / 2 {
                    wide(
                        #[inline(always)]
                        || graph.cut(target, list, most),
                    )
                } else {
                    list
                };
                (target, cut)
            };
            let groups: Vec<&[(u32, u32)]> = pairs.chunk_by(|a, b| a.0 == b.0).collect();
            let lists: Vec<(u32, Vec<u32>)> = groups.into_par_iter().map(linked).collect();
            for (target, list) in lists {
                if layer == 0 {
                    self.lowest[target as usize] = list;
                } else {
                    self.upper[layer - 1].insert(target, list);
                }
            }
        }
    }

    /// Cuts every list to the places that it has in the file, but one that may be a copy's.
    fn trim(&mut self, nodes: &[u32]) {
        let graph = &*self;
        let cut = |layer: usize, node: u32| {
            let list = graph.neighbours(layer, node).collect();
            wide(
                #[inline(always)]
                || graph.cut(node, list, PLACES[layer.min(1)]),
            )
        };
        let lowest: Vec<Vec<u32>> = nodes.par_iter().map(|&node| cut(0, node)).collect();
        let upper = (1..=graph.upper.len())
            .map(|layer| graph.upper[layer - 1].keys().map(|&node| (node, cut(layer, node))).collect())
            .collect();
        for (&node, list) in nodes.iter().zip(lowest) {
            self.lowest[node as usize] = list;
        }
        self.upper = upper;
    }

    /// Links every node of the lowest layer that cannot be reached from the entry to the nearest that can; whether there was one.
    fn mend(&mut self, nodes: &[u32]) -> bool {
        let mut reached = vec![false; self.lowest.len()];
        self.reach(self.entry, &mut reached);
        let mut mended = false;
        for &node in nodes {
            if reached[node as usize] {
                continue;
            }
            mended = true;
            let query = self.rows.query(node as usize);
            let ranked = |number: u32| Ranked { score: self.rows.score(&query, number as usize), number };
            let near = nearest(self, 0, self.lowest.len(), &[ranked(self.entry)], CONSTRUCTION, ranked);
            let room = near.iter().find(|near| self.lowest[near.number as usize].len() < PLACES[0]);
            // Where all are full the last of the nearest one's gives way, which the next round reaches again if nothing else does.
            let target = room.unwrap_or(&near[0]).number as usize;
            self.lowest[target].truncate(PLACES[0] - 1);
            self.lowest[target].push(node);
            self.reach(node, &mut reached);
        }
        mended
    }

    /// Marks what can be reached in the lowest layer from `start`, which is marked too.
    fn reach(&self, start: u32, reached: &mut [bool]) {
        let mut ahead = vec![start];
        while let Some(node) = ahead.pop() {
            if !std::mem::replace(&mut reached[node as usize], true) {
                ahead.extend(self.neighbours(0, node).filter(|&number| !reached[number as usize]));
            }
        }
    }

    /// The graph in the form of the file; `next` has of each text the next one with the same row.
    fn stored(&self, next: &HashMap<u32, u32>) -> (GraphHead, Vec<u8>) {
        let fill = |list: &[u32], most: usize, copy: Option<&u32>| -> Vec<u8> {
            let marked = copy.map(|&number| number | COPY).into_iter();
            let words = marked.chain(list.iter().copied()).chain(std::iter::repeat(NONE));
            words.take(most).flat_map(u32::to_le_bytes).collect()
        };
        let lowest = self.lowest.par_iter().enumerate();
        let lowest = lowest.map(|(node, list)| fill(list, DEGREES[0], next.get(&(node as u32))));
        let mut bytes: Vec<u8> = lowest.collect::<Vec<_>>().concat();
        for layer in &self.upper {
            bytes.extend(layer.keys().flat_map(|node| node.to_le_bytes()));
            layer.values().for_each(|list| bytes.extend(fill(list, DEGREES[1], None)));
        }
        let head = GraphHead {
            covered: self.lowest.len() as u32,
            entry: self.entry,
            degrees: DEGREES.map(|degree| degree as u32),
            upper: self.upper.iter().map(|layer| layer.len() as u32).collect(),
        };
        (head, bytes)
    }
}

/// The first text of each row, and of every text the next one with the same row.
fn distinct(rows: Rows<'_>) -> (Vec<u32>, HashMap<u32, u32>) {
    let (mut nodes, mut next, mut last) = (Vec::new(), HashMap::new(), HashMap::new());
    for number in 0..rows.count() as u32 {
        match last.entry(rows.row(number as usize)) {
            Entry::Vacant(new) => {
                new.insert(number);
                nodes.push(number);
            }
            Entry::Occupied(mut earlier) => {
                next.insert(earlier.insert(number), number);
            }
        }
    }
    (nodes, next)
}

/// Builds the graph of all rows, of which there is one at least; `progress` is told how many are in, and may end it.
pub(crate) fn build(
    rows: Rows<'_>,
    progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Option<(GraphHead, Vec<u8>)> {
    let count = rows.count();
    let (nodes, next) = distinct(rows);
    let upper = vec![BTreeMap::from([(0, Vec::new())]); level(0)];
    let mut graph = Growing { rows, lowest: vec![Vec::new(); count], upper, entry: 0 };
    let mut done = 1;
    while done < nodes.len() {
        let end = (done + (done / SHARE).clamp(1, BATCH)).min(nodes.len());
        graph.add(&nodes[done..end]);
        done = end;
        if progress(done + count - nodes.len()).is_break() {
            return None;
        }
    }
    graph.trim(&nodes);
    // A node that gave way may be out of reach now; each round leaves fewer.
    let mut rounds = 3;
    while rounds > 0 && graph.mend(&nodes) {
        rounds -= 1;
    }
    Some(graph.stored(&next))
}

/// A graph as the file holds it. What it says is bounded wherever it is used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Graph<'a> {
    pub(crate) head: &'a GraphHead,
    pub(crate) bytes: &'a [u8],
}

impl Links for Graph<'_> {
    #[inline(always)]
    fn neighbours(&self, layer: usize, node: u32) -> impl Iterator<Item = u32> {
        let degree = self.head.degrees[layer.min(1)] as usize;
        let list = self.place(layer, node).and_then(|at| self.bytes.get(at..at + 4 * degree)).unwrap_or(&[]);
        let covered = self.head.covered;
        let words = list.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word));
        words.take_while(|&word| word != NONE).filter(move |&word| word & COPY == 0 && word < covered)
    }
}

impl Graph<'_> {
    /// Where the neighbours of a node begin; none where it is not in the layer.
    fn place(&self, layer: usize, node: u32) -> Option<usize> {
        let [lowest, degree] = self.head.degrees.map(|degree| degree as usize);
        if layer == 0 {
            return Some(4 * lowest * node as usize);
        }
        let below = self.head.upper[..layer - 1].iter().map(|&nodes| nodes as usize).sum::<usize>();
        let at = 4 * lowest * self.head.covered as usize + 4 * (1 + degree) * below;
        let nodes = *self.head.upper.get(layer - 1)? as usize;
        let (mut low, mut high) = (0, nodes);
        while low < high {
            let middle = low.midpoint(high);
            match word(self.bytes, at + 4 * middle)?.cmp(&node) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(at + 4 * nodes + 4 * degree * middle),
            }
        }
        None
    }

    /// The next text with the same row, which always has a higher number.
    fn next(&self, number: u32) -> Option<u32> {
        let word = word(self.bytes, self.place(0, number)?)?;
        let copy = (word & COPY != 0 && word != NONE).then_some(word & !COPY)?;
        (copy > number && copy < self.head.covered).then_some(copy)
    }

    /// Nearly the best rows of those that are in the graph: the more `effort`, the more of them.
    pub(crate) fn best(&self, rows: Rows<'_>, query: &Query, k: usize, effort: usize) -> Top {
        wide(
            #[inline(always)]
            || {
                let ranked = |number: u32| Ranked { score: rows.score(query, number as usize), number };
                let mut start = ranked(self.head.entry);
                for layer in (1..=self.head.upper.len()).rev() {
                    start = descend(self, layer, start, ranked);
                }
                let mut best = Top::new(k);
                for near in nearest(self, 0, self.head.covered as usize, &[start], effort.max(k), ranked) {
                    let copies = std::iter::successors(Some(near.number), |&number| self.next(number));
                    for number in copies {
                        if !best.offer(Ranked { number, ..near }) {
                            break;
                        }
                    }
                }
                best
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::rows::Precision;

    /// Vectors around 40 centres, stored.
    fn stored(count: usize, dims: usize, precision: Precision) -> (Vec<u8>, Vec<u8>, Vec<Vec<f32>>) {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut vector = |spread: f32| -> Vec<f32> { (0..dims).map(|_| rng.random_range(-spread..spread)).collect() };
        let centres: Vec<Vec<f32>> = (0..40).map(|_| vector(1.0)).collect();
        let vectors: Vec<Vec<f32>> =
            (0..count).map(|i| vector(0.7).iter().zip(&centres[i % 40]).map(|(a, b)| a + b).collect()).collect();
        let (mut bytes, mut scales) = (Vec::new(), Vec::new());
        vectors.iter().for_each(|vector| Query::new(vector, precision).store(precision, &mut bytes, &mut scales));
        (bytes, scales, vectors)
    }

    #[test]
    fn nearly_all_of_the_best_are_found_whatever_the_threads() {
        for (precision, least) in [(Precision::Float32, 0.95), (Precision::Int8, 0.95), (Precision::Binary, 0.75)] {
            let (bytes, scales, vectors) = stored(3000, 24, precision);
            let rows = Rows { precision, dims: 24, vectors: &bytes, scales: &scales };
            let build = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| build(rows, &mut |_| ControlFlow::Continue(())).unwrap())
            };
            let first = build(1);
            assert!(first == build(3), "another graph");
            let (head, bytes) = first;
            assert!(head.covered == 3000 && !head.upper.is_empty(), "{head:?}");
            let graph = Graph { head: &head, bytes: &bytes };
            let mut same = 0;
            for vector in vectors.iter().step_by(100) {
                let query = Query::new(vector, precision);
                let found = graph.best(rows, &query, 10, 64).hits();
                let best = rows.best(std::slice::from_ref(&query), 0, 10).swap_remove(0).hits();
                same += found.iter().filter(|hit| best.contains(hit)).count();
            }
            assert!(f64::from(same as u32) / 300.0 > least, "{precision:?}: {same} of 300");
        }
    }

    #[test]
    fn a_few_nodes_and_equal_ones_make_a_graph_too() {
        for count in [1, 2, 3, 70] {
            let vectors = vec![vec![1.0, 2.0, 3.0]; count];
            let (mut bytes, mut scales) = (Vec::new(), Vec::new());
            vectors
                .iter()
                .for_each(|vector| Query::new(vector, Precision::Int8).store(Precision::Int8, &mut bytes, &mut scales));
            let rows = Rows { precision: Precision::Int8, dims: 3, vectors: &bytes, scales: &scales };
            let (head, bytes) = build(rows, &mut |_| ControlFlow::Continue(())).unwrap();
            let graph = Graph { head: &head, bytes: &bytes };
            let found = graph.best(rows, &Query::new(&vectors[0], Precision::Int8), 10, 128).hits();
            assert_eq!(found.len(), count.min(10), "{count}");
        }
    }

    #[test]
    fn copies_of_a_text_hide_no_other() {
        let dims = 24;
        for precision in [Precision::Int8, Precision::Binary] {
            let (own, own_scales, vectors) = stored(1000, dims, precision);
            let (mut copy, mut copy_scales) = (Vec::new(), Vec::new());
            Query::new(&[1.0; 24], precision).store(precision, &mut copy, &mut copy_scales);
            let copies = (copy.repeat(2000), copy_scales.repeat(2000));
            for first in [true, false] {
                let (bytes, scales) = if first {
                    ([&copies.0[..], &own].concat(), [&copies.1[..], &own_scales].concat())
                } else {
                    ([&own[..], &copies.0].concat(), [&own_scales[..], &copies.1].concat())
                };
                let rows = Rows { precision, dims, vectors: &bytes, scales: &scales };
                let (head, bytes) = build(rows, &mut |_| ControlFlow::Continue(())).unwrap();
                let graph = Graph { head: &head, bytes: &bytes };
                for question in vectors.iter().step_by(20).chain([&vec![1.0; dims]]) {
                    let query = Query::new(question, precision);
                    let exact = rows.best(std::slice::from_ref(&query), 0, 15).swap_remove(0).hits();
                    // Whoever looks at all of them finds all of them.
                    assert_eq!(graph.best(rows, &query, 15, 3000).hits(), exact, "{precision:?} {first}");
                }
                assert_eq!(graph.best(rows, &Query::new(&vec![1.0; dims], precision), 2500, 3000).hits().len(), 2500);
            }
        }
    }

    #[test]
    fn whoever_is_told_may_end_it() {
        let (bytes, scales, _) = stored(300, 24, Precision::Int8);
        let rows = Rows { precision: Precision::Int8, dims: 24, vectors: &bytes, scales: &scales };
        assert!(build(rows, &mut |_| ControlFlow::Break(())).is_none());
    }
}
