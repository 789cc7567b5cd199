//! Where the hub and its cache are, from the environment variables that the hub's other tools read.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// Everything about the hub that the environment decides.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `HF_ENDPOINT` without a trailing slash, else `https://huggingface.co`.
    pub(super) endpoint: String,
    /// `HF_TOKEN`, else the file that `HF_TOKEN_PATH` names, else `$HF_HOME/token`.
    pub(super) token: Option<String>,
    /// `HF_HUB_CACHE`, else `$HF_HOME/hub`; see the module's page for the rest.
    pub(super) cache: PathBuf,
    /// `HF_HUB_OFFLINE`: never open a connection.
    pub(super) offline: bool,
}

impl Settings {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// If a variable has a value that cannot be used, or no cache folder can be named because there is no home folder.
    pub(crate) fn from_env() -> Result<Self> {
        Self::from_variables(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
    }

    /// The cache's folder.
    pub(crate) fn cache_folder(&self) -> &Path {
        &self.cache
    }

    /// The same, with the variables given by `variable`.
    fn from_variables(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<Self> {
        let text = |name: &str| -> Result<Option<String>> {
            let Some(value) = variable(name) else { return Ok(None) };
            let value = value.to_str().with_context(|| format!("{name} is not valid UTF-8"))?;
            Ok(Some(value.trim().to_owned()))
        };
        let endpoint = text("HF_ENDPOINT")?.unwrap_or_else(|| "https://huggingface.co".into());
        ensure!(
            endpoint.starts_with("https://") || endpoint.starts_with("http://"),
            "HF_ENDPOINT: expected an address such as https://huggingface.co, found `{endpoint}`"
        );
        let offline = match text("HF_HUB_OFFLINE")?.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "0" | "off" | "no" | "false") => false,
            Some("1" | "on" | "yes" | "true") => true,
            Some(other) => bail!("HF_HUB_OFFLINE: expected 1 or 0, found `{other}`"),
        };
        let home = || variable("HOME").or_else(std::env::home_dir);
        let hub_home = variable("HF_HOME")
            .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("huggingface")))
            .or_else(|| Some(home()?.join(".cache").join("huggingface")));
        let cache = variable("HF_HUB_CACHE")
            .or_else(|| Some(hub_home.as_ref()?.join("hub")))
            .context("no folder for the cache: HOME is not set; set HF_HUB_CACHE to a folder that can be written")?;
        let token = match text("HF_TOKEN")? {
            Some(token) => Some(token),
            None => match variable("HF_TOKEN_PATH").or_else(|| Some(hub_home?.join("token"))) {
                // Most users have none; an unreadable one would be as good as none for every public repository.
                Some(path) => std::fs::read_to_string(path).ok().map(|token| token.trim().to_owned()),
                None => None,
            },
        }
        .filter(|token| !token.is_empty());
        if let Some(token) = &token {
            // The value itself stays out of the message: it is a secret.
            ensure!(
                token.bytes().all(|b| b.is_ascii_graphic()),
                "HF_TOKEN holds characters that no token has (a space, a line break?); set it again or unset it"
            );
        }
        Ok(Self { endpoint: endpoint.trim_end_matches('/').to_owned(), token, cache, offline })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings> {
        Settings::from_variables(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| PathBuf::from(v)))
    }

    #[test]
    fn cache_folder_follows_the_documented_order() {
        let mut variables = vec![("HOME", "/h")];
        for (name, value, cache) in [
            ("HOME", "/h", "/h/.cache/huggingface/hub"),
            ("XDG_CACHE_HOME", "/x", "/x/huggingface/hub"),
            ("HF_HOME", "/hf", "/hf/hub"),
            ("HF_HUB_CACHE", "/c", "/c"),
        ] {
            variables.push((name, value));
            let settings = settings(&variables).unwrap();
            assert_eq!(settings.cache, PathBuf::from(cache));
            assert_eq!(settings.endpoint, "https://huggingface.co");
            assert!(!settings.offline);
        }
    }

    #[test]
    fn token_from_the_variable_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "from-file\n").unwrap();
        let home = ("HF_HOME", folder.path().to_str().unwrap());
        assert_eq!(settings(&[home]).unwrap().token.as_deref(), Some("from-file"));
        assert_eq!(settings(&[home, ("HF_TOKEN", " from-variable ")]).unwrap().token.as_deref(), Some("from-variable"));
    }

    #[test]
    fn values_that_cannot_be_used_are_named() {
        for (name, value) in [("HF_ENDPOINT", "huggingface.co"), ("HF_HUB_OFFLINE", "maybe"), ("HF_TOKEN", "a b")] {
            let Err(error) = settings(&[("HOME", "/h"), (name, value)]) else { panic!("{name}={value} was accepted") };
            assert!(error.to_string().contains(name), "{error}");
        }
        let mirror =
            settings(&[("HOME", "/h"), ("HF_ENDPOINT", "http://localhost:8080/hf/"), ("HF_HUB_OFFLINE", "ON")]);
        let mirror = mirror.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((mirror.endpoint.as_str(), mirror.offline), ("http://localhost:8080/hf", true));
    }
}
