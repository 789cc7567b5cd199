//! The constants of energy as JSON: the module reads requests as JSON anyway, and carries no reader of TOML.

use std::path::Path;
use std::{env, fs};

fn main() {
    let profile = "../../crates/analysis/src/energy/profiles/45nm.toml";
    println!("cargo::rerun-if-changed={profile}");
    let text = fs::read_to_string(profile).expect("the profile of the analysis");
    let value: toml::Value = toml::from_str(&text).expect("a profile in TOML");
    let json = serde_json::to_string(&value).expect("a table");
    let out = env::var_os("OUT_DIR").expect("cargo names a folder");
    fs::write(Path::new(&out).join("45nm.json"), json).expect("a file in the folder of the build");
}
