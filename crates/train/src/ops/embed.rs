//! Embedding rows, quantised as they are gathered, and the selection of rows.

use std::sync::Arc;

use bitspike::quantize::EmbeddingBits;
use burn::tensor::{Int, Tensor};
use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::lanes::wide;
use super::{Kernel, apply, shape, straight_through, tensor, values};

/// `out[m] = sum over tables t of Q(table_t[index_t[m]])` with each row quantised to `bits` under one scale a row
/// (`docs/model.md`, "Embeddings"); straight-through gradient.
///
/// # Shapes
/// Three tables `[R_t, D]` (word, position, type) with `M` indices each; result `[M, D]`.
///
/// # Panics
/// Panics if an index is out of its table.
pub fn embed(tables: [Tensor<2>; 3], indices: [Arc<[u32]>; 3], bits: EmbeddingBits) -> Tensor<2> {
    apply(Embed { indices, bits }, tables)
}

/// The named rows of `x`, in order.
///
/// # Shapes
/// `x [M, D]`; result `[rows.len(), D]`.
///
/// # Panics
/// Panics if a row is out of range.
pub fn gather_rows(x: Tensor<2>, rows: Arc<[u32]>) -> Tensor<2> {
    apply(GatherRows { rows }, [x])
}

#[derive(Debug)]
pub(super) struct Embed {
    pub(super) indices: [Arc<[u32]>; 3],
    pub(super) bits: EmbeddingBits,
}

impl Kernel<3> for Embed {
    type Saved = [[usize; 2]; 3];

    fn forward(&self, tables: [FlexTensor; 3]) -> (FlexTensor, Self::Saved) {
        let width = shape(&tables[0])[1];
        let mut out = vec![0.0; self.indices[0].len() * width];
        out.par_chunks_mut(width).enumerate().for_each(|(m, out)| {
            wide(
                #[inline(always)]
                || {
                    for (table, indices) in tables.iter().zip(&self.indices) {
                        add_quantised(&values(table)[indices[m] as usize * width..][..width], self.bits, out);
                    }
                },
            );
        });
        (tensor(out, [self.indices[0].len(), width]), tables.each_ref().map(shape))
    }

    fn backward(&self, shapes: Self::Saved, grad: FlexTensor, needs: [bool; 3]) -> [Option<FlexTensor>; 3] {
        std::array::from_fn(|t| needs[t].then(|| scatter_rows(&grad, &self.indices[t], shapes[t])))
    }

    fn compose(&self, tables: [Tensor<2>; 3]) -> Tensor<2> {
        let rows = tables.into_iter().zip(&self.indices).map(|(table, indices)| {
            let device = table.device().inner();
            let indices = indices.iter().map(|&i| i as i32).collect::<Vec<_>>();
            composed_quantiser(table, self.bits).select(0, Tensor::<1, Int>::from_data(indices.as_slice(), &device))
        });
        rows.reduce(|sum, rows| sum + rows).expect("three tables")
    }
}

/// Adds the quantised `row` to `out`; the twin of [`bitspike::quantize`] for embedding rows.
#[inline(always)]
fn add_quantised(row: &[f32], bits: EmbeddingBits, out: &mut [f32]) {
    let mean = |f: &dyn Fn(f64) -> f64| row.iter().map(|&x| f(f64::from(x))).sum::<f64>() / row.len() as f64;
    match bits {
        EmbeddingBits::Full => out.iter_mut().zip(row).for_each(|(out, &x)| *out += x),
        EmbeddingBits::Eight | EmbeddingBits::Four => {
            let top = if bits == EmbeddingBits::Eight { 127.0 } else { 7.0 };
            let scale = row.iter().fold(0.0f32, |max, x| max.max(x.abs())) / top;
            if scale > 0.0 {
                out.iter_mut().zip(row).for_each(|(out, &x)| *out += (x / scale).round().clamp(-top, top) * scale);
            }
        }
        EmbeddingBits::Ternary => {
            let scale = mean(&f64::abs) as f32;
            if scale > 0.0 {
                out.iter_mut().zip(row).for_each(|(out, &x)| *out += (x / scale).round().clamp(-1.0, 1.0) * scale);
            }
        }
        EmbeddingBits::Binary => {
            let centre = mean(&|x| x) as f32;
            let scale = mean(&|x| (x - f64::from(centre)).abs()) as f32;
            out.iter_mut().zip(row).for_each(|(out, &x)| *out += if x - centre >= 0.0 { scale } else { -scale });
        }
    }
}

/// `result[indices[m]] += grad[m]`.
fn scatter_rows(grad: &FlexTensor, indices: &[u32], [rows, width]: [usize; 2]) -> FlexTensor {
    let mut out = vec![0.0; rows * width];
    for (&index, grad) in indices.iter().zip(values(grad).chunks_exact(width)) {
        let row = &mut out[index as usize * width..][..width];
        row.iter_mut().zip(grad).for_each(|(row, &grad)| *row += grad);
    }
    tensor(out, [rows, width])
}

fn composed_quantiser(table: Tensor<2>, bits: EmbeddingBits) -> Tensor<2> {
    let latent = table.clone().detach();
    let symmetric = |scale: Tensor<2>, top: f32| {
        let safe = scale.clone().clamp_min(f32::MIN_POSITIVE);
        (latent.clone() / safe).round().clamp(-top, top) * scale
    };
    let quantised = match bits {
        EmbeddingBits::Full => return table,
        EmbeddingBits::Eight => symmetric(latent.clone().abs().max_dim(1) / 127.0, 127.0),
        EmbeddingBits::Four => symmetric(latent.clone().abs().max_dim(1) / 7.0, 7.0),
        EmbeddingBits::Ternary => symmetric(latent.clone().abs().mean_dim(1), 1.0),
        EmbeddingBits::Binary => {
            let centred = latent.clone() - latent.clone().mean_dim(1);
            let scale = centred.clone().abs().mean_dim(1);
            (centred.greater_equal_elem(0.0).float() * 2.0 - 1.0) * scale
        }
    };
    straight_through(quantised, table)
}

#[derive(Debug)]
pub(super) struct GatherRows {
    pub(super) rows: Arc<[u32]>,
}

impl Kernel<1> for GatherRows {
    type Saved = [usize; 2];

    fn forward(&self, [x]: [FlexTensor; 1]) -> (FlexTensor, Self::Saved) {
        let size = shape(&x);
        let out: Vec<f32> =
            self.rows.iter().flat_map(|&row| &values(&x)[row as usize * size[1]..][..size[1]]).copied().collect();
        (tensor(out, [self.rows.len(), size[1]]), size)
    }

    fn backward(&self, size: Self::Saved, grad: FlexTensor, _needs: [bool; 1]) -> [Option<FlexTensor>; 1] {
        [Some(scatter_rows(&grad, &self.rows, size))]
    }

    fn compose(&self, [x]: [Tensor<2>; 1]) -> Tensor<2> {
        let device = x.device().inner();
        let rows = self.rows.iter().map(|&i| i as i32).collect::<Vec<_>>();
        x.select(0, Tensor::<1, Int>::from_data(rows.as_slice(), &device))
    }
}
