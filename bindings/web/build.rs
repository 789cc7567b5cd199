//! The constants of energy as an expression of Rust: the module carries no reader of TOML, and none of their sources.

fn main() {
    #[cfg(feature = "cost")]
    {
        let profile = "../../crates/analysis/src/energy/profiles/45nm.toml";
        println!("cargo::rerun-if-changed={profile}");
        let text = std::fs::read_to_string(profile).expect("the profile of the analysis");
        let profile: toml::Table = toml::from_str(&text).expect("a profile in TOML");
        let part = |name: &str, keys: &[&str], optional: &[&str]| {
            let constants = profile[name].as_table().expect("a table of constants");
            if let Some(key) = constants.keys().find(|key| !keys.contains(&&key[..]) && !optional.contains(&&key[..])) {
                panic!("{name} has a constant `{key}` that is not passed on");
            }
            let value = |key: &str| constants.get(key).map(|constant| constant["value"].as_float().expect("a number"));
            let constant = |key: &&str| format!("{key}: constant({:?}), ", value(key).expect("a constant"));
            let one = |key: &&str| format!("{key}: {:?}.map(constant), ", value(key));
            keys.iter().map(constant).chain(optional.iter().map(one)).collect::<String>()
        };
        let compute = part(
            "compute",
            &["fp32_mac", "int8_mac", "fp32_add", "accumulate", "int_accumulate", "neuron_update", "function"],
            &["int8_add", "int16_add", "int32_add"],
        );
        let memory = part("memory", &["weights", "large_weights", "activations", "state"], &[]);
        let expression = format!(
            "Profile {{ name: {:?}.to_owned(), description: String::new(), compute: Compute {{ {compute} }}, memory: Memory {{ {memory} }} }}",
            profile["name"].as_str().expect("a name"),
        );
        let out = std::env::var_os("OUT_DIR").expect("cargo names a folder");
        std::fs::write(std::path::Path::new(&out).join("45nm.rs"), expression).expect("a file of the build");
    }
}
