//! The constants of energy as JSON: the module reads requests as JSON anyway, and carries no reader of TOML.

fn main() {
    #[cfg(feature = "cost")]
    {
        let profile = "../../crates/analysis/src/energy/profiles/45nm.toml";
        println!("cargo::rerun-if-changed={profile}");
        let text = std::fs::read_to_string(profile).expect("the profile of the analysis");
        let value: toml::Value = toml::from_str(&text).expect("a profile in TOML");
        let out = std::env::var_os("OUT_DIR").expect("cargo names a folder");
        std::fs::write(std::path::Path::new(&out).join("45nm.json"), json(&value)).expect("a file of the build");
    }
}

/// A table of tables, numbers and plain text.
#[cfg(feature = "cost")]
fn json(value: &toml::Value) -> String {
    match value {
        toml::Value::Table(table) => {
            let entries: Vec<String> = table.iter().map(|(key, value)| format!("{key:?}:{}", json(value))).collect();
            format!("{{{}}}", entries.join(","))
        }
        toml::Value::String(text) => format!("{text:?}"),
        number => number.to_string(),
    }
}
