//! Names the commit that the program is built of, where there is one: `BITSPIKE_COMMIT`, empty outside of a repository.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the folder of the crate");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=BITSPIKE_COMMIT={}", commit(Path::new(&manifest)).unwrap_or_default());
}

/// The commit that is checked out; none outside of a repository, or without git.
fn commit(folder: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // Moves with every commit.
    println!(
        "cargo::rerun-if-changed={}",
        git(&["rev-parse", "--git-path", "logs/HEAD"]).map(|log| folder.join(log))?.display()
    );
    git(&["rev-parse", "--short=12", "HEAD"])
}
