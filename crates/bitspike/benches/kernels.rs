//! Rates of the kernels on one core beside the machine's ceilings: `cargo bench -p bitspike --bench kernels [-- ISA ...]`.
//! Without names, of every instruction set that this machine has.

use bitspike::kernels::{Kernels, measure};

fn main() -> bitspike::Result<()> {
    // Cargo itself adds options.
    let named: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let mut kernels = named.iter().map(|name| name.parse()).collect::<bitspike::Result<Vec<Kernels>>>()?;
    if kernels.is_empty() {
        kernels = Kernels::available();
    }
    for kernels in kernels {
        for line in measure::measure(kernels).lines() {
            println!("{line}");
        }
    }
    Ok(())
}
