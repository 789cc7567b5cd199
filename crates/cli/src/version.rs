//! What this program is.

use bitspike::kernels::Kernels;

const FEATURES: [(&str, bool); 6] = [
    ("train", cfg!(feature = "train")),
    ("parquet", cfg!(feature = "parquet")),
    ("arrow", cfg!(feature = "arrow")),
    ("download", cfg!(feature = "download")),
    ("serve", cfg!(feature = "serve")),
    ("otel", cfg!(feature = "otel")),
];

/// What made a page or a file: name, version and, where it is known, commit.
pub(crate) fn program() -> String {
    format!("bitspike {}{}", env!("CARGO_PKG_VERSION"), commit())
}

fn commit() -> String {
    let commit = env!("BITSPIKE_COMMIT");
    if commit.is_empty() { String::new() } else { format!(", commit {commit}") }
}

/// What `--version` says behind the name.
pub(crate) fn long() -> String {
    let [with, without] = [true, false].map(|wanted| {
        let names = FEATURES.iter().filter(|(_, on)| *on == wanted).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(", ")
    });
    let without = if without.is_empty() { String::new() } else { format!("\nbuilt without: {without}") };
    let with = if with.is_empty() { String::new() } else { format!("\nbuilt with: {with}") };
    format!("{}{}\nkernels: {}{with}{without}", env!("CARGO_PKG_VERSION"), commit(), Kernels::detect())
}

/// The same in one line.
pub(crate) fn line() -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, kernels {}, {threads} cores", program(), Kernels::detect())
}
