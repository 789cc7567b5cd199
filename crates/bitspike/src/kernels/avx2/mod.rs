//! 256-bit kernels, with the byte products of AVX-VNNI or without.

mod columns;
mod counts;

pub(super) use columns::columns;
pub(super) use counts::{CHAINS, TOKENS, pack, peak, peak_vnni, tile, tile_vnni};
