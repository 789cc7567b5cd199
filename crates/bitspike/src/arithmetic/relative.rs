//! Biases of attention scores by the distance of key from query, as MPNet and T5 have them.

use super::lanes::LANES;

/// Distances from here on share the last bucket of their side.
const MAX_DISTANCE: usize = 128;

/// Buckets of distances: half of them for keys at and before the query, half for those behind it.
pub const RELATIVE_BUCKETS: usize = 32;

/// Buckets of one side.
const SIDE: usize = RELATIVE_BUCKETS / 2;

/// Distances below this have a bucket each.
const EXACT: usize = SIDE / 2;

/// The bucket of the distance `key - query`, in `0..`[`RELATIVE_BUCKETS`]: a bucket each for distances below 8, from there on buckets
/// that grow by the square root of 2, and one for all from 91 (`MPNetEncoder.relative_position_bucket` of transformers 5.24, whose
/// logarithms of f32 decide where a bucket ends; the test has them all).
///
/// ```
/// use bitspike::arithmetic::relative_bucket;
/// assert_eq!([0, -1, -7, -8, -200].map(relative_bucket), [0, 1, 7, 8, 15]);
/// assert_eq!([1, 7, 8, 200].map(relative_bucket), [17, 23, 24, 31]);
/// ```
pub fn relative_bucket(distance: isize) -> usize {
    /// Where the buckets 9 to 15 begin.
    const BEGINS: [usize; SIDE - EXACT - 1] = [12, 16, 23, 32, 46, 64, 91];
    let side = if distance > 0 { SIDE } else { 0 };
    let distance = distance.unsigned_abs().min(MAX_DISTANCE);
    let bucket = if distance < EXACT { distance } else { EXACT + BEGINS.iter().filter(|&&at| at <= distance).count() };
    side + bucket
}

/// The bias of every head at every distance that a text can have.
#[derive(Debug, Clone, PartialEq)]
pub struct RelativeBias {
    /// `[heads, stride]`: the distances `1 - positions` to `positions - 1`, and what a vector of the last row reads beyond.
    values: Vec<f32>,
    positions: usize,
    stride: usize,
}

impl RelativeBias {
    /// Of a table `[32, heads]` and texts of at most `positions` tokens.
    ///
    /// # Panics
    /// If the table is not of that shape, or `positions` is 0.
    pub fn new(table: &[f32], heads: usize, positions: usize) -> Self {
        assert!(table.len() == RELATIVE_BUCKETS * heads && positions > 0, "a row of biases a bucket");
        let stride = 2 * positions - 1 + LANES;
        let mut values = vec![0.0; heads * stride];
        for (head, row) in values.chunks_exact_mut(stride).enumerate() {
            for (at, value) in row[..2 * positions - 1].iter_mut().enumerate() {
                *value = table[relative_bucket(at as isize + 1 - positions as isize) * heads + head];
            }
        }
        Self { values, positions, stride }
    }

    /// The biases of the keys `0..length` for query `query`, and after them whatever fills the last vector.
    ///
    /// # Panics
    /// If there is no such head, or the text is longer than the positions.
    #[inline(always)]
    pub fn row(&self, head: usize, query: usize, length: usize) -> &[f32] {
        assert!(query < self.positions && length <= self.positions, "within the positions");
        let first = head * self.stride + self.positions - 1 - query;
        &self.values[first..first + length.next_multiple_of(LANES)]
    }
}

/// Which biases the scores of some heads and queries get.
#[derive(Debug, Clone, Copy)]
pub struct Relative<'a> {
    /// Those of all heads.
    pub bias: &'a RelativeBias,
    /// The first of the heads.
    pub head: usize,
    /// Place of the first query in its text.
    pub query: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_table_by_distance() {
        let (heads, positions) = (3, 300);
        let table: Vec<f32> = (0..RELATIVE_BUCKETS * heads).map(|i| i as f32).collect();
        let bias = RelativeBias::new(&table, heads, positions);
        for (head, query, length) in [(0, 0, 1), (1, 0, 300), (2, 299, 300), (2, 150, 200), (0, 7, 9)] {
            let row = bias.row(head, query, length);
            assert_eq!(row.len() % LANES, 0);
            for (key, &value) in row[..length].iter().enumerate() {
                let bucket = relative_bucket(key as isize - query as isize);
                assert_eq!(value, (bucket * heads + head) as f32, "{head} {query} {key}");
            }
        }
    }
}
