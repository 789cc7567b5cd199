//! Vectors as the file holds them, and their cosines to a question's.
//!
//! | precision | a row | cosine |
//! |---|---|---|
//! | `float32` | `D` floats of length 1 | sum of products, in 16 lanes that are joined in one order on every machine |
//! | `int8` | `D` codes, and the inverse of their length | whole sum of products times both inverses |
//! | `binary` | a bit a value, the first the least of its byte | `1 - 2 differing / D`, that of vectors of signs |

use bitspike::arithmetic::wide;
use bitspike::vector::{BitOrder, Precision as Form, Values, unit};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::top::{Ranked, Top};

/// How the vectors of an index are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Floats of 32 bits: four bytes a value.
    Float32,
    /// Codes from -127 to 127: a byte a value.
    #[default]
    Int8,
    /// Signs: a bit a value.
    Binary,
}

impl Precision {
    /// Its name: `float32`, `int8`, `binary`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Int8 => "int8",
            Self::Binary => "binary",
        }
    }

    /// Bytes of a row.
    pub(crate) fn row_bytes(self, dims: usize) -> usize {
        match self {
            Self::Float32 => 4 * dims,
            Self::Int8 => dims,
            Self::Binary => dims.div_ceil(8),
        }
    }

    /// Bytes that stand beside each row.
    pub(crate) fn scale_bytes(self) -> usize {
        if self == Self::Int8 { 4 } else { 0 }
    }
}

/// A vector as a row has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    bytes: Vec<u8>,
    /// The inverse of the length of codes; of other forms 0, which nobody reads.
    inverse: f32,
}

impl Query {
    pub(crate) fn new(vector: &[f32], precision: Precision) -> Self {
        let form = match precision {
            Precision::Float32 => Form::Single,
            Precision::Int8 => Form::Int8,
            Precision::Binary => Form::Binary(BitOrder::LeastFirst),
        };
        let values = form.of(if precision == Precision::Float32 { unit(vector) } else { vector.to_vec() });
        let inverse = match &values {
            Values::Int8(codes) => {
                let squares: i64 = codes.iter().map(|&code| i64::from(code) * i64::from(code)).sum();
                if squares == 0 { 0.0 } else { (1.0 / (squares as f64).sqrt()) as f32 }
            }
            _ => 0.0,
        };
        Self { bytes: values.le_bytes(), inverse }
    }

    /// As a row of a file.
    pub(crate) fn store(&self, precision: Precision, vectors: &mut Vec<u8>, scales: &mut Vec<u8>) {
        vectors.extend(&self.bytes);
        scales.extend(&self.inverse.to_le_bytes()[..precision.scale_bytes()]);
    }
}

/// Rows of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) precision: Precision,
    pub(crate) dims: usize,
    pub(crate) vectors: &'a [u8],
    pub(crate) scales: &'a [u8],
}

/// Rows that are compared with all questions before the next ones are.
const BLOCK: usize = 512;

impl Rows<'_> {
    pub(crate) fn count(&self) -> usize {
        self.vectors.len() / self.precision.row_bytes(self.dims)
    }

    /// The bytes of a row.
    pub(crate) fn row(&self, number: usize) -> &[u8] {
        let width = self.precision.row_bytes(self.dims);
        &self.vectors[number * width..][..width]
    }

    fn scale(&self, number: usize) -> f32 {
        self.scales
            .get(4 * number..4 * number + 4)
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0.0, f32::from_le_bytes)
    }

    /// The cosine of a row and a question.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub(crate) fn score(&self, query: &Query, number: usize) -> f32 {
        self.cosine((&query.bytes, query.inverse), number)
    }

    /// The cosine of two rows: what [`Rows::score`] is of one as a question.
    #[inline(always)]
    pub(crate) fn between(&self, a: usize, b: usize) -> f32 {
        self.cosine((self.row(a), self.scale(a)), b)
    }

    /// The cosine of a row and another, given with the inverse of its length.
    #[inline(always)]
    fn cosine(&self, (other, inverse): (&[u8], f32), number: usize) -> f32 {
        let row = self.row(number);
        match self.precision {
            Precision::Float32 => float32(row, other),
            Precision::Int8 => codes_product(row, other) as f32 * inverse * self.scale(number),
            Precision::Binary => 1.0 - 2.0 * differing(row, other) as f32 / self.dims as f32,
        }
    }

    /// The best of the rows from `from` on, for each question.
    pub(crate) fn best(&self, queries: &[Query], from: usize, k: usize) -> Vec<Top> {
        let blocks = from..self.count();
        let starts: Vec<usize> = blocks.clone().step_by(BLOCK).collect();
        let none = || vec![Top::new(k); queries.len()];
        let scan = |mut tops: Vec<Top>, start: usize| {
            wide(
                #[inline(always)]
                || {
                    for (query, top) in queries.iter().zip(&mut tops) {
                        for number in start..(start + BLOCK).min(blocks.end) {
                            top.offer(Ranked { score: self.score(query, number), number: number as u32 });
                        }
                    }
                },
            );
            tops
        };
        let both = |a: Vec<Top>, b: Vec<Top>| a.into_iter().zip(b).map(|(a, b)| a.merge(b)).collect();
        starts.into_par_iter().with_min_len(8).fold(none, scan).reduce(none, both)
    }

    /// The first row with a number that is not finite.
    pub(crate) fn first_not_finite(&self) -> Option<usize> {
        let numbers = if self.precision == Precision::Float32 { self.vectors } else { self.scales };
        let first = numbers.as_chunks().0.iter().position(|&bytes| !f32::from_le_bytes(bytes).is_finite())?;
        Some(if self.precision == Precision::Float32 { first / self.dims } else { first })
    }

    /// A row as a question.
    pub(crate) fn query(&self, number: usize) -> Query {
        Query { bytes: self.row(number).to_vec(), inverse: self.scale(number) }
    }
}

const LANES: usize = 16;

/// Sum of products of the floats that two rows hold.
#[inline(always)]
fn float32(a: &[u8], b: &[u8]) -> f32 {
    // Four bytes at a time are a load, byte by byte they are none.
    let ((a, a_rest), (b, b_rest)) =
        (a.as_chunks::<4>().0.as_chunks::<LANES>(), b.as_chunks::<4>().0.as_chunks::<LANES>());
    let mut lanes = [0.0_f32; LANES];
    for (a, b) in a.iter().zip(b) {
        add_products(&mut lanes, a, b);
    }
    add_products(&mut lanes, a_rest, b_rest);
    sum(&lanes)
}

/// The sum of lanes. Out of line: inlined, its order of additions makes the compiler take products two at a time.
#[inline(never)]
fn sum(lanes: &[f32; LANES]) -> f32 {
    let mut lanes = *lanes;
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Adds the products of floats to as many lanes.
#[inline(always)]
fn add_products(lanes: &mut [f32; LANES], a: &[[u8; 4]], b: &[[u8; 4]]) {
    for (lane, (&a, &b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
        *lane += f32::from_le_bytes(a) * f32::from_le_bytes(b);
    }
}

/// Sum of products of codes, exact for up to 2^17 of them.
#[inline(always)]
fn codes_product(row: &[u8], query: &[u8]) -> i32 {
    row.iter().zip(query).map(|(&a, &b)| i32::from(a.cast_signed()) * i32::from(b.cast_signed())).sum()
}

/// Bits that differ.
#[inline(always)]
fn differing(row: &[u8], query: &[u8]) -> u32 {
    let ((row, row_rest), (query, query_rest)) = (row.as_chunks::<8>(), query.as_chunks::<8>());
    let whole = row.iter().zip(query).map(|(&a, &b)| (u64::from_le_bytes(a) ^ u64::from_le_bytes(b)).count_ones());
    let rest = row_rest.iter().zip(query_rest).map(|(a, b)| (a ^ b).count_ones());
    whole.sum::<u32>() + rest.sum::<u32>()
}

#[cfg(test)]
mod tests {
    use bitspike::vector::{cosine, int8};
    use proptest::prelude::*;

    use super::*;

    fn stored(vectors: &[Vec<f32>], precision: Precision) -> (Vec<u8>, Vec<u8>) {
        let (mut rows, mut scales) = (Vec::new(), Vec::new());
        vectors.iter().for_each(|vector| Query::new(vector, precision).store(precision, &mut rows, &mut scales));
        (rows, scales)
    }

    fn vectors() -> impl Strategy<Value = Vec<Vec<f32>>> {
        (1_usize..70)
            .prop_flat_map(|dims| proptest::collection::vec(proptest::collection::vec(-1.0_f32..1.0, dims), 2..20))
    }

    proptest! {
        /// Scores are cosines: of the vectors, of their codes, of their signs.
        #[test]
        fn scores_are_cosines(vectors in vectors()) {
            let dims = vectors[0].len();
            for precision in [Precision::Float32, Precision::Int8, Precision::Binary] {
                let (bytes, scales) = stored(&vectors, precision);
                let rows = Rows { precision, dims, vectors: &bytes, scales: &scales };
                prop_assert_eq!(rows.count(), vectors.len());
                let form = |vector: &[f32]| -> Vec<f32> {
                    match precision {
                        Precision::Float32 => vector.to_vec(),
                        Precision::Int8 => int8(vector).into_iter().map(f32::from).collect(),
                        Precision::Binary => vector.iter().map(|&x| if x > 0.0 { 1.0 } else { -1.0 }).collect(),
                    }
                };
                let query = Query::new(&vectors[0], precision);
                for (number, vector) in vectors.iter().enumerate() {
                    let (found, expected) = (rows.score(&query, number), cosine(&form(&vectors[0]), &form(vector)));
                    prop_assert!((found - expected).abs() < 1e-5, "{:?}: {} beside {}", precision, found, expected);
                    // A row and a question are the same to each other as two rows.
                    let between = rows.between(0, number);
                    prop_assert!(between == found && rows.score(&rows.query(0), number) == found, "{}", between);
                }
            }
        }
    }

    #[test]
    fn neither_threads_nor_company_change_an_answer() {
        // Many equal scores, over several blocks.
        let vectors: Vec<Vec<f32>> = (0..3 * BLOCK).map(|i| vec![(i % 7) as f32 - 3.0, 1.0, (i % 3) as f32]).collect();
        for precision in [Precision::Float32, Precision::Int8, Precision::Binary] {
            let (bytes, scales) = stored(&vectors, precision);
            let rows = Rows { precision, dims: 3, vectors: &bytes, scales: &scales };
            let queries: Vec<Query> = vectors[..5].iter().map(|vector| Query::new(vector, precision)).collect();
            let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let all = pool(1).install(|| rows.best(&queries, 0, 20));
            for (i, query) in queries.iter().enumerate() {
                let mut expected: Vec<Ranked> = (0..rows.count())
                    .map(|number| Ranked { score: rows.score(query, number), number: number as u32 })
                    .collect();
                expected.sort_by(|a, b| b.cmp(a));
                assert_eq!(all[i].clone().sorted(), expected[..20]);
                let alone = pool(3).install(|| rows.best(&queries[i..=i], 0, 20));
                assert_eq!(alone[0].clone().sorted(), expected[..20]);
            }
            let tail = rows.best(&queries, 2 * BLOCK + 1, 4000);
            assert!(tail.iter().all(|top| top.clone().sorted().len() == BLOCK - 1));
        }
    }

    #[test]
    fn a_vector_of_nothing_is_near_to_nothing() {
        for precision in [Precision::Float32, Precision::Int8] {
            let (bytes, scales) = stored(&[vec![0.0; 20], vec![1.0; 20]], precision);
            let rows = Rows { precision, dims: 20, vectors: &bytes, scales: &scales };
            assert_eq!(rows.score(&Query::new(&[1.0; 20], precision), 0), 0.0);
            assert_eq!(rows.score(&Query::new(&[0.0; 20], precision), 1), 0.0);
        }
    }
}
