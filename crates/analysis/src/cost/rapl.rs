//! The processor's energy counters (RAPL), as Linux shows them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Where Linux shows them.
const POWERCAP: &str = "/sys/class/powercap";

/// Counters of every package.
pub(super) struct Counters {
    packages: Vec<Package>,
}

struct Package {
    energy: PathBuf,
    /// The counter's largest value, in microjoules, after which it begins anew.
    range: u64,
}

impl Counters {
    /// Finds the counters and sees whether they can be read.
    ///
    /// # Errors
    /// If there are none, or reading them is not allowed.
    pub(super) fn open() -> Result<Self> {
        Self::open_in(Path::new(POWERCAP))
    }

    fn open_in(folder: &Path) -> Result<Self> {
        let mut packages = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            // `intel-rapl:0` is a package (AMD's too), `intel-rapl:0:1` a part of one.
            let package = name.to_str().and_then(|name| name.strip_prefix("intel-rapl:"));
            if package.is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit())) {
                let energy = entry.path().join("energy_uj");
                number(&energy)?;
                packages.push(Package { energy, range: number(&entry.path().join("max_energy_range_uj"))? });
            }
        }
        if packages.is_empty() {
            return Err(Error::NoCounters { folder: folder.into() });
        }
        Ok(Self { packages })
    }

    /// All counters now, in microjoules.
    pub(super) fn read(&self) -> Result<Vec<u64>> {
        self.packages.iter().map(|package| number(&package.energy)).collect()
    }

    /// Microjoules of all packages since `before`.
    pub(super) fn since(&self, before: &[u64]) -> Result<u64> {
        let now = self.read()?;
        let spent = |((&now, &before), package): ((&u64, &u64), &Package)| {
            if now >= before { now - before } else { now + package.range - before }
        };
        Ok(now.iter().zip(before).zip(&self.packages).map(spent).sum())
    }
}

fn number(path: &Path) -> Result<u64> {
    let text = fs::read_to_string(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::PermissionDenied => {
            Error::io("read (it is root's alone on most systems: run as root to have joules)", path, source)
        }
        _ => Error::io("read", path, source),
    })?;
    let found = text.trim();
    found.parse().map_err(|_| Error::unusable(path, format!("expected a number, found `{}`", found.escape_debug())))
}

#[cfg(test)]
mod tests;
