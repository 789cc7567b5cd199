//! The quantisers of training and of the engine are written twice, and give the same numbers.

use std::sync::Arc;

use bitspike::quantize::{EmbeddingBits, Granularity, WeightBits};
use bitspike_train::Device;
use bitspike_train::layers::matrix;
use bitspike_train::ops::{Precision, embed, linear};
use burn::tensor::Tensor;
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

const SIZES: [[usize; 2]; 8] = [[1, 1], [1, 7], [3, 5], [16, 16], [33, 17], [64, 129], [2, 1000], [130, 3]];

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().unwrap()
}

/// Weights of every kind: normal ones, ties, zeros, equal ones, very large and very small ones.
fn weights(kind: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let normal = rand_distr::Normal::new(0.0f32, 0.05).unwrap();
    let mut one = || match kind {
        0 => normal.sample(rng),
        1 => f32::from(rng.random_range(-3i8..=3)) * 0.5,
        2 => 0.0,
        3 => 0.25,
        4 => normal.sample(rng) * 1e30,
        5 => normal.sample(rng) * 1e-36,
        _ => normal.sample(rng) + 3.0,
    };
    (0..count).map(|_| one()).collect()
}

#[test]
fn weights_of_training_are_those_of_the_engine() {
    let device = Device::flex();
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for (kind, [rows, columns]) in (0..7).flat_map(|kind| SIZES.map(|size| (kind, size))) {
        let w = weights(kind, rows * columns, &mut rng);
        for bits in [WeightBits::Binary, WeightBits::Ternary] {
            for granularity in [Granularity::Matrix, Granularity::Row] {
                let engine = bits.quantize(&w, [rows, columns], granularity).unwrap().unwrap();
                // One spike at a time brings out one column.
                let one = |k| f32::from(u8::from(k / columns == k % columns));
                let unit = matrix((0..columns * columns).map(one).collect(), [columns, columns], &device);
                let found = linear(
                    unit,
                    Tensor::ones([1, 1], &device),
                    matrix(w.clone(), [rows, columns], &device),
                    Tensor::zeros([1, rows], &device),
                    Precision { bits, granularity },
                );
                let expected = engine.dequantize();
                for (i, found) in values(found).into_iter().enumerate() {
                    let (column, row) = (i / rows, i % rows);
                    let expected = expected[row * columns + column];
                    assert!(
                        found == expected,
                        "{bits} {granularity:?} kind {kind} [{rows}, {columns}] at {row}, {column}: {found} and {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn embeddings_of_training_are_those_of_the_engine() {
    let device = Device::flex();
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for (kind, [rows, columns]) in (0..7).flat_map(|kind| SIZES.map(|size| (kind, size))) {
        let w = weights(kind, rows * columns, &mut rng);
        for bits in [
            EmbeddingBits::Full,
            EmbeddingBits::Eight,
            EmbeddingBits::Four,
            EmbeddingBits::Ternary,
            EmbeddingBits::Binary,
        ] {
            let expected =
                bits.quantize(&w, [rows, columns]).unwrap().map_or_else(|| w.clone(), |table| table.dequantize());
            let tables = [
                matrix(w.clone(), [rows, columns], &device),
                Tensor::zeros([1, columns], &device),
                Tensor::zeros([1, columns], &device),
            ];
            let every: Arc<[u32]> = (0..rows as u32).collect();
            let none: Arc<[u32]> = vec![0; rows].into();
            let found = values(embed(tables, [every, none.clone(), none], bits));
            assert!(found == expected, "{bits} kind {kind} [{rows}, {columns}]");
        }
    }
}
