//! Compiles the smallest shipped model into the program, where `models/` has it, and names the commit, where there is one.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The model that answers where none is named.
const NAME: &str = "sst2-tiny";

fn main() {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the folder of the crate");
    let out = env::var_os("OUT_DIR").expect("cargo names a folder for what is generated");
    let models = Path::new(&manifest).join("../../models");
    let folder = models.join(NAME);
    println!("cargo::rerun-if-changed=build.rs");
    // A watched path that does not exist would count as changed at every build.
    if let Some(watched) = [&folder, &models].into_iter().find(|path| path.is_dir()) {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    let included = |file: &str, how: &str| {
        let path = folder.join(file).canonicalize().ok().filter(|path| path.is_file())?;
        Some(format!("{how}!({:?})", path.to_str().expect("the repository lies at a path in UTF-8")))
    };
    let files = included("model.safetensors", "include_bytes").zip(included("tokenizer.json", "include_bytes"));
    let value = files.map_or_else(
        || "None".to_owned(),
        |(model, tokenizer)| {
            let metrics = included("metrics.json", "include_bytes");
            let metrics = metrics.map_or_else(|| "None".to_owned(), |metrics| format!("Some({metrics})"));
            format!("Some(Builtin {{ name: {NAME:?}, model: {model}, tokenizer: {tokenizer}, metrics: {metrics} }})")
        },
    );
    let text = format!("pub(super) static BUILTIN: Option<Builtin> = {value};\n");
    println!("cargo::rustc-env=BITSPIKE_COMMIT={}", commit(Path::new(&manifest)).unwrap_or_default());
    fs::write(Path::new(&out).join("builtin.rs"), text).expect("write into cargo's folder");
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
