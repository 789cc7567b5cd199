//! Counts from `f32`, in which neurons compute them, to the permuted bytes that [`super::CountMatrix`] reads.

use super::{Kernels, padded};

/// Fills `data` `[tokens, padded(width)]` with the counts `[tokens, width]` as bytes, permuted within groups of 16 columns and 0
/// beyond the last, and `sums` `[tokens]` with the sum of each token's.
///
/// Counts are whole numbers of -127 to 127.
///
/// # Panics
/// If the shapes do not fit.
pub fn pack_counts(kernels: Kernels, counts: &[f32], width: usize, data: &mut [i8], sums: &mut [i32]) {
    assert_eq!((counts.len(), data.len()), (sums.len() * width, sums.len() * padded(width)), "shapes of counts");
    let whole = width / 16 * 16;
    for ((counts, data), sum) in counts.chunks_exact(width).zip(data.chunks_exact_mut(padded(width))).zip(sums) {
        let (counts, rest) = counts.split_at(whole);
        let (data, last) = data.split_at_mut(whole);
        *sum = match kernels {
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512 => super::avx512::pack(counts, data),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2 | Kernels::AvxVnni => super::avx2::pack(counts, data),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kernels::Simd128 | Kernels::RelaxedSimd => super::simd128::pack(counts, data),
            _ => groups(counts, data),
        };
        if !rest.is_empty() {
            last.fill(0);
            for (i, &count) in rest.iter().enumerate() {
                last[4 * (i % 4) + i / 4] = count as i8;
                *sum += count as i32;
            }
        }
    }
}

/// Whole groups of 16.
fn groups(counts: &[f32], data: &mut [i8]) -> i32 {
    let mut sum = 0;
    for (counts, data) in counts.as_chunks::<16>().0.iter().zip(data.as_chunks_mut::<16>().0) {
        for (i, &count) in counts.iter().enumerate() {
            data[4 * (i % 4) + i / 4] = count as i8;
            sum += count as i32;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_packs_alike() {
        for width in [1, 4, 15, 16, 17, 60, 384, 401] {
            for tokens in [0, 1, 3] {
                let counts: Vec<f32> = (0..tokens * width).map(|i| ((i * 37) % 255) as f32 - 127.0).collect();
                for kernels in Kernels::available() {
                    let (mut data, mut sums) = (vec![5; tokens * padded(width)], vec![5; tokens]);
                    pack_counts(kernels, &counts, width, &mut data, &mut sums);
                    for (token, counts) in counts.chunks_exact(width).enumerate() {
                        let row = &data[token * padded(width)..][..padded(width)];
                        for (column, byte) in
                            (0..padded(width)).map(|k| (k, row[k / 16 * 16 + 4 * (k % 4) + k % 16 / 4]))
                        {
                            assert_eq!(
                                f32::from(byte),
                                counts.get(column).copied().unwrap_or(0.0),
                                "{kernels:?} {width}"
                            );
                        }
                        assert_eq!(sums[token] as f32, counts.iter().sum::<f32>(), "{kernels:?} {width}");
                    }
                }
            }
        }
    }
}
