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
mod tests {
    use super::*;

    #[test]
    fn counters_are_added_and_begin_anew() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, energy: u64| {
            let package = folder.path().join(name);
            fs::create_dir_all(&package).unwrap();
            fs::write(package.join("energy_uj"), format!("{energy}\n")).unwrap();
            fs::write(package.join("max_energy_range_uj"), "1000\n").unwrap();
        };
        assert!(Counters::open_in(folder.path()).err().unwrap().to_string().contains("no energy counters"));
        write("intel-rapl:0", 10);
        write("intel-rapl:1", 900);
        write("intel-rapl:0:0", 5);
        let counters = Counters::open_in(folder.path()).unwrap();
        let mut before = counters.read().unwrap();
        before.sort_unstable();
        assert_eq!(before, [10, 900]);
        let before = counters.read().unwrap();
        write("intel-rapl:0", 30);
        write("intel-rapl:1", 100);
        assert_eq!(counters.since(&before).unwrap(), 20 + 200);
        fs::write(folder.path().join("intel-rapl:0/energy_uj"), "many").unwrap();
        assert!(counters.read().is_err());
    }
}
