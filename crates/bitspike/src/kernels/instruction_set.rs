//! The instruction sets that kernels are written for.

use std::str::FromStr;

use crate::error::{Error, Result};

/// Which instruction set the products use. One without a special form of some kernel uses the portable one. Every product panics
/// on one whose instructions the machine lacks ([`Kernels::is_available`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Kernels {
    /// Plain Rust, on every machine.
    Scalar,
    /// 256-bit vectors.
    Avx2,
    /// 256-bit vectors with byte products (AVX-VNNI).
    AvxVnni,
    /// 512-bit vectors with byte products (AVX-512 VNNI), and population counts where the machine has them (VPOPCNTDQ).
    Avx512,
    /// 128-bit vectors of 64-bit ARM, with byte products (dotprod) where the machine has them.
    Neon,
    /// 128-bit vectors of WebAssembly.
    Simd128,
    /// 128-bit vectors of WebAssembly with the byte products of relaxed SIMD, where the host computes them as the kernels need it.
    #[strum(serialize = "relaxed-simd")]
    RelaxedSimd,
}

impl Kernels {
    /// All of them, best last.
    pub const ALL: [Self; 7] =
        [Self::Scalar, Self::Neon, Self::Simd128, Self::RelaxedSimd, Self::Avx2, Self::AvxVnni, Self::Avx512];

    /// The best of this machine.
    pub fn detect() -> Self {
        Self::ALL.into_iter().rev().find(|kernels| kernels.is_available()).unwrap_or(Self::Scalar)
    }

    /// All that this machine can run, best last.
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|kernels| kernels.is_available()).collect()
    }

    /// Whether this machine can run them.
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            _ if cfg!(any(bitspike_scalar, miri)) => false,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("avxvnni"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => true,
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Self::RelaxedSimd => super::simd128::is_exact(),
            #[allow(unreachable_patterns, reason = "which of them are left depends on the architecture")]
            _ => false,
        }
    }

    /// Whether this machine counts bits in vectors of 512.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn counts_bits() -> bool {
        Self::Avx512.is_available() && is_x86_feature_detected!("avx512vpopcntdq")
    }

    /// These kernels, if this machine can run them.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it cannot; the message lists those that it can.
    pub fn check(self) -> Result<Self> {
        let refused = || Self::refused(format!("`{self}`, which this machine lacks"));
        if self.is_available() { Ok(self) } else { Err(refused()) }
    }

    fn refused(found: String) -> Error {
        let usable: Vec<&str> = Self::available().into_iter().map(Self::name).collect();
        Error::invalid("instruction set", format!("one of {}", usable.join(", ")), found)
    }

    /// Whether a step in which the share `rate` of inputs spikes is faster as events than as bits: the rates at which products
    /// of 384 to 3,072 rows and columns took equal time on a Zen 5 core. With 512 bits they crossed at 0.24 to 0.4 for 25 tokens
    /// and later for one; with 256 bits, which have no population count, at 0.65 and above; in plain Rust at 0.07 to 0.27.
    pub fn prefers_events(self, rate: f64) -> bool {
        rate < match self {
            Self::Avx512 => 0.28,
            Self::Avx2 | Self::AvxVnni => 0.6,
            Self::Scalar | Self::Neon => 0.1,
            Self::Simd128 | Self::RelaxedSimd => 0.6,
        }
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl FromStr for Kernels {
    type Err = Error;

    /// The kernels of that name.
    ///
    /// # Errors
    /// If there are none, or this machine cannot run them; the message lists those that it can.
    fn from_str(name: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|kernels| kernels.name() == name) {
            Some(kernels) => kernels.check(),
            None => Err(Self::refused(format!("`{name}`"))),
        }
    }
}
